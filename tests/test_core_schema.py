"""A signature is the schema of a component."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from i2i.core.check import validate
from i2i.core.schema import Kind, Ref, plain, read_signature

Loss = Annotated[Ref, Kind("loss")]


class Network:
    def __init__(
        self,
        channels: int,
        size: int = 0,
        *,
        width: Annotated[int, Field(ge=1, description="channels")],
        norm: Literal["instance", "none"] = "instance",
        pixel: Loss = Ref("l1"),
        more: Loss | None = None,
        root: Path = Path(),
    ) -> None: ...


def test_positional_parameters_are_facts_and_keywords_are_options() -> None:
    signature = read_signature(Network)
    assert (signature.facts, signature.required_facts) == (("channels", "size"), ("channels",))
    assert list(signature.options.model_fields) == ["width", "norm", "pixel", "more", "root"]
    assert signature.nested == {"pixel": "loss", "more": "loss"}
    assert signature.defaults() == {"norm": "instance", "pixel": Ref("l1"), "more": None, "root": Path()}
    assert signature.options.model_fields["width"].description == "channels"


@pytest.mark.parametrize(
    ("given", "at", "message"),
    [
        ({}, "net.width", "generator 'x' needs this option"),
        ({"width": 0}, "net.width", "input should be greater than or equal to 1, got 0"),
        ({"width": 1, "norm": "batch"}, "net.norm", "input should be 'instance' or 'none', got 'batch'"),
        ({"width": 1, "wdith": 2}, "net.wdith", "generator 'x' has no such option"),
    ],
)
def test_a_wrong_option(given: dict[str, Any], at: str, message: str) -> None:
    values, (problem,) = validate(read_signature(Network).options, given, "net", "generator 'x'")
    assert values == {} and (problem.at, problem.message) == (at, message)


def test_complete_options() -> None:
    values, problems = validate(read_signature(Network).options, {"width": 2, "norm": "none"}, "net", "x")
    expected = {"width": 2, "norm": "none", "pixel": Ref("l1"), "more": None, "root": Path()}
    assert (values, problems) == (expected, [])


def test_a_ref_does_not_change() -> None:
    ref = Ref("unet", width=3)
    with pytest.raises(AttributeError, match="a Ref does not change; make a new one instead of setting name"):
        ref.name = "resnet"
    with pytest.raises(AttributeError):
        del ref.name
    assert repr(ref) == "Ref('unet', width=3)"


def test_equal_refs_name_the_same_with_the_same_options() -> None:
    assert Ref("unet", width=3) == Ref.of("generator", "unet", {"width": 3})
    assert Ref("unet", width=3) != Ref("unet") and Ref("unet") != "unet"
    assert hash(Ref("unet", width=3)) == hash(Ref("unet", width=3))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda ref: pickle.loads(pickle.dumps(ref))])
def test_a_ref_travels_between_processes(again: Any) -> None:
    ref = Ref.of("generator", "unet", {"width": 3, "inner": Ref("l1")})
    assert again(ref) == ref and again(ref).kind == "generator"


def test_a_table_holds_what_toml_can() -> None:
    ref = Ref(
        "outer",
        inner=Ref("l1", scale=2),
        betas=(0.5, 0.9),
        root=Path("a") / "b",
        absent=None,
        table={"x": Ref("y")},
    )
    assert ref.table() == {
        "name": "outer",
        "inner": {"name": "l1", "scale": 2},
        "betas": [0.5, 0.9],
        "root": "a/b",
        "table": {"x": {"name": "y"}},
    }
    assert plain(3 + 1j) == "(3+1j)"
