"""The options of tar shards, with their limits and help."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from i2i.data.preprocess import settle_sizes
from i2i.data.stored import told

Layout = Annotated[
    Literal["paired", "unpaired", "images", "domains"], Field(description="what the members of a sample are")
]
Pattern = Annotated[str, Field(min_length=1)]
Sides = Annotated[dict[Literal["a", "b"], Pattern], Field(min_length=2)]
Patterns = Annotated[
    Pattern | Sides,
    Field(
        description="shards to train on, counted in braces: train-{000000..000127}.tar; unpaired, a table of a and b"
    ),
]
TestPatterns = Annotated[
    Pattern | Sides | None, Field(description="shards to look at and to judge by; none by default")
]
Folder = Annotated[Path, Field(description="folder that local shards count from, relative to the spec")]
LoadSize = Annotated[
    Annotated[int, Field(ge=1)] | Literal["auto"],
    Field(description='side that pictures are resized to before the random crop; "auto" as without shards'),
]
Flip = Annotated[
    bool | None, Field(description="mirror half of the pictures; by default all layouts but images do")
]
Direction = Annotated[
    Literal["a-to-b", "b-to-a"], Field(description="paired: what the network translates into what")
]
Member = Annotated[
    str,
    Field(pattern=r"^[^./\\\\]+$", description="paired: between key and ending of this domain, KEY.a.jpg"),
]
Attributes = Annotated[
    Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)] | None,
    Field(description="domains: the attributes of KEY.json to use, in this order; by default all"),
]
Exclusive = Annotated[
    tuple[Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=2)], ...],
    Field(description="domains: groups of attributes of which a picture has one at a time"),
]
Window = Annotated[int, Field(ge=1, description="shards whose samples are mixed with each other in an epoch")]

ALONE: Mapping[str, tuple[Layout, object]] = MappingProxyType(
    {
        "a": ("paired", "a"),
        "b": ("paired", "b"),
        "direction": ("paired", "a-to-b"),
        "attributes": ("domains", None),
        "exclusive": ("domains", ()),
    }
)
"""Options of one layout only, with their defaults."""


def settle_shards(options: Mapping[str, Any], image_size: int) -> dict[str, Any]:
    """The options with the sizes and the mirroring that the layout has by default.

    Raises:
        ValueError: options that contradict each other, or that the layout would ignore.
    """
    layout = options.get("layout", "paired")
    for name, (only, default) in ALONE.items():
        if layout != only and options.get(name) not in (None, default):
            raise ValueError(f"{name}: the layout '{layout}' has no use for it; leave it out")
    if layout == "paired" and options.get("a", "a") == options.get("b", "b"):
        raise ValueError("b: a and b are called alike; give each domain its own name")
    for name in ("train", "test"):
        _check_patterns(name, options.get(name), layout)
    two = layout in ("paired", "unpaired")
    told(options, ("a", "b") if two else ("",))
    size = options.get("size", image_size)
    if options.get("load_size", "auto") == "auto" and not two:
        options = {**options, "load_size": size}
    flip = options.get("flip")
    return {**settle_sizes(options, image_size), "flip": layout != "images" if flip is None else flip}


def _check_patterns(name: str, patterns: object, layout: str) -> None:
    if patterns is None:
        return
    if layout == "unpaired" and isinstance(patterns, str):
        raise ValueError(
            f'{name}: unpaired domains have shards of their own: {name} = {{ a = "…", b = "…" }}'
        )
    if layout != "unpaired" and not isinstance(patterns, str):
        raise ValueError(f'{name}: of the layout "{layout}" all is in the same shards; give one pattern')
