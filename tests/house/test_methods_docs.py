"""docs/methods.md says what the code says: every field of a strategy, its default, and its objective."""

import re
from dataclasses import fields

import pytest
from reading import ROOT

import i2i
from i2i.spec.describe import objectives
from i2i.spec.plugins import discover

PAGE = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
METHODS = {
    "pix2pix": "pix2pix",
    "cyclegan": "CycleGAN",
    "bicyclegan": "BicycleGAN",
    "stargan": "StarGAN",
    "spade": "SPADE",
    "vaegan": "VAE-GAN",
    "gan": "GAN",
    "cgan": "CGAN",
    "dcgan": "DCGAN",
    "acgan": "ACGAN",
    "stylegan": "StyleGAN",
}


def section(name: str) -> str:
    return PAGE.split(f"\n## {METHODS[name]}\n")[1].split("\n## ")[0]


def shown(default: object) -> str:
    if not isinstance(default, i2i.Ref):
        return f"`{default}`"
    options = ", ".join(
        f'`{k} = "{v}"`' if isinstance(v, str) else f"`{k} = {v}`" for k, v in default.options.items()
    )
    return f"`{default.name}`" + (f" with {options}" if options else "")


def test_every_method_has_a_section() -> None:
    assert set(METHODS) == set(discover().names("strategy"))


@pytest.mark.parametrize("name", METHODS)
def test_the_table_lists_every_field_with_its_default(name: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (.+) \|$", section(name), re.MULTILINE)
    method = discover().get("strategy", name).factory
    assert rows == [(field.name, shown(field.default)) for field in fields(method)]


@pytest.mark.parametrize("name", METHODS)
def test_the_objective_is_the_one_that_check_prints(name: str) -> None:
    registry = discover()
    method = registry.build(registry.resolve("strategy", name, "strategy"), {}, {})
    assert objectives(method.phases()) in section(name)
