"""Commands that write plug-ins."""

from __future__ import annotations

from pathlib import Path

import click

from i2i.cli.main import registry_of

KINDS = ("loss", "generator", "strategy", "data", "metric", "logger", "importer")


@click.group()
def plugin() -> None:
    """Write a plug-in of your own: i2i plugin new NAME."""


@plugin.command("new")
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(KINDS), default="loss", show_default=True, help="What the plug-in holds."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder to write; by default i2i-NAME, here.",
)
@click.pass_context
def new(ctx: click.Context, name: str, kind: str, out: Path | None) -> None:
    """Write a package with one component, a test and a README; nothing is overwritten."""
    from i2i.scaffold import new_plugin

    click.echo(new_plugin(name, kind, registry_of(ctx), out).summary())
