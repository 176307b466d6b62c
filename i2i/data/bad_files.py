"""Files that cannot be read while a run trains: said once each, and only so many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from i2i.core.data import Source
from i2i.core.errors import I2IError
from i2i.core.words import counted
from i2i.data.cache import open_cache


class BadFiles:
    """The files of a run that could not be read so far.

    Args:
        limit: so many different ones are passed over; 0 stops at the first.
        say: is told of each of them once.
    """

    def __init__(self, limit: int = 0, say: Callable[[str], None] = lambda text: None) -> None:
        self.limit, self.say = limit, say
        self._sentences: list[str] = []

    def add(self, sentence: str) -> None:
        """Count a file, known by the sentence that names it.

        Raises:
            I2IError: it is one too many.
        """
        if sentence in self._sentences:
            return
        self._sentences.append(sentence)
        count = len(self._sentences)
        if not self.limit:
            raise I2IError(sentence)
        if count > self.limit:
            raise I2IError(self._too_many())
        self.say(f"skipped: {sentence} ({count} of at most {self.limit} bad files)")

    def _too_many(self) -> str:
        files = "".join(f"\n    {sentence}" for sentence in self._sentences)
        return (
            f"train.max_bad_files: {counted(len(self._sentences), 'file')} could not be read, and {self.limit} may be "
            f"skipped; mend or remove them (i2i check finds all such files), or allow more:{files}"
        )


def readable(
    source: Source, numbers: Callable[[int], torch.Generator], bad_files: BadFiles
) -> Iterator[tuple[int, Mapping[str, Tensor]]]:
    """The samples of a source by their indices, in order; those that cannot be read are counted and left out.

    Raises:
        I2IError: there are too many of these, or nothing else.
    """
    open_cache(source, bad_files.say)
    none = True
    for index in range(len(source)):
        try:
            sample = source.load(index, numbers(index))
        except (I2IError, OSError) as error:
            bad_files.add(in_words(source, index, error))
            continue
        none = False
        yield index, sample
    if none:
        raise I2IError(
            f"data: none of the {len(source):,} held-out samples could be read; i2i check says why"
        )


def in_words(source: Source, index: int, error: I2IError | OSError) -> str:
    """Why a sample cannot be loaded, in a sentence that names the file.

    Raises:
        I2IError: the folder of the file is gone, so it is not the file that is bad.
    """
    if (folder := _missing_folder(error)) is not None:
        raise I2IError(f"data.root: the folder '{folder}' is gone; put it back, and resume the run") from None
    return str(error) if isinstance(error, I2IError) else f"{source.name(index)}: {error}"


def _missing_folder(error: I2IError | OSError) -> Path | None:
    """The topmost folder that is missing, if that is why there is no file."""
    cause = error.__context__ if isinstance(error, I2IError) else error
    if not isinstance(cause, FileNotFoundError) or not cause.filename:
        return None
    missing = [folder for folder in Path(cause.filename).parents if not folder.exists()]
    return missing[-1] if missing else None
