"""What is asked for an input: how many results, in what shape, under what names, with which random numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from i2i.core.batch import Draws, address
from i2i.translate.request import NothingDrawnError, Own, Request, safe_names

ONE = ("output",)
THREE = ("red", "dark green", "blue")
CASES = [(ONE, None), (ONE, 2), (THREE, None), (THREE, 2)]


def request(captions: Sequence[str] = ONE, samples: int | None = None, **own: int) -> Request:
    return Request("a", {name: {"c": name} for name in captions}, {}, Own(samples=samples, **own), None)


@pytest.mark.parametrize(
    ("case", "shape"),
    list(
        zip(
            CASES,
            [
                0,
                [0, 1],
                {"red": 0, "dark green": 1, "blue": 2},
                {"red": [0, 1], "dark green": [2, 3], "blue": [4, 5]},
            ],
            strict=True,
        )
    ),
)
def test_results_have_a_shape(case: tuple[Sequence[str], int | None], shape: object) -> None:
    asked = request(*case)
    cells = list(asked.cells())
    assert asked.shaped(range(len(cells))) == shape
    assert [(controls["c"], k) for controls, k in cells] == [
        (name, k) for name in case[0] for k in range(case[1] or 1)
    ]


def test_one_sample_is_a_list_if_it_was_asked() -> None:
    asked = request(samples=1)
    assert (asked.shaped(["x"]), asked.endings(), asked.labels()) == (["x"], ["-1"], ["1"])


def test_results_have_headings_and_file_names() -> None:
    assert [request(*case).labels() for case in CASES] == [
        ["output"],
        ["1", "2"],
        ["red", "dark green", "blue"],
        ["red 1", "red 2", "dark green 1", "dark green 2", "blue 1", "blue 2"],
    ]
    assert [request(*case).endings() for case in CASES] == [
        [""],
        ["-1", "-2"],
        ["-red", "-dark_green", "-blue"],
        ["-red-1", "-red-2", "-dark_green-1", "-dark_green-2", "-blue-1", "-blue-2"],
    ]


def test_captions_become_safe_names() -> None:
    captions = ["black hair", "a/b", 'c:\\d*?"<>|', "50%", "größer", "x" * 99, "..", "σ → μ", "a=1.5"]
    assert safe_names(captions) == [
        "black_hair",
        "a_b",
        "c_d",
        "50",
        "größer",
        "x" * 40,
        "result",
        "σ_μ",
        "a=1.5",
    ]


def test_numbers_as_captions_sort_by_name() -> None:
    assert safe_names(["0%", "50%", "100%"]) == ["000", "050", "100"]
    assert safe_names(["0.5%", "100.0%"]) == ["000.5", "100.0"]


def test_safe_names_differ_even_where_case_is_ignored() -> None:
    assert safe_names(["a", "A", "a?", "a-2", "b"]) == ["a", "A-2", "a-3", "a-2-2", "b"]


def test_random_numbers_belong_to_the_name_and_the_sample() -> None:
    def first(asked: Request, name: str, sample: int) -> float:
        return asked.draws([name], sample).normal(torch.zeros(1)).item()

    plain, other, same = request(seed=5), request(seed=6), request(seed=5, sync=True)
    drawn = [first(plain, name, k) for name in "ab" for k in (0, 1)] + [first(other, "a", 0)]
    assert len(set(drawn)) == 5
    assert drawn[0] == Draws(("translate",), [address(5, "a", 0)]).normal(torch.zeros(1)).item()
    assert first(same, "a", 0) == first(same, "b", 0) == first(plain, "", 0)
    assert first(same, "a", 0) != first(same, "a", 1)


def test_samples_that_are_all_the_same_are_refused() -> None:
    same, other = torch.zeros(2), torch.tensor([0, 1e-38])
    with pytest.raises(
        NothingDrawnError, match="draws no random numbers, so every sample is the same; leave"
    ):
        request(samples=2).check_samples([same, same.clone()])
    request(samples=2).check_samples([same, other])
    request(["x", "y"], samples=2).check_samples([same, same, same, other])  # one of them draws some
    request(["x", "y"]).check_samples([same, same])
    request(samples=1).check_samples([same])
    with pytest.raises(NothingDrawnError):  # captions differ, samples do not
        request(["x", "y"], samples=2).check_samples([same, same, other, other])
