"""Drawings as files: label maps in the colours of their classes, pictures in the channels of the model."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import i2i
from i2i.core.errors import I2IError
from i2i.data.legend import legend_of
from i2i.serve.canvas import classes_drawn, colours_of, draw_canvas, drawable, enlarged, save_drawing

COLOURS = ((0, 0, 0), (255, 255, 255), (128, 128, 128))
MAPS = i2i.DataFacts(
    fields=("label_map", "image"),
    image_size=64,
    channels={"image": 3, "edges": 1, "bands": 7},
    value_range={},
    maps={"label_map": 3, "instance_map": 0},
    classes=("night", "day", "dusk"),
    palette=COLOURS,
)


def stroke(facts: i2i.DataFacts, smooth: bool) -> Image.Image:
    """White on black, as a canvas gives it: the smooth edge has the grey of the third class."""
    side = facts.image_size * enlarged(facts)
    large = Image.new("RGB", (4 * side, 4 * side))
    ImageDraw.Draw(large).ellipse((side, side, 3 * side, 3 * side), fill=(255, 255, 255))
    return large.resize((side, side), Image.Resampling.BOX if smooth else Image.Resampling.NEAREST)


def test_smooth_edges_are_of_a_class_beside_them() -> None:
    pixels = np.asarray(stroke(MAPS, smooth=True))
    pixels = np.where(pixels == 128, 127, pixels)  # as it stands, it would be the colour of dusk
    assert len(np.unique(pixels)) > 3
    assert set(np.unique(classes_drawn(pixels, COLOURS))) == {0, 1}


def test_what_has_the_colour_of_a_class_stays() -> None:
    numbers = np.random.default_rng(0).integers(0, 3, (9, 7))
    assert (classes_drawn(np.array(COLOURS, np.uint8)[numbers], COLOURS) == numbers).all()


def test_edges_come_from_no_other_side() -> None:
    row = np.array([[(0, 0, 0), (9, 9, 9), (9, 9, 9), (255, 255, 255)]], np.uint8)
    assert classes_drawn(row, COLOURS).tolist() == [[0, 0, 1, 1]]
    assert classes_drawn(row[:, :3], COLOURS).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("palette", [COLOURS, ()])
def test_a_drawn_map_is_read_as_the_training_maps_are(
    palette: tuple[tuple[int, int, int], ...], tmp_path: Path
) -> None:
    facts = dataclasses.replace(MAPS, palette=palette)
    night, day, _ = colours_of(facts, "label_map")
    drawn = Image.new("RGB", (384, 384), night)
    drawn.paste(day, (0, 0, 192, 384))
    path = save_drawing({"composite": drawn}, facts, "label_map", tmp_path / "drawing.png")
    read = legend_of(facts, "label_map").read(path)
    assert (read[:, :32] == 1).all() and (read[:, 32:] == 0).all()
    assert read.shape == (64, 64)


@pytest.mark.parametrize(("field", "mode"), [("image", "RGB"), ("edges", "L")])
def test_a_drawn_picture_has_the_channels_and_the_size_of_the_training(
    field: str, mode: str, tmp_path: Path
) -> None:
    path = save_drawing({"composite": Image.new("RGB", (384, 384))}, MAPS, field, tmp_path / "drawing.png")
    image = Image.open(path)
    assert (image.mode, image.size) == (mode, (64, 64))


@pytest.mark.parametrize("nothing", [None, {"composite": None}])
def test_an_empty_canvas_is_a_sentence(nothing: object, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match="the canvas is empty"):
        save_drawing(nothing, MAPS, "image", tmp_path / "drawing.png")


def test_what_a_canvas_cannot_hold_has_none() -> None:
    assert {
        field for field in ("image", "edges", "bands", "label_map", "instance_map") if drawable(MAPS, field)
    } == {
        "image",
        "edges",
        "label_map",
    }


def test_a_canvas_offers_the_colours_of_the_classes_and_names_them() -> None:
    gr = pytest.importorskip("gradio", reason="the page needs gradio")
    with gr.Blocks() as page:
        canvas = draw_canvas(MAPS, "label_map")
    assert canvas.brush.colors == ["#000000", "#ffffff", "#808080"]
    assert canvas.brush.color_mode == "fixed"
    (chosen,) = [block for block in page.blocks.values() if isinstance(block, gr.Radio)]
    assert [name for name, _ in chosen.choices] == ["night", "day", "dusk"]
