"""The benchmarks of the step run, and the plain loops that they compare with do the same as i2i."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helpers
import pytest
import torch

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "reference"))


def small(method: str) -> Any:
    """The method with small networks, all else as published; so is dropout, by which the order of numbers counts."""
    from methods import METHODS
    from setups import Setup

    row = helpers.tiny(method)
    nets = {
        key: {option: value for option, value in table.items() if option != "dropout"}
        for key, table in row.options.items()
        if isinstance(table, Mapping)
    }
    tables = {"strategy": nets, "train": {"device": "cpu"}}
    return Setup(method, row.data["size"], METHODS[method].batch, "cpu", tables=tables)


def test_every_method_has_a_plain_loop() -> None:
    from methods import METHODS

    assert sorted(METHODS) == sorted(helpers.strategies())


@pytest.mark.parametrize("method", helpers.strategies())
def test_the_plain_loop_does_the_same(method: str) -> None:
    from training import trainers

    for trainer in trainers(small(method), ["bf16"]).values():  # stops where the first steps differ
        assert trainer.seconds() > 0


def test_another_loop_is_noticed() -> None:
    from setups import engine, samples
    from training import check, plain_loop

    setup = small("pix2pix")
    ours = engine(setup, "fp32")
    book = plain_loop(ours, setup)
    with torch.no_grad():
        next(book.nets["G"].parameters()).add_(0.1)
    with pytest.raises(SystemExit, match=r"is .* in i2i and .* in the plain loop"):
        check(book, ours, setup, samples(setup)[0])


def test_plain_networks_hold_layers_of_torch_alone() -> None:
    from setups import engine
    from training import plain_loop

    setup = small("cyclegan")
    book = plain_loop(engine(setup, "fp32"), setup)
    layers = {type(m).__name__ for net in book.nets.values() for m in net.modules() if not [*m.children()]}
    assert layers <= {
        *("Conv2d", "ConvTranspose2d", "InstanceNorm2d", "ReflectionPad2d", "ReLU", "LeakyReLU"),
        *("Identity", "Dropout"),
    }


def test_the_table(tmp_path: Path) -> None:
    import step

    results = step.measure(small("cyclegan"), ["fp32"], 1, 1e9, memory=False)
    assert [result.variant for result in results] == [step.PLAIN, "fp32"]
    assert results[0].ratio == 1 and all(result.share_of_matmul > 0 for result in results)
    step.save(tmp_path / "step.json", small("cyclegan"), 1e9, results)
    kept = json.loads((tmp_path / "step.json").read_text())
    assert kept["results"][1]["ratio"] == results[1].ratio and kept["machine"]["torch"] == torch.__version__


def test_the_profile_counts_the_gradients_of_convolutions() -> None:
    import step_profile

    found = step_profile.profiles(small("cyclegan"), ["fp32"], 1)
    for kinds in found.values():
        assert all(kinds[kind] > 0 for kind in (step_profile.TO_INPUT, step_profile.TO_WEIGHT, "norms"))


def test_a_variant_of_unknown_words() -> None:
    from setups import spec_of

    with pytest.raises(SystemExit, match=r"a variant is made of default, fp32, .* not 'bf8'"):
        spec_of(small("cyclegan"), "bf8+compile")


def test_memory_begins_where_it_is_asked_for() -> None:
    from peak import Peak

    peak = Peak("cpu")
    held = torch.zeros(2**24)  # 64 MiB
    assert peak.mib() > 60 or held.sum() == 0
