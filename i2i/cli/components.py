"""Commands about what is installed."""

from __future__ import annotations

from pathlib import Path

import click

from i2i.cli.main import registry_of


@click.command()
@click.pass_context
def plugins(ctx: click.Context) -> None:
    """List the plug-ins that are installed, and what is wrong with broken ones."""
    from i2i.spec.catalogue import plugin_table
    from i2i.spec.plugins import discover

    files: tuple[Path, ...] = ctx.find_root().obj or ()
    click.echo(plugin_table(discover(files)))


@click.command("list")
@click.argument("kind", required=False)
@click.pass_context
def list_(ctx: click.Context, kind: str | None) -> None:
    """List the components that specs can name."""
    from i2i.spec.catalogue import component_table

    click.echo(component_table(registry_of(ctx), kind))


@click.command()
@click.argument("kind")
@click.argument("name")
@click.pass_context
def show(ctx: click.Context, kind: str, name: str) -> None:
    """Show a component: its options, its facts, and where it lives."""
    from i2i.spec.catalogue import component_page

    click.echo(component_page(registry_of(ctx), kind, name))
