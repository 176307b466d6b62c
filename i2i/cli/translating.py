"""Commands that use a trained model."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click

from i2i.cli.main import registry_of


@click.command()
@click.argument("run")
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IN...")
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), metavar="OUT", help="A folder, or a file."
)
@click.option(
    "-c",
    "--control",
    "controls",
    multiple=True,
    metavar="KEY=VALUE",
    help="A control of the method: back=true.",
)
@click.option(
    "--seed", type=int, show_default="0", help="Of methods that draw random numbers; the same as -c seed=0."
)
@click.option("--grid", is_flag=True, help="One labelled picture: inputs beside their results.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@click.pass_context
def translate(
    ctx: click.Context,
    run: str,
    inputs: tuple[Path, ...],
    out: Path,
    controls: tuple[str, ...],
    seed: int | None,
    grid: bool,
    device: str,
) -> None:
    """Translate pictures with a trained model.

    RUN is a run folder, RUN@best, RUN@4000, or a checkpoint folder. Inputs are files and folders; names and folders
    are kept. Every method takes the controls samples=N (so many results of each picture), seed=N and sync=true (the
    same random numbers for every picture).
    """
    from i2i.run.translation import grid_shown, translate_shown
    from i2i.translate.loading import load

    values = asked(controls, seed, example="-c back=true")
    model = load(run, registry=registry_of(ctx), device=device)
    sys.exit((grid_shown if grid else translate_shown)(model, inputs, out, values))


def asked(controls: tuple[str, ...], seed: int | None, example: str) -> dict[str, object]:
    """The controls of a command line by name, the seed among them.

    Raises:
        I2IError: a control is given twice or is no KEY=VALUE, or there are two seeds.
    """
    from i2i.core.errors import I2IError
    from i2i.spec.spec import override

    for key, times in Counter(control.partition("=")[0].strip() for control in controls).items():
        if times > 1:
            raise I2IError(
                f"-c {key}: this control is given {times} times; give one of them, or a list: {key}=[…]"
            )
    values: dict[str, object] = {}
    override(values, controls, example=example)
    if seed is not None and values.setdefault("seed", seed) != seed:
        raise I2IError(f"--seed {seed} and -c seed={values['seed']} are two seeds; give one of them")
    return values
