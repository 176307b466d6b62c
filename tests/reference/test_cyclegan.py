"""CycleGAN: the engine agrees with the published loop, image pools included."""

from __future__ import annotations

import pytest
import torch
from helpers import difference, tiny_spec
from loops.cyclegan import Loop
from textbook import WITHIN, agree


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("identity", [0.0, 5.0])
@pytest.mark.parametrize(("batch", "capacity"), [(1, 1), (2, 2), (2, 0)])
def test_the_engine_agrees(batch: int, capacity: int, identity: float, dtype: torch.dtype) -> None:
    generator = {"name": "resnet", "width": 4, "blocks": 1}
    options = {"generator": generator, "identity_weight": identity, "pool": capacity}
    spec = tiny_spec("cyclegan", options=options, train={"batch": batch, "seed": 9})
    engine, book = agree(spec, lambda nets: Loop(nets, identity, capacity), dtype)
    assert bool(book.pool_a.swaps and book.pool_b.swaps) == bool(capacity)
    for mine, pool in ((book.pool_a, engine.net.pool_a), (book.pool_b, engine.net.pool_b)):
        assert len(mine.images) == len(pool.images) == capacity
        assert not capacity or difference(torch.stack(mine.images), pool.images) <= WITHIN[dtype]
