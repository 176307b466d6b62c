"""What the codes of an autoencoder know of its pictures: `python benchmarks/codes.py RUN [LIST]`.

LIST says which attributes each picture has, as CelebA's list does: a count, the names, then a row for each picture,
1 or -1 under each name. Without it the classes of the data are asked for. Linear classifiers read them from the codes
of training pictures, by least squares, and are judged on the held-out ones. Printed: how often each is right, beside
the share of the answer that is right most often, and the reconstruction error of held-out pictures (mean square on
[-1, 1], from the mean code), beside that of the mean training picture.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

import i2i
from i2i.data.values import to_device
from i2i.engine.inference import inference
from i2i.spec.assemble import build_source

BATCH = 64
FITTED = 10_000
RIDGE = 1e-3
Rows = Mapping[str, Tensor]


class Seen(NamedTuple):
    """Codes (N, latent), attributes (N, count), pictures and their errors of reconstruction (N,), sample by sample."""

    codes: Tensor
    attributes: Tensor
    images: Tensor
    errors: Tensor


def main(run: str, listed: str | None = None) -> None:
    model = i2i.load(run)
    source = build_source(model.spec, i2i.discover())
    held_out = source.held_out()
    if held_out is None:
        sys.exit("this run holds nothing out to judge by; give its data a test split, or hold_out")
    names, rows = read_list(Path(listed)) if listed else ([*source.facts.classes], {})
    if not names:
        sys.exit("this data has no classes; name a list of attributes")
    fitted, judged = seen(model, source, rows), seen(model, held_out, rows)
    answers = fit(fitted.codes, fitted.attributes)(judged.codes)
    right = (answers == judged.attributes).double().mean(0)
    share = judged.attributes.double().mean(0)
    print(f"{'attribute':<22}{'right':>8}{'majority':>10}")
    for name, hits, yes in zip(names, right.tolist(), share.tolist(), strict=True):
        print(f"{name:<22}{hits:>8.1%}{max(yes, 1 - yes):>10.1%}")
    print(f"{'all':<22}{right.mean():>8.1%}{torch.maximum(share, 1 - share).mean():>10.1%}")
    print(f"reconstruction error   {judged.errors.mean():.4f}")
    print(f"of the mean picture    {errors(fitted.images.mean(0), judged.images).mean():.4f}")


def read_list(path: Path) -> tuple[list[str], Rows]:
    """The names of the attributes, and by file name whether a picture has each."""
    _, header, *lines = path.read_text(encoding="utf-8").splitlines()
    rows = {}
    for file, *values in map(str.split, filter(str.strip, lines)):
        rows[file] = torch.tensor([value == "1" for value in values])
    return header.split(), rows


def seen(model: i2i.Model, source: i2i.Source, rows: Rows) -> Seen:
    parts = [range(len(source))[:FITTED][start : start + BATCH] for start in range(0, len(source), BATCH)]
    each = [part_seen(model, source, part, rows) for part in parts if part]
    return Seen(*(torch.cat(column) for column in zip(*each, strict=True)))


def part_seen(model: i2i.Model, source: i2i.Source, part: range, rows: Rows) -> Seen:
    rng = torch.Generator().manual_seed(part.start)
    samples = [source.load(index, rng) for index in part]
    stored = torch.stack([sample["image"] for sample in samples])
    image = to_device({"image": stored}, source.facts, model.device)["image"]
    if rows:
        attributes = torch.stack([row_of(source.name(index), rows) for index in part])
    else:
        attributes = torch.stack([sample["label"] for sample in samples])[:, None] == torch.arange(
            len(source.facts.classes)
        )
    with inference(model.net, model.strategy.inference):
        codes, _ = model.net.E(image)
        made = model.net.G(codes)
    return Seen(codes.double().cpu(), attributes, image.cpu(), errors(made, image).cpu())


def row_of(name: str, rows: Rows) -> Tensor:
    file = Path(name).name
    return rows[file] if file in rows else sys.exit(f"the list has no row for the picture '{file}'")


class Linear(NamedTuple):
    """Says yes where a weighted sum of the standardised code is positive."""

    mean: Tensor
    deviation: Tensor
    weight: Tensor

    def __call__(self, codes: Tensor) -> Tensor:
        return with_one((codes - self.mean) / self.deviation) @ self.weight > 0


def fit(codes: Tensor, attributes: Tensor) -> Linear:
    """The weights that come nearest to +1 for yes and -1 for no, kept small by a ridge."""
    mean, deviation = codes.mean(0), codes.std(0).clamp(min=1e-6)
    x, y = with_one((codes - mean) / deviation), 2.0 * attributes.double() - 1
    ridge = RIDGE * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
    return Linear(mean, deviation, torch.linalg.solve(x.T @ x + ridge, x.T @ y))


def with_one(x: Tensor) -> Tensor:
    return torch.cat([x, torch.ones_like(x[:, :1])], 1)


def errors(made: Tensor, true: Tensor) -> Tensor:
    return (made - true).square().mean((1, 2, 3))


if __name__ == "__main__":
    main(*sys.argv[1:])
