"""What is wrong with data, in words: sentences that say the same become one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

NAMED = 3
"""So many samples are named."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with data.

    Attributes:
        level: an error stops a run or spoils what it shows; a warning is for the user to judge.
        what: the fault, in words.
        names: the first of the samples that have it.
        count: how many have it.
        remedy: what to do.
    """

    level: Literal["error", "warning"]
    what: str
    names: tuple[str, ...]
    count: int
    remedy: str


def finding(level: Literal["error", "warning"], what: str, names: Sequence[str], remedy: str) -> Finding:
    """A finding about samples, of which the first are named."""
    return Finding(level, what, tuple(names[:NAMED]), len(names), remedy)


def refused(sentences: Sequence[str], names: Sequence[str] = (), where: str = "") -> Iterator[Finding]:
    """Sentences that say the same of different files, as one finding each.

    Args:
        sentences: why samples cannot be used.
        names: of the samples; without them the files stay in the sentence.
        where: what they are part of.
    """
    alike: dict[str, list[int]] = {}
    for place, sentence in enumerate(sentences):
        alike.setdefault(re.sub(r"'[^']*'|[0-9][0-9,.]*", "", sentence), []).append(place)
    for places in alike.values():
        what, _, remedy = sentences[places[0]].rpartition("; ")
        if not what:
            what, remedy = remedy, "mend or remove the file"
        if names:
            what = f"{where}: {what.removeprefix(_quoted(what))}"
        shown = tuple(names[place] for place in places[:NAMED]) if names else ()
        yield Finding("error", what, shown, len(places), remedy)


def worst_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Errors before warnings, and what concerns many before what concerns few."""
    return tuple(sorted(findings, key=lambda finding: (finding.level != "error", -finding.count)))


def _quoted(sentence: str) -> str:
    """The file that a sentence begins with."""
    found = re.match(r"'[^']*' ", sentence)
    return found[0] if found else ""
