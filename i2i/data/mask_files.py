"""Finds the files of photographs with label maps: the folders of a split, and what belongs together in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from i2i.core.errors import I2IError
from i2i.data.folders import check_root, nearby, nothing_found, two_folders
from i2i.data.links import check_names, inside
from i2i.data.pairs import alone, by_stem

INSTANCES = "instances"
HELD_OUT = ("test", "val", "validation")
"""The splits that can be held out; the first one is taken that is there with its label maps."""


@dataclass(frozen=True)
class Names:
    """What the folders are called; without instance maps, `instances` is empty."""

    photos: str
    labels: str
    instances: str


@dataclass(frozen=True)
class MaskFiles:
    """The files of a split, place by place; `instances` is empty where there are none."""

    photos: tuple[Path, ...]
    labels: tuple[Path, ...]
    instances: tuple[Path, ...]


def find_masks(root: Path, split: str, names: Names) -> MaskFiles:
    """The photographs of a split with their label maps, and their instance maps if there are any.

    Raises:
        I2IError: there are none, or some lack their partner.
    """
    check_root(root)
    check_names({"split": split, **asdict(names)})
    photos, labels = _two(root, split, names)
    instances = _instances(root, photos, labels, names)
    first, second = by_stem(photos), by_stem(labels)
    _match(first, second, photos, labels, "label map")
    third = by_stem(instances) if instances else {}
    if instances:
        _match(first, third, photos, instances, "instance map")
    return MaskFiles(
        tuple(first.values()),
        tuple(second[stem] for stem in first),
        tuple(third[stem] for stem in first if instances),
    )


def other_split(root: Path, split: str, names: Names) -> str | None:
    """The split that can be held out, if there is one: a folder of photographs alone is none."""
    for other in HELD_OUT:
        by_split = (root / other / names.photos, root / other / names.labels)
        by_kind = (root / names.photos / other, root / names.labels / other)
        if other != split and any(all(folder.is_dir() for folder in both) for both in (by_split, by_kind)):
            return other
    return None


def _two(root: Path, split: str, names: Names) -> tuple[Path, Path]:
    """The folders of the photographs and of the label maps."""
    folders = two_folders(root, split, names.photos, names.labels)
    if folders is not None:
        return folders
    whole = root / names.photos, root / names.labels
    if split == "train" and all(folder.is_dir() for folder in whole):
        return inside(root, whole[0]), inside(root, whole[1])
    also = [f"{names.photos} with {names.labels}"] if split == "train" else []
    raise nothing_found(root, split, names.photos, names.labels, also)


def _instances(root: Path, photos: Path, labels: Path, names: Names) -> Path | None:
    """The folder of the instance maps, which lies as those of the photographs and label maps do."""
    if not names.instances:
        return None
    if labels.name == names.labels:
        folder = labels.with_name(names.instances)
    else:
        folder = root / names.instances / labels.name
    if folder.is_dir():
        return inside(root, folder)
    if names.instances != INSTANCES:
        above = folder.parent
        near = nearby(above, [folder.name], [photos.name, labels.name]) if above.is_dir() else ""
        raise I2IError(f"data.instances: there is no folder '{folder}'; {near}".removesuffix("; "))
    return None


def _match(photos: Mapping[str, Path], maps: Mapping[str, Path], here: Path, there: Path, kind: str) -> None:
    problems = [*alone(photos, maps, here, there), *alone(maps, photos, there, here)]
    if problems:
        raise I2IError(
            f"data.root: {'; '.join(problems)}; a photograph and its {kind} have one name without the ending"
        )
