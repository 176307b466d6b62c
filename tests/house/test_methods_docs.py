"""docs/methods/*.md say what the code says: options, recipes, objectives, and what weights weigh."""

import re
import sys
from collections.abc import Iterator
from dataclasses import fields, replace

import pytest
from reading import ROOT

import i2i
from i2i.spec.describe import objectives
from i2i.spec.plugins import discover

sys.path.insert(0, str(ROOT / "docs" / "hooks"))
import method_tables

sys.path.pop(0)

PAGES = ROOT / "docs" / "methods"
METHODS = sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "index")
HEADINGS = (
    "Objective",
    "Published recipe",
    "Options",
    "How it is trained",
    "On the batch",
    "Good for, bad for",
    "Paper",
)
REGISTRY = discover()
# What brings a term about whose weight would otherwise be of a term that is not there.
NEEDED = {("spade", "kl_weight"): {"encoder": i2i.Ref("spade")}}


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def strategy(name: str, **options: object) -> i2i.Strategy:
    ref = REGISTRY.resolve("strategy", name, "strategy")
    made: i2i.Strategy = REGISTRY.build(ref, {}, {})
    return replace(made, **options)


def weights(of: i2i.Strategy) -> dict[tuple[str, str], float]:
    return {(n, t): w for phase in of.phases() for n, row in phase.minimise.items() for t, w in row.items()}


def weighed() -> Iterator[tuple[str, str]]:
    for name in METHODS:
        for field in fields(REGISTRY.get("strategy", name).factory):
            if field.name.endswith("_weight"):
                yield name, field.name


def test_every_method_of_ours_has_a_page_and_a_row() -> None:
    ours = {c.name for c in REGISTRY if c.kind == "strategy" and (ROOT / "plugins" / c.owner).is_dir()}
    assert set(METHODS) == ours
    assert set(re.findall(r"\]\((\w+)\.md\)", page("index"))) == ours


@pytest.mark.parametrize("name", METHODS)
def test_a_page_has_the_sections_of_all(name: str) -> None:
    found = re.findall(r"^## (.+)$", page(name), re.MULTILINE)
    assert [heading for heading in found if heading in HEADINGS] == list(HEADINGS)


@pytest.mark.parametrize("name", METHODS)
def test_the_tables_are_those_of_the_code(name: str) -> None:
    assert page(name) == method_tables.written(page(name), name, REGISTRY), (
        "python docs/hooks/method_tables.py"
    )


@pytest.mark.parametrize("name", METHODS)
def test_the_objective_is_the_one_that_check_prints(name: str) -> None:
    shown = page(name).split("## Objective")[1].split("\n## ")[0]
    assert objectives(strategy(name).phases()) in shown


@pytest.mark.parametrize(("name", "option"), list(weighed()))
def test_a_weight_weighs_the_terms_that_its_row_names(name: str, option: str) -> None:
    row = re.search(rf"^\| `{option}` \| ([^|]*)\|", page(name), re.MULTILINE)
    assert row
    before = strategy(name, **NEEDED.get((name, option), {}))
    after = weights(replace(before, **{option: 0.5 * getattr(before, option)}))
    changed = {term for (network, term), w in weights(before).items() if after[network, term] != w}
    assert changed == set(re.findall(r"`(\w+)`", row[1]))
