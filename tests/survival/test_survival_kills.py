"""Whenever a run is killed, it goes on as if nothing had been."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from i2i.engine import checkpoint, checkpoints

from .campaign import KILLED, VARIANTS, Campaign, Nursery

KILLS = 9  # of each variant


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_killed_run_ends_as_the_unbroken_one(warm: Nursery, tmp_path: Path, variant: str) -> None:
    campaign = Campaign(warm, tmp_path, VARIANTS[variant], random.Random(variant))
    campaign.attack(KILLS)
    assert sum(campaign.tally.kills.values()) == KILLS, campaign.tally


def save(folder: Path, step: int, value: float) -> None:
    tensors = {name: {"weight": torch.full((3,), value)} for name in "GD"}
    checkpoint.write(folder / checkpoint.folder_name(step), tensors, {"step": step}, {"spec.toml": "x = 1\n"})


@pytest.mark.parametrize("steps", [(1,), (1, 2)])
def test_a_kill_at_any_file_operation_of_a_save_leaves_a_whole_checkpoint(
    warm: Nursery, tmp_path: Path, steps: tuple[int, ...]
) -> None:
    """Beside an older one, and in place of one of the same step: what was there stays, or what comes is whole."""
    for event in range(1, 200):
        folder = tmp_path / str(event)
        folder.mkdir()
        for step in steps:
            save(folder, step, 1.0)
        code = warm.save(folder, tmp_path / "log", event=event, kill=0)["code"]
        found = checkpoints.newest(folder)
        assert found is not None and not found.damaged
        assert {float(w) for e in found.tensors.values() for w in e["weight"]} in ({1.0}, {2.0}), event
        assert found.facts["step"] in (max(steps), 2)
        checkpoints.tidy(folder)
        assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
        if code != KILLED:
            break
    assert code == 0 and event > 12
    assert found.facts["step"] == 2 and [p.name for p in folder.glob("step-*")] == ["step-000002"]
