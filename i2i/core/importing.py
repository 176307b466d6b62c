"""What an importer says about a file of another project's weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Match:
    """How the weights of a file fit a part of a method.

    Attributes:
        keys: their name of a tensor -> ours. What is not listed is not taken.
        unused: their tensors that have no meaning here (statistics that the method never uses).
        options: options of the strategy that describe the network: {"generator": {"name": "resnet", …}}.
        facts: what the file tells about the data, as fields of `DataFacts`: {"channels": {"a": 3}, …}.
        files: what the other project calls such a file, without its ending: ("net_G_A",); a name that ends so
            settles what the weights leave open.
        assumed: sentences about what the file does not tell, and what was taken.
    """

    keys: Mapping[str, str]
    unused: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
