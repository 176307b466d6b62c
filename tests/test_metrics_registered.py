"""Every metric as a spec names it: built, shown pictures and asked, without touching anybody's random numbers."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.registry import SHOWN, Registry
from i2i.metrics import i2i_register

FACTS = {"classes": 3, "ignore": 3, "domains": ("day", "night"), "image_size": 32}
NETWORK = {"network": "test_resnet", "weights": "random"}
OPTIONS: dict[str, dict[str, Any]] = {
    "fid": NETWORK,
    "kid": NETWORK,
    "inception-score": {**NETWORK, "splits": 2},
    "lpips": {"weights": "random"},
    "diversity": {"weights": "random", "answers": 3, "pairs": 2},
    "domain-accuracy": {"network": "test_resnet", "size": 32},
}
LOWER = {"l1", "lpips", "fid", "kid"}
NEED_A_FILE = {"miou", "pixel-accuracy"}


@pytest.fixture(scope="module")
def registry() -> Registry:
    made = Registry()
    i2i_register(made)
    return made


NAMES = [
    "diversity",
    "domain-accuracy",
    "fid",
    "inception-score",
    "kid",
    "l1",
    "lpips",
    "miou",
    "ms-ssim",
    "pixel-accuracy",
    "psnr",
    "ssim",
]


def built(registry: Registry, name: str, **options: Any) -> Any:
    raw = {"name": name, **OPTIONS.get(name, {}), **options}
    return registry.build(registry.resolve("metric", raw, "validate.metric"), FACTS, {})


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Colours as classes."""
    path = tmp_path_factory.mktemp("segmenter") / "colours.onnx"
    pictures, scores = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, "h", "w"])
        for name in ("pictures", "scores")
    )
    node = helper.make_node("Identity", ["pictures"], ["scores"])
    graph = helper.make_graph([node], "colours", [pictures], [scores])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def shown(side: int) -> dict[str, Tensor]:
    """What metrics are shown, four of each."""
    generator = torch.Generator().manual_seed(1)
    pictures = {
        name: torch.rand(4, 3, side, side, generator=generator) * 2 - 1
        for name in ("result", "input", "truth", "answers")
    }
    labels = torch.randint(0, 4, (4, side, side), generator=generator)
    return {**pictures, "labels": labels, "domain": torch.tensor([0, 1, 0, 1])}


def value(metric: Any, name: str) -> Any:
    """Taught, shown real pictures, shown results, and asked."""
    views = shown(176 if name == "ms-ssim" else 32)
    if not hasattr(metric, "compute"):
        return metric(views["result"], views["truth"])
    for number in range(getattr(metric, "passes", 0) * 8):
        metric.learn(views["truth"] + number / 100, views["domain"])
    for batch in views["truth"].split(3):
        if hasattr(metric, "real"):
            metric.real(batch)
    metric.update(**{each: views[each] for each in inspect.signature(metric.update).parameters})
    return metric.compute()


def test_these_are_all(registry: Registry) -> None:
    assert registry.names("metric") == NAMES


@pytest.mark.filterwarnings("ignore::i2i.core.errors.I2IWarning")
@pytest.mark.parametrize("name", NAMES)
def test_a_metric_is_a_function_of_what_it_is_shown(registry: Registry, name: str, segmenter: Path) -> None:
    options = {"segmenter": segmenter} if name in NEED_A_FILE else {}
    before = torch.get_rng_state()
    first = value(built(registry, name, **options), name)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert value(built(registry, name, **options), name) == first
    number = first if isinstance(first, float) else next(iter(first.values()))
    assert isinstance(number, float)
    assert number != 0
    if not isinstance(first, float):
        assert next(iter(first)) == name, "the value that counts has the name of the metric"


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"l1"}))
def test_it_says_what_it_is_shown_and_which_way_is_better(registry: Registry, name: str) -> None:
    factory: Any = registry.get("metric", name).factory
    assert set([*inspect.signature(factory.update).parameters][1:]) <= set(SHOWN)
    assert factory.higher_is_better == (name not in LOWER)


@pytest.mark.parametrize("name", sorted({*OPTIONS, *NEED_A_FILE} - {"domain-accuracy"}))
def test_without_its_options_it_says_what_is_missing(registry: Registry, name: str) -> None:
    key = "segmenter" if name in NEED_A_FILE else "weights"
    with pytest.raises(I2IError, match=f"^metric '{name}': {key}: "):
        registry.build(registry.resolve("metric", name, "validate.metric"), FACTS, {})
