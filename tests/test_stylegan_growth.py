"""How StyleGAN grows: levels, batches, rates, and where optimizers start anew."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from helpers import registry
from torch.nn import functional as F

from i2i.core.errors import SpecError
from i2i.spec.spec import resolve
from i2i_stylegan import StyleGAN
from i2i_stylegan.growth import Growth

FULL = Growth(1024, 8, 600_000, 600_000)


@pytest.mark.parametrize(
    ("images", "lod", "side"),
    [
        (0, 7.0, 8),
        (600_000, 7.0, 8),
        (600_064, 7 - 64 / 600_000, 16),
        (900_000, 6.5, 16),
        (1_200_000, 6.0, 16),
        (8_100_000, 0.5, 1024),
        (8_400_000, 0.0, 1024),
        (25_000_000, 0.0, 1024),
    ],
)
def test_levels(images: int, lod: float, side: int) -> None:
    level = FULL.at(images)
    assert (level.lod, level.side) == (pytest.approx(lod), side)
    assert level.factor == 1024 // side
    assert level.layers == 2 * math.log2(side) - 2


def test_optimizers_start_anew_where_a_fade_begins_and_where_it_ends() -> None:
    stages = [FULL.stage(n) for n in (0, 600_000, 600_032, 1_199_968, 1_200_000, 1_800_000, 1_800_032)]
    assert stages == [0, 0, 1, 1, 2, 2, 3]
    assert FULL.stage(8_400_000) == FULL.stage(10**9) == 14


@pytest.mark.parametrize(
    ("images", "batch", "rate"),
    [
        (0, 256, 1.0),
        (600_064, 128, 1.0),
        (1_800_064, 64, 1.0),
        (3_000_064, None, 1.0),  # train.batch: 32
        (4_200_032, None, 1.5),
        (5_400_032, None, 2.0),
        (6_600_032, None, 3.0),
        (8_400_000, None, 3.0),
    ],
)
def test_the_published_plan(images: int, batch: int | None, rate: float) -> None:
    plan = StyleGAN(resolution=1024).plan(images)
    assert (plan.batch, plan.rates) == (batch, {"G": rate, "D": rate})
    assert plan.stage == FULL.stage(images)


def test_the_published_length() -> None:
    strategy, images, steps = StyleGAN(resolution=1024), 0, 0
    changes = [600_000 * n + later for n in range(1, 15) for later in (0, 1)]
    for change in [*changes, 25_000_000]:
        batch = strategy.plan(images).batch or 32
        more = math.ceil((change - images) / batch)
        images, steps = images + more * batch, steps + more
    assert steps == StyleGAN.recipe["train"]["steps"]


def test_a_batch_that_jumps_over_a_stage_still_grows() -> None:
    growth = Growth(32, 4, 2, 7)
    assert [growth.at(n).lod for n in (0, 9, 18, 27, 50)] == [3, 2, 1, 0, 0]
    assert growth.stage(50) == 6


@pytest.mark.parametrize(("stable", "fading"), [(4, 0), (0, 4)])
def test_without_a_fade_or_without_a_stable_phase(stable: int, fading: int) -> None:
    growth = Growth(16, 4, stable, fading)
    halfway = 1.5 if fading else 2.0
    assert [growth.at(n).lod for n in (0, 2, 4, 8)] == [2.0, halfway, 1.0, 0.0]


def test_networks_that_start_at_the_full_size_never_change() -> None:
    growth = Growth(16, 16, 4, 4)
    assert {growth.at(n).lod for n in (0, 5, 100)} == {0.0}
    assert {growth.stage(n) for n in (0, 5, 100)} == {0}


def test_real_pictures_fade_too() -> None:
    image = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    shown = Growth(16, 4, 0, 4).at(3).shown(image)  # a quarter of the way to 8: lod 1.25
    half, quarter = F.avg_pool2d(image, 2), F.avg_pool2d(image, 4)
    torch.testing.assert_close(
        shown, 0.75 * half + 0.25 * quarter.repeat_interleave(2, 2).repeat_interleave(2, 3)
    )


def tables(size: int = 64, **options: Any) -> dict[str, Any]:
    data = {"name": "demo", "layout": "images", "size": size}
    return {"strategy": {"name": "stylegan", **options}, "data": data}


def test_the_resolution_is_that_of_the_data() -> None:
    assert resolve(tables(64), registry()).strategy.options["resolution"] == 64


@pytest.mark.parametrize(
    ("size", "options", "sentence"),
    [
        (48, {}, "resolution: pictures of 48 pixels .*; set data.size to 32 or 64"),
        (64, {"resolution": 32}, "resolution: 32 is not the size of the pictures, 64; leave it out"),
        (64, {"start": 128}, "start: 128 is not on the way from 4 to 64 by doubling; use 8"),
        (64, {"start": 12}, "start: 12 is not on the way"),
        (
            64,
            {"stable_images": 0, "fading_images": 0},
            "stable_images: without images it never grows from 8 to 64; .* start = 64",
        ),
        (64, {"batches": [[12, 16]]}, "batches: 12 is not reached by doubling 4; use 4, 8, 16 and so on"),
        (64, {"rates": [[8, 0.5], [8, 0.7]]}, "rates: 8 stands there twice; leave one out"),
        (
            64,
            {"batches": [[16, 6]]},
            "batches: .* groups of 4, and 6 at 16x16 .* use 8, or discriminator.group",
        ),
    ],
)
def test_what_cannot_grow_is_refused(size: int, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError, match=f"strategy.{sentence}"):
        resolve(tables(size, **options), registry())


@pytest.mark.parametrize(
    "options",
    [
        {"batches": [[4, 6], [128, 6]]},  # below the start, above the pictures
        {"batches": [[16, 3]]},  # one group
        {"batches": [[16, 6]], "discriminator": {"group": 3}},
    ],
)
def test_batches_that_can_be_grouped_or_never_come(options: dict[str, Any]) -> None:
    resolve(tables(64, **options), registry())
