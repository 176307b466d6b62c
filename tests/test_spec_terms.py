"""Losses that a spec adds: checked, printed in the objective, and truly part of the gradient."""

from __future__ import annotations

import functools
import inspect
import itertools
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from helpers import (
    PLAIN,
    adversarial_losses,
    batches,
    registry,
    strategies,
    tiny_engine,
    tiny_spec,
    unequal,
)

import i2i
from i2i.engine.parallel import World
from i2i.spec.assemble import assemble, build_source
from i2i.spec.describe import objectives
from i2i.spec.rehearse import rehearse
from i2i.spec.sections import Ramp, Term
from i2i.spec.spec import Spec, resolve
from i2i.spec.terms import term_loss

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
    spec = with_terms()
    names = rehearse(spec, registry(), tiny_source_facts(spec)).names
    assert "cycle_a" in names["generators"]
    assert "cycle_a" in names["discriminators"]


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        (["fake_b"], "terms.edges.of: loss 'l1' takes 2 tensors (fake, real), and here is 1 (fake_b)"),
        (
            ["fake_b", "a", "b"],
            "terms.edges.of: loss 'l1' takes 2 tensors (fake, real), and here are 3 (fake_b, a, b)",
        ),
        (
            ["fake_b", "half"],
            "terms.edges: loss 'l1' does not take fake_b, half: a pixel loss compares equal shapes, got (1, 3, 32, 32) "
            "and (1, 3, 16, 16)",
        ),
        (
            ["fake_b", "label"],
            "terms.edges: loss 'l1' does not take fake_b, label: a pixel loss compares pictures, got labels: whole "
            "numbers (torch.int64)",
        ),
        (
            ["fake_b", "layers"],
            "terms.edges: loss 'l1' does not take fake_b, layers: this loss compares tensors, got a list",
        ),
        (
            ["layers", "longer"],
            "terms.edges: loss 'l1' does not take layers, longer: lists are compared tensor by tensor, got 2 and 3 of "
            "them",
        ),
    ],
)
def test_a_loss_that_does_not_take_the_tensors_is_a_spec_error(of: list[str], sentence: str) -> None:
    with pytest.raises(i2i.I2IError) as error:
        leaving(terms={"edges": {**EDGES, "of": of}})
    assert str(error.value) == f"  {sentence}"


def leaving(*, losses: dict[str, Any] | None = None, **sections: Any) -> i2i.Run:
    """A run of a method that leaves more on the batch than CycleGAN, with more losses to choose from."""
    method = registry().get("strategy", "cyclegan").factory

    @dataclass(frozen=True, kw_only=True)
    class Leaving(method):  # type: ignore[misc, valid-type]
        def prepare(self, net: i2i.Parts, x: i2i.Batch) -> None:
            super().prepare(net, x)
            x.half, x.label = x.a[..., ::2, ::2], torch.zeros(len(x.a), dtype=torch.int64)
            x.layers, x.others = [x.fake_b, x.same_b], (x.b, x.b)
            x.longer = [x.a, x.b, x.a]
            x.nested, x.deep = [[x.fake_b], [x.same_b, x.fake_b]], [[x.b], [x.b, x.b]]

    mine = i2i.Registry("mine")
    mine.merge(registry())
    mine.add("strategy", "leaving", Leaving)
    for name, loss in (losses or {}).items():
        mine.add("loss", name, loss)
    tables = with_terms().tables()
    tables |= {"strategy": {**tables["strategy"], "name": "leaving"}, **sections}
    return i2i.build(tables, registry=mine)


def terms_of(run: i2i.Run) -> dict[str, float]:
    (report,) = run.engine.run(batches(with_terms()), 1)
    return {name: float(term) for name, term in report.items()}


def test_lists_are_compared_one_by_one() -> None:
    def term(*of: str) -> dict[str, Any]:
        return {**EDGES, "of": of}

    said = terms_of(
        leaving(
            terms={
                "both": term("layers", "others"),
                "first": term("fake_b", "b"),
                "second": term("same_b", "b"),
                "nested": term("nested", "deep"),
            }
        )
    )
    both, first, second, nested = (
        said[f"generators/{name}"] for name in ("both", "first", "second", "nested")
    )
    # sums in fp32
    assert both == pytest.approx((first + second) / 2, rel=1e-6)
    assert nested == pytest.approx((first + (first + second) / 2) / 2, rel=1e-6)


def spread(x: torch.Tensor) -> torch.Tensor:
    """How much a picture varies: a loss on one tensor."""
    return x.var(dim=(1, 2, 3)).mean()


def test_a_loss_on_one_tensor() -> None:
    run = leaving(losses={"spread": spread}, terms={"calm": {**EDGES, "loss": "spread", "of": ["fake_b"]}})
    assert terms_of(run)["generators/calm"] > 0
    assert "+ calm" in run.describe()


def map_(fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """A loss for each picture, by mistake."""
    return (fake - real).abs().mean((1, 2, 3), keepdim=True).expand(-1, 2, -1, -1)


def share(fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """A count, by mistake."""
    return (fake > real).sum()


def plain(fake: torch.Tensor, real: torch.Tensor) -> float:
    """A Python number, by mistake."""
    return 1.0


def clumsy(fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Fails as Python does."""
    return fake.nonsense


@pytest.mark.parametrize(
    ("loss", "sentence"),
    [
        (map_, "should give one number, a mean over the batch, and gives a tensor (1, 2, 1, 1)"),
        (
            share,
            "should give one number, a mean over the batch, and gives a tensor () of whole numbers (torch.int64)",
        ),
        (plain, "should give one number, a mean over the batch, and gives a float"),
        (
            clumsy,
            "does not take fake_b, a: AttributeError: 'HollowTensor' object has no attribute 'nonsense'",
        ),
    ],
)
def test_a_wrong_loss_is_told(loss: Any, sentence: str) -> None:
    with pytest.raises(i2i.I2IError) as error:
        leaving(losses={"mine": loss}, terms={"edges": {**EDGES, "loss": "mine"}})
    assert str(error.value) == f"  terms.edges: loss 'mine' {sentence}"


@pytest.mark.parametrize("loss", adversarial_losses())
def test_an_adversarial_loss_needs_a_role_that_a_term_has_not(loss: str) -> None:
    with pytest.raises(i2i.SpecError) as error:
        leaving(terms={"edges": {**EDGES, "loss": loss}})
    first, hint = str(error.value).splitlines()
    assert first.startswith(
        f"  terms.edges.loss: '{loss}' judges the scores of a discriminator as real, fake"
    )
    assert f'strategy.gan = "{loss}"' in hint


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        (
            {**EDGES, "of": ["a", "b"]},
            "nothing would be trained: no weight of G_ab has a part in a and b",
        ),
        (
            {**EDGES, "of": ["cycle_a", "a"], "phase": "discriminators", "minimised_by": ["D_a"]},
            "nothing would be trained: no weight of D_a has a part in cycle_a and a",
        ),
    ],
)
def test_a_term_that_trains_nothing_is_an_error(term: dict[str, Any], sentence: str) -> None:
    with pytest.raises(i2i.SpecError) as error:
        leaving(terms={"edges": term})
    assert str(error.value) == f"  terms.edges.minimised_by: {sentence}"


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


# What cannot be made small unasked, and what needs a file.
OPTIONS = {"timm": {"network": "test_resnet", "weights": "random"}}
NEEDS_FILE = {"vgg19"}


@functools.cache
def picture_of(strategy: str) -> tuple[str, str, str]:
    """A phase of a method, a network that it trains, and a picture on its batch that this network has made."""
    spec = tiny_spec(strategy)
    facts = tiny_source_facts(spec)
    shown = rehearse(spec, registry(), facts)
    for phase in shown.phases:
        for network, name in itertools.product(phase.minimise, reversed(shown.names[phase.name])):
            term = {"loss": "sobel", "of": [name, name], "phase": phase.name, "minimised_by": [network]}
            try:
                rehearse(tiny_spec(strategy, terms={"extra": term}), registry(), facts)
            except i2i.I2IError:
                continue
            return phase.name, network, name
    raise AssertionError(f"'{strategy}' leaves no picture on the batch for a term to use")


def loss_table(loss: str) -> dict[str, Any]:
    return {"name": loss, **OPTIONS.get(loss, {})}


def extra_term(strategy: str, loss: str) -> dict[str, Any]:
    """A term with a loss on as many tensors as it takes."""
    phase, network, name = picture_of(strategy)
    factory = registry().get("loss", loss).factory
    if inspect.isclass(factory):
        called = factory.forward if issubclass(factory, torch.nn.Module) else factory.__call__
        count = len(inspect.signature(called).parameters) - 1
    else:
        count = len(registry().get("loss", loss).signature.facts)
    return {
        "loss": loss_table(loss),
        "of": [name] * count,
        "phase": phase,
        "minimised_by": [network],
        "weight": 2.0,
    }


@functools.cache
def refusal(loss: str) -> str:
    """Why a loss cannot be a term; empty if it can."""
    term = Term(
        **{**extra_term("pix2pix", loss), "loss": registry().resolve("loss", loss_table(loss), "loss")}
    )
    try:
        term_loss("extra", term, registry(), {})
    except i2i.I2IError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("loss", registry().names("loss"))
def test_every_loss_can_be_a_term_or_says_why_not(loss: str) -> None:
    said = refusal(loss)
    assert bool(said) == (loss in {*adversarial_losses(), *NEEDS_FILE})
    assert not said or f"terms.extra.loss: {'loss ' if loss in NEEDS_FILE else ''}'{loss}'" in said


@pytest.mark.parametrize("strategy", strategies())
def test_every_loss_joins_every_method(strategy: str) -> None:
    losses = [loss for loss in registry().names("loss") if not refusal(loss)]
    terms = {f"extra_{loss}": extra_term(strategy, loss) for loss in losses}
    spec = tiny_spec(strategy, terms=terms)
    shown = rehearse(spec, registry(), tiny_source_facts(spec))
    phase, network, _ = picture_of(strategy)
    objective = next(each.objective(network) for each in shown.phases if each.name == phase)
    assert objective.endswith(" + ".join(f"2·extra_{loss}" for loss in losses))


@pytest.mark.parametrize("strategy", strategies())
def test_a_term_is_minimised_by_every_method(strategy: str) -> None:
    mine = i2i.Registry("mine")
    mine.merge(registry())
    mine.add("loss", "spread", spread)
    phase, network, name = picture_of(strategy)
    tables = tiny_spec(strategy, optimizers=PLAIN).tables()
    term = {"loss": "spread", "of": [name], "phase": phase, "minimised_by": [network], "weight": 10.0}
    weights = []
    for terms in ({}, {"extra": term}):
        spec = resolve({**tables, "terms": terms}, mine)
        source = build_source(spec, mine)
        engine = assemble(spec, mine, source.facts, 2, World())
        for _ in engine.run(
            batches(tiny_spec(strategy, optimizers=PLAIN)), 2
        ):  # some rest at every other step
            pass
        weights.append({part: engine.net[part].state_dict() for part in engine.trained})
    assert unequal(weights[0][network], weights[1][network])
