"""Old names: of public things, of components and of their options; they work, and say what to write instead."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from helpers import registry, tiny_tables
from packaging.version import Version

import i2i
from i2i.core import deprecated
from i2i.core.deprecated import Former, Renamed
from i2i.core.errors import I2IError, I2IWarning, SpecError
from i2i.core.registry import Component, Registry
from i2i.spec.spec import resolve


def charbonnier(fake: torch.Tensor, real: torch.Tensor, *, epsilon: float = 1e-3) -> torch.Tensor:
    """A loss."""
    return ((fake - real).square() + epsilon**2).sqrt().mean()


FORMER = Former(names=("smooth",), options={"eps": "epsilon"}, until="2.0")


def with_charbonnier(former: Former = FORMER) -> Registry:
    """Everything, and a loss with old names."""
    theirs, everything = Registry("i2i_charbonnier", "i2i-charbonnier"), Registry("test")
    theirs.add("loss", "charbonnier", charbonnier, former=former)
    everything.merge(registry())
    everything.merge(theirs)
    return everything


# Of public things.


@pytest.mark.parametrize(
    ("old", "now", "what"),
    [
        ("i2i.losses.smooth", "i2i.losses.huber", lambda: i2i.losses.smooth),  # type: ignore[attr-defined]
        ("i2i.nets.Net", "i2i.nets.UNet", lambda: i2i.nets.Net),  # type: ignore[attr-defined]
        ("i2i.train", "i2i.build", lambda: i2i.train),  # type: ignore[attr-defined]
    ],
)
def test_an_old_public_name_works_and_says_so(
    old: str, now: str, what: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deprecated, "PUBLIC", {old: Renamed(now, until="0.3")})
    with pytest.warns(FutureWarning) as told:
        found = what()
    assert found.__name__ == now.rpartition(".")[2]
    assert str(told[0].message) == f"{old} is now called {now}; the old name works until i2i-toolkit 0.3"
    assert told[0].filename == __file__


def test_what_was_never_public_is_still_an_error() -> None:
    with pytest.raises(AttributeError, match=r"^i2i\.nets has no 'Net'$"):
        i2i.nets.Net  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"^i2i has no 'train'; it has AdversarialLoss, "):
        i2i.train  # type: ignore[attr-defined]  # noqa: B018


def test_what_is_public_now_is_not_an_old_name() -> None:
    for old, renamed in deprecated.PUBLIC.items():
        home, _, last = old.rpartition(".")
        assert last not in __import__(home, fromlist=["x"]).__all__
        assert renamed.now and renamed.until


def test_no_old_name_of_ours_has_outlived_its_end() -> None:
    ends = {old: renamed.until for old, renamed in deprecated.PUBLIC.items()}
    ends |= {str(each): each.former.until for each in registry() if each.former.names or each.former.options}
    assert not [old for old, until in ends.items() if Version(until) <= Version(i2i.__version__)]


# Of components and options.


def test_a_spec_with_old_names_means_the_new_ones() -> None:
    tables = tiny_tables("pix2pix", options={"pixel": {"name": "smooth", "eps": 0.01}})
    with pytest.warns(I2IWarning) as told:
        spec = resolve(tables, with_charbonnier())
    assert spec.strategy.options["pixel"] == i2i.Ref("charbonnier", epsilon=0.01)
    assert [str(each.message) for each in told] == [
        "strategy.pixel: loss 'smooth' is now called 'charbonnier'; the old name works until i2i-charbonnier 2.0",
        "strategy.pixel: option 'eps' of loss 'charbonnier' is now called 'epsilon'; the old name works until "
        "i2i-charbonnier 2.0",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resolve(spec.toml(), with_charbonnier())


def test_old_names_of_methods_and_data_too() -> None:
    renamed = Registry("test")
    for each in registry():
        new = each.name in ("pix2pix", "demo")
        renamed._insert(as_new(each) if new else each)
    with pytest.warns(I2IWarning, match=r"^(strategy|data): .* is now called 'new-(pix2pix|demo)'; "):
        spec = resolve(tiny_tables("pix2pix"), renamed)
    before = resolve(tiny_tables("pix2pix"), registry())
    assert (spec.strategy.name, spec.data.name) == ("new-pix2pix", "new-demo")
    assert spec.toml().replace("new-", "") == before.toml()


def as_new(component: Component) -> Component:
    former = Former(names=(component.name,), until="2.0")
    return Component(
        component.kind,
        f"new-{component.name}",
        component.factory,
        component.owner,
        component.signature,
        component.package,
        former,
    )


def test_an_authors_default_with_old_names_is_kept_and_nobody_is_told() -> None:
    everything = with_charbonnier()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ref = everything.resolve("loss", {}, "at", i2i.Ref("charbonnier", eps=0.5))
    assert ref == i2i.Ref("charbonnier", epsilon=0.5)


@pytest.mark.parametrize("given", ["eps", "epsilon"])
def test_an_option_by_two_names_is_refused(given: str) -> None:
    known = with_charbonnier(Former(options={"e": "epsilon", "eps": "epsilon"}, until="2.0"))
    raw = {"name": "charbonnier", "e": 0.01, given: 0.02}
    said = rf"at\.e: 'epsilon' is given by two names, 'e' and '{given}'; keep 'epsilon'"
    with pytest.raises(SpecError, match=said):
        known.resolve("loss", raw, "at")


def test_old_names_are_not_listed() -> None:
    everything = with_charbonnier()
    assert "smooth" not in everything.names("loss")
    assert everything.get("loss", "smooth") is everything.get("loss", "charbonnier")
    with pytest.raises(SpecError) as error:
        everything.get("loss", "smoth")
    assert "smooth" not in str(error.value)


@pytest.mark.parametrize(
    ("former", "why"),
    [
        (Former(names=("smooth",)), "its old names need an end: Former(…, until='the version without them')"),
        (Former(names=("smooth",), until="soon"), "until='soon' is no version, such as '2.0'"),
        (Former(names="smooth", until="2"), "write Former(names=('smooth',), …), with the comma"),
        (Former(names=("charbonnier",), until="2"), "'charbonnier' cannot be an old name, it is called so now"),
        (Former(options={"eps": "epsilom"}, until="2"), "'eps' is the old name of 'epsilom', which is no option"),
        (Former(options={"epsilon": "epsilon"}, until="2"), "'epsilon' cannot be an old name, an option is called so"),
    ],
)  # fmt: skip
def test_old_names_that_cannot_be_are_refused(former: Former, why: str) -> None:
    with pytest.raises(I2IError) as error:
        with_charbonnier(former)
    assert str(error.value).startswith(f"loss 'charbonnier': {why}")


@pytest.mark.parametrize("taken", ["charbonnier", "smooth"])
def test_an_old_name_has_one_owner_too(taken: str) -> None:
    other = Registry("other")
    other.add("loss", taken, charbonnier)
    with pytest.raises(I2IError, match=f"loss '{taken}' is offered by both i2i_charbonnier and other"):
        with_charbonnier().merge(other)
    last = Registry("last")
    last.add("loss", "another", charbonnier, former=Former(("l1",), until="2"))
    with pytest.raises(I2IError, match=r"loss 'l1' is offered by both i2i\.spec\.builtin and last"):
        with_charbonnier().merge(last)
