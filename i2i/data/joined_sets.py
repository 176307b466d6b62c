"""Several sets with labels as one: the domains of all, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i.data.domain_options import DomainSet
from i2i.data.labelled_set import LabelledSet
from i2i.data.stored import colour, depth
from i2i.data.survey import choose


@contextmanager
def under(name: str) -> Iterator[None]:
    """Errors about an option of a joined set, under its key in the spec: `data.sets.NAME.root`, not `data.root`."""
    try:
        yield
    except I2IError as error:
        option, colon, rest = str(error).removeprefix("data.").partition(": ")
        if not name or not colon or option not in DomainSet.model_fields:
            raise
        raise I2IError(f"data.sets.{name}.{option}: {rest}") from error


def joined_facts(sets: Mapping[str, LabelledSet]) -> DataFacts:
    """The facts of several sets: the domains of all, and the field `mask`, which tells the set of a sample.

    Raises:
        I2IError: two sets share the name of a domain, or their pictures are stored differently.
    """
    _check_names(sets)
    _check_stored(sets)
    facts = [member.facts() for member in sets.values()]
    domains = tuple(name for one in facts for name in one.domains)
    return replace(
        facts[0],
        fields=(*facts[0].fields, "mask"),
        vectors={"domain": len(domains), "target": len(domains), "mask": len(sets)},
        domains=domains,
        exclusive=tuple(group for one in facts for group in one.exclusive),
        sets=tuple(one.domains for one in facts),
    )


def _check_names(sets: Mapping[str, LabelledSet]) -> None:
    owners: dict[str, str] = {}
    for name, member in sets.items():
        for domain in member.labels.names:
            if domain in owners:
                raise I2IError(
                    f"data.sets: '{owners[domain]}' and '{name}' both have a domain '{domain}'; rename it in the files "
                    "of one, or name in attributes the others only"
                )
            owners[domain] = name


def _check_stored(sets: Mapping[str, LabelledSet]) -> None:
    (first, one), *others = ((name, member.stored) for name, member in sets.items())
    for name, other in others:
        if one.channels != other.channels:
            raise I2IError(
                f"data.sets: the pictures of '{first}' are {colour(one.channels)}, those of '{name}' are "
                f"{colour(other.channels)}; {choose([one.channels, other.channels])}"
            )
        if (one.dtype, one.value_range) != (other.dtype, other.value_range):
            depths = [depth(stored.dtype, stored.bits) for stored in (one, other)]
            raise I2IError(
                f"data.sets: the pictures of '{first}' are {depths[0]}, those of '{name}' are {depths[1]}; "
                "convert the files to one depth"
            )
