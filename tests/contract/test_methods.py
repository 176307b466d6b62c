"""What every strategy keeps to outside of training: its spec, its rehearsal, its translation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from helpers import CONTROLS, batches, published_norms, registry, strategies, tiny_engine, tiny_spec, unequal
from torch import Tensor

from i2i.core.batch import Batch, Draws
from i2i.core.schema import read_signature
from i2i.core.strategy import Strategy
from i2i.engine.inference import inference
from i2i.engine.loop import Engine
from i2i.spec.assemble import build_source
from i2i.spec.rehearse import rehearse

every_strategy = pytest.mark.parametrize("name", strategies())


@every_strategy
def test_a_rehearsal_needs_neither_data_nor_memory(name: str) -> None:
    spec = tiny_spec(name)
    shown = rehearse(spec, registry(), build_source(spec, registry()).facts)
    engine = tiny_engine(spec)
    assert [phase.name for phase in shown.phases] == [phase.name for phase in engine.phases]
    assert shown.weights == {
        part: sum(p.numel() for p in module.parameters()) for part, module in engine.net.modules().items()
    }


@every_strategy
def test_terms_are_one_number_each(name: str) -> None:
    engine = tiny_engine(tiny_spec(name))
    (report,) = engine.run(batches(tiny_spec(name)), 1)
    weighted = {f"{p.name}/{term}" for p in engine.phases for row in p.minimise.values() for term in row}
    assert report.keys() <= weighted
    assert all(term.dim() == 0 and term.isfinite() and not term.requires_grad for term in report.values())


def controls_of(strategy: type[Strategy]) -> Iterator[dict[str, Any]]:
    """Every combination of the controls that a test knows values for, and the defaults."""
    options = read_signature(strategy.translate).options.model_fields
    switches = {name: (False, True) for name, option in options.items() if option.annotation is bool}
    values = {**switches, **{k: v for k, v in CONTROLS.items() if k in options}}
    required = {name for name, option in options.items() if option.is_required()}
    assert required <= values.keys(), "helpers.CONTROLS lacks a value"
    for combination in itertools.product(*values.values()):
        yield dict(zip(values, combination, strict=True))


def cases() -> Iterator[Any]:
    for name in strategies():
        for controls in controls_of(registry().get("strategy", name).factory):
            yield pytest.param(
                name, controls, id="-".join([name, *(f"{k}={v}" for k, v in controls.items())])
            )


def translated(
    engine: Engine, fields: Mapping[str, Tensor], controls: Mapping[str, Any], samples: range
) -> Tensor:
    draws = Draws(("test",), samples)
    with inference(engine.net, engine.strategy.inference, draws):
        return engine.strategy.translate(engine.net, Batch(fields, draws), **controls)


@pytest.mark.parametrize(("name", "controls"), list(cases()))
@pytest.mark.parametrize("norms", ["by picture", "published"])
def test_translate_needs_what_it_says_and_gives_pictures(
    name: str, controls: dict[str, Any], norms: str
) -> None:
    engine = tiny_engine(tiny_spec(name, options=published_norms(name) if norms == "published" else {}))
    batch = next(batches(tiny_spec(name)))
    batch["seed"] = torch.arange(engine.settings.batch)
    fields = {field: batch[field] for field in engine.strategy.takes(controls) if not field.endswith("?")}
    before = {
        part: {k: v.clone() for k, v in m.state_dict().items()} for part, m in engine.net.modules().items()
    }
    samples = range(engine.settings.batch)
    whole = translated(engine, fields, controls, samples)
    assert whole.dim() == 4 and len(whole) == len(samples)
    facts = build_source(tiny_spec(name), registry()).facts
    assert whole.shape[1] == facts.channels[engine.strategy.makes(controls)]
    assert whole.isfinite().all() and whole.abs().max() <= 1
    assert torch.equal(whole, translated(engine, fields, controls, samples))
    # a picture's result is its own, whatever its neighbours: fp32, sums in another order
    alone = translated(engine, {k: v[2:3] for k, v in fields.items()}, controls, range(2, 3))
    assert not unequal({"alone": alone}, {"alone": whole[2:3]}, 1e-5)
    for part, module in engine.net.modules().items():
        assert not unequal(before[part], module.state_dict())
        assert part not in engine.trained or module.training


@every_strategy
def test_a_preview_shows_pictures(name: str) -> None:
    engine = tiny_engine(tiny_spec(name))
    batch = engine.settings.batch
    fields = {**next(batches(tiny_spec(name))), "seed": torch.arange(batch)}
    with inference(engine.net, engine.strategy.inference):
        shown = engine.strategy.preview(engine.net, Batch(fields))
    assert len(shown) >= 2
    assert all(column.dim() == 4 for column in shown.values())
    pictures = sum(map(len, shown.values()))  # a sheet of samples, or a row for each picture
    alone = engine.strategy.takes({})[0] == "seed"
    assert pictures >= batch if alone else all(len(column) == batch for column in shown.values())
