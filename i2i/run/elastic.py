"""Runs that torchrun starts again: they go on where they were, with as many processes as there are now."""

from __future__ import annotations

import json
from pathlib import Path

from i2i.engine.parallel import job
from i2i.run.folder import Folder


def begun(wanted: Path, spec_text: str) -> Path | None:
    """The run folder that the same job has begun with the same spec: the wanted one, NAME-2, NAME-3, ….

    A job has the same name when torchrun starts its processes again, and when it was given the same `--rdzv-id`.
    """
    this = job()
    if not this:
        return None
    number, path = 1, wanted
    found = None
    while path.exists():
        if _is_of(Folder(path), this, spec_text):
            found = path
        number += 1
        path = wanted.with_name(f"{wanted.name}-{number}")
    return found


def _is_of(folder: Folder, name: str, spec_text: str) -> bool:
    try:
        facts = json.loads(folder.environment.read_text(encoding="utf-8"))
        return bool(facts["job"] == name) and folder.spec.read_text(encoding="utf-8") == spec_text
    except (OSError, ValueError, KeyError, TypeError):
        return False
