"""Commands that use a trained model."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import click

from i2i.cli import options
from i2i.cli.main import registry_of


@click.command()
@click.argument("run")
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IN...")
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), metavar="OUT", help="A folder, or a file."
)
@options.control("A control of the method: back=true.")
@click.option(
    "--seed", type=int, show_default="0", help="Of methods that draw random numbers; the same as -c seed=0."
)
@click.option("--grid", is_flag=True, help="One labelled picture: inputs beside their results.")
@click.option(
    "--batch", type=int, show_default="what is fast", help="Pictures of one size at a time; -c batch=N."
)
@click.option("--tile", metavar="N|auto", help="Large pictures in overlapping tiles of N pixels; -c tile=N.")
@click.option(
    "--type",
    "kind",
    default="",
    metavar="KIND",
    help="png, jpg, tif, ...: of results; by default the input's.",
)
@options.device
@click.option(
    "--precision", default="auto", show_default=True, help="fp32, bf16; auto: bf16 where it is native."
)
@click.option("--compile", "compiled", is_flag=True, help="Compile the networks: slow at first, then faster.")
@click.pass_context
def translate(
    ctx: click.Context,
    run: str,
    inputs: tuple[Path, ...],
    out: Path,
    controls: tuple[str, ...],
    seed: int | None,
    grid: bool,
    batch: int | None,
    tile: str | None,
    kind: str,
    device: str,
    precision: str,
    compiled: bool,
) -> None:
    """Translate pictures with a trained model.

    RUN is a run folder, RUN@best, RUN@4000, a checkpoint folder, a packed .safetensors, or hf://OWNER/NAME. Inputs are
    pictures, videos, folders, patterns ("photos/**/*.jpg", quoted), and - for a list of paths on the standard input;
    names and folders are kept. The same command goes on where it was stopped.

    Every method takes the controls samples=N (so many results of each picture), seed=N, sync=true (the same random
    numbers for every picture), bits=8|16|32 (of results) and value_range=[black,white].
    """
    from i2i.run.translation import grid_shown, translate_shown
    from i2i.translate.loading import load

    values = asked(controls, seed, "-c back=true", {"batch": batch, "tile": tile})
    model = load(run, registry=registry_of(ctx), device=device, precision=precision, compile=compiled)
    sys.exit((grid_shown if grid else translate_shown)(model, inputs, out, values, kind))


def asked(
    controls: tuple[str, ...],
    seed: int | None,
    example: str,
    flags: Mapping[str, object] = MappingProxyType({}),
) -> dict[str, object]:
    """The controls of a command line by name, the seed and others that have a flag of their own among them.

    Raises:
        I2IError: a control is given twice or is no KEY=VALUE, or its flag says something else.
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
    given: dict[str, object] = {}
    flags = {"seed": seed, **flags}
    override(given, [f"{name}={flag}" for name, flag in flags.items() if flag is not None], example=example)
    for name, flag in given.items():
        if values.setdefault(name, flag) != flag:
            raise I2IError(f"--{name} {flag} and -c {name}={values[name]} are two {name}s; give one of them")
    return values
