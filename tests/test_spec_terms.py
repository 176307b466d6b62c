"""Losses that a spec adds: checked, printed in the objective, and truly part of the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from helpers import batches, registry, tiny_engine, tiny_spec

import i2i
from i2i.spec.describe import objectives
from i2i.spec.rehearse import rehearse
from i2i.spec.sections import Ramp
from i2i.spec.spec import Spec, resolve

EDGES = {"loss": "l1", "of": ["fake_b", "a"], "phase": "generators", "minimised_by": ["G_ab"]}


def with_terms(**terms: Any) -> Spec:
    return tiny_spec("cyclegan", train={"batch": 1}, terms=terms)


def reports(spec: Spec, steps: int = 2) -> list[dict[str, float]]:
    engine = tiny_engine(spec)
    return [{k: float(v) for k, v in r.items()} for r in engine.run(batches(spec), steps)]


def weights_after(spec: Spec, network: str, steps: int = 1) -> torch.Tensor:
    engine = tiny_engine(spec)
    for _ in engine.run(batches(spec), steps):
        pass
    return torch.cat([p.detach().flatten() for p in engine.net[network].parameters()])


def test_a_term_is_measured_and_reported_unweighted() -> None:
    plain, extended = reports(with_terms()), reports(with_terms(edges={**EDGES, "weight": 5.0}))
    assert "generators/edges" not in plain[0]
    # the first report comes before any step: the networks are equal, and the weight is not in the number
    assert extended[0]["generators/edges"] == reports(with_terms(edges=EDGES))[0]["generators/edges"]
    assert plain[0].items() <= extended[0].items()


def test_a_term_changes_the_network_that_minimises_it_and_no_other() -> None:
    # plain gradient descent: an optimizer that rescales gradients would hide their size
    options = {"optimizers": {"default": {"name": "sgd", "lr": 0.1}}, "train": {"batch": 1}}
    plain = tiny_spec("cyclegan", **options)
    term = tiny_spec("cyclegan", **options, terms={"edges": {**EDGES, "weight": 50.0}})
    assert not torch.equal(weights_after(plain, "G_ab"), weights_after(term, "G_ab"))
    assert torch.equal(weights_after(plain, "G_ba"), weights_after(term, "G_ba"))


def test_weight_zero_changes_nothing() -> None:
    options = {"optimizers": {"default": {"name": "sgd", "lr": 0.1}}, "train": {"batch": 1}}
    plain = tiny_spec("cyclegan", **options)
    term = tiny_spec("cyclegan", **options, terms={"edges": {**EDGES, "weight": 0.0}})
    # the added zero gives G_ab a backward pass of its own, which adds in another order
    assert torch.allclose(weights_after(plain, "G_ab"), weights_after(term, "G_ab"), atol=1e-6)


def test_the_objective_is_printed() -> None:
    ramp = {"schedule": "linear", "from": 0, "to": 5, "steps": 10_000}
    spec = with_terms(
        edges={**EDGES, "weight": 5.0}, slow={**EDGES, "weight": ramp, "minimised_by": ["G_ab", "G_ba"]}
    )
    shown = objectives(rehearse(spec, registry(), tiny_source_facts(spec)).phases)
    assert (
        "G_ab minimises gan_a + gan_b + 10·cycle_a + 10·cycle_b + 5·same_a + 5·same_b + 5·edges + "
        "(0…5 over 10000 steps)·slow" in shown
    )
    assert "5·same_b + (0…5 over 10000 steps)·slow\n" in shown


def tiny_source_facts(spec: Spec) -> i2i.DataFacts:
    from i2i.spec.assemble import build_source

    return build_source(spec, registry()).facts


@pytest.mark.parametrize(("step", "weight"), [(0, 1.0), (5, 2.0), (10, 3.0), (99, 3.0)])
def test_a_ramp_rises_in_a_straight_line_and_stays(step: int, weight: float) -> None:
    assert Ramp(**{"from": 1.0, "to": 3.0, "steps": 10})(step) == pytest.approx(weight)


def test_a_ramp_from_nothing_starts_with_nothing() -> None:
    ramp = {"from": 0, "to": 50, "steps": 2}
    sgd = {"optimizers": {"default": {"name": "sgd", "lr": 0.1}}, "train": {"batch": 1}}
    plain = tiny_spec("cyclegan", **sgd)
    term = tiny_spec("cyclegan", **sgd, terms={"edges": {**EDGES, "weight": ramp}})
    assert torch.allclose(weights_after(plain, "G_ab", 1), weights_after(term, "G_ab", 1), atol=1e-6)
    difference = weights_after(plain, "G_ab", 2) - weights_after(term, "G_ab", 2)
    assert difference.abs().max() > 1e-4


@pytest.mark.parametrize("name", ["fake_a", "fake_b", "cycle_a", "cycle_b", "same_a", "same_b", "a", "b"])
def test_every_promised_tensor_of_cyclegan_is_on_the_batch(name: str) -> None:
    spec = with_terms(extra={**EDGES, "of": [name, "b"]})
    assert "generators/extra" in reports(spec, 1)[0]


def test_every_promised_tensor_of_pix2pix_is_on_the_batch() -> None:
    term = {"loss": "l2", "of": ["fake", "b"], "phase": "generator", "minimised_by": ["G"]}
    assert "generator/extra" in reports(tiny_spec("pix2pix", terms={"extra": term}), 1)[0]


def test_an_unknown_tensor_lists_what_there_is() -> None:
    text = with_terms(edges={**EDGES, "of": ["fake", "a"]}).toml()
    with pytest.raises(i2i.SpecError) as error:
        i2i.build(text, registry=registry())
    first, hint = str(error.value).splitlines()
    line = next(n for n, row in enumerate(text.splitlines(), 1) if row.startswith("of ="))
    assert first == f"  line {line}: terms.edges.of: the batch has no 'fake' when phase 'generators' runs"
    assert hint.startswith("    did you mean 'fake_b'? known: a, b, cycle_a, cycle_b, fake_a, fake_b, same_a")


def test_what_an_earlier_phase_left_is_still_there() -> None:
    term = {"loss": "l1", "of": ["cycle_a", "a"], "phase": "discriminators", "minimised_by": ["D_a"]}
    spec = with_terms(late=term)
    names = rehearse(spec, registry(), tiny_source_facts(spec)).names
    assert "cycle_a" in names["generators"]
    assert "cycle_a" in names["discriminators"]


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (["fake_b"], "l1() missing 1 required positional argument: 'real'"),
        (["fake_b", "a", "b"], "l1() takes 2 positional arguments but 3 were given"),
        (["fake_b", "half"], "a pixel loss compares equal shapes, got (1, 3, 32, 32) and (1, 3, 16, 16)"),
    ],
)
def test_a_loss_that_does_not_take_the_tensors_is_a_spec_error(of: list[str], why: str) -> None:
    method = registry().get("strategy", "cyclegan").factory

    @dataclass(frozen=True, kw_only=True)
    class Halving(method):  # type: ignore[misc, valid-type]
        def prepare(self, net: i2i.Parts, x: i2i.Batch) -> None:
            super().prepare(net, x)
            x.half = x.a[..., ::2, ::2]

    mine = i2i.Registry("mine")
    mine.merge(registry())
    mine.add("strategy", "halving", Halving)
    tables = with_terms().tables()
    tables |= {"strategy": {**tables["strategy"], "name": "halving"}, "terms": {"edges": {**EDGES, "of": of}}}
    with pytest.raises(i2i.I2IError) as error:
        i2i.build(tables, registry=mine)
    assert str(error.value) == f"  terms.edges: loss 'l1' does not take {', '.join(of)}: {why}"


def test_a_loss_with_weights_of_its_own_becomes_a_part() -> None:
    class Learned(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
            return (self.scale * (fake - real)).abs().mean()

    mine = i2i.Registry("mine")
    mine.merge(registry())
    mine.add("loss", "learned", Learned)
    spec = resolve({**with_terms().tables(), "terms": {"x": {**EDGES, "loss": "learned"}}}, mine)
    run = i2i.build(spec, registry=mine)
    assert "term_x" in run.engine.net
    assert not run.engine.net.term_x.scale.requires_grad
