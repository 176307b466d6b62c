"""Commands that train, and the one that only looks."""

from __future__ import annotations

from pathlib import Path

import click

from i2i.cli import options
from i2i.cli.main import registry_of


@click.command()
@options.spec
@options.settings
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="The run folder; runs/<spec name> otherwise.",
)
@click.pass_context
def run(ctx: click.Context, spec: Path, settings: tuple[str, ...], out: Path | None) -> None:
    """Train what a spec describes."""
    from i2i.run.run import build

    build(spec, registry=registry_of(ctx), out=out, settings=settings).train(progress=True)


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@options.settings
@click.pass_context
def resume(ctx: click.Context, run: Path, settings: tuple[str, ...]) -> None:
    """Continue a run from its newest checkpoint."""
    from i2i.run.run import Run

    Run.open(run, registry=registry_of(ctx), settings=settings).train(progress=True)


@click.command()
@options.spec
@options.settings
@click.option("--fast", is_flag=True, help="Read an even sample of the data.")
@click.pass_context
def check(ctx: click.Context, spec: Path, settings: tuple[str, ...], fast: bool) -> None:
    """Check a spec and its data, and print the plan; trains nothing."""
    from i2i.run.checked import in_words, reading
    from i2i.run.checking import check

    with reading() as progress:
        checked = check(spec, registry=registry_of(ctx), settings=settings, fast=fast, progress=progress)
    click.echo(in_words(checked))
    ctx.exit(checked.inspection.failed)
