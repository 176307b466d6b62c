"""Do samples show what was asked for? `python benchmarks/digits.py RUN [RUN…]`, runs on pictures with classes (MNIST).

A small classifier learns the training pictures of the first run and is tried on the held-out ones. Then it reads 1,000
samples of each run: where a class can be asked for, how often it is the one that is seen; else how the classes share
the samples.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import i2i
from i2i.data.stream import Stream
from i2i.data.values import to_device
from i2i.spec.assemble import build_source

SIZE, BATCH, STEPS, SAMPLES = 28, 128, 1000, 1000
CPU = torch.device("cpu")


def main(*runs: str) -> None:
    torch.manual_seed(0)
    source = build_source(i2i.load(runs[0]).spec, i2i.discover())
    held_out = source.held_out()
    if not source.facts.labels or held_out is None:
        sys.exit(f"{runs[0]}: its data needs classes and a held-out part")
    classifier = learned(source)
    right = [classifier(x).argmax(1) == y for x, y in pictures(held_out, len(held_out) // BATCH)]
    print(
        f"the classifier reads {100 * torch.cat(right).float().mean():.1f}% of real held-out pictures rightly"
    )
    for run in runs:
        print(f"{run}: {judged(i2i.load(run), classifier)}")


def learned(source: i2i.Source) -> nn.Module:
    """A classifier of the pictures of a data set."""
    classes, channels = source.facts.labels["label"], source.facts.channels["image"]
    net = nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * (SIZE // 4) ** 2, 128), nn.ReLU(), nn.Linear(128, classes),
    )  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for x, y in pictures(source, STEPS):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net.eval()


def pictures(source: i2i.Source, batches: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of pictures at the classifier's size, and their classes."""
    for fields in itertools.islice(Stream(source, seed=0, batch=BATCH), batches):
        moved = to_device(fields, source.facts, CPU)
        yield sized(moved["image"]), moved["label"]


def sized(images: Tensor) -> Tensor:
    return F.interpolate(images, (SIZE, SIZE), mode="bilinear", antialias=True)


@torch.no_grad()
def judged(model: i2i.Model, classifier: nn.Module) -> str:
    """In words, what the classifier sees in a model's samples."""
    classes = model.facts.labels["label"]
    drawn = model.sample(SAMPLES // classes)
    if isinstance(drawn, dict):
        seen = [read(samples, classifier) for samples in drawn.values()]
        shares = [float((row == number).float().mean()) for number, row in enumerate(seen)]
        each = " ".join(f"{100 * share:.0f}" for share in shares)
        return f"{100 * np.mean(shares):.1f}% of {SAMPLES} samples show the class that was asked for ({each})"
    seen = torch.bincount(read(model.sample(SAMPLES), classifier), minlength=classes)
    spread = " ".join(f"{100 * count / SAMPLES:.0f}" for count in seen.tolist())
    many = int((seen > 0.01 * SAMPLES).sum())
    return f"{many} of {classes} classes have more than 1% of {SAMPLES} samples ({spread})"


def read(samples: list[object], classifier: nn.Module) -> Tensor:
    """The class that is seen in each sample."""
    stacked = torch.stack([torch.from_numpy(np.array(sample)) for sample in samples]).float() / 127.5 - 1
    images = stacked[:, None] if stacked.dim() == 3 else stacked.permute(0, 3, 1, 2)
    return classifier(sized(images)).argmax(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
