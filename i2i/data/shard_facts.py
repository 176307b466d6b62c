"""What shards tell the networks about their pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from i2i.core.data import DataFacts
from i2i.data.shard_labels import ShardLabels
from i2i.data.shard_options import Layout
from i2i.data.stored import Stored

DOMAINS = ("a", "b")
FIELDS: Mapping[Layout, tuple[str, ...]] = MappingProxyType(
    {"paired": DOMAINS, "unpaired": DOMAINS, "images": ("image",), "domains": ("image",)}
)
"""The pictures of a sample."""


def described(layout: Layout, size: int, stored: Mapping[str, Stored], labels: ShardLabels) -> DataFacts:
    """The facts of a data set; `stored` says how the pictures of each field are."""
    plain = DataFacts(
        fields=FIELDS[layout],
        image_size=size,
        channels={field: each.channels for field, each in stored.items()},
        value_range={field: each.value_range for field, each in stored.items()},
        stored={field: each.dtype for field, each in stored.items()},
        truth={"a": "b", "b": "a"} if layout == "paired" else {},
    )
    names = labels.names
    if layout == "domains":
        vectors = dict.fromkeys(("domain", "target"), len(names))
        fields = ("image", "domain", "target")
        return replace(plain, fields=fields, vectors=vectors, domains=names, exclusive=labels.exclusive)
    if names:
        return replace(plain, fields=("image", "label"), labels={"label": len(names)}, classes=names)
    return plain


def of_one_field(facts: DataFacts, field: str) -> DataFacts:
    """The facts of one of the domains."""
    channels, value_range = {field: facts.channels[field]}, {field: facts.value_range[field]}
    stored = {field: facts.stored[field]}
    return replace(facts, fields=(field,), channels=channels, value_range=value_range, stored=stored)
