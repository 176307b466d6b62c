"""A canvas for the input: label maps are drawn in the colours of their classes, pictures freely."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i.data.legend import legend_of
from i2i.data.map_files import Colour, Numbers
from i2i.serve.library import ASIDE, gradio
from i2i.translate.colours import paint

COMFORTABLE = 384
"""Pixels that a canvas has at least, so that a mouse can draw on it; a drawing is then made smaller."""
PENCILS: tuple[Colour, ...] = (
    (0, 0, 0),
    (255, 255, 255),
    (214, 39, 40),
    (44, 160, 44),
    (31, 119, 180),
    (255, 190, 60),
)
GREY: tuple[Colour, ...] = ((0, 0, 0), (255, 255, 255), (128, 128, 128))
WHITE: Colour = (255, 255, 255)


def draw_canvas(facts: DataFacts, field: str) -> Any:
    """Draw a canvas for inputs of a field and, for label maps, a choice of the class to draw with."""
    gr = gradio()
    is_map, colours = field in facts.maps, colours_of(facts, field)
    width, height = (side * enlarged(facts) for side in (facts.image_size, facts.height))
    canvas = gr.ImageEditor(
        Image.new("RGB", (width, height), colours[0] if is_map else WHITE),
        type="pil",
        image_mode="RGB",
        format="png",
        canvas_size=(width, height),
        fixed_canvas=True,
        sources=() if is_map else ("upload", "clipboard"),
        transforms=(),
        layers=False,
        brush=_brush(facts, field, colours[is_map % len(colours)], width),
        show_label=False,
        buttons=[],
        elem_id="canvas",
    )
    if is_map:
        _draw_classes(canvas, facts, field, width)
    return canvas


def _brush(facts: DataFacts, field: str, colour: Colour, width: int) -> Any:
    is_map, free = field in facts.maps, facts.channels.get(field) == 3
    return gradio().Brush(
        width // 16 if is_map else 3,
        [_css(each) for each in colours_of(facts, field)],
        _css(colour),
        "defaults" if free else "fixed",
    )


def _draw_classes(canvas: Any, facts: DataFacts, field: str, width: int) -> None:
    """The classes beside their colours; the one that is chosen is drawn with."""
    gr, colours = gradio(), colours_of(facts, field)
    names = list(legend_of(facts, field).classes)
    edge = "#classes label:nth-of-type({}) {{ border-left: 1em solid {} }}"
    style = "".join(edge.format(n, _css(colour)) for n, colour in enumerate(colours, 1))
    choices = [(name, number) for number, name in enumerate(names)]
    with gr.Group():
        chosen = gr.Radio(choices, value=min(1, len(names) - 1), show_label=False, elem_id="classes")
        gr.HTML(f"<style>#classes {{ max-height: 16em; overflow-y: auto }} {style}</style>", padding=False)

    def brush(number: int) -> Any:
        return gr.update(brush=_brush(facts, field, colours[number], width))

    chosen.input(brush, chosen, canvas, **ASIDE)


def colours_of(facts: DataFacts, field: str) -> tuple[Colour, ...]:
    """The colours to draw with: those of the classes, or greys, or pencils."""
    if field not in facts.maps:
        return GREY if facts.channels[field] == 1 else PENCILS
    count = len(legend_of(facts, field).classes)
    return tuple((r, g, b) for r, g, b in paint(np.arange(count)[None], facts.palette)[0].tolist())


def drawable(facts: DataFacts, field: str) -> bool:
    """Whether inputs of a field can be drawn: pictures of one or three channels, and maps of classes."""
    return facts.maps.get(field, 0) > 0 or facts.channels.get(field) in (1, 3)


def enlarged(facts: DataFacts) -> int:
    """How many times larger the canvas is than what the network saw while training."""
    return max(1, round(COMFORTABLE / facts.image_size))


def save_drawing(drawn: Any, facts: DataFacts, field: str, path: Path) -> Path:
    """A drawing as a file, in the size of the training pictures.

    Args:
        drawn: the value of the canvas.
        facts: of the training data.
        field: what the drawing stands for.
        path: where to.

    Raises:
        I2IError: nothing is drawn.
    """
    image = drawn and drawn["composite"]
    if image is None:
        raise I2IError("the canvas is empty; draw something first")
    size = (facts.image_size, facts.height)
    if field not in facts.maps:
        image.convert("L" if facts.channels[field] == 1 else "RGB").resize(size).save(path)
        return path
    colours = colours_of(facts, field)
    numbers = classes_drawn(np.asarray(image.resize(size, Image.Resampling.NEAREST).convert("RGB")), colours)
    stored = (
        np.array(colours, np.uint8)[numbers]
        if facts.palette
        else numbers.astype(np.uint16 if len(colours) > 256 else np.uint8)
    )
    Image.fromarray(stored).save(path)
    return path


def classes_drawn(picture: Numbers, colours: Sequence[Colour]) -> Numbers:
    """The class of every pixel, (H, W), of a drawing, (H, W, 3).

    A brush leaves smooth edges: between two classes they have colours of neither, and may have that of a third. So
    edges take the class of a pixel beside them.
    """
    classes, known = np.zeros(picture.shape[:2], int), np.zeros(picture.shape[:2], bool)
    for number, colour in enumerate(colours):
        here = (picture == colour).all(-1)
        classes[here], known[here] = number, True
    while known.any() and not known.all():
        for axis in (0, 1):
            for step in (1, -1):
                beside, there = (_moved(a, step, axis) for a in (classes, known))
                takes = there & ~known
                classes, known = np.where(takes, beside, classes), known | takes
    return classes


def _moved(array: Numbers, step: int, axis: int) -> Numbers:
    """An array moved by one pixel; nothing comes in at the edge where it is of truths."""
    moved = np.roll(array, step, axis)
    edge = 0 if step == 1 else -1
    if array.dtype == bool:
        moved[(edge, slice(None)) if axis == 0 else (slice(None), edge)] = False
    return moved


def _css(colour: Colour) -> str:
    return "#" + bytes(colour).hex()
