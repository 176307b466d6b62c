"""A signature is a schema: positional parameters are facts, keyword-only ones options."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

import i2i
from i2i.core.schema import Ref, plain, read_signature, unwritable


class Network:
    def __init__(
        self,
        in_channels: int,
        size: int = 3,
        *,
        width: Annotated[int, Field(ge=1, description="channels")] = 64,
        loss: i2i.Loss = Ref("l1"),
        other: i2i.Loss | None = None,
        root: Path,
    ) -> None: ...


def test_positions_are_facts_and_keywords_options() -> None:
    signature = read_signature(Network)
    assert signature.facts == ("in_channels", "size")
    assert signature.required_facts == ("in_channels",)
    assert list(signature.options.model_fields) == ["width", "loss", "other", "root"]
    assert signature.nested == {"loss": "loss", "other": "loss"}
    assert signature.defaults() == {"width": 64, "loss": Ref("l1"), "other": None}
    assert signature.options.model_fields["width"].description == "channels"


def test_functions_classes_without_a_constructor_and_dataclasses_are_read() -> None:
    class Plain:
        """Has no constructor."""

    @dataclass(frozen=True, kw_only=True)
    class Values:
        weight: float = 1.0

    def function(fake: Any, real: Any, *, scale: int = 2) -> None: ...

    assert list(read_signature(Plain).options.model_fields) == []
    assert list(read_signature(Values).options.model_fields) == ["weight"]
    assert read_signature(function).facts == ("fake", "real")


def test_a_dataclass_may_extend_one_of_another_module() -> None:
    from i2i_cyclegan import CycleGAN

    @dataclass(frozen=True, kw_only=True)
    class Mine(CycleGAN):
        """Another default."""

        cycle_weight: float = 5.0

    signature = read_signature(Mine)
    assert signature.defaults()["cycle_weight"] == 5.0
    assert signature.nested["generator"] == "generator"


def stars(*args: int) -> None: ...


def double_stars(**kwargs: int) -> None: ...


def named_name(*, name: str = "") -> None: ...


def named_json(*, json: str = "") -> None: ...


def named_model(*, model_x: str = "") -> None: ...


def private(*, _x: str = "") -> None: ...


@pytest.mark.parametrize(
    ("factory", "why"),
    [
        (stars, r"stars takes \*args; name every option instead"),
        (double_stars, r"double_stars takes \*\*kwargs; name every option instead"),
        (named_name, "named_name has an option called 'name', a name that is taken; choose another"),
        (named_json, "an option called 'json'"),
        (named_model, "an option called 'model_x'"),
        (private, "an option called '_x'"),
    ],
)
def test_what_cannot_be_a_schema_is_refused(factory: Any, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        read_signature(factory)


class Mode(Enum):
    SOFT = "soft"
    HARD = "hard"


def test_options_that_a_spec_cannot_hold_are_found() -> None:
    def function(
        *,
        number: float = 1.0,
        mode: Mode = Mode.SOFT,
        pair: tuple[float, float] = (0.5, 0.9),
        path: Path = Path("x"),
        rates: dict[str, float] | None = None,
        loss: i2i.Loss = Ref("l1"),
        far: float = float("inf"),
        call: type = int,
        wrong: int = "three",  # type: ignore[assignment]
    ) -> None: ...

    assert unwritable(read_signature(function)) == ["call", "wrong"]


# References


def test_a_reference_compares_by_name_and_options() -> None:
    assert Ref("unet", width=3) == Ref("unet", width=3)
    assert Ref("unet", width=3) != Ref("unet", width=4)
    assert Ref("unet") != "unet"
    assert len({Ref("unet", width=3), Ref("unet", width=3)}) == 1


def test_a_reference_does_not_change() -> None:
    ref = Ref("unet", width=3)
    with pytest.raises(AttributeError, match="a Ref does not change"):
        ref.name = "resnet"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="a Ref does not change"):
        del ref.options


def test_a_reference_survives_copies_and_workers() -> None:
    ref = Ref.of("generator", "unet", {"width": 3, "inner": Ref("l1")})
    for again in (pickle.loads(pickle.dumps(ref)), copy.deepcopy(ref), copy.copy(ref)):
        assert again == ref
        assert again.kind == "generator"


def test_a_reference_may_have_any_option() -> None:
    assert Ref("unet", self=1, cls=2).options == {"self": 1, "cls": 2}


def test_a_reference_as_a_table_leaves_out_what_is_absent() -> None:
    ref = Ref("unet", width=3, inner=Ref("l1", scale=2), clip=None)
    assert ref.table() == {"name": "unet", "width": 3, "inner": {"name": "l1", "scale": 2}}
    assert repr(Ref("unet", width=3)) == "Ref('unet', width=3)"


def test_options_are_frozen_into_models() -> None:
    with pytest.raises(ValidationError):
        read_signature(Network).options.model_validate({"root": "x", "loss": "l1"})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (PurePosixPath("a/b"), "a/b"),
        ((1, (2.5, "x")), [1, [2.5, "x"]]),
        ({"a": None, "b": True}, {"b": True}),
        (Mode.HARD, "hard"),
        ([Ref("l1", scale=1)], [{"name": "l1", "scale": 1}]),
    ],
)
def test_values_are_written_as_toml_can_hold_them(value: object, written: object) -> None:
    assert plain(value) == written
