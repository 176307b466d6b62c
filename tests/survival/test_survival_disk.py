"""A disk that refuses, at whichever call: earlier checkpoints are whole, and one sentence says what happened."""

from __future__ import annotations

import builtins
import errno
import io
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from i2i.core.errors import I2IError
from i2i.engine import checkpoint, checkpoints, disk

from .campaign import VARIANTS, Campaign, Nursery

ERRORS = [errno.ENOSPC, errno.EROFS, errno.EIO]
CALLS = [
    (os, "open"),
    (os, "mkdir"),
    (os, "replace"),
    (os, "rename"),
    (os, "fsync"),
    (io, "open"),
    (builtins, "open"),
    (checkpoint, "save_file"),
]


class Refusing:
    """Counts the calls that write, and lets one of them fail."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int, error: int) -> None:
        self.at, self.error, self.count = at, error, 0
        for module, name in CALLS:
            patch.setattr(module, name, self._counted(getattr(module, name), name))

    def _counted(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            mode = args[1] if len(args) > 1 else kwargs.get("mode", "r")
            if name != "open" or not isinstance(mode, str) or set(mode) & set("wax+"):
                self.count += 1
                if self.count == self.at:
                    raise OSError(self.error, os.strerror(self.error))
            return call(*args, **kwargs)

        return counted


def save(folder: Path, step: int, value: float) -> None:
    tensors = {name: {"weight": torch.full((3,), value)} for name in "GD"}
    checkpoint.write(folder / checkpoint.folder_name(step), tensors, {"step": step}, {"spec.toml": "x = 1\n"})
    checkpoints.point(folder, "latest", step)


def values(found: checkpoints.Found) -> set[float]:
    return {float(weight) for entries in found.tensors.values() for weight in entries["weight"]}


def refused_save(folder: Path, at: int, error: int) -> tuple[str, int]:
    """What a save says whose call number `at` fails (empty: nothing), and how many calls there were."""
    with pytest.MonkeyPatch.context() as patch:
        calls = Refusing(patch, at, error)
        try:
            save(folder, 2, 2.0)
        except I2IError as refused:
            return str(refused), calls.count
    return "", calls.count


@pytest.mark.parametrize("steps", [(1,), (1, 2)])
@pytest.mark.parametrize("error", ERRORS)
def test_a_refused_call_leaves_a_whole_checkpoint(tmp_path: Path, error: int, steps: tuple[int, ...]) -> None:
    sentences = []
    for at in range(1, 100):
        folder = tmp_path / str(at)
        folder.mkdir()
        for step in steps:
            save(folder, step, 1.0)
        sentence, count = refused_save(folder, at, error)
        found = checkpoints.newest(folder)
        assert found is not None and not found.damaged
        assert values(found) in ([{1.0}, {2.0}] if sentence else [{2.0}]), at
        assert (folder / "step-000001").is_dir() and "\n" not in sentence
        save(folder, 2, 2.0)
        assert values(checkpoints.newest(folder) or found) == {2.0}
        sentences += [sentence] if sentence else []
        if count < at:
            break
    assert (
        len(sentences) >= 15
    )  # two files of weights, three texts, each opened and synchronised, folders, names
    words = disk.reason(OSError(error, ""), tmp_path)
    assert all(words in sentence for sentence in sentences)


@pytest.mark.parametrize("largest", [0, 100, 1000])
def test_a_file_that_cannot_grow(warm: Nursery, tmp_path: Path, largest: int) -> None:
    """What the compiled writer of weights meets when the disk is full half-way, and every other writer too."""
    save(tmp_path, 1, 1.0)
    code = warm.save(tmp_path, tmp_path / "log", largest=largest)["code"]
    found = checkpoints.newest(tmp_path)
    assert found is not None and values(found) == ({1.0} if code else {2.0})
    assert bool(code) == (largest < 1000)  # the file with the checksums is longer than 100 bytes


def test_a_run_on_a_disk_that_refuses_goes_on_later(warm: Nursery, tmp_path: Path) -> None:
    paired = VARIANTS["paired"]
    short = replace(paired, settings=(*paired.settings, "train.steps=8"))
    campaign = Campaign(warm, tmp_path, short, random.Random(0))
    said = [campaign.starve(event, errno.ENOSPC) for event in (1, 5, 15, 25, 40, 55)]
    refused = [text.strip().splitlines()[-1] for text in said if text]
    assert len(refused) >= 4
    assert all("no space left" in line.lower() for line in refused), refused
