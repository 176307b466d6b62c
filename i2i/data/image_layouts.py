"""Finds pictures that stand alone: IDX files, a folder for each class, or a plain folder."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2i.core.errors import I2IError
from i2i.core.words import some
from i2i.data.folders import check_root, folders_in, nearby
from i2i.data.idx import idx_file, read_labels, read_pictures
from i2i.data.image_set import FilePictures, ImageSet, Layout, plain_set
from i2i.data.label_layouts import beside_folders, loose_pictures, split_in_each
from i2i.data.label_layouts import other_split as other_folder
from i2i.data.labels import chosen
from i2i.data.links import check_names, inside
from i2i.pictures.finding import find_images, natural_key

SPLITS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation"})
"""Folders of these names are parts of a data set, not classes."""


@dataclass(frozen=True)
class Wanted:
    """Which classes a search is for.

    Attributes:
        classes: those that the user names, in that order; None for all.
        known: those of the training split, where it is the held-out split that is searched.
    """

    classes: Sequence[str] | None = None
    known: tuple[str, ...] | None = None

    @property
    def named(self) -> bool:
        """Whether it is settled which classes count."""
        return self.classes is not None or self.known is not None

    def of(self, source: Path, found: Sequence[str]) -> tuple[str, ...]:
        """The classes that count, of those that were found; some of the known ones may have no picture.

        Raises:
            I2IError: one that the user names is not there, or one is there that the training split has not.
        """
        if self.known is None:
            return chosen(source, found, self.classes, "classes", "class")
        strange = [name for name in found if name not in self.known]
        if strange and self.classes is None:
            raise I2IError(
                f"data.root: {some(strange, 'label')} of '{source}' {'is' if len(strange) == 1 else 'are'} not in the "
                "training split; make the two agree, or name in classes those to use"
            )
        return self.known


def find_set(root: Path, split: str, wanted: Wanted) -> ImageSet:
    """The pictures of a split, and their classes if they have any.

    Raises:
        I2IError: there are none, or they cannot be used.
    """
    check_root(root)
    check_names({"split": split})
    if file := idx_file(root, split, "images"):
        label_file = idx_file(root, split, "labels")
        found = _read_idx(inside(root, file), label_file and inside(root, label_file), wanted)
    elif (root / split).is_dir():
        found = _read_folder(root, root / split, "splits", wanted)
    elif folders := split_in_each(root, split, wanted.named, "classes", "classes"):
        found = _read_classes(root, root, "splits", folders, wanted)
    elif split == "train" and not _has_other_splits(root):
        found = _read_folder(root, root, "whole", wanted)
    else:
        raise _nothing_found(root, split)
    if not found.names and wanted.known:
        raise I2IError(
            f"data.root: the pictures of '{found.source}' have no classes, and those of the training split have; "
            "make the two agree"
        )
    if not found.names and wanted.classes is not None:
        raise I2IError(f"data.classes: the pictures of '{found.source}' have no classes; leave classes out")
    return found


def other_split(root: Path, split: str, layout: Layout) -> str | None:
    """The split to look at and to judge by, "test" or else "val", if `root` holds it in the same layout."""
    if layout == "splits":
        return other_folder(root, split, "folders")
    others = [other for other in ("test", "val") if other != split and idx_file(root, other, "images")]
    return others[0] if others and layout == "idx" else None


def _read_idx(file: Path, label_file: Path | None, wanted: Wanted) -> ImageSet:
    pictures = read_pictures(file)
    if label_file is None:
        return plain_set(file, "idx", pictures)
    labels = read_labels(label_file)
    if len(labels) != len(pictures):
        raise I2IError(
            f"data.root: '{file}' holds {len(pictures):,} pictures and '{label_file.name}' {len(labels):,} labels; "
            "they are not of one set, download both again"
        )
    values, which = np.unique(labels, return_inverse=True)
    known = [str(value) for value in values]
    names = wanted.of(label_file, known)
    number = np.array([names.index(name) if name in names else -1 for name in known])[which]
    places = np.flatnonzero(number >= 0)
    return ImageSet(label_file, "idx", pictures, places, names, number[places])


def _read_folder(root: Path, folder: Path, layout: Layout, wanted: Wanted) -> ImageSet:
    """A folder of pictures, or of a folder for each class."""
    folders, loose = folders_in(folder), loose_pictures(folder)
    if folders and loose:
        raise beside_folders(folder, loose, "classes")
    if not folders:
        return plain_set(folder, layout, FilePictures(root, tuple(find_images(inside(root, folder)))))
    return _read_classes(root, folder, layout, folders, wanted)


def _read_classes(
    root: Path, source: Path, layout: Layout, folders: Mapping[str, Path], wanted: Wanted
) -> ImageSet:
    names = wanted.of(source, sorted(folders, key=natural_key))
    if len(names) == 1 and not wanted.named:
        raise _one_class(root, source, layout, names[0])
    pictures = [find_images(inside(root, folders[name])) if name in folders else [] for name in names]
    files = tuple(path for paths in pictures for path in paths)
    labels = np.repeat(np.arange(len(names), dtype=np.int64), [len(paths) for paths in pictures])
    return ImageSet(source, layout, FilePictures(root, files), np.arange(len(files)), names, labels)


def _has_other_splits(root: Path) -> bool:
    """Whether folders are named as splits are, or the only one nearly as the one that is looked for."""
    names = [name.casefold() for name in folders_in(root)]
    alone = len(names) == 1 and bool(difflib.get_close_matches("train", names))
    return alone or not SPLITS.isdisjoint(names) or idx_file(root, "test", "images") is not None


def _one_class(root: Path, source: Path, layout: Layout, name: str) -> I2IError:
    remedy = f"set root to '{root / name}'" if layout == "whole" else f"move its pictures up to '{source}'"
    return I2IError(
        f"data.root: '{name}' is the only folder of '{source}', and one class tells nothing; {remedy}, or, to keep "
        f'the class, set classes = ["{name}"]'
    )


def _nothing_found(root: Path, split: str) -> I2IError:
    prefix = "t10k" if split == "test" else split
    looked = f"{prefix}-images-idx3-ubyte[.gz], {split}, <class>/{split}"
    more = ", pictures or folders of classes in it" if split == "train" else ""
    return I2IError(
        f"data.root: '{root}' has no split '{split}'; looked for {looked}{more}; {nearby(root, [split])}"
    )
