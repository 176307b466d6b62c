"""Fixtures for the tests of a plug-in; pytest finds them by itself where i2i is installed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from i2i.engine.loop import Engine


@pytest.fixture
def tiny_data(tmp_path: Path) -> Callable[..., Path]:
    """`tiny_data("paired", count=4, size=32)`: a folder with a few pictures drawn on the spot, with known truth.

    Layouts: paired, unpaired, domains, masks, images. Each call makes a folder of its own.
    """
    number = itertools.count(1)

    def written(layout: str, *, count: int = 5, size: int = 32, seed: int = 0) -> Path:
        from i2i.data.demo_files import write_demo

        folder = tmp_path / f"tiny-{layout}-{next(number)}"
        write_demo(folder, layout, count, size, seed)
        return folder

    return written


@pytest.fixture
def one_step() -> Callable[..., Engine]:
    """`one_step("pix2pix", pixel="l2")`: the engine of a small method after one step on pictures drawn on the spot.

    `plugin` is one that is not installed, as for `i2i.testing.check`; the other arguments are options of the method.
    """

    def stepped(strategy: str, *, plugin: Any = None, **options: Any) -> Engine:
        from i2i.spec.plugins import discover
        from i2i.testing.contract import loaded
        from i2i.testing.workbench import Workbench

        registry = discover() if plugin is None else loaded(plugin)[0]
        bench = Workbench(registry)
        spec = bench.spec(strategy, options=options)
        engine = bench.engine(spec)
        bench.train(engine, spec, 1)
        return engine

    return stepped
