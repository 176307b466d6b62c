"""The settings that are measured: each other than the spec's own, and honest about what it does to the numbers."""

from __future__ import annotations

import pytest
import torch
from helpers import registry, tiny_spec, tiny_tables

from i2i.spec.spec import resolve
from i2i.speed.ways import OWN, Way, ways_of

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def names(device: torch.device = CPU, **train: object) -> list[str]:
    return [way.name for way in ways_of(tiny_spec("cyclegan", train=train), device)]


def test_the_own_setting_comes_first_and_changes_nothing() -> None:
    first = ways_of(tiny_spec("cyclegan"), CPU)[0]
    assert (first.name, first.changes, first.safe) == (OWN, {}, True)


def test_no_setting_is_the_own_one_again() -> None:
    train = {"precision": "bf16", "memory_format": "channels-last"}
    assert "bf16, channels-last" not in names(**train)
    assert "fp32, contiguous" in names(**train)
    assert "activation checkpointing" not in names(activation_checkpointing=True)
    assert "compile" not in names(compile=True)


def test_auto_is_what_it_means() -> None:
    assert "fp32, contiguous" not in names()
    assert "fp32, channels-last" in names()


def test_fp16_is_for_gpus() -> None:
    assert any("fp16" in name for name in names(CUDA))
    assert not any("fp16" in name for name in names(CPU))


def test_safe_is_fp32_or_what_the_spec_asks_for() -> None:
    ways = ways_of(tiny_spec("cyclegan"), CUDA)
    assert {way.name for way in ways if not way.safe} == {
        "bf16, contiguous",
        "bf16, channels-last",
        "fp16, contiguous",
        "fp16, channels-last",
        "compile, bf16",
    }
    assert all(way.safe for way in ways_of(tiny_spec("cyclegan", train={"precision": "bf16"}), CPU))


@pytest.mark.parametrize("way", ways_of(tiny_spec("cyclegan"), CUDA), ids=lambda way: way.name)
def test_its_settings_are_those_of_a_spec(way: Way) -> None:
    train = resolve(tiny_tables("cyclegan"), registry(), way.settings).train
    assert {key: getattr(train, key) for key in way.changes} == way.changes


def test_its_lines_can_be_pasted() -> None:
    way = Way("", {"precision": "bf16", "compile": True}, True, "")
    assert way.lines == ['precision = "bf16"', "compile = true"]
