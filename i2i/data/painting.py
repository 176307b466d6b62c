"""Paints a scene: by day, by night, or as a map of its parts; edges are smooth at every size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from i2i.data.palettes import DAY, MAP, NIGHT, PARTS, Palette
from i2i.data.scenes import COLOURS, Scene, Shape

Style = Literal["day", "night", "map"]
STYLES: tuple[Style, Style] = ("day", "night")
Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class _Layer:
    """A part of the picture and the signed distance of every pixel to its edge, negative inside."""

    part: str
    distance: Array
    shape: Shape | None = None


def render(scene: Scene, size: int, style: Style = "day") -> NDArray[np.uint8]:
    """The scene as (size, size, 3) in 0..255; "map" gives every part one flat colour."""
    if style == "map":
        return np.array(part_colours(), np.uint8)[label(scene, size)]
    y, x = _grid(size)
    palette = DAY if style == "day" else NIGHT
    canvas = _blend(y / scene.horizon, palette["sky"], palette["haze"])
    for layer in _layers(scene, x, y):
        canvas = _surround(canvas, layer, palette, x, y)
        cover = np.clip(0.5 - layer.distance * size, 0, 1)[..., None]
        canvas = canvas + cover * (_fill(layer, scene, palette, y) - canvas)
    return _to_bytes(canvas)


def render_at(scene: Scene, size: int, hour: float) -> NDArray[np.uint8]:
    """The scene at an hour between day (0) and night (1), (size, size, 3) in 0..255: a blend of the two."""
    day, night = (render(scene, size, style).astype(np.float32) for style in STYLES)
    return _to_bytes(((1 - hour) * day + hour * night) / 255)


def label(scene: Scene, size: int) -> NDArray[np.uint8]:
    """The number of the part (its place in PARTS) at every pixel, (size, size)."""
    y, x = _grid(size)
    result = np.zeros((size, size), np.uint8)
    for layer in _layers(scene, x, y):
        result[layer.distance < 0] = PARTS.index(layer.part)
    return result


def part_colours() -> tuple[tuple[int, int, int], ...]:
    """The flat colours of a map, by the number of the part."""
    rows = _to_bytes(np.array([MAP[part] for part in PARTS])).tolist()
    return tuple((red, green, blue) for red, green, blue in rows)


def measure(picture: NDArray[np.uint8]) -> dict[str, bool]:
    """The attributes of the one shape in a picture by day, (H, W, 3), read from its pixels alone."""
    pixels = picture.astype(np.float64) + 1
    hues = np.array(list(DAY.values()))
    # a shade keeps the proportions of its colour
    distance = np.abs(_proportions(pixels)[..., None, :] - _proportions(hues)).sum(-1)
    nearest = distance.argmin(-1)
    counts = {colour: int((nearest == list(DAY).index(colour)).sum()) for colour in COLOURS}
    found = max(counts, key=lambda colour: counts[colour])
    inside = nearest == list(DAY).index(found)
    area = counts[found] / inside.size
    measured = {colour: colour == found for colour in COLOURS}
    return measured | {"large": area > 0.09, "striped": _has_stripes(pixels.sum(-1), inside)}


def _has_stripes(brightness: Array, inside: NDArray[np.bool_]) -> bool:
    rows = np.flatnonzero(inside.sum(1) > 2)
    if len(rows) < 4:
        return False
    means = np.array([brightness[row][inside[row]].mean() for row in rows])
    slope = np.polyval(np.polyfit(rows, means, 1), rows)
    return bool((means / slope - 1).std() > 0.07)


def _proportions(colours: Array) -> Array:
    shares: Array = colours / colours.sum(-1, keepdims=True)
    return shares


def _grid(size: int) -> tuple[Array, Array]:
    centres = (np.arange(size, dtype=np.float32) + 0.5) / size
    y, x = np.meshgrid(centres, centres, indexing="ij")
    return y, x


def _to_bytes(canvas: Array) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.clip(canvas * 255 + 0.5, 0, 255).astype(np.uint8)
    return rounded


def _blend(amount: Array, top: tuple[float, ...], bottom: tuple[float, ...]) -> Array:
    amount = np.clip(amount, 0, 1)[..., None]
    return (1 - amount) * np.array(top, np.float32) + amount * np.array(bottom, np.float32)


def _layers(scene: Scene, x: Array, y: Array) -> Iterator[_Layer]:
    height, pitch, phase = scene.ridge
    yield _Layer("sun", np.hypot(x - scene.sun[0], y - scene.sun[1]) - 0.075)
    for cloud in scene.clouds:
        yield _Layer("cloud", _cloud(x, y, *cloud))
    yield _Layer("hill", scene.horizon - height * (1 + np.sin(pitch * x + phase)) - y)
    yield _Layer("ground", scene.horizon + 0.012 * np.sin(7 * x + 2 * phase) - y)
    for shape in scene.shapes:
        yield _Layer(shape.colour, _outline(shape, x, y), shape)


def _cloud(x: Array, y: Array, centre_x: float, centre_y: float, scale: float) -> Array:
    dx, dy = (x - centre_x) / scale, (y - centre_y) / scale
    puffs = ((-0.075, 0.012, 0.038), (0.0, -0.012, 0.058), (0.075, 0.012, 0.042))
    discs = (np.hypot(dx - px, 1.15 * (dy - py)) - radius for px, py, radius in puffs)
    union: Array = scale * reduce(np.minimum, discs)
    return union


def _outline(shape: Shape, x: Array, y: Array) -> Array:
    dx, dy = np.abs(x - shape.x), y - shape.y
    return {"circle": _circle, "square": _square, "triangle": _triangle}[shape.kind](dx, dy, shape.radius)


def _circle(dx: Array, dy: Array, radius: float) -> Array:
    distance: Array = np.hypot(dx, dy) - radius
    return distance


def _square(dx: Array, dy: Array, radius: float) -> Array:
    """A square with rounded corners; dx >= 0."""
    beyond_x, beyond_y = dx - 0.8 * radius, np.abs(dy) - 0.8 * radius
    outside: Array = np.hypot(np.maximum(beyond_x, 0), np.maximum(beyond_y, 0))
    inside: Array = np.minimum(np.maximum(beyond_x, beyond_y), 0)
    return outside + inside - 0.2 * radius


def _triangle(dx: Array, dy: Array, radius: float) -> Array:
    """A triangle with its tip at (0, -radius) and its foot at height radius, 2 radius wide; dx >= 0."""
    inside = np.maximum(dy - radius, (2 * dx - dy - radius) / np.sqrt(5))
    along = np.clip((dx + 2 * (dy + radius)) / 5, 0, radius)
    side = np.hypot(dx - along, dy + radius - 2 * along)
    foot = np.hypot(np.maximum(dx - radius, 0), dy - radius)
    distance: Array = np.where(inside < 0, inside, np.minimum(side, foot))
    return distance


def _surround(canvas: Array, layer: _Layer, palette: Palette, x: Array, y: Array) -> Array:
    """By day a shape throws a shadow, by night it sheds light; the sun and the moon always do."""
    shape, colour = layer.shape, np.array(palette[layer.part], np.float32)
    near: Array = np.exp(-np.maximum(layer.distance, 0) / 0.047)[..., None]
    if layer.part == "sun":
        return canvas + 0.35 * near * (colour - canvas)
    if shape is None:
        return canvas
    if palette is NIGHT:
        return canvas + 0.30 * near * colour
    foot = np.hypot((x - shape.x) / 1.25, (y - shape.y - shape.radius) * 4) / shape.radius
    shadow: Array = np.clip(1.6 - 1.3 * foot, 0, 1)[..., None]
    return canvas * (1 - 0.35 * shadow)


def _fill(layer: _Layer, scene: Scene, palette: Palette, y: Array) -> Array:
    colour = np.array(palette[layer.part], np.float32)
    if layer.part == "ground":
        return _blend((y - scene.horizon) / (1 - scene.horizon), palette["ground"], palette["front"])
    if layer.shape is None:
        return colour
    return _tone(layer.shape, layer.distance, palette, y)[..., None] * colour


def _tone(shape: Shape, distance: Array, palette: Palette, y: Array) -> Array:
    """How bright a shape is at every pixel: lit from above by day, with a glowing rim by night."""
    down = (y - shape.y) / shape.radius
    tone: Array = np.full_like(down, 0.56) if palette is NIGHT else 1 - 0.14 * down
    if shape.striped:
        tone = tone * np.where(np.cos(2.5 * np.pi * down) > 0, 1, 0.72)
    rim: Array = 0.65 * np.exp(-np.square(distance / 0.016))
    return tone + rim if palette is NIGHT else tone
