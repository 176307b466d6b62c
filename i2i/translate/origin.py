"""Where a model is from: what was read of it, and what stays known once its networks are built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from i2i.core.batch import Parts
from i2i.core.registry import Registry

LIBRARIES = ("python", "i2i", "torch", "torchvision", "safetensors", "pillow", "numpy")
"""What `versions` lists beside the plug-ins."""


@dataclass(frozen=True)
class Opened:
    """A checkpoint or a packed model that was read.

    Attributes:
        folder: the checkpoint, or the packed file.
        tensors: by file name without suffix; of a packed model, by part.
        facts: what its `state.json` says, or what the packed file keeps of that.
        note: that a newer one is damaged; empty if none is.
        spec: the text of its spec, where it is no file beside it.
        label: what messages call it; its folder, if empty.
        absent: why parts may be missing; empty if none may.
    """

    folder: Path
    tensors: Mapping[str, Mapping[str, Tensor]]
    facts: Mapping[str, Any]
    note: str = ""
    spec: str = ""
    label: str = ""
    absent: str = ""

    def __str__(self) -> str:
        return self.label or str(self.folder)


@dataclass(frozen=True)
class Origin:
    """What a loaded model was made of and with.

    Attributes:
        folder: its checkpoint, or its file.
        state: what is known of it: `step`, `versions`, `packages`, `plugin_files`, `imported`.
        judges: the discriminators among its parts.
    """

    folder: Path = Path()
    state: Mapping[str, Any] = field(default_factory=dict)
    judges: frozenset[str] = frozenset()

    @property
    def step(self) -> int:
        """The optimizer steps of its training."""
        return int(self.state.get("step", 0))

    @property
    def run(self) -> Path | None:
        """The run folder that its checkpoint stands in, if it does."""
        run = self.folder.resolve().parent.parent
        return run if (run / "checkpoints").is_dir() and (run / "spec.toml").is_file() else None


def origin_of(opened: Opened, net: Parts, registry: Registry) -> Origin:
    """Where the parts are from."""
    return Origin(opened.folder, opened.facts, frozenset(_judges(net.modules(), registry)))


def _judges(modules: Mapping[str, nn.Module], registry: Registry) -> list[str]:
    """The parts whose class is registered as a discriminator, and as nothing else."""
    kinds = [(component.factory, component.kind) for component in registry]
    return [
        name
        for name, part in modules.items()
        if {k for f, k in kinds if f is type(part)} == {"discriminator"}
    ]
