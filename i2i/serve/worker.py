"""What happens when a button is pressed: limits first, then the model, then what to show and what to give back."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2i.core.errors import I2IError
from i2i.pictures.finding import natural_key
from i2i.pictures.images import read_header
from i2i.pictures.video import is_video
from i2i.serve.previews import preview
from i2i.translate.model import Model
from i2i.translate.values import Range

KEPT = 3600
"""Seconds that results stay."""


@dataclass(frozen=True)
class Limits:
    """What a page lets through.

    Attributes:
        upload: bytes of a file.
        pixels: of a picture.
        results: made at a time.
        waiting: presses that wait for their turn.
    """

    upload: int = 100 * 2**20
    pixels: int = 4096 * 4096
    results: int = 64
    waiting: int = 16


@dataclass(frozen=True)
class Answer:
    """What the model made.

    Attributes:
        files: the results, in the type and size of the input.
        shown: pictures for the browser with their captions: those of the input, if there is one, and of every result.
        comparable: there is one result, as large as the input.
    """

    files: list[Path]
    shown: list[tuple[Path, str]]
    comparable: bool = False


class Worker:
    """Answers presses, one at a time.

    Args:
        model: a trained model.
        folder: for results; they stay for an hour, in which they can be taken along.
        limits: of what is let through.
    """

    def __init__(self, model: Model, folder: Path, limits: Limits) -> None:
        self.model, self.folder, self.limits = model, folder, limits
        self.turn = threading.Lock()

    def translate(self, source: Path, controls: Mapping[str, Any]) -> Answer:
        """Translate a file.

        Raises:
            I2IError: it is no picture, has too many pixels, or a control is wrong.
        """
        with self.turn:
            return self._translated(source, controls)

    def sample(self, count: int, controls: Mapping[str, Any]) -> Answer:
        """Draw pictures from random numbers alone.

        Raises:
            I2IError: a control is wrong, or there would be too many.
        """
        with self.turn:
            return self._sampled(count, controls)

    def _translated(self, source: Path, controls: Mapping[str, Any]) -> Answer:
        self._check_sizes([source, *controls.values()])
        samples = controls.get("samples")
        self._check_count(controls, samples if isinstance(samples, int) else 1)
        made = self.model.translate(source, out=self._new_folder() / source.name, **controls)
        files = made if isinstance(made, list) else [made]
        given, strategy = controls.get("value_range"), self.model.strategy
        shown = [(self._preview(source, strategy.takes(controls)[0], given), "input")]
        shown += self._all_shown(files, strategy.makes(controls), source.stem, given)
        return Answer(files, shown, len(files) == 1 and _size(files[0]) == _size(source))

    def _sampled(self, count: int, controls: Mapping[str, Any]) -> Answer:
        self._check_sizes(controls.values())
        self._check_count(controls, count)
        folder = self._new_folder() / "samples"
        self.model.sample(count, out=folder, **controls)
        files = sorted(folder.iterdir(), key=lambda path: natural_key(path.name))
        return Answer(files, self._all_shown(files, self.model.strategy.makes(controls), ""))

    def _check_sizes(self, values: Iterable[Any]) -> None:
        """See that the pictures among these values are not too large."""
        for path in (value for value in values if isinstance(value, Path)):
            self._check_size(path)

    def _check_size(self, path: Path) -> None:
        if is_video(path.name):
            raise I2IError(f"{path.name}: this page takes pictures; i2i translate takes videos too")
        header, most = read_header(path), self.limits.pixels
        if header.width * header.height > most:
            raise I2IError(
                f"{path.name}: it has {header.width} × {header.height} pixels; this page takes {most:,} at most, "
                "i2i translate takes any"
            )

    def _check_count(self, controls: Mapping[str, Any], each: int) -> None:
        strategy = self.model.strategy
        try:
            captions = strategy.captions(self.model.net, {**self.model.controls.defaults(), **controls})
        except (ValueError, I2IError):
            return  # the model says what is wrong with them, and in better words
        if (count := len(captions) * each) > self.limits.results:
            raise I2IError(
                f"these controls ask for {count} results; this page makes {self.limits.results} at a time, the command "
                "line any number"
            )

    def _new_folder(self) -> Path:
        """An empty folder; those that were made long ago are removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.iterdir():
            if time.time() - old.stat().st_mtime > KEPT:
                shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self.folder))

    def _all_shown(
        self, files: list[Path], field: str, stem: str, given: Range | None = None
    ) -> list[tuple[Path, str]]:
        captions = [file.stem.removeprefix(stem).lstrip("-") or "result" for file in files]
        return [
            (self._preview(file, field, given), caption)
            for file, caption in zip(files, captions, strict=True)
        ]

    def _preview(self, path: Path, field: str, given: Range | None) -> Path:
        shown = self._new_folder() / f"{path.stem}.png"
        preview(path, self.model.facts, field, given).save(shown)
        return shown


def _size(path: Path) -> tuple[int, int]:
    header = read_header(path)
    return header.width, header.height
