"""The spec and the facts of a run whose networks come from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from helpers import registry

import i2i
from i2i.core.errors import I2IError
from i2i.importing.spec import imported_spec
from i2i_cyclegan import CycleGAN

RGB = {"channels": {"a": 3, "b": 3}}


def test_the_published_recipe_holds_what_the_files_do_not_tell() -> None:
    options = {"generator": {"name": "resnet", "width": 8, "blocks": 3}}
    spec, facts = imported_spec("cyclegan", options, RGB, registry())
    assert spec.strategy.options["generator"].options["blocks"] == 3
    assert (spec.train.epochs, spec.data.options["size"]) == (200, 256)
    assert spec.data.options["root"] == Path("put-the-folder-of-your-pictures-here")
    assert (facts.fields, facts.image_size) == (("a", "b"), 256)
    assert (facts.channels, facts.value_range) == ({"a": 3, "b": 3}, {"a": (0, 255), "b": (0, 255)})


def test_another_size_than_the_published_one_leaves_its_resizing_out() -> None:
    told = {"channels": {"image": 3}, "vectors": {"domain": 2, "target": 2}, "domains": ("x", "y")}
    spec, facts = imported_spec("stargan", {}, {**told, "image_size": 256}, registry())
    assert (spec.data.options["size"], spec.data.options["load_size"], facts.image_size) == (256, 256, 256)
    spec, _ = imported_spec("stargan", {}, {**told, "image_size": 128}, registry())
    assert (spec.data.options["size"], spec.data.options["load_size"]) == (128, 128)
    assert spec.data.options["attributes"] == ("x", "y")


def test_channels_that_nobody_told_are_asked_for() -> None:
    with pytest.raises(
        I2IError, match="do not tell how many channels b has; import the file of the generator"
    ):
        imported_spec("cyclegan", {}, {"channels": {"a": 3}}, registry())


class Bare(CycleGAN):
    """A method whose recipe says nothing of data."""

    recipe: ClassVar[dict[str, Any]] = {"train": {"steps": 1}}


def test_a_recipe_without_data_wants_to_be_told() -> None:
    components = i2i.Registry("mine")
    components.merge(registry())
    components.add("strategy", "bare", Bare)
    with pytest.raises(I2IError, match=r"data\.name: the name of the data is needed here"):
        imported_spec("bare", {}, RGB, components)
    settings = ("data.name=unpaired", "data.root=here")
    spec, facts = imported_spec("bare", {}, {**RGB, "image_size": 64}, components, settings)
    assert (spec.data.name, facts.image_size) == ("unpaired", 64)
