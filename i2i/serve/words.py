"""What the page says: what the model takes, and what was wrong."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from typing import Any

from i2i.core.errors import I2IError, SpecError, lacks_memory
from i2i.translate.model import Model

FAULT = "This is a fault of i2i, not yours; the terminal that serves this page shows where."
MEMORY = "There is not enough memory for a picture of this size; try a smaller one."


def about(model: Model, controls: Mapping[str, Any]) -> str:
    """A line on what the model takes and makes under these controls."""
    source, *_ = model.strategy.takes(controls)
    made = model.strategy.makes(controls)
    if source == "seed":
        return f"Draws pictures like **{made}** of its training data from random numbers alone."
    facts = model.facts
    size = f"seen at {facts.image_size} × {facts.height} pixels while training; other sizes go too"
    if source in facts.maps:
        kind = f"maps like **{source}**"
    else:
        colour = {1: "grey", 3: "colour"}.get(facts.channels[source], f"{facts.channels[source]} channels")
        kind = f"pictures like **{source}**"
        size = f"{colour}, {size}"
    return f"Takes {kind} of its training data ({size}) and makes pictures like **{made}**."


def sentence(error: Exception) -> tuple[str, bool]:
    """What to say about an error, and whether it is said well: others need a traceback beside."""
    if isinstance(error, SpecError):
        text = "\n".join(f"{p.at.removeprefix('control.')}: {p.message}" for p in error.problems)
    elif isinstance(error, I2IError):
        text = str(error).strip()
    else:
        return (MEMORY, True) if lacks_memory(error) else (FAULT, False)
    return _without_folders(text), True


def _without_folders(text: str) -> str:
    """Files are called by their names: where the server keeps them is nobody's business."""
    return re.sub(re.escape(tempfile.gettempdir()) + r"[^\s'\":,]*[/\\]", "", text)
