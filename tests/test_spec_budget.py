"""Networks that no machine could hold are refused before memory is taken."""

from __future__ import annotations

import pytest
import torch
from helpers import registry, tiny_engine, tiny_spec, tiny_tables
from torch import nn

from i2i.core.errors import I2IError
from i2i.core.schema import Ref
from i2i.spec.budget import MOST_TENSORS, Budget
from i2i.spec.spec import resolve


def test_what_fits_is_built_as_without_a_budget() -> None:
    with Budget(4 * (12 + 4)) as budget:
        nn.Linear(3, 4)
    assert (budget.bytes, budget.tensors) == (64, 2)


def test_what_does_not_fit_is_refused_before_it_is_made() -> None:
    with pytest.raises(I2IError) as caught, Budget(2**30) as budget:
        budget.ref = Ref.of("generator", "wide", {})
        nn.Linear(10**6, 10**6)
    assert str(caught.value) == (
        "generator 'wide': its weights do not fit into the memory of this machine (1 GiB); "
        "make it smaller: width, layers, latent"
    )


@pytest.mark.parametrize("made", [torch.zeros, torch.ones, torch.randn, torch.empty])
def test_every_maker_counts(made: object) -> None:
    with Budget(2**30) as budget:
        made(3, 5, dtype=torch.float64)  # type: ignore[operator]
    assert budget.bytes == 120


def test_far_too_many_tensors_are_refused() -> None:
    with pytest.raises(I2IError, match=r"more than 100,000 tensors; use fewer layers or blocks"):  # noqa: SIM117
        with Budget(2**30) as budget:
            budget.tensors = MOST_TENSORS
            torch.empty(1)


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "dcgan", "stylegan", "spade"])
def test_a_width_of_a_thousand_million_is_a_sentence(name: str) -> None:
    tables = tiny_tables(name)
    tables["strategy"]["generator"] = {**tables["strategy"]["generator"], "width": 10**9}
    if name == "stylegan":
        tables["strategy"]["generator"]["max_width"] = 10**9
    with pytest.raises(I2IError, match="do not fit into the memory of this machine"):
        tiny_engine(resolve(tables, registry()))


def test_the_budget_changes_no_weight() -> None:
    one, other = (tiny_engine(tiny_spec("pix2pix")).net.G.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("section", "key", "value", "most"),
    [
        ("data", "workers", 10**5, "1024"),
        ("train", "batch", 10**9, "65536"),
        ("data", "count", 10**12, "1000000"),
    ],
)
def test_numbers_that_would_hang_a_machine_are_refused(section: str, key: str, value: int, most: str) -> None:
    with pytest.raises(I2IError, match=rf"{section}.{key}: input should be .*{most}"):
        tiny_spec("dcgan", **{section: {key: value}})
