"""The plug-ins that installed packages name, whatever state other packages are in."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, distributions

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from i2i.core.extras import DISTRIBUTION

GROUP = "i2i"


def installed() -> list[tuple[EntryPoint, str]]:
    """The entry points of all plug-ins and their versions, ours first; of two copies of a package the first counts."""
    found: dict[str, tuple[EntryPoint, str, bool]] = {}
    for package in distributions():
        for entry, name, number in _entries(package):
            found.setdefault(f"{name}:{entry.name}", (entry, number, name != DISTRIBUTION))
    ordered = sorted(found.values(), key=lambda each: (each[2], each[0].name))
    return [(entry, number) for entry, number, _ in ordered]


def unmet(package: Distribution, version: str) -> str:
    """What a package asks of i2i that a version of it does not meet, in its own words; empty if there is nothing.

    Read from its metadata: nothing of it is imported.
    """
    for line in package.requires or ():
        try:
            asked = Requirement(line)
        except InvalidRequirement:
            continue  # of whatever; a package that pip has installed has none about us
        ours = canonicalize_name(asked.name) == DISTRIBUTION
        if ours and _applies(asked) and not asked.specifier.contains(version, prereleases=True):
            return line.partition(";")[0].strip()
    return ""


def _applies(asked: Requirement) -> bool:
    """Whether it is asked for on this machine, and without extras."""
    return asked.marker is None or asked.marker.evaluate({"extra": ""})


def _entries(package: Distribution) -> Iterator[tuple[EntryPoint, str, str]]:
    """The plug-ins of a package, its name and its version; one whose own papers are damaged has none."""
    try:
        entries = package.entry_points.select(group=GROUP)
        about = (canonicalize_name(package.name or "?"), package.version or "?") if entries else ("", "")
    except Exception:  # any package of the machine may be half installed, and most are not about us
        return
    yield from ((entry, *about) for entry in entries)
