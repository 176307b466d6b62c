"""Which packages a run uses, and what is said where they are missing, broken, moved or of another version."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import registry, tiny_spec

import i2i
from i2i.core.errors import I2IError
from i2i.core.registry import Package, Registry
from i2i.spec.used import changed, lacking, moved, references, used


def l1(fake: Any, real: Any) -> Any:
    """A loss."""
    return (fake - real).abs().mean()


def offering(package: str, version: str, *losses: str, problem: str = "") -> Registry:
    """What is installed: everything of ours, and one package with these losses."""
    everything, theirs = Registry("test"), Registry(package.replace("-", "_"), package)
    for name in losses:
        theirs.add("loss", name, l1)
    everything.merge(registry())
    everything.merge(theirs)
    everything.packages[package] = Package(version, problem)
    return everything


WOVEN = {"packages": {"i2i-woven": {"version": "1.2", "components": ["loss woven"]}}}


def test_every_package_of_a_spec_is_named_with_what_it_provides() -> None:
    spec = tiny_spec("cyclegan", loggers=["csv"], terms={"edges": term("sobel")})
    assert used(spec, registry()) == {
        "i2i-toolkit": {
            "version": i2i.__version__,
            "components": sorted({f"{ref.kind} {ref.name}" for ref in references(spec)}),
        }
    }
    components = used(spec, registry())["i2i-toolkit"]["components"]
    assert {"strategy cyclegan", "generator resnet", "loss sobel", "logger csv", "metric l1"} <= {*components}


def term(loss: str) -> dict[str, Any]:
    return {
        "loss": loss,
        "of": ["fake_b", "b"],
        "phase": "generators",
        "weight": 1.0,
        "minimised_by": ["G_ab"],
    }


def test_references_inside_lists_and_tables_are_found() -> None:
    spec = tiny_spec("pix2pix")
    inner = i2i.Ref.of("loss", "sobel", {})
    outer = i2i.Ref.of("loss", "sum", {"losses": [inner], "by_name": {"x": i2i.Ref.of("loss", "huber", {})}})
    found = references(spec.model_copy(update={"data": outer}))
    assert {"sum", "sobel", "huber"} <= {ref.name for ref in found}


def test_what_a_run_is_judged_by_besides_is_named() -> None:
    spec = tiny_spec("pix2pix", validate={"metric": "l1", "also": ["ssim"]})
    assert "metric ssim" in used(spec, registry())["i2i-toolkit"]["components"]


def test_a_registry_that_takes_over_another_knows_its_packages() -> None:
    mine = Registry("mine")
    mine.merge(registry())
    assert used(tiny_spec("pix2pix"), mine) == used(tiny_spec("pix2pix"), registry())


@pytest.mark.parametrize("name", ["I2I_Woven", "i2i.woven", "i2i-woven"])
def test_a_package_is_the_same_however_it_is_spelled(name: str) -> None:
    here, facts = offering("i2i-woven", "2.0", "woven"), {"packages": {name: WOVEN["packages"]["i2i-woven"]}}
    assert not lacking(facts, here, "it") + moved(facts, here, "it")
    assert changed(facts, here, "it") == changed(WOVEN, here, "it") != []


def test_nothing_is_said_where_all_is_as_it_was() -> None:
    here = offering("i2i-woven", "1.2", "woven")
    assert not lacking(WOVEN, here, "this run") + moved(WOVEN, here, "it") + changed(WOVEN, here, "it")
    assert not lacking({}, here, "this run") + moved({}, here, "it") + changed({}, here, "it")


@pytest.mark.parametrize(
    ("here", "why"),
    [
        (registry(), "which is not installed: pip install i2i-woven==1.2"),
        (
            offering("i2i-woven", "1.2", problem="ValueError: no"),
            "and what is installed of it cannot be used: ValueError: no",
        ),
        (
            offering("i2i-woven", "2.0", "other"),
            "and 2.0, which is installed, does not have that: pip install i2i-woven==1.2",
        ),
    ],
)
def test_a_package_that_is_missing_is_named_with_what_to_do(here: Registry, why: str) -> None:
    assert lacking(WOVEN, here, "this run") == [f"this run was made with i2i-woven 1.2 (loss 'woven'), {why}"]


def test_only_what_is_missing_is_named() -> None:
    facts = {"packages": {"i2i-toolkit": {"version": "0.9", "components": ["loss l1", "strategy weave"]}}}
    assert lacking(facts, registry(), "this run") == [
        f"this run was made with i2i-toolkit 0.9 (strategy 'weave'), and {i2i.__version__}, which is installed, does "
        "not have that: pip install i2i-toolkit==0.9"
    ]


def test_a_version_that_is_none_is_left_out_of_the_command() -> None:
    facts = {"packages": {"i2i-woven": {"version": "?'; rm -rf ~", "components": ["loss woven"]}}}
    assert lacking(facts, registry(), "this run")[0].endswith("not installed: pip install i2i-woven")


def test_a_component_from_another_package_is_told() -> None:
    assert moved(WOVEN, offering("i2i-cloth", "3", "woven"), "this run") == [
        "this run was made with i2i-woven 1.2 (loss 'woven'), and here that comes from i2i-cloth"
    ]


def test_another_version_is_told() -> None:
    assert changed(WOVEN, offering("i2i-woven", "2.0", "woven"), "this run") == [
        "this run was made with i2i-woven 1.2, and 2.0 is installed; to go on with the same: "
        "pip install i2i-woven==1.2"
    ]


def test_another_version_of_i2i_matters_to_a_run_and_not_to_a_model() -> None:
    facts = {"packages": {"i2i-toolkit": {"version": "0.0.9", "components": ["loss l1"]}}}
    assert len(changed(facts, registry(), "this run")) == 1
    assert changed(facts, registry(), "this model", ours=False) == []


@pytest.mark.parametrize(
    "packages",
    [
        "woven",
        {"woven": None},
        {"woven": {"version": 1, "components": []}},
        {"woven": {"version": "1"}},
        {"woven": {"version": "1", "components": ["loss"]}},
        {"woven": {"version": "1", "components": [3]}},
        {"woven": {"version": "1", "components": ["command rm"]}},
        {"woven": {"version": "1", "components": ["loss \x1b[31m"]}},
        {"woven; rm -rf ~": {"version": "1", "components": []}},
        {"--index-url=x": {"version": "1", "components": []}},
        {"woven": {"version": "1\n", "components": []}},
    ],
)
def test_facts_that_are_damaged_or_forged_are_refused(packages: Any) -> None:
    with pytest.raises(I2IError, match="what this run says of its packages is damaged: "):
        lacking({"packages": packages}, registry(), "this run")
