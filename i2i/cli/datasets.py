"""Commands about data sets."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--layout",
    type=click.Choice(["paired", "unpaired", "domains", "masks", "images"]),
    default="unpaired",
    show_default=True,
    help="What kind of data set.",
)
@click.option("--count", default=200, show_default=True, help="Training pictures.")
@click.option("--size", default=128, show_default=True, help="Pixels a side.")
@click.option("--seed", default=0, show_default=True, help="Another seed draws another set.")
def demo_data(folder: Path, layout: str, count: int, size: int, seed: int) -> None:
    """Draw a small data set with known truth."""
    from i2i.data import write_demo

    write_demo(folder, layout, count=count, size=size, seed=seed)
    click.echo(f"{count} training pictures, layout {layout}: {folder}")
