"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

Option = Callable[[Callable[..., None]], Callable[..., None]]

spec: Option = click.argument("spec", type=click.Path(path_type=Path))
settings: Option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a key of the spec, train.steps=1000 for example.",
)
device: Option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps."
)


def control(help: str) -> Option:
    """`-c KEY=VALUE`, as often as there are controls."""
    return click.option("-c", "--control", "controls", multiple=True, metavar="KEY=VALUE", help=help)
