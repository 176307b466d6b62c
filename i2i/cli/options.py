"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable

import click

Option = Callable[[Callable[..., None]], Callable[..., None]]

device: Option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps."
)


def control(help: str) -> Option:
    """`-c KEY=VALUE`, as often as there are controls."""
    return click.option("-c", "--control", "controls", multiple=True, metavar="KEY=VALUE", help=help)
