"""The settings that a spec could train in: precision, layout in memory, compilation, recomputed activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import torch

from i2i.spec.assemble import memory_format_of, precision_of
from i2i.spec.spec import Spec

OWN = "as the spec says"
EXACT = "the same numbers up to rounding"
REMARKS: Mapping[str, str] = {
    "fp32": EXACT,
    "bf16": "other numbers: networks compute with 8 bits of precision, losses and norms in fp32",
    "fp16": "other numbers: networks compute with 11 bits of precision, and large ones overflow",
}


@dataclass(frozen=True)
class Way:
    """A setting.

    Attributes:
        name: in words.
        changes: keys of `[train]` and their values.
        safe: the results are as those of the spec, but for rounding.
        remark: what it does to the numbers.
    """

    name: str
    changes: Mapping[str, str | bool]
    safe: bool
    remark: str

    @property
    def lines(self) -> list[str]:
        """What to write below `[train]`."""
        return [f"{key} = {_toml(value)}" for key, value in self.changes.items()]

    @property
    def settings(self) -> list[str]:
        """The same as `KEY=VALUE`."""
        return [f"train.{key}={_toml(value)}" for key, value in self.changes.items()]


def _toml(value: str | bool) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def ways_of(spec: Spec, device: torch.device) -> list[Way]:
    """The spec's own setting, then every other one that differs from it on this device."""
    own = _own(spec)
    ways, seen = [Way(OWN, {}, True, "")], [own]
    for name, changes in _candidates(str(own["precision"]), device):
        wanted = own | changes
        if wanted not in seen:
            seen.append(wanted)
            precision = str(wanted["precision"])
            safe = precision in ("fp32", own["precision"])
            ways.append(Way(name, changes, safe, EXACT if safe else REMARKS[precision]))
    return ways


def _own(spec: Spec) -> dict[str, str | bool]:
    last = memory_format_of(spec) == torch.channels_last
    return {
        "precision": precision_of(spec),
        "memory_format": "channels-last" if last else "contiguous",
        "compile": spec.train.compile,
        "activation_checkpointing": spec.train.activation_checkpointing,
    }


def _candidates(own: str, device: torch.device) -> list[tuple[str, dict[str, str | bool]]]:
    precisions = ["fp32", "bf16", "fp16"] if device.type == "cuda" else ["fp32", "bf16"]
    found: list[tuple[str, dict[str, str | bool]]] = [
        (f"{precision}, {layout}", {"precision": precision, "memory_format": layout})
        for precision, layout in product(precisions, ("contiguous", "channels-last"))
    ]
    found += [
        ("activation checkpointing", {"activation_checkpointing": True}),
        ("compile", {"compile": True}),
    ]
    found += [
        (f"compile, {precision}", {"precision": precision, "compile": True})
        for precision in precisions[:2]
        if precision != own
    ]
    return found
