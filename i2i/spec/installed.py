"""The plug-ins that installed packages name, whatever state other packages are in."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distributions, version

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


def version_of(package: str) -> str:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"


def _entries(package: Distribution) -> Iterator[tuple[EntryPoint, str, str]]:
    """The plug-ins of a package, its name and its version; one whose own papers are damaged has none."""
    try:
        entries = package.entry_points.select(group=GROUP)
        about = (package.name or "?", package.version or "?") if entries else ("", "")
    except Exception:  # any package of the machine may be half installed, and most are not about us
        return
    yield from ((entry, *about) for entry in entries)
