"""How messages count, list and quote things."""

import shlex
import sys
from collections.abc import Sequence

FEW = 3
LONGEST = 255  # characters of a file's name; strangers' names can be longer


def counted(count: int, noun: str) -> str:
    """A number and what is counted: "1 picture", "2,000 pictures"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def short(text: str) -> str:
    """A text for a message, however long it is."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def listed(names: Sequence[str], most: int, separator: str = ", ") -> str:
    """The first of the names, and how many more there are: "a, b and 7 more"."""
    rest = len(names) - most
    return separator.join(map(short, names[:most])) + (f" and {rest:,} more" if rest > 0 else "")


def some(names: Sequence[str], noun: str) -> str:
    """How many there are, and the first of them: "4 files ('a', 'b', 'c', …)"."""
    shown = ", ".join(f"'{short(name)}'" for name in names[:FEW])
    return f"{counted(len(names), noun)} ({shown}{', …' if len(names) > FEW else ''})"


def and_more(count: int) -> str:
    """What follows an example where there are others: " (and 3 more)", or nothing."""
    return f" (and {count:,} more)" if count else ""


def by_shape(shape: Sequence[int]) -> str:
    """The shape of a tensor: "64×3×4×4", or "a number"."""
    return "×".join(map(str, shape)) or "a number"


def quoted(text: object, windows: bool = sys.platform == "win32") -> str:
    """One word of a command to type, for the shell of this machine: `'my run'`, on Windows `"my run"`."""
    word = "".join(mark if mark.isprintable() else "?" for mark in str(text))
    if not windows:
        return shlex.quote(word)
    word = word.replace('"', "?")  # no file is called so there
    plain = word.replace("\\", "/")
    return word if shlex.quote(plain) == plain and "%" not in word else f'"{word}"'


def in_bytes(size: float) -> str:
    """An amount of memory: "3.2 GiB", "87 MiB"."""
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{-(-size // 2**20):,.0f} MiB"
