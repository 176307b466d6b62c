"""Controls as parts of a page: chosen by type, limits and marks alone."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from helpers import registry, strategies, tiny_spec
from pydantic import Field

import i2i
from i2i.core.errors import I2IError
from i2i.serve.controls import MOST, Control, draw_controls, drawn, read_controls, written
from i2i.serve.options import Option, read_options
from i2i.spec.assemble import build_source, build_strategy
from i2i.translate.model import Model

gr = pytest.importorskip("gradio", reason="the page needs gradio")


class Method:
    latent = 3

    def translate(
        self,
        net: Any,
        x: Any,
        *,
        back: bool = True,
        mode: Literal["day", "night"] = "night",
        mix: Annotated[float, Field(ge=0, le=1)] = 0.25,
        layer: Annotated[int, Field(ge=1, le=4)] = 2,
        steps: Annotated[int, Field(ge=2)] = 5,
        count: Annotated[int, Field(ge=2)] | None = None,
        rows: int | Annotated[tuple[int, ...], Field(min_length=1)] | None = None,
        style: Annotated[Path | None, i2i.PictureOf("b")] = None,
        code: Annotated[tuple[float, ...] | None, i2i.CodeOf("latent")] = None,
        label: Annotated[str | int | None, i2i.NameOf("classes")] = None,
        domain: Annotated[str | tuple[str, ...] | None, i2i.NameOf("domains")] = None,
    ) -> None:
        """Translate.

        Args:
            net: the parts.
            x: the batch.
            back: from b
                to a.
            mix: how far.
        """


FACTS = i2i.DataFacts(
    fields=("image", "label"),
    image_size=8,
    channels={"image": 3},
    value_range={"image": (0.0, 255.0)},
    labels={"label": 2},
    classes=("cat", "dog"),
    domains=("red", "blue", "large"),
    exclusive=(("red", "blue"),),
)


def model_of(strategy: Any, facts: i2i.DataFacts) -> Any:
    """As much of a model as controls are drawn from."""
    model = Model.__new__(Model)
    model.strategy, model.facts = strategy, facts
    return model


def drawn_for(name: str) -> Control:
    method = Method()
    method.latent = 3  # an option of a strategy is on the object
    with gr.Blocks():
        return next(c for c in draw_controls(model_of(method, FACTS)) if c.name == name)


def test_options_say_what_the_signature_says() -> None:
    options = {option.name: option for option in read_options(Method().translate)}
    assert options["mix"] == Option("mix", (float,), 0.25, 0, 1, help="how far.")
    assert options["back"].help == "from b to a."
    assert (options["count"].types, options["count"].low, options["count"].high) == ((int,), 2, None)
    assert options["rows"].several and not options["count"].several
    assert options["mode"].choices == ("day", "night")
    assert (options["style"].picture, options["code"].length, options["label"].names) == (
        "b",
        "latent",
        "classes",
    )


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("back", ["Checkbox"]),
        ("mode", ["Dropdown"]),
        ("mix", ["Slider"]),
        ("layer", ["Slider"]),
        ("steps", ["Number"]),
        ("count", ["Textbox"]),
        ("rows", ["Textbox"]),
        ("style", ["File"]),
        ("code", ["Checkbox", "Slider", "Slider", "Slider"]),
        ("label", ["Dropdown"]),
        ("domain", ["Radio", "CheckboxGroup"]),
    ],
)
def test_types_and_marks_choose_the_parts(name: str, parts: list[str]) -> None:
    assert [type(part).__name__ for part in drawn_for(name).parts] == parts


@pytest.mark.parametrize(
    ("name", "values", "read"),
    [
        ("style", [None], None),
        ("style", ["x/y.png"], Path("x/y.png")),
        ("code", [False, 1.0, 2.0, 3.0], None),
        ("code", [True, 1.0, 2.0, 3.0], (1.0, 2.0, 3.0)),
        ("label", [""], None),
        ("label", ["dog"], "dog"),
        ("domain", ["–", []], None),
        ("domain", ["–", None], None),
        ("domain", ["blue", ["large"]], ("blue", "large")),
        ("rows", [" 3, 5 "], [3, 5]),
        ("count", [""], None),
        ("count", ["7"], 7),
    ],
)
def test_parts_are_read_as_the_control(name: str, values: list[Any], read: Any) -> None:
    assert read_controls([drawn_for(name)], values) == {name: read}


def test_limits_are_those_of_the_parameter() -> None:
    (mix,), (layer,), (steps,) = (drawn_for(name).parts for name in ("mix", "layer", "steps"))
    assert (mix.minimum, mix.maximum, mix.value) == (0, 1, 0.25)
    assert (layer.minimum, layer.maximum, layer.step, layer.value) == (1, 4, 1, 2)
    assert (steps.minimum, steps.maximum) == (2, MOST)


@pytest.mark.parametrize("text", ["[1, 2", '"a', str(MOST + 1)])
def test_what_cannot_be_read_is_a_sentence(text: str) -> None:
    with pytest.raises(I2IError, match="rows: "):
        written(text, "rows")


def test_a_drawn_code_is_as_long_as_asked_and_on_the_sliders() -> None:
    code = drawn(200)
    assert len(code) == 200
    assert max(map(abs, code)) <= 3
    assert len(set(code)) > 50


@pytest.mark.parametrize("name", strategies())
def test_every_method_has_a_part_for_every_control(name: str) -> None:
    spec = tiny_spec(name)
    strategy, facts = build_strategy(spec, registry()), build_source(spec, registry()).facts
    with gr.Blocks():
        controls = draw_controls(model_of(strategy, facts))
    assert [control.name for control in controls] == [o.name for o in read_options(strategy.translate)]
    assert all(control.parts for control in controls)


def test_untouched_controls_are_the_defaults() -> None:
    spec = tiny_spec("stylegan")
    strategy = build_strategy(spec, registry())
    with gr.Blocks():
        controls = draw_controls(model_of(strategy, build_source(spec, registry()).facts))
    untouched = [part.value for control in controls for part in control.parts]
    assert read_controls(controls, untouched) == {o.name: o.default for o in read_options(strategy.translate)}
