"""The controls of a method as parts of a page, each chosen by the type and the marks of its parameter."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i.data.legend import numbered
from i2i.serve.library import ASIDE, gradio
from i2i.serve.options import Option, read_options
from i2i.translate.model import Model

MOST = 1000
"""The largest whole number of a control that has no limit of its own: some say how many results are made."""
SPREAD = 3.0
"""How far the sliders of a code go: three standard deviations hold 99.7 % of its numbers."""
NOTHING = "–"
"""Shown for a choice that is not made."""


@dataclass(frozen=True)
class Control:
    """A control on the page.

    Attributes:
        name: of the keyword-only parameter.
        parts: what is drawn for it.
        read: the control's value, from those of the parts.
    """

    name: str
    parts: tuple[Any, ...]
    read: Callable[..., Any]


def draw_controls(model: Model) -> list[Control]:
    """Draw the controls of a model's strategy, in order."""
    return [_draw(option, model) for option in read_options(model.strategy.translate)]


def read_controls(controls: Sequence[Control], values: Sequence[Any]) -> dict[str, Any]:
    """The controls by name, from the values of all their parts.

    Raises:
        I2IError: one cannot be read.
    """
    found, rest = {}, list(values)
    for control in controls:
        own, rest = rest[: len(control.parts)], rest[len(control.parts) :]
        found[control.name] = control.read(*own)
    return found


def _draw(option: Option, model: Model) -> Control:
    if option.picture:
        return _file(option)
    if option.length:
        return _code(option, vars(model.strategy)[option.length])
    if option.names and (names := _names(option, model.facts)):
        return _several(option, names, model.facts.exclusive) if option.several else _one(option, names)
    if option.choices:
        return _one(option, option.choices)
    if option.types == (bool,):
        box = gradio().Checkbox(
            bool(option.default), label=option.name, info=option.help, elem_id=option.name
        )
        return Control(option.name, (box,), bool)
    if option.types in ((int,), (float,)):
        return _number(option)
    return _text(option)


def _shown(option: Option) -> Mapping[str, Any]:
    return {"label": option.name, "info": option.help or None, "elem_id": option.name}


def _file(option: Option) -> Control:
    """A file, so that it is read as it is, whatever its type; a browser would know a few."""
    label = f"{option.name}: {option.help}".replace("`", "").removesuffix(": ")
    file = gradio().File(label=label, height=140, elem_id=option.name)
    return Control(option.name, (file,), lambda path: Path(path) if path else None)


def _number(option: Option) -> Control:
    """A slider where there are limits, else a field; one that may stay empty is a text, which can be empty."""
    gr, whole, shown = gradio(), option.types == (int,), _shown(option)
    low, high, default = option.low, option.high, option.default
    if default is None:
        return _text(option)
    if low is not None and high is not None:
        part = gr.Slider(low, high, default, step=1 if whole else (high - low) / 100, **shown)
    else:
        most = MOST if whole and high is None else high
        part = gr.Number(default, precision=0 if whole else None, minimum=low, maximum=most, **shown)
    return Control(option.name, (part,), lambda number: number)


def _names(option: Option, facts: DataFacts) -> tuple[str, ...]:
    classes = facts.classes or numbered(max(facts.labels.values(), default=0))
    return {"domains": facts.domains, "classes": classes}[option.names]


def _one(option: Option, names: Sequence[Any]) -> Control:
    """One of several; none where the default is none."""
    free = option.default is None
    choices = [(NOTHING, "")] * free + [(str(name), name) for name in names]
    box = gradio().Dropdown(choices, value="" if free else option.default, **_shown(option))
    return Control(option.name, (box,), lambda chosen: None if chosen == "" else chosen)


def _several(option: Option, names: Sequence[str], groups: Sequence[Sequence[str]]) -> Control:
    """Check boxes, and for each group of names that exclude each other a choice of one."""
    gr = gradio()
    inside = {name for group in groups for name in group}
    free = [name for name in names if name not in inside]
    with gr.Group():
        gr.Markdown(f"{option.name}: {option.help}", padding=True)
        parts = [
            gr.Radio([NOTHING, *group], value=NOTHING, show_label=False, elem_id=f"{option.name}-{number}")
            for number, group in enumerate(groups, 1)
        ]
        if free:
            parts.append(gr.CheckboxGroup(free, show_label=False, elem_id=f"{option.name}"))

    def read(*chosen: Any) -> tuple[str, ...] | None:
        ticked = [name for part in chosen for name in ([part] if isinstance(part, str) else part or [])]
        return tuple(name for name in ticked if name != NOTHING) or None

    return Control(option.name, tuple(parts), read)


def _code(option: Option, length: int) -> Control:
    """A slider for each number of a code; they count once one is moved, or all are drawn anew."""
    gr = gradio()
    with gr.Accordion(option.name, open=False, elem_id=option.name):
        chosen = gr.Checkbox(False, label="use this code", info=option.help)
        sliders = [gr.Slider(-SPREAD, SPREAD, 0.0, step=0.01, label=str(n + 1)) for n in range(length)]
        anew = gr.Button("Draw anew", size="sm")
    for slider in sliders:
        slider.input(lambda: True, outputs=chosen, **ASIDE)
    anew.click(lambda: [True, *drawn(length)], outputs=[chosen, *sliders], **ASIDE)
    return Control(option.name, (chosen, *sliders), lambda used, *code: tuple(code) if used else None)


def drawn(length: int) -> list[float]:
    """Normally distributed numbers, as far as the sliders go."""
    return [round(max(-SPREAD, min(SPREAD, random.gauss())), 2) for _ in range(length)]


def _text(option: Option) -> Control:
    """Anything else is written as on the command line, after `-c KEY=`."""
    box = gradio().Textbox(placeholder=NOTHING, **_shown(option))
    return Control(option.name, (box,), lambda text: written(text, option.name, option.default))


def written(text: str | None, name: str, default: Any = None) -> Any:
    """A value of TOML; a bare word is itself, and several values may stand without brackets.

    Args:
        text: what was written.
        name: the control, in messages.
        default: where nothing was written.

    Raises:
        I2IError: it starts like a list or a text and is none, or it is a very large number.
    """
    text = (text or "").strip()
    if not text:
        return default
    for form in (text, f"[{text}]"):
        try:
            value = tomllib.loads(f"value = {form}")["value"]
        except (ValueError, RecursionError):
            continue
        if isinstance(value, int) and value > MOST:
            raise I2IError(f"{name}: {value} is too much for this page; {MOST} at most")
        return value
    if text[0] in "[{\"'":
        raise I2IError(f"{name}: '{text}' cannot be read; write a number, a name, or a list such as [1, 2]")
    return text
