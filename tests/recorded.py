"""Run folders with everything a report shows, written without training."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

SPEC = """[strategy]
name = "made-up"
cycle_weight = 10.0

[data]
name = "paired"
root = "maps"

[train]
steps = 40
batch = 4
seed = {seed}
"""
ENVIRONMENT = {
    "started": "2026-01-02T03:04:05+0000",
    "device": "cpu",
    "precision": "fp32",
    "versions": {"i2i": "0.1.0"},
    "plan": {
        "objectives": "phase generator, every step\n    G minimises gan + 10·cycle",
        "data": "8 samples",
    },
}
REMARK = {"step": 20, "kind": "won", "number": 0.99, "text": "the discriminator has won: it was right"}
SIDE = 48


def numbers(step: int, scale: float = 1.0) -> dict[str, float]:
    """A line of metrics."""
    loss = scale * (math.exp(-step / 10) + 0.1 * math.sin(step))
    return {
        "generator/gan": loss,
        "generator/cycle": scale * step,
        "judged/real": 0.5 + step / 100,
        "judged/fake": 0.6,
        "lr/G": 2e-4,
        "lr/D": 2e-4,
        "images_per_second": 12.5,
        "waiting_for_data": 0.25,
    }


def write_lines(path: Path, found: Iterable[Mapping[str, Any]]) -> None:
    """Add lines to a file of one JSON object a line."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps({**line, "time": 1.8e9}) + "\n" for line in found)


def picture(step: int) -> bytes:
    """A preview of two columns, of one colour each, which says where they are."""
    pixels = np.zeros((SIDE, 2 * SIDE, 3), np.uint8)
    pixels[:, :SIDE] = (200, 0, 0)
    pixels[:, SIDE:] = (0, 0, min(255, 55 + 5 * step))
    facts = PngInfo()
    facts.add_text("columns", json.dumps([["a", 0, 0, SIDE], ["a to b", SIDE, 0, SIDE]]))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", pnginfo=facts)
    return file.getvalue()


def lines_of(steps: int, scale: float) -> Iterable[Mapping[str, Any]]:
    """All lines of metrics; held-out pictures are judged at every tenth step."""
    for step in range(1, steps + 1):
        yield {"step": step, **numbers(step, scale)}
        if step % 10 == 0:
            yield {"step": step, "validate/l1": 1 / step, "validate/l1_of_copying": 0.9}


def write_run(
    path: Path, *, seed: int = 0, steps: int = 40, environment: Mapping[str, Any] = ENVIRONMENT
) -> Path:
    """A run folder, trained to a step."""
    (path / "samples").mkdir(parents=True)
    (path / "checkpoints").mkdir()
    (path / "spec.toml").write_text(SPEC.format(seed=seed), encoding="utf-8")
    (path / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    write_lines(path / "metrics.jsonl", lines_of(steps, 1 + seed))
    write_lines(path / "watch.jsonl", [REMARK])
    for step in range(10, steps + 1, 10):
        (path / "samples" / f"step-{step:06}.png").write_bytes(picture(step))
    for name in ("latest", "best"):
        (path / "checkpoints" / name).write_text(f"step-{steps:06}", encoding="utf-8")
    return path
