"""Photographs with their label maps, and with instance maps where there are any."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i.data.cache import Cache, Shelf, shelf_of
from i2i.data.legend import CLASSES, Legend, numbered, read_classes
from i2i.data.links import inside
from i2i.data.map_files import instances_of, read_form, read_map
from i2i.data.mask_files import INSTANCES, Names, find_masks, other_split
from i2i.data.mask_options import Aspect, Classes, Ignore, Instances, Labels, Palette, Photos, Size
from i2i.data.options import (
    BitDepth,
    CacheFolder,
    CacheMode,
    Channels,
    Flip,
    LoadSize,
    ReducedJpeg,
    Root,
    Split,
    ValueRange,
)
from i2i.data.preprocess import Preprocess, settle_sizes, settled_load_size
from i2i.data.reduced import least_size
from i2i.data.stored import heard, told
from i2i.data.survey import check_held_out, every, sampled, survey
from i2i.pictures.images import Header, decode, read_header
from i2i.pictures.pixels import Pixels

FIRST = 16
"""So many label maps, evenly spaced, are read before training starts: wrong classes show in the first."""


class Masks:
    """Photographs with label maps: for each pixel the number of its class, or its class's colour.

    Layouts, the first that is found: `root/<split>/images` and `root/<split>/labels`; `root/images/<split>` and
    `root/labels/<split>`; `root/images` and `root/labels`. Files match by their names without the ending. Beside the
    other two, `instances` may hold maps whose numbers (or colours) tell instances apart. `root/classes.txt` names the
    classes, one a line.

    Samples are `image`, (C, height, size) in the stored type; `label_map`, (1, height, size), whose value is a class
    or, for don't-care, the number of classes; and `instance_map` where there are such. One draw of crop and flip
    serves all; maps are resized to the nearest pixel (Park et al., CVPR 2019).

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
        aspect: Aspect = 1.0,
        flip: Flip = True,
        classes: Classes = None,
        palette: Palette = None,
        ignore: Ignore = None,
        photos: Photos = "images",
        labels: Labels = "labels",
        instances: Instances = INSTANCES,
        channels: Channels = None,
        value_range: ValueRange = None,
        bit_depth: BitDepth = None,
        reduced_jpeg: ReducedJpeg = False,
        cache: CacheMode = "auto",
        cache_folder: CacheFolder = None,
    ) -> None:
        self._options: dict[str, Any] = {
            "root": root, "size": size, "aspect": aspect, "flip": flip, "classes": classes, "palette": palette,
            "ignore": ignore, "photos": photos, "labels": labels, "instances": instances, "channels": channels,
            "value_range": value_range, "bit_depth": bit_depth, "cache": cache, "cache_folder": cache_folder,
        }  # fmt: skip
        self.root, self.split = Path(root), split
        self._preprocess = Preprocess(
            size=size, load_size=settled_load_size(load_size, size), flip=flip, aspect=aspect
        )
        self._names = Names(photos, labels, instances)
        self._files = find_masks(self.root, split, self._names)
        self._legend = _legend(self.root, classes, palette, ignore)
        says = heard(self._options)[""]
        headers = self._read_headers()
        self._stored = survey(headers, says)
        self._least = least_size(reduced_jpeg, self._preprocess, (header for _, header in headers))
        self.cache = Cache(cache, self._shelves(), cache_folder)
        self.facts = DataFacts(
            fields=("label_map", "image", *(["instance_map"] if self._files.instances else [])),
            image_size=size,
            channels={"image": self._stored.channels},
            value_range={"image": self._stored.value_range},
            stored={"image": self._stored.dtype},
            truth={"label_map": "image"},
            maps={"label_map": self._legend.count, **({"instance_map": 0} if self._files.instances else {})},
            classes=self._legend.classes,
            palette=self._legend.palette,
            ignore=ignore,
            aspect=aspect,
        )
        self._read_first()

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        """`load_size = "auto"` as a number: 286 for size 256, and in proportion.

        Raises:
            ValueError: the sizes, the values, or the classes with their palette and don't-care, do not go together.
        """
        told(options)
        settled = settle_sizes(options, image_size)
        if round(settled["size"] / options.get("aspect", 1.0)) < 1:
            raise ValueError(f"aspect: {options['aspect']} leaves no height of a width of {settled['size']}")
        if options.get("photos", "images") == options.get("labels", "labels"):
            raise ValueError("labels: it is also the folder of the photographs; name another")
        if options.get("classes") is not None:
            Legend(_named(options["classes"]), options.get("palette") or (), options.get("ignore"))
        return settled

    @property
    def filter(self) -> str:
        """How pictures are resized."""
        return self._preprocess.filter

    def __len__(self) -> int:
        return len(self._files.photos)

    def load(self, index: int, rng: torch.Generator) -> Mapping[str, Tensor]:
        """The photograph and its maps, cropped and flipped alike."""
        draw, files = self._preprocess.draw(rng), self._files
        kinds = {
            "label_map": (files.labels, self._label_map),
            "image": (files.photos, self._photo),
            "instance_map": (files.instances, self._instance_map),
        }
        return {
            name: self._preprocess.cut(
                self.cache.take(name, index, paths[index], partial(read, paths[index])), draw
            )
            for name, (paths, read) in kinds.items()
            if paths
        }

    def name(self, index: int) -> str:
        """The file of the photograph, relative to the root."""
        return self._files.photos[index].relative_to(self.root).as_posix()

    def held_out(self) -> Masks | None:
        """The split "test", else "val" or "validation", resized and neither cropped nor flipped.

        Raises:
            I2IError: the split is stored differently, or only one of the two has instance maps.
        """
        split = other_split(self.root, self.split, self._names)
        if split is None:
            return None
        size = self.facts.image_size
        held = Masks(**self._options | {"split": split, "load_size": size, "flip": False})
        check_held_out(self.facts, held.facts, split)
        if held.facts.fields != self.facts.fields:
            has, lacks = (split, self.split) if held._files.instances else (self.split, split)
            raise I2IError(
                f"data.instances: split '{has}' has instance maps and split '{lacks}' has none; add them, or set "
                'instances = ""'
            )
        return held

    def counts(self) -> Mapping[str, int]:
        """Nothing: the classes are those of pixels."""
        return {}

    def parts(self) -> Mapping[str, Masks]:
        """The photographs and their maps, neither cropped nor flipped."""
        still = copy.copy(self)
        still._preprocess, still._least, still.cache = self._preprocess.still(), None, Cache()
        return {"": still}

    def _photo(self, path: Path) -> Pixels:
        accepted = self._stored.accept(decode(path, self._least), path)
        return self._preprocess.resized(accepted, self._stored.value_range)

    def _label_map(self, path: Path) -> Pixels:
        return self._preprocess.resized_map(self._legend.read(path))

    def _instance_map(self, path: Path) -> Pixels:
        return self._preprocess.resized_map(instances_of(read_map(path).numbers))

    def _shelves(self) -> dict[str, Shelf]:
        files, steps = self._files, self._preprocess
        photos = shelf_of(files.photos, steps, self._stored, self._least)
        shape = (*photos.shape[:2], 1)
        shelves = {
            "image": photos,
            "label_map": Shelf(files.labels, shape, self._legend.dtype, f"{steps.recipe} {self._legend}"),
        }
        if files.instances:
            shelves["instance_map"] = Shelf(files.instances, shape, "int32", f"{steps.recipe} instances")
        return shelves

    def _read_headers(self) -> list[tuple[Path, Header]]:
        """The headers of the photographs, held against those of the maps."""
        read = every(sampled(len(self)), self._read_header)
        coloured = {each for _, _, each in read}
        if self._legend.ignore is not None and coloured == {True}:
            raise I2IError(
                f"data.ignore: the label maps are in colour and hold no number {self._legend.ignore}; leave ignore "
                "out, and give don't-care a class with its colour"
            )
        return [(path, header) for path, header, _ in read]

    def _read_header(self, index: int) -> tuple[Path, Header, bool]:
        """The header of a photograph, and whether its label map is in colour."""
        path = self._files.photos[index]
        header = read_header(path)
        coloured = _check_size(path, header, self._files.labels[index], "label map")
        if self._files.instances:
            _check_size(path, header, self._files.instances[index], "instance map")
        return path, header, coloured

    def _read_first(self) -> None:
        count = min(FIRST, len(self))
        every((self._files.labels[i * len(self) // count] for i in range(count)), self._legend.read)


def _check_size(path: Path, header: Header, map_path: Path, kind: str) -> bool:
    """Refuse a map of another size than its photograph; whether the map is in colour."""
    form = read_form(map_path)
    if (form.width, form.height) != (header.width, header.height):
        raise I2IError(
            f"data.root: '{path}' ({header.width}×{header.height}) and its {kind} '{map_path}' "
            f"({form.width}×{form.height}) differ in size; make them equal"
        )
    return form.coloured


def _legend(root: Path, classes: Any, palette: Any, ignore: int | None) -> Legend:
    source = root / CLASSES
    if classes is None and not source.is_file():
        raise I2IError(
            f"data.classes: say how many classes the label maps have, or name them: classes = 35, or a file "
            f"'{source}', one name a line"
        )
    names = read_classes(inside(root, source)) if classes is None else _named(classes)
    try:
        return Legend(names, tuple(map(tuple, palette or ())), ignore)
    except ValueError as error:
        raise I2IError(f"data.{error}") from error


def _named(classes: int | tuple[str, ...]) -> tuple[str, ...]:
    return numbered(classes) if isinstance(classes, int) else tuple(classes)
