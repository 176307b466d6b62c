"""Every bundled plug-in is held to the contract that strangers' plug-ins are held to, by `i2i.testing` alone."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import NEEDED, TINY

import i2i.metrics
import i2i.run.loggers
import i2i.testing
from i2i.spec import builtin

METHODS = {
    "i2i_pix2pix": ["pix2pix"],
    "i2i_cyclegan": ["cyclegan"],
    "i2i_bicyclegan": ["bicyclegan"],
    "i2i_stargan": ["stargan"],
    "i2i_spade": ["spade"],
    "i2i_stylegan": ["stylegan"],
    "i2i_gans": ["gan", "dcgan", "cgan", "acgan", "vaegan"],
}
WEIGHTS = "it needs published weights; tests/test_metrics_*.py feeds it others"
STYLES = "its forward takes the styles and the noise of every layer, which only its own method makes"
EXEMPT = {
    **{
        f"loss.vgg19: {rule}": WEIGHTS
        for rule in i2i.testing.rules("loss")
        if rule not in ("summary", "bounds")
    },
    **{f"metric.{name}: value": WEIGHTS for name in ("fid", "kid", "inception-score", "lpips", "diversity")},
    **{f"metric.{name}: value": "it needs a segmenter" for name in ("miou", "pixel-accuracy")},
    "strategy.spade: defaults": "its perceptual loss needs published weights",
    "metric.ms-ssim: value": "it needs pictures of 176 pixels",
    "metric.domain-accuracy: value": "it has to learn first",
    "logger.wandb: calls": "it needs an account; tests/test_run_loggers_services.py feeds it another service",
    **{
        f"generator.style: {rule}": STYLES
        for rule in i2i.testing.rules("generator")
        if rule not in ("summary", "defaults", "compile")
    },
    "discriminator.progressive: reach": "it grows: layers of sizes that are not reached yet rest",
    "discriminator.progressive: samples": "the deviation within a batch is what its last layer looks at",
}


def checks_of(plugin: object, small: dict[str, dict[str, object]]) -> list[i2i.testing.Check]:
    every = i2i.testing.checks(plugin, small={**NEEDED, **small})
    # a compiled network is checked where its method trains, which is what it is for
    return [each for each in every if each.rule != "compile" or each.component.kind in ("strategy", "loss")]


def bundled() -> list[i2i.testing.Check]:
    found = []
    for module, names in METHODS.items():
        small = {f"strategy.{name}": dict(TINY[name].options) for name in names}
        found += checks_of(importlib.import_module(module), {**small, "data": dict(TINY[names[0]].data)})
    for plugin in (importlib.import_module("i2i_timm"), builtin, i2i.metrics, i2i.run.loggers):
        found += [each for each in checks_of(plugin, {}) if each.component.kind != "data"]
    return found


BUNDLED = bundled()


@pytest.mark.parametrize("check", [c for c in BUNDLED if str(c) not in EXEMPT], ids=str)
def test_contract(check: i2i.testing.Check) -> None:
    assert check.run() == []


def test_every_exemption_is_of_a_rule() -> None:
    assert set(EXEMPT) <= set(map(str, BUNDLED))


@pytest.mark.parametrize("layout", ["paired", "unpaired", "domains", "masks", "images"])
def test_data_kinds(layout: str, tiny_data: Callable[..., Path]) -> None:
    small = {f"data.{layout}": {"root": str(tiny_data(layout)), "size": 32}}
    mine = [c for c in checks_of(builtin, small) if str(c).startswith(f"data.{layout}:")]
    assert len(mine) == len(i2i.testing.rules("data"))
    assert [sentence for check in mine for sentence in check.run()] == []
