"""The picture files below a folder that is no data set yet: what can be read of data that is refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from i2i.core.data import DataFacts, Source
from i2i.data.stored import can_convert, check_finite
from i2i.pictures.finding import is_image, natural_key
from i2i.pictures.images import decode
from i2i.pictures.pixels import to_channels, to_tensor

FACTS = DataFacts(fields=("picture",), image_size=1, channels={}, value_range={"picture": (0.0, 255.0)})


@dataclass(frozen=True)
class LooseFolder:
    """The pictures that lie in a folder itself, whatever they are, each as it is stored."""

    root: Path
    files: tuple[Path, ...]
    channels: int | None
    facts: DataFacts = FACTS

    def __len__(self) -> int:
        return len(self.files)

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        """A picture."""
        pixels = decode(self.files[index])
        check_finite(pixels, self.files[index])
        if self.channels is not None and can_convert(pixels.shape[2], self.channels):
            pixels = to_channels(pixels, self.channels)
        return {"picture": to_tensor(pixels)}

    def name(self, index: int) -> str:
        """Its file, relative to the root."""
        return self.files[index].relative_to(self.root).as_posix()

    def counts(self) -> Mapping[str, int]:
        """Nothing: its pictures are of one kind."""
        return {}

    def parts(self) -> Mapping[str, LooseFolder]:
        """The folder itself."""
        return {"": self}

    def held_out(self) -> None:
        """Nothing."""


def loose_folders(root: Path, channels: int | None) -> dict[str, Source]:
    """The folders below `root` that hold pictures, by name; hidden ones and links are left out.

    Pictures are made grey or colour where `channels` says so.
    """
    found: dict[str, Source] = {}
    for place, folders, names in os.walk(root):
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural_key)
        paths = [Path(place, name) for name in sorted(names, key=natural_key) if is_image(name)]
        if files := tuple(path for path in paths if not path.is_symlink()):
            found[f"'{Path(place).relative_to(root).as_posix()}'"] = LooseFolder(root, files, channels)
    return found
