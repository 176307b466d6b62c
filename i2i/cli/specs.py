"""Commands about specs."""

from __future__ import annotations

import json

import click

from i2i.cli.main import registry_of


@click.command()
@click.argument("strategy")
@click.option("--demo", is_flag=True, help="On the demo set, small enough for a few minutes on a laptop.")
@click.pass_context
def new(ctx: click.Context, strategy: str, demo: bool) -> None:
    """Print a complete, commented spec of a method."""
    from i2i.spec.new import new_spec

    click.echo(new_spec(strategy, registry_of(ctx), demo=demo), nl=False)


@click.command()
@click.pass_context
def schema(ctx: click.Context) -> None:
    """Print the JSON schema of specs, for editors."""
    from i2i.spec.schema import schema as json_schema

    click.echo(json.dumps(json_schema(registry=registry_of(ctx)), indent=2))
