"""Values against a model: the sentence for each kind of mistake, at the place where it was made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from i2i.core.check import shown, validate


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    depth: int = 1
    start: float = Field(0.0, alias="from")


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(ge=1)] = 1
    rate: float | None = None
    flag: bool = False
    kind: Literal["a", "b"] = "a"
    size: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    pair: tuple[float, float] = (0.0, 1.0)
    names: Annotated[tuple[str, ...], Field(min_length=1)] = ("x",)
    label: Annotated[str, Field(min_length=1)] = "x"
    path: Path | None = None
    rates: dict[str, float] = {}
    inner: Inner = Inner()
    either: float | Inner = 1.0
    sets: Annotated[dict[str, Inner], Field(min_length=1)] | None = None


def said(**values: Any) -> list[str]:
    _, problems = validate(Options, values, "t", "thing 'x'")
    return [f"{problem.at}: {problem.message}" for problem in problems]


@pytest.mark.parametrize(
    ("values", "sentences"),
    [
        ({}, []),
        ({"count": 3.0, "rate": 1, "flag": True, "size": 2, "pair": [0, 1], "path": "x"}, []),
        ({"inner": {"from": 1}, "either": {"depth": 3}, "rates": {"G": 1}}, []),
        ({"count": "3"}, ["t.count: input should be a whole number, got '3'"]),
        ({"rate": True}, ["t.rate: input should be a number, got true"]),
        ({"flag": 0}, ["t.flag: input should be true or false, got 0"]),
        ({"size": 0}, ["t.size: input should be greater than or equal to 1 or 'auto', got 0"]),
        ({"size": None}, ["t.size: input should be a whole number or 'auto', got 'None'"]),
        ({"pair": [0, "1"]}, ["t.pair: input should be a number, got '1'"]),
        ({"pair": [0, "x"]}, ["t.pair: entry 2 should be a number, got 'x'"]),
        ({"names": []}, ["t.names: input should have at least 1 entry, got []"]),
        ({"label": ""}, ["t.label: input should have at least 1 character, got ''"]),
        ({"label": 3}, ["t.label: input should be a string, got 3"]),
        ({"rates": {"G": "x"}}, ["t.rates.G: input should be a number, got 'x'"]),
        ({"rates": []}, ["t.rates: input should be a table, got []"]),
        ({"inner": {"deep": 1}}, ["t.inner.deep: 't.inner' has no such option"]),
        ({"inner": {"depth": "1"}}, ["t.inner.depth: input should be a whole number, got '1'"]),
        ({"inner": {"from": True}}, ["t.inner.from: input should be a number, got true"]),
        ({"either": {"depth": "x"}}, ["t.either.depth: input should be a whole number, got 'x'"]),
        ({"sets": {"one": {"depth": 2}}}, []),
        ({"sets": {"one": {"deep": 1}}}, ["t.sets.one.deep: 't.sets.one' has no such option"]),
        ({"sets": {"one": {"depth": "1"}}}, ["t.sets.one.depth: input should be a whole number, got '1'"]),
        ({"sets": {"one": 3}}, ["t.sets.one: input should be a table, got 3"]),
        ({"either": "x"}, ["t.either: input should be a number or a table, got 'x'"]),
        (
            {"count": 0, "cuont": 1},
            [
                "t.count: input should be greater than or equal to 1, got 0",
                "t.cuont: thing 'x' has no such option",
            ],
        ),
    ],
)
def test_every_mistake_has_its_sentence(values: dict[str, Any], sentences: list[str]) -> None:
    assert said(**values) == sentences


def test_the_names_that_a_table_knows_are_those_of_the_file() -> None:
    for values in ({"inner": {"form": 1}}, {"sets": {"inner": {"form": 1}}}):
        _, (problem,) = validate(Options, values, "t", "thing 'x'")
        assert problem.hint == "did you mean 'from'? known: depth, from"


def test_values_are_shown_as_they_were_written() -> None:
    assert [shown(value) for value in (True, "x", 1.5, [1, "a"], {"a": False})] == [
        "true",
        "'x'",
        "1.5",
        "[1, 'a']",
        "{'a': False}",
    ]
    assert len(shown("x" * 1000)) == 80


def test_whole_numbers_have_64_bits() -> None:
    assert said(count=2**63 - 1) == []
    (sentence,) = said(count=2**63)
    assert sentence.endswith("input should be a whole number of 64 bits, got 9223372036854775808")
