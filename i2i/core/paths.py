"""Where paths lead: whether a link leaves its folder."""

from __future__ import annotations

from pathlib import Path


def leads_out(path: Path, home: Path) -> bool:
    """Whether a path leads out of a folder, or nowhere at all; `home` is the folder, resolved."""
    try:
        return not path.resolve().is_relative_to(home)
    except (OSError, RuntimeError, ValueError):  # a link to itself, or a name that no system takes
        return True


def link_leads_out(path: Path, home: Path) -> bool:
    """Whether a path is itself a link, and leads out of a folder; `home` is the folder, resolved."""
    try:
        return path.is_symlink() and leads_out(path, home)
    except OSError:  # a name that is too long is no link
        return False
