"""The command that writes reports."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The page; by default report.html in the run folder, or of several runs in this folder.",
)
def report(runs: tuple[str, ...], out: Path | None) -> None:
    """Show what runs did: one page with curves and pictures, which opens without a network.

    RUN is a run folder, in whatever state the training is. Several are shown side by side, with what differs in their
    specs.
    """
    from i2i.report import report as write

    click.echo(write(runs, out))
