"""The command that draws pictures from random numbers alone."""

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
    metavar="OUT",
    help="A picture for a sheet, or a folder for a file of each.",
)
@click.option(
    "-n", "--count", type=int, show_default="16, or 8 for each of several settings", help="Samples."
)
@options.control("A control of the method: label=3.")
@click.option("--seed", type=int, show_default="0", help="Of the random numbers; the same as -c seed=0.")
@options.device
@click.pass_context
def sample(
    ctx: click.Context,
    run: str,
    out: Path,
    count: int | None,
    controls: tuple[str, ...],
    seed: int | None,
    device: str,
) -> None:
    """Draw pictures from random numbers alone.

    For methods that need no input.

    RUN is a run folder, RUN@best, RUN@4000, or a checkpoint folder. Sample number k depends on the seed and on k alone.
    """
    from i2i.run.translation import samples_shown
    from i2i.translate.loading import load

    values = asked(controls, seed, example="-c label=3")
    samples_shown(load(run, registry=registry_of(ctx), device=device), count, out, values)
