"""The command that measures how fast a spec trains."""

from __future__ import annotations

from pathlib import Path

import click

from i2i.cli import options
from i2i.cli.main import registry_of


@click.command()
@options.spec
@options.settings
@click.option(
    "--json", "out", type=click.Path(path_type=Path), metavar="FILE", help="Write the figures as JSON too."
)
@click.pass_context
def bench(ctx: click.Context, spec: Path, settings: tuple[str, ...], out: Path | None) -> None:
    """Measure how fast a spec trains in each setting, and name the fastest safe one.

    Takes a few steps on the spec's own data, in turns with the setting that the spec has, and writes no run folder.
    Safe is what changes the results by no more than rounding. Compiling takes minutes.
    """
    from i2i.speed import words
    from i2i.speed.bench import bench as measured

    with words.measuring() as progress:
        found = measured(spec, registry=registry_of(ctx), settings=settings, progress=progress)
    click.echo(words.in_words(found))
    if out is not None:
        words.write(found, out)
