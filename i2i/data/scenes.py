"""Small landscapes as numbers, each a pure function of its random generator."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

COLOURS = ("red", "yellow", "violet")
KINDS = ("circle", "square", "triangle")
ATTRIBUTES = (*COLOURS, "large", "striped")

_SMALL, _LARGE = 0.13, 0.25


@dataclass(frozen=True)
class Shape:
    """One thing in a scene; lengths are fractions of the picture's side, y points down."""

    kind: str
    colour: str
    x: float
    y: float
    radius: float
    striped: bool = False


@dataclass(frozen=True)
class Scene:
    """All that a picture shows, in numbers; lengths are fractions of the picture's side.

    Attributes:
        horizon: height of the line between sky and ground.
        ridge: height, pitch and phase of the hills behind it.
        sun: its centre, x and y.
        clouds: x, y and scale of each.
        shapes: what stands on the ground, the farthest first.
    """

    horizon: float
    ridge: tuple[float, float, float]
    sun: tuple[float, float]
    clouds: tuple[tuple[float, float, float], ...]
    shapes: tuple[Shape, ...]


def draw_landscape(rng: np.random.Generator) -> Scene:
    """A scene with two to four shapes on the ground; squares are striped."""
    backdrop = _draw_backdrop(rng, rng.uniform(0.46, 0.58))
    slots = rng.permutation(4)[: rng.integers(2, 5)]
    shapes = [_draw_shape(rng, (slot + 0.5) / 4, backdrop.horizon) for slot in slots]
    return replace(backdrop, shapes=tuple(sorted(shapes, key=lambda shape: shape.y + shape.radius)))


def draw_single(rng: np.random.Generator, kind: str | None = None) -> Scene:
    """A scene with one shape near its middle, whose attributes are independent coin throws."""
    backdrop = _draw_backdrop(rng, rng.uniform(0.60, 0.68))
    shape = Shape(
        kind=kind or str(rng.choice(KINDS)),
        colour=str(rng.choice(COLOURS)),
        x=rng.uniform(0.42, 0.58),
        y=rng.uniform(0.58, 0.66),
        radius=_LARGE if rng.random() < 0.5 else _SMALL,
        striped=bool(rng.random() < 0.5),
    )
    return replace(backdrop, shapes=(shape,))


def attributes(scene: Scene) -> dict[str, bool]:
    """What holds for a scene with one shape, by the names in ATTRIBUTES."""
    (shape,) = scene.shapes
    colours = {colour: shape.colour == colour for colour in COLOURS}
    return colours | {"large": shape.radius == _LARGE, "striped": shape.striped}


def change(scene: Scene, attribute: str, value: bool = True) -> Scene:
    """The same scene with one attribute of its shape set: the true translation.

    Raises:
        ValueError: for an unknown attribute, or a colour set to False (which colour then?).
    """
    (shape,) = scene.shapes
    if attribute in COLOURS and value:
        return replace(scene, shapes=(replace(shape, colour=attribute),))
    if attribute == "large":
        return replace(scene, shapes=(replace(shape, radius=_LARGE if value else _SMALL),))
    if attribute == "striped":
        return replace(scene, shapes=(replace(shape, striped=value),))
    raise ValueError(f"'{attribute}' cannot be set to {value}; colours can only be set to true")


def _draw_backdrop(rng: np.random.Generator, horizon: float) -> Scene:
    return Scene(
        horizon=horizon,
        ridge=(rng.uniform(0.03, 0.08), rng.uniform(5.0, 9.0), rng.uniform(0.0, 2 * np.pi)),
        sun=(rng.uniform(0.12, 0.88), rng.uniform(0.10, 0.26)),
        clouds=tuple(_draw_cloud(rng) for _ in range(rng.integers(1, 3))),
        shapes=(),
    )


def _draw_cloud(rng: np.random.Generator) -> tuple[float, float, float]:
    return rng.uniform(0.1, 0.9), rng.uniform(0.08, 0.32), rng.uniform(0.7, 1.2)


def _draw_shape(rng: np.random.Generator, slot: float, horizon: float) -> Shape:
    foot = rng.uniform(horizon + 0.08, 0.95)
    radius = 0.075 + 0.16 * (foot - horizon) + rng.uniform(0.0, 0.025)
    kind = str(rng.choice(KINDS))
    # uneven shares, so that the colours can be told apart without pairs
    colour = str(rng.choice(COLOURS, p=(0.5, 0.3, 0.2)))
    x = min(max(slot + rng.uniform(-0.06, 0.06), radius + 0.01), 0.99 - radius)
    return Shape(kind, colour, x, foot - radius, radius, striped=kind == "square")
