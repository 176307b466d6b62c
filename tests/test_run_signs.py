"""What a preview shows of collapse, inverted colours and copies."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from helpers import registry, strategies, tiny_engine, tiny_spec
from sick import Sick
from torch import Tensor

from i2i.core.data import DataFacts
from i2i.core.strategy import Strategy
from i2i.run import samples
from i2i.run.likeness import correlation, distance, spread
from i2i.run.signs import Sign, grouped, signs
from i2i.spec.assemble import build_source

CALM = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1)) - 0.5  # in half of the range
OTHER = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(2)) - 0.5
FIELDS = {"a": CALM, "b": OTHER}


class Sheet(Sick):
    """A method without an input."""

    def takes(self, controls: Mapping[str, object]) -> tuple[str, ...]:
        return ("seed",)


def facts(truth: bool = False, channels: int = 3, **more: object) -> DataFacts:
    given = {"truth": {"a": "b"} if truth else {}, **more}
    counts = {"a": channels, "b": 3}
    return DataFacts(fields=("a", "b"), image_size=8, channels=counts, value_range={}, **given)  # type: ignore[arg-type]


def of(
    made: Tensor,
    *,
    fields: Mapping[str, Tensor] = FIELDS,
    truth: bool = False,
    strategy: Strategy | None = None,
    **more: object,
) -> dict[str, Sign]:
    shown = {"input": fields["a"], "output": made.clone()}  # a column that is a field is no result
    found = signs(strategy or Sick(), facts(truth, **more), fields, shown)
    return {sign.kind: sign for sign in found}


def test_what_is_well_shows_no_sign() -> None:
    assert not of(0.5 * CALM - 0.3)
    assert not of(OTHER)
    assert not of(OTHER, truth=True)


@pytest.mark.parametrize(("share", "collapsed"), [(0.09, True), (0.11, False)])
def test_equal_results_of_different_samples(share: float, collapsed: bool) -> None:
    signs = of(share * OTHER + 0.5)
    assert ("collapse" in signs) == collapsed
    if collapsed:
        assert signs["collapse"] == Sign(
            "collapse", pytest.approx(share, rel=1e-4), "output"
        )  # fp32 rounding


def test_real_pictures_that_are_all_alike_say_nothing_of_collapse() -> None:
    alike = {"a": CALM, "b": OTHER[:1].expand(4, -1, -1, -1) + 0.001 * CALM}
    assert "collapse" not in of(alike["b"][:1].expand(4, -1, -1, -1), fields=alike)


def test_one_picture_says_nothing_of_collapse() -> None:
    assert not of(OTHER[:1], fields={"a": CALM[:1], "b": OTHER[:1]})


def test_label_maps_are_no_pictures() -> None:
    fields = {"a": torch.randint(3, (4, 1, 8, 8)), "b": OTHER}
    assert not of(OTHER, fields=fields, maps={"a": 3})
    assert [*of(0 * OTHER, fields=fields, maps={"a": 3})] == ["collapse"]


def test_results_that_are_label_maps_are_not_looked_at() -> None:
    fields = {"a": CALM, "b": torch.zeros(4, 1, 8, 8, dtype=torch.int64)}
    known = facts(truth=True, maps={"b": 3})
    assert signs(Sick(), known, fields, {"input": CALM, "output": fields["b"] + 1}) == []


@pytest.mark.parametrize(("share", "inverted"), [(0.8, True), (0.2, False)])
def test_light_where_the_input_is_dark(share: float, inverted: bool) -> None:
    signs = of(-share * CALM + (1 - share) * OTHER)
    assert ("inverted" in signs) == inverted
    assert not inverted or signs["inverted"].number < -0.9


def test_negatives_are_right_where_the_truth_is_one() -> None:
    negatives = {"a": CALM, "b": -0.8 * CALM}
    assert "inverted" in of(-CALM, truth=False)
    assert "inverted" in of(-CALM, truth=True)
    assert "inverted" not in of(-CALM, fields=negatives, truth=True)


def test_a_little_darker_than_the_truth_is_not_inverted() -> None:
    made, fields = (
        OTHER - 0.8 * CALM,
        {"a": CALM, "b": OTHER - 0.3 * CALM},
    )  # correlations about -0.6 and -0.3
    assert "inverted" in of(made, fields=fields)
    assert "inverted" not in of(made, fields=fields, truth=True)


def test_grey_results_can_be_inverted_and_other_channels_cannot() -> None:
    assert "inverted" in of(-CALM.mean(1, keepdim=True))
    assert not of(-CALM[:, :2])


@pytest.mark.parametrize(("change", "copied"), [(0.019, True), (0.021, False)])
def test_results_that_are_the_inputs(change: float, copied: bool) -> None:
    signs = of(CALM + 2 * change)
    assert ("copies" in signs) == copied
    if copied:
        assert signs["copies"] == Sign("copies", pytest.approx(change, rel=1e-3), "output")  # fp32 rounding


@pytest.mark.parametrize(("change", "copied"), [(0.2, True), (0.051, True), (0.049, False), (0.0, False)])
def test_copies_are_results_that_change_a_fifth_of_what_the_truth_does(change: float, copied: bool) -> None:
    fields = {"a": CALM, "b": CALM + 2 * change}
    assert ("copies" in of(CALM + 2 * 0.01, fields=fields, truth=True)) == copied


def test_a_method_with_one_kind_of_pictures_may_copy() -> None:
    assert not of(CALM, fields={"a": CALM})


def test_of_domains_all_must_be_copies() -> None:
    known, fields = facts(domains=("red", "blue")), {"a": CALM}
    red_alone = signs(Sick(), known, fields, {"input": CALM, "red": CALM.clone(), "blue": CALM + 0.4})
    both = signs(Sick(), known, fields, {"input": CALM, "red": CALM + 0.01, "blue": CALM.clone()})
    assert red_alone == []
    assert [(sign.kind, sign.column) for sign in both] == [("copies", "red")]


def test_the_way_back_is_looked_at_too() -> None:
    shown = {
        "a": CALM,
        "a to b": OTHER.clone(),
        "target": OTHER,
        "back": CALM.clone(),
        "b": OTHER,
        "b to a": -OTHER,
    }
    assert [(s.kind, s.column) for s in signs(Sick(), facts(), FIELDS, shown)] == [("inverted", "b to a")]


def test_a_sheet_is_held_against_real_pictures() -> None:
    noise = torch.rand(2, 3, 8, 8)
    assert signs(Sheet(), facts(), FIELDS, {"1": noise, "2": noise}) == []
    flat = {"1": noise[:1].expand(2, -1, -1, -1), "2": -noise[:1].expand(2, -1, -1, -1)}
    # alike within a column, which shows one class; the columns may differ
    assert signs(Sheet(), facts(), FIELDS, flat) == [Sign("collapse", 0.0, "")]


def test_small_results_are_held_against_small_pictures() -> None:
    blocks = CALM[:, :, ::4, ::4]
    fields = {"a": CALM, "b": blocks.repeat_interleave(4, 2).repeat_interleave(4, 3)}
    assert of(0.05 * blocks, fields=fields)["collapse"].number == pytest.approx(0.05, rel=1e-4)


def test_numbers_that_are_none_show_no_sign() -> None:
    assert not of(torch.full_like(CALM, torch.nan))


@pytest.mark.parametrize("name", strategies())
def test_every_method_is_looked_at(name: str) -> None:
    spec = tiny_spec(name)
    source, engine = build_source(spec, registry()), tiny_engine(spec)
    fields = samples.preview_batch(source, engine.device, 0, samples.rows_of(engine.strategy))
    shown = samples.columns(engine, fields, source.facts.truth)
    groups = list(grouped(engine.strategy, source.facts, fields, shown))
    assert groups
    assert all(results.real is not None for results in groups)
    signs(engine.strategy, source.facts, fields, shown)


def test_spread_is_by_the_range() -> None:
    assert spread(torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1)) == pytest.approx(2**-0.5)
    assert spread(CALM[:1].expand(3, -1, -1, -1)) == 0


def test_distance_is_by_the_range() -> None:
    assert distance(torch.full((1, 1, 2, 2), -1.0), torch.full((1, 1, 2, 2), 1.0)) == 1


def test_correlation_is_that_of_grey_values() -> None:
    colour = torch.tensor([[[[1.0, 0.0]], [[-1.0, 0.0]], [[0.0, 0.6]]]])  # grey 0 and 0.2
    assert correlation(colour, torch.tensor([[[[0.3, 0.1]]]])) == pytest.approx(-1, abs=1e-5)
    assert correlation(CALM, CALM) == pytest.approx(1, abs=1e-5)  # fp32 rounding
    expected = torch.stack(
        [torch.corrcoef(torch.stack([a, b]))[0, 1] for a, b in zip(*map(greys, (CALM, OTHER)))]
    )
    assert correlation(CALM, OTHER) == pytest.approx(float(expected.mean()), abs=1e-5)


def greys(pictures: Tensor) -> Tensor:
    return pictures.mean(1).flatten(1)


def test_flat_pictures_have_no_correlation() -> None:
    flat = torch.zeros(4, 3, 8, 8)
    assert correlation(flat, CALM) is None and correlation(CALM, flat) is None
    flat[0] = CALM[0]
    assert correlation(flat, CALM) == pytest.approx(1, abs=1e-5)
    assert correlation(CALM, CALM[:, :, :4]) is None
