"""A registry checks what is added, resolved and built, and says what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from pydantic import Field
from toy import Method

from i2i.core.errors import I2IError, SpecError
from i2i.core.registry import Registry
from i2i.core.schema import Kind, Ref

Generator = Annotated[Ref, Kind("generator")]
Loss = Annotated[Ref, Kind("loss")]


class Plain:
    """Makes pictures.

    Slowly.
    """

    def __init__(self, in_channels: int, *, width: Annotated[int, Field(ge=1)] = 4) -> None:
        self.in_channels, self.width = in_channels, width


class Domains(Plain):
    def __init__(self, in_channels: int, domains: int, image_size: int = 0, *, width: int = 8) -> None:
        super().__init__(in_channels, width=width)
        self.domains, self.image_size = domains, image_size


class Sized:
    """Settles its depth from the size."""

    def __init__(self, *, depth: int | str = "auto") -> None:
        self.depth = depth

    @staticmethod
    def settle(options: Mapping[str, Any], *, image_size: int) -> dict[str, Any]:
        if image_size < 4:
            raise ValueError(f"depth: none fits {image_size} pixels")
        return {**options, "depth": image_size // 4}


class Picky:
    def __init__(self, *, even: int = 2) -> None:
        if even % 2:
            raise ValueError(f"{even} is odd")


class Outer:
    def __init__(
        self,
        *,
        inner: Generator = Ref("plain", width=2),
        pixel: Loss = Ref("near"),
        extra: Generator | None = None,
    ) -> None:
        self.inner, self.pixel, self.extra = inner, pixel, extra


def near(fake: float, real: float, *, scale: float = 1.0) -> float:
    """How far they are apart."""
    return scale * abs(fake - real)


def filled() -> Registry:
    registry = Registry("mine")
    registry.add("generator", "plain", Plain)
    registry.add("generator", "domains", Domains)
    registry.add("generator", "sized", Sized)
    registry.add("encoder", "picky", Picky)
    registry.add("data", "outer", Outer)
    registry.add("loss", "near", near)
    return registry


def problems(error: pytest.ExceptionInfo[SpecError]) -> dict[str, str]:
    return {problem.at: problem.message for problem in error.value.problems}


# --- adding ------------------------------------------------------------------------------------------------


def test_a_component_knows_its_summary_its_owner_and_its_place() -> None:
    component = filled().get("generator", "plain")
    assert (component.summary, component.owner, str(component)) == (
        "Makes pictures.",
        "mine",
        "generator 'plain'",
    )
    assert component.where.startswith(__file__)


def test_names_are_sorted_and_of_one_kind() -> None:
    assert filled().names("generator") == ["domains", "plain", "sized"]
    assert filled().names("metric") == []


def test_two_owners_of_a_name_are_both_told() -> None:
    theirs = Registry("i2i_other")
    theirs.add("generator", "new", Plain)
    theirs.add("generator", "plain", Plain)
    ours = filled()
    with pytest.raises(I2IError) as caught:
        ours.merge(theirs)
    assert str(caught.value) == (
        "generator 'plain' is offered by both mine and i2i_other; one of them has to be renamed"
    )
    assert "new" not in ours.names("generator")  # all of them, or none


def test_a_name_may_be_used_for_two_kinds() -> None:
    registry = filled()
    registry.add("discriminator", "plain", Plain)
    assert registry.get("discriminator", "plain").factory is Plain


def test_an_unknown_kind() -> None:
    with pytest.raises(I2IError, match=r"there is no kind 'genrator'\n    did you mean 'generator'\?"):
        filled().add("genrator", "x", Plain)


def stars(**options: int) -> None: ...


def star(*options: int) -> None: ...


def taken(*, name: str = "") -> None: ...


def owned(*, copy: int = 0) -> None: ...


def reserved(*, model_depth: int = 0) -> None: ...


def unknown_type(*, width: Missing = 0) -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("factory", "sentence"),
    [
        (stars, "stars takes **options; name every option instead"),
        (star, "star takes *options; name every option instead"),
        (taken, "taken has an option called 'name', a name that is taken; choose another"),
        (owned, "owned has an option called 'copy', a name that is taken; choose another"),
        (reserved, "reserved has an option called 'model_depth', a name that is taken; choose another"),
        (unknown_type, "name 'Missing' is not defined"),
    ],
)
def test_a_signature_that_is_no_schema(factory: Any, sentence: str) -> None:
    with pytest.raises(I2IError) as caught:
        filled().add("generator", "x", factory)
    assert str(caught.value) == f"generator 'x': {sentence}"


@pytest.mark.parametrize("factory", [Plain, Method()])
def test_a_strategy_is_a_class_derived_from_strategy(factory: Any) -> None:
    with pytest.raises(I2IError, match=r"^strategy 'x': .* is not a class derived from i2i\.Strategy$"):
        filled().add("strategy", "x", factory)


# --- resolving ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", ["plain", {"name": "plain"}, Ref("plain"), Ref("plain", width=4)])
def test_a_reference_is_a_name_a_table_or_a_ref(raw: object) -> None:
    ref = filled().resolve("generator", raw, "at")
    assert (ref.kind, ref.name, ref.options) == ("generator", "plain", {"width": 4})


def test_defaults_are_filled_in_at_every_depth() -> None:
    ref = filled().resolve("data", "outer", "data")
    assert ref.table() == {
        "name": "outer",
        "inner": {"name": "plain", "width": 2},
        "pixel": {"name": "near", "scale": 1.0},
    }


@pytest.mark.parametrize(
    ("given", "inner"),
    [
        ({"width": 9}, {"name": "plain", "width": 9}),  # of the default's component
        ({"name": "plain"}, {"name": "plain", "width": 2}),  # so does its name
        ({"name": "domains"}, {"name": "domains", "width": 8}),  # another one starts anew
    ],
)
def test_a_table_extends_the_default_of_its_name(given: dict[str, Any], inner: dict[str, Any]) -> None:
    ref = filled().resolve("data", {"name": "outer", "inner": given}, "data")
    assert ref.options["inner"].table() == inner


def test_auto_is_settled_by_what_is_offered() -> None:
    registry = filled()
    assert registry.resolve("generator", "sized", "at").options == {"depth": "auto"}
    assert registry.resolve("generator", "sized", "at", offers={"image_size": 32}).options == {"depth": 8}
    with pytest.raises(SpecError) as caught:
        registry.resolve("generator", "sized", "strategy.generator", offers={"image_size": 2})
    assert problems(caught) == {"strategy.generator.depth": "none fits 2 pixels"}


def test_all_problems_are_told_at_once() -> None:
    given = {"name": "outer", "inner": {"widht": 3, "width": 0}, "pixel": "far", "more": 1}
    with pytest.raises(SpecError) as caught:
        filled().resolve("data", given, "data")
    assert problems(caught) == {
        "data.inner.width": "input should be greater than or equal to 1, got 0",
        "data.inner.widht": "generator 'plain' has no such option",
        "data.pixel": "there is no loss 'far'",
        "data.more": "data 'outer' has no such option",
    }
    assert "did you mean 'width'? known: width" in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (3, "at: should be the name of the generator or a table with its name, got 3"),
        ({"width": 3}, "at.name: the name of the generator is needed here\n    known: domains, plain, sized"),
        (
            "plane",
            "at: there is no generator 'plane'\n    did you mean 'plain'? known: domains, plain, sized",
        ),
    ],
)
def test_a_reference_that_names_nothing(raw: object, sentence: str) -> None:
    with pytest.raises(SpecError) as caught:
        filled().resolve("generator", raw, "at")
    assert str(caught.value) == f"  {sentence}"


def test_an_unknown_name_may_belong_to_a_plugin_that_failed() -> None:
    registry = filled()
    registry.broken["other"] = "ImportError: no module"
    with pytest.raises(SpecError, match="plug-in 'other' failed to load: ImportError: no module"):
        registry.get("generator", "theirs")


# --- building ----------------------------------------------------------------------------------------------


def build(registry: Registry, kind: str, name: str, offers: Mapping[str, Any], **facts: Any) -> Any:
    return registry.build(registry.resolve(kind, name, "at"), offers, facts)


def test_facts_are_demands_and_offers_are_passed_where_they_are_wanted() -> None:
    registry, offers = filled(), {"image_size": 32}
    assert build(registry, "generator", "plain", offers, in_channels=3).width == 4
    made = build(registry, "generator", "domains", offers, in_channels=3, domains=5)
    assert (made.in_channels, made.domains, made.image_size) == (3, 5, 32)


def test_a_demand_that_is_not_taken_names_those_that_take_it() -> None:
    with pytest.raises(I2IError) as caught:
        build(filled(), "generator", "plain", {}, in_channels=3, domains=5)
    assert str(caught.value) == (
        "generator 'plain' cannot be used here: it does not take domains\n    generators that do: domains"
    )
    with pytest.raises(I2IError, match=r"generators that do: none$"):
        build(filled(), "generator", "plain", {}, in_channels=3, latent=8)


def test_a_fact_that_nobody_tells() -> None:
    with pytest.raises(I2IError, match=r"^generator 'domains' cannot be used here: nobody tells it domains$"):
        build(filled(), "generator", "domains", {}, in_channels=3)


def test_a_value_error_of_a_component_is_a_sentence() -> None:
    registry = filled()
    with pytest.raises(I2IError, match=r"^encoder 'picky': 3 is odd$"):
        registry.build(registry.resolve("encoder", Ref("picky", even=3), "at"), {}, {})


def test_a_loss_may_be_a_function() -> None:
    registry = filled()
    assert registry.build(registry.resolve("loss", Ref("near", scale=10.0), "at"), {}, {})(1.0, 3.0) == 20.0
