"""Errors that a user can cause; each is a sentence, never a traceback."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from i2i.core.words import listed

LISTED = 24  # names that a hint lists; files of a folder can be thousands


# How torch says that memory is short: on a GPU, on the CPU (in the words of each system), and in its libraries.
NO_MEMORY = ("out of memory", "allocate memory", "you tried to allocate", "ALLOC_FAILED")


class I2IError(Exception):
    """Something a user can mend; the message says where, what is wrong and what would be right."""


class DataError(I2IError):
    """All faults of a data set that were found at once; the message is the first."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = tuple(sentences)
        super().__init__(sentences[0])


class I2IWarning(UserWarning):
    """Something a user should know; the command line prints it as a line."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a spec: the dotted key, what is wrong, and what would be right."""

    at: str
    message: str
    hint: str = ""

    def text(self, place: str = "") -> str:
        """The problem as indented lines; `place` (file and line) stands in front."""
        head = f"  {place}{self.at}: {self.message}" if self.at else f"  {place}{self.message}"
        return "\n".join([head, *(f"    {line}" for line in self.hint.splitlines())])


class SpecError(I2IError):
    """All problems of a spec at once."""

    def __init__(self, problems: Sequence[Problem], places: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        places = places or [""] * len(self.problems)
        super().__init__("\n".join(p.text(place) for p, place in zip(self.problems, places, strict=True)))


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint naming the nearest of the known names, and all of them, or the first of very many."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    all_of_them = f"known: {listed(names, LISTED)}" if names else "there are none"
    return f"did you mean '{close[0]}'? {all_of_them}" if close else all_of_them


def lacks_memory(error: BaseException) -> bool:
    """Whether memory was short."""
    text = str(error)
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in text for sign in NO_MEMORY)
    )
