"""Two sets of pictures of two domains, without pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from i2i.core.data import DataFacts, Source
from i2i.data.cache import Cache, Shelf, shelf_of
from i2i.data.folders import check_root, nothing_found, two_folders
from i2i.data.links import check_names
from i2i.data.one_folder import OneFolder
from i2i.data.options import (
    BitDepth,
    CacheFolder,
    CacheMode,
    CentreCrop,
    Channels,
    Flip,
    LoadSize,
    ReducedJpeg,
    Root,
    Size,
    Split,
    ValueRanges,
)
from i2i.data.preprocess import Preprocess, settle_sizes, settled_load_size
from i2i.data.reduced import least_size, told_reduced
from i2i.data.stored import heard, told
from i2i.data.survey import check_held_out, every, sampled, survey
from i2i.pictures.finding import find_images
from i2i.pictures.images import Header, decode, read_header
from i2i.pictures.pixels import Pixels

Names = Annotated[str, Field(min_length=1, description="folder of this domain")]

DOMAINS = ("a", "b")


class Unpaired:
    """Two folders of pictures without pairs: `trainA` and `trainB`, or two names of your own.

    Layouts, the first that is found: `root/<split>/<a>` and `root/<split>/<b>`; `root/<split>A` and
    `root/<split>B` (Zhu et al., ICCV 2017) while a and b are not given; `root/<a>/<split>` and
    `root/<b>/<split>`.

    Samples are `a` and `b`, (C, size, size) in the stored type, cropped and flipped independently. The length
    is that of the larger folder; `a` starts again at its end, `b` is drawn at random.

    Raises:
        I2IError: anything about the files that would fail later; the message names them and the remedy.
    """

    def __init__(
        self,
        *,
        root: Root,
        split: Split = "train",
        size: Size = 256,
        load_size: LoadSize = "auto",
        flip: Flip = True,
        centre_crop: CentreCrop = None,
        a: Names = "a",
        b: Names = "b",
        channels: Channels = None,
        value_range: ValueRanges = None,
        bit_depth: BitDepth = None,
        reduced_jpeg: ReducedJpeg = False,
        cache: CacheMode = "auto",
        cache_folder: CacheFolder = None,
    ) -> None:
        self._options: dict[str, Any] = {
            "root": root, "size": size, "flip": flip, "centre_crop": centre_crop,
            "a": a, "b": b, "channels": channels, "value_range": value_range, "bit_depth": bit_depth,
            "cache": cache, "cache_folder": cache_folder,
        }  # fmt: skip
        self.root, self.split = Path(root), split
        self._in_order = False
        self._preprocess = Preprocess(
            size=size, load_size=settled_load_size(load_size, size), flip=flip, centre_crop=centre_crop
        )
        self._files = {field: tuple(find_images(folder)) for field, folder in self._folders(a, b).items()}
        says = heard(self._options, DOMAINS)
        headers = {field: self._read_headers(files) for field, files in self._files.items()}
        self._stored = {field: survey(headers[field], says[field]) for field in DOMAINS}
        read = (header for of_domain in headers.values() for _, header in of_domain)
        self._least = least_size(reduced_jpeg, self._preprocess, read)
        self.cache = Cache(cache, {field: self._shelf(field) for field in DOMAINS}, cache_folder)
        self.facts = DataFacts(
            fields=DOMAINS,
            image_size=size,
            channels={field: stored.channels for field, stored in self._stored.items()},
            value_range={field: stored.value_range for field, stored in self._stored.items()},
            stored={field: stored.dtype for field, stored in self._stored.items()},
        )

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """`load_size = "auto"` as a number: 286 for size 256, and in proportion.

        Raises:
            ValueError: options that contradict each other.
        """
        told(options, DOMAINS)
        told_reduced(options)
        return settle_sizes(options, image_size)

    @property
    def filter(self) -> str:
        """How pictures are resized."""
        return self._preprocess.filter

    def __len__(self) -> int:
        return max(len(files) for files in self._files.values())

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        """A picture of each domain; `b` is drawn from `rng`, in held-out data it is the one at `index`."""
        partner = index if self._in_order else int(torch.randint(len(self._files["b"]), (), generator=rng))
        return {"a": self._picture("a", index, rng), "b": self._picture("b", partner, rng)}

    def name(self, index: int) -> str:
        """The file of `a`, and of `b` where that is not drawn at random, relative to the root."""
        fields = ("a", "b") if self._in_order else ("a",)
        return ", ".join(self._file(field, index).relative_to(self.root).as_posix() for field in fields)

    def held_out(self) -> Unpaired | None:
        """The split "test", else "val", in order, resized to `size` and neither cropped nor flipped."""
        for split in ("test", "val"):
            names = self._options["a"], self._options["b"]
            if split != self.split and two_folders(self.root, split, *names):
                size = self.facts.image_size
                held = Unpaired(**self._options | {"split": split, "load_size": size, "flip": False})
                held._in_order = True
                check_held_out(self.facts, held.facts, split)
                return held
        return None

    def counts(self) -> Mapping[str, int]:
        """How many pictures each domain has."""
        return {field: len(files) for field, files in self._files.items()}

    def parts(self) -> Mapping[str, Source]:
        """The two folders, each in order, neither cropped nor flipped."""
        still = self._preprocess.still()
        return {
            field: OneFolder(self.root, field, files, self._stored[field], still, self.facts)
            for field, files in self._files.items()
        }

    def _folders(self, a: str, b: str) -> dict[str, Path]:
        check_root(self.root)
        check_names({"split": self.split, "a": a, "b": b})
        folders = two_folders(self.root, self.split, a, b)
        if folders is None:
            raise nothing_found(self.root, self.split, a, b)
        return dict(zip(DOMAINS, folders, strict=True))

    def _read_headers(self, files: Sequence[Path]) -> list[tuple[Path, Header]]:
        return every((files[i] for i in sampled(len(files))), self._read_header)

    def _read_header(self, path: Path) -> tuple[Path, Header]:
        header = read_header(path)
        self._preprocess.check(header, str(path))
        return path, header

    def _file(self, field: str, index: int) -> Path:
        return self._files[field][index % len(self._files[field])]

    def _picture(self, field: str, index: int, rng: torch.Generator) -> Tensor:
        path, steps = self._file(field, index), self._preprocess
        place = index % len(self._files[field])
        loaded = self.cache.take(field, place, path, lambda: self._resized(field, path))
        return steps.cut(loaded, steps.draw(rng))

    def _resized(self, field: str, path: Path) -> Pixels:
        stored = self._stored[field]
        return self._preprocess.resized(stored.accept(decode(path, self._least), path), stored.value_range)

    def _shelf(self, field: str) -> Shelf:
        return shelf_of(self._files[field], self._preprocess, self._stored[field], self._least)
