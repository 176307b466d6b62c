"""The command that writes trained models for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from i2i.cli import options
from i2i.cli.main import registry_of
from i2i.cli.translating import asked


@click.command()
@click.argument("run")
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="model.onnx, model.pt2, or model.safetensors for i2i alone.",
)
@options.control("A control of the method, fixed in the file: domain=red.")
@click.option("--pixels", is_flag=True, help="Pictures go in and out as 0 to 255, rounded; else in [-1, 1].")
@click.option(
    "--dropout", is_flag=True, help="Dropout that is active in i2i translate takes its numbers as inputs."
)
@click.option("--force", is_flag=True, help="Write the file even if its results differ by more than 1e-3.")
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="auto, cpu, cuda, cuda:1, mps; a .pt2 runs where it was made.",
)
@click.pass_context
def export(
    ctx: click.Context,
    run: str,
    out: Path,
    controls: tuple[str, ...],
    pixels: bool,
    dropout: bool,
    force: bool,
    device: str,
) -> None:
    """Write a trained model as a file for other programs.

    RUN is a run folder, RUN@best, RUN@4000, a checkpoint folder, a packed model, or hf://OWNER/NAME. What the file
    computes is compared with the model before it is written; random numbers are inputs.
    """
    from i2i.translate.exporting.export import export as write
    from i2i.translate.exporting.export import kind_of
    from i2i.translate.loading import load

    kind_of(out)
    values = asked(controls, None, example="-c domain=red")
    model = load(run, registry=registry_of(ctx), device=device)
    click.echo(f"exporting {out.name} …", err=True)
    click.echo(write(model, out, values, pixels=pixels, dropout=dropout, force=force).summary())
