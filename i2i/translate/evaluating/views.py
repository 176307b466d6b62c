"""What there is to judge a method by: its inputs, and what the data knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from i2i.core.batch import Parts
from i2i.core.data import DataFacts, Listed, Source, Still
from i2i.core.strategy import Strategy

NOTHING = "seed"
"""The field of methods that start from random numbers alone."""


@dataclass(frozen=True)
class View:
    """A method under fixed controls, on some data.

    Attributes:
        field: of the inputs.
        made: the field that results are like.
        facts: of the data.
        captions: the results for each input: the caption of each, and the controls of its `translate`.
    """

    field: str
    made: str
    facts: DataFacts
    captions: Mapping[str, Mapping[str, Any]]

    @property
    def draws_alone(self) -> bool:
        """Whether there are no inputs."""
        return self.field == NOTHING

    @property
    def truth(self) -> str:
        """The field of the true translations; empty where they are not known."""
        return self.facts.truth.get(self.field, "")

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of which a picture has one: those of folders, or a group of attributes."""
        group = self.facts.exclusive[0] if self.facts.exclusive else ()
        return group if set(group) & set(self.captions) else ()

    def shows(self) -> set[str]:
        """What a metric can be shown of it."""
        facts = self.facts
        known = {
            "input": self.field in facts.channels,
            "truth": bool(self.truth),
            "labels": facts.maps.get(self.field, 0) > 0,
            "domain": bool(self.domains),
        }
        return {"result", "answers", *(name for name, there in known.items() if there)}

    def offers(self) -> dict[str, Any]:
        """The facts that a metric may ask for."""
        count = self.facts.maps.get(self.field, 0)
        told = {"classes": count, "ignore": count} if count else {}
        domains = {"domains": self.domains} if self.domains else {}
        return {"image_size": self.facts.image_size, **told, **domains}


def view_of(strategy: Strategy, net: Parts, facts: DataFacts, controls: Mapping[str, Any]) -> View:
    """What is judged under these controls, which are checked."""
    captions = strategy.captions(net, controls)
    return View(strategy.takes(controls)[0], strategy.makes(controls), facts, captions)


def alone(source: Source, field: str) -> Source:
    """The pictures of a field, each of them once, where a source can list them so; else the source itself."""
    if isinstance(source, Still):
        return source.still()
    parts = source.parts() if isinstance(source, Listed) else {}
    if field in parts:
        return parts[field]
    return parts.get("", source) if len(parts) == 1 else source
