"""Weights of the authors' code (yunjey/stargan): `200000-G.ckpt` and `200000-D.ckpt`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import i2i
from i2i.nets import Shapes

HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair")
PUBLISHED = (*HAIR, "Male", "Young")
# Kept by their norms and never used: they train and translate with each picture's own.
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
Pairs = Iterator[tuple[str, str]]


class GeneratorImporter:
    """StarGAN's generator as its authors save it (200000-G.ckpt)."""

    def detect(self, keys: Iterable[str], shapes: Shapes) -> i2i.Match | None:
        """How the weights fit, or None. The running statistics of the norms are left out."""
        blocks = _count(shapes, r"main\.\d+\.main\.0\.weight")
        first, last = (shapes.get(f"main.{place}.weight", ()) for place in (0, blocks + 15))
        if first[2:] != (7, 7) or last[2:] != (7, 7) or first[1] <= last[0]:
            return None
        width, told = first[:2]
        facts, assumed = _facts(channels=last[0], domains=told - last[0])
        return i2i.Match(
            keys=dict(_generator_keys(blocks)),
            unused=tuple(key for key in shapes if key.rpartition(".")[2] in STATISTICS),
            options={"generator": {"name": "domain-resnet", "width": width, "blocks": blocks}},
            facts=facts,
            files=("-G",),
            assumed=assumed,
        )


class CriticImporter:
    """StarGAN's critic as its authors save it (200000-D.ckpt)."""

    def detect(self, keys: Iterable[str], shapes: Shapes) -> i2i.Match | None:
        """How the weights fit, or None."""
        layers = _count(shapes, r"main\.\d+\.weight")
        first, judge, head = (shapes.get(f"{name}.weight", ()) for name in ("main.0", "conv1", "conv2"))
        if first[2:] != (4, 4) or judge[2:] != (3, 3) or len(head) != 4:
            return None
        width, channels = first[:2]
        facts, assumed = _facts(channels, domains=head[0])
        return i2i.Match(
            keys=dict(_critic_keys(layers)),
            options={"discriminator": {"name": "domain-patch", "width": width, "layers": layers}},
            facts={**facts, "image_size": head[-1] * 2**layers},
            files=("-D",),
            assumed=assumed,
        )


def _generator_keys(blocks: int) -> Pairs:
    """Their names, numbered through with the activations between, and ours."""
    outer = {0: "stem", 3: "down.0", 6: "down.1", blocks + 9: "up.0", blocks + 12: "up.1"}
    for number, name in outer.items():
        yield f"main.{number}.weight", f"{name}.0.weight"
        yield from _norm(f"main.{number + 1}", f"{name}.1")
    for block in range(blocks):
        theirs, ours = f"main.{block + 9}.main", f"body.{block}"
        yield f"{theirs}.0.weight", f"{ours}.first.0.weight"
        yield from _norm(f"{theirs}.1", f"{ours}.first.1")
        yield f"{theirs}.3.weight", f"{ours}.second.weight"
        yield from _norm(f"{theirs}.4", f"{ours}.norm")
    yield f"main.{blocks + 15}.weight", "head.weight"


def _norm(theirs: str, ours: str) -> Pairs:
    return ((f"{theirs}.{key}", f"{ours}.{key}") for key in ("weight", "bias"))


def _critic_keys(layers: int) -> Pairs:
    for layer in range(layers):
        yield from _norm(f"main.{2 * layer}", f"body.{layer}.0")
    yield "conv1.weight", "score.weight"
    yield "conv2.weight", "domain.weight"


def _count(keys: Iterable[str], pattern: str) -> int:
    return sum(bool(re.fullmatch(pattern, key)) for key in keys)


def _facts(channels: int, domains: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the file tells about the data, and in words what it does not."""
    known = domains == len(PUBLISHED)
    names = PUBLISHED if known else tuple(str(number + 1) for number in range(domains))
    facts = {
        "channels": {"image": channels},
        "vectors": {"domain": domains, "target": domains},
        "domains": names,
        "exclusive": (HAIR,) if known else (),
    }
    if known:
        return facts, (
            f"the {domains} domains are those of the published weights: {', '.join(names)}; of the first "
            f"{len(HAIR)} a picture has one at a time",
        )
    return facts, (
        f"the domains have no names in the file; they are called 1 to {domains}, and none excludes another",
    )
