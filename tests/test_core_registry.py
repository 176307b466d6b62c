"""The registry: a value that knows components by kind and name, checks references, and builds what they name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

import i2i
from i2i.core.errors import I2IError, SpecError
from i2i.core.registry import Registry
from i2i.core.schema import Ref


class Small:
    """A small one.

    More words.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        width: Annotated[int, Field(ge=1)] = 8,
        norm: Literal["a", "b"] = "a",
        loss: i2i.Loss = Ref("l1", scale=3),
    ) -> None:
        self.given = (in_channels, width, norm, loss)


class Sized:
    """Wants to know more."""

    def __init__(self, in_channels: int, domains: int, image_size: int = 0, *, depth: Any = "auto") -> None:
        self.given = (in_channels, domains, image_size, depth)

    @staticmethod
    def settle(options: dict[str, Any], *, image_size: int) -> dict[str, Any]:
        if image_size < 4:
            raise ValueError(f"depth: nothing fits {image_size} pixels")
        return {**options, "depth": image_size // 4}


def l1(fake: Any, real: Any, *, scale: int = 1) -> Any:
    """A distance."""
    return scale * (fake - real)


@pytest.fixture
def registry() -> Registry:
    made = Registry("ours")
    made.add("generator", "small", Small)
    made.add("generator", "sized", Sized)
    made.add("loss", "l1", l1)
    return made


def said(call: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(I2IError) as error:
        call(*arguments, **more)
    return str(error.value)


def test_components_know_themselves(registry: Registry) -> None:
    component = registry.get("generator", "small")
    assert (str(component), component.summary, component.owner) == (
        "generator 'small'",
        "A small one.",
        "ours",
    )
    assert "test_core_registry.py:" in component.where
    assert registry.names("generator") == ["sized", "small"]


def test_a_name_has_one_owner(registry: Registry) -> None:
    other = Registry("theirs")
    other.add("loss", "new", l1)
    other.add("loss", "l1", l1)
    assert said(registry.merge, other) == (
        "loss 'l1' is offered by both ours and theirs; one of them has to be renamed, or uninstalled"
    )
    assert registry.names("loss") == ["l1"]
    assert said(registry.add, "loss", "l1", l1).startswith("loss 'l1' is offered by both ours and ours")


def test_one_name_may_be_used_by_two_kinds(registry: Registry) -> None:
    registry.add("metric", "l1", l1)
    assert registry.get("metric", "l1").kind == "metric"


def test_what_cannot_be_registered_is_refused(registry: Registry) -> None:
    assert said(registry.add, "lss", "x", l1).startswith("there is no kind 'lss'\n    did you mean 'loss'?")
    assert "is not a class derived from i2i.Strategy" in said(registry.add, "strategy", "x", Small)
    assert said(registry.add, "loss", "x", lambda *args: 0) == (
        "loss 'x': <lambda> takes *args; name every option instead"
    )


def test_a_metric_says_which_values_are_better(registry: Registry) -> None:
    class Silent:
        def update(self, result: Any) -> None: ...

        def compute(self) -> float: ...

    class Vague(Silent):
        higher_is_better = "yes"

    class Clear(Silent):
        higher_is_better = False

    for metric in (Silent, Vague):
        assert said(registry.add, "metric", "mine", metric) == (
            f"metric 'mine': {metric.__name__} does not say which values are better; write higher_is_better = True, "
            "or False, in the class"
        )
    registry.add("metric", "mine", Clear)


def test_a_control_that_nobody_could_reach_is_refused(registry: Registry) -> None:
    from toy import Method

    class Mine(Method):
        def translate(self, net: i2i.Parts, x: i2i.Batch, *, samples: int = 1) -> Any: ...

    class Loose(Method):
        def translate(self, net: i2i.Parts, x: i2i.Batch, **controls: Any) -> Any: ...

    assert said(registry.add, "strategy", "mine", Mine) == (
        "strategy 'mine': its translate has a control called 'samples', which is a keyword of every translation; "
        "choose another name"
    )
    assert said(registry.add, "strategy", "loose", Loose) == (
        "strategy 'loose': translate takes **controls; name every option instead"
    )


def test_defaults_are_filled_in_recursively(registry: Registry) -> None:
    ref = registry.resolve("generator", "small", "g")
    assert ref.table() == {"name": "small", "width": 8, "norm": "a", "loss": {"name": "l1", "scale": 3}}
    assert ref.options["loss"].kind == "loss"


def test_an_inner_table_extends_the_default(registry: Registry) -> None:
    ref = registry.resolve("generator", {"name": "small", "loss": {"scale": 5}}, "g")
    assert ref.options["loss"].options == {"scale": 5}
    assert registry.resolve("generator", {"name": "small", "loss": {}}, "g").options["loss"].options == {
        "scale": 3
    }


def test_the_default_of_the_caller_counts_for_the_same_name_only(registry: Registry) -> None:
    default = Ref("small", width=2, loss=Ref("l1", scale=9))
    assert registry.resolve("generator", {}, "g", default).options["width"] == 2
    assert registry.resolve("generator", {"loss": "l1"}, "g", default).options["loss"].options == {"scale": 9}
    assert registry.resolve("generator", "sized", "g", default).options == {"depth": "auto"}


def test_auto_is_settled_when_the_facts_are_known(registry: Registry) -> None:
    assert registry.resolve("generator", "sized", "g").options == {"depth": "auto"}
    assert registry.resolve("generator", "sized", "g", offers={"image_size": 32}).options == {"depth": 8}
    assert said(registry.resolve, "generator", "sized", "g", offers={"image_size": 2}) == (
        "  g.depth: nothing fits 2 pixels"
    )


def test_all_problems_of_a_reference_are_told(registry: Registry) -> None:
    raw = {"name": "small", "width": 0, "nrm": "a", "loss": {"name": "l1", "scale": "x"}}
    assert said(registry.resolve, "generator", raw, "g").splitlines() == [
        "  g.loss.scale: input should be a whole number, got 'x'",
        "  g.width: input should be greater than or equal to 1, got 0",
        "  g.nrm: generator 'small' has no such option",
        "    did you mean 'norm'? known: loss, norm, width",
    ]


def test_a_demand_must_be_taken(registry: Registry) -> None:
    ref = registry.resolve("generator", "small", "g")
    assert said(registry.build, ref, {}, {"in_channels": 3, "domains": 5}) == (
        "generator 'small' cannot be used here: it does not take domains\n    generators that do: sized"
    )
    assert said(registry.build, ref, {}, {"latent": 5}).endswith("generators that do: none")


def test_an_offer_is_taken_where_it_is_wanted(registry: Registry) -> None:
    sized, small = (registry.resolve("generator", name, "g") for name in ("sized", "small"))
    offers = {"image_size": 64}
    made = registry.build(sized, offers, {"in_channels": 3, "domains": 5})
    assert made.given == (3, 5, 64, "auto")
    assert registry.build(small, offers, {"in_channels": 3}).given[:2] == (3, 8)


def test_a_fact_that_nobody_tells_is_named(registry: Registry) -> None:
    ref = registry.resolve("generator", "sized", "g")
    assert said(registry.build, ref, {}, {"in_channels": 3}) == (
        "generator 'sized' cannot be used here: nobody tells it domains\n"
        "    generators that do without: small"
    )


def test_a_loss_may_be_a_function(registry: Registry) -> None:
    loss = registry.build(registry.resolve("loss", {"name": "l1", "scale": 4}, "l"), {}, {})
    assert loss(5, 3) == 8


def test_what_a_component_refuses_is_a_sentence(registry: Registry) -> None:
    class Picky:
        """Refuses."""

        def __init__(self, *, x: int = 0) -> None:
            raise ValueError("x must be odd")

    registry.add("optimizer", "picky", Picky)
    ref = registry.resolve("optimizer", "picky", "o")
    assert said(registry.build, ref, {}, {}) == "optimizer 'picky': x must be odd"


def test_what_a_component_stumbles_over_is_a_sentence(registry: Registry) -> None:
    class Clumsy:
        """Stumbles."""

        def __init__(self, *, x: int = 0) -> None:
            self.x = 1 // x

    registry.add("optimizer", "clumsy", Clumsy)
    ref = registry.resolve("optimizer", "clumsy", "o")
    assert said(registry.build, ref, {}, {}) == (
        "optimizer 'clumsy' cannot be built with these options "
        "(ZeroDivisionError: integer division or modulo by zero)"
    )


def test_an_unknown_name_lists_plug_ins_that_failed(registry: Registry) -> None:
    registry.broken["odd"] = "ImportError: no"
    with pytest.raises(SpecError) as error:
        registry.get("loss", "l2", "strategy.pixel")
    assert str(error.value) == (
        "  strategy.pixel: there is no loss 'l2'\n    did you mean 'l1'? known: l1\n"
        "    plug-in 'odd' failed to load: ImportError: no"
    )


def test_no_module_holds_a_registry() -> None:
    assert i2i.discover() is not i2i.discover()
