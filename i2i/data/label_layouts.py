"""Finds the labels of a data set: a CSV, CelebA's list, or a folder for each domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from i2i.core.errors import I2IError, nearest
from i2i.core.words import some
from i2i.data.folders import check_root, folders_in, nearby
from i2i.data.label_files import read_list, read_table
from i2i.data.labels import Labels, Layout, chosen
from i2i.data.links import check_names, inside
from i2i.pictures.finding import find_images, is_image, natural_key

FILES = (".csv", ".txt")
LIST = "list_attr_*.txt"


def find_labels(root: Path, split: str, attributes: Sequence[str] | None) -> Labels:
    """The labels of a split.

    Raises:
        I2IError: there are none, or they cannot be used.
    """
    if root.suffix.lower() in FILES and not root.is_dir():
        return _read_file(root, split, attributes)
    check_root(root)
    check_names({"split": split})
    if (root / f"{split}.csv").is_file():
        return read_table(inside(root, root / f"{split}.csv"), attributes)
    if lists := sorted(root.glob(LIST)):
        if len(lists) > 1:
            raise I2IError(
                f"data.root: '{root}' holds the lists {' and '.join(f.name for f in lists)}; name one as root"
            )
        return _read_file(inside(root, lists[0]), split, attributes)
    return _read_folders(root, split, attributes)


def other_split(root: Path, split: str, layout: Layout) -> str | None:
    """The split to look at and to judge by, "test" or else "val", if `root` holds it in the same layout."""
    for other in ("test", "val"):
        table, folders = root / f"{other}.csv", [root / other, *root.glob(f"*/{other}")]
        found = table.is_file() if layout == "table" else any(folder.is_dir() for folder in folders)
        if other != split and layout != "list" and found:
            return other
    return None


def _read_file(file: Path, split: str, attributes: Sequence[str] | None) -> Labels:
    if not file.is_file():
        check_root(file.parent)
        beside = _files_in(file.parent)
        near = nearest(file.name, beside) if beside else f"'{file.parent}' holds no CSV and no list"
        raise I2IError(f"data.root: there is no file '{file}'; {near}")
    if split != "train":
        raise I2IError(
            f"data.split: '{file}' has no split '{split}'; leave split out (hold_out keeps pictures for looking)"
        )
    return (read_table if file.suffix.lower() == ".csv" else read_list)(file, attributes)


def _read_folders(root: Path, split: str, attributes: Sequence[str] | None) -> Labels:
    source, found = _domain_folders(root, split, attributes is not None)
    names = chosen(source, sorted(found, key=natural_key), attributes)
    if len(names) < 2:
        option = "root" if attributes is None else "attributes"
        raise I2IError(
            f"data.{option}: '{names[0]}' of '{source}' is the only domain; there must be two or more folders"
        )
    pictures = [find_images(inside(root, found[name])) for name in names]
    files = tuple(path.relative_to(root).as_posix() for paths in pictures for path in paths)
    which = np.repeat(np.arange(len(names)), [len(paths) for paths in pictures])
    return Labels(source, "folders", root, files, names, np.eye(len(names), dtype=np.uint8)[which])


def _domain_folders(root: Path, split: str, named: bool) -> tuple[Path, Mapping[str, Path]]:
    """Where the domains are named, and the folder of each; `named` tells whether the user says which count."""
    if (root / split).is_dir():
        return root / split, _inside_split(root / split)
    found = split_in_each(root, split, named)
    if not found:
        raise _nothing_found(root, split)
    return root, found


def split_in_each(
    root: Path, split: str, named: bool, option: str = "attributes", noun: str = "domains"
) -> Mapping[str, Path]:
    """The folder of a split within each folder of `root`; none, if no folder has one.

    `named` tells whether the user says, with `option`, which folders count; `noun` is what these are.

    Raises:
        I2IError: some folders have one and others, which may count, have none.
    """
    folders = folders_in(root)
    found = {name: folder / split for name, folder in folders.items() if (folder / split).is_dir()}
    without = sorted(folders.keys() - found.keys(), key=natural_key)
    if found and without and not named:
        verb = "holds" if len(without) == 1 else "hold"
        raise I2IError(
            f"data.root: {some(without, 'folder')} of '{root}' {verb} no '{split}' as '{next(iter(found))}' does; "
            f"add it, or name in {option} the {noun} to use"
        )
    return found


def loose_pictures(folder: Path) -> list[str]:
    """The pictures that lie in a folder itself."""
    return sorted((path.name for path in folder.iterdir() if is_image(path.name)), key=natural_key)


def beside_folders(folder: Path, loose: Sequence[str], noun: str = "domains") -> I2IError:
    """The error for pictures that lie beside the folders of domains or classes."""
    verb = "lies" if len(loose) == 1 else "lie"
    return I2IError(
        f"data.root: {some(loose, 'picture')} of '{folder}' {verb} beside the folders of the {noun}; "
        "move pictures into one of these or elsewhere"
    )


def _inside_split(folder: Path) -> Mapping[str, Path]:
    """A folder for each domain, and no picture beside them."""
    found, loose = folders_in(folder), loose_pictures(folder)
    if loose and found:
        raise beside_folders(folder, loose)
    if not found:
        what = "pictures" if loose else "nothing"
        raise I2IError(
            f"data.root: '{folder}' holds {what} and no folders; make a folder for each domain, or write "
            f"'{folder.name}.csv' beside it with a column 'image' and one for each attribute"
        )
    return found


def _files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.suffix.lower() in FILES]


def _nothing_found(root: Path, split: str) -> I2IError:
    looked = f"{split}.csv, {LIST}, {split}/<domain>, <domain>/{split}"
    files = _files_in(root)
    near = f"{nearest(f'{split}.csv', files)} (root can name a file)" if files else nearby(root, [split])
    if any(is_image(path.name) for folder in folders_in(root).values() for path in folder.iterdir()):
        near += f"; root is the folder that holds '{split}', which holds one for each domain"
    return I2IError(f"data.root: '{root}' has no split '{split}'; looked for {looked}; {near}")
