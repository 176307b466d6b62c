"""Sample pictures: a labelled grid of a fixed preview batch."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import torch
from PIL import Image
from torch import Tensor

from i2i.core.batch import Batch, Draws
from i2i.core.data import Source
from i2i.core.strategy import Strategy
from i2i.data.bad_files import BadFiles, readable
from i2i.data.values import to_device
from i2i.engine.inference import inference
from i2i.engine.loop import Engine
from i2i.translate.grid import as_cell, draw_grid

ROWS = 4
SHEET = 16  # samples of a method that takes no input


def preview_batch(
    source: Source, device: torch.device, seed: int, rows: int = ROWS, bad_files: BadFiles | None = None
) -> dict[str, Tensor]:
    """The first samples of the held-out part (of the data itself where nothing is held out), on the device.

    Raises:
        I2IError: more files cannot be read than `bad_files` allows; by default none may.
    """
    shown = source.held_out() or source
    rng = torch.Generator().manual_seed(seed)
    all_samples = readable(shown, lambda index: rng, bad_files or BadFiles())
    samples = [sample for _, sample in itertools.islice(all_samples, rows)]
    stacked = {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
    return to_device(stacked, shown.facts, device)


def rows_of(strategy: Strategy) -> int:
    """Samples of a preview batch: more of a method that takes no input, which shows them as a sheet."""
    return SHEET if strategy.takes({})[0] == "seed" else ROWS


def columns(engine: Engine, fields: Mapping[str, Tensor], truth: Mapping[str, str]) -> dict[str, Tensor]:
    """The strategy's preview of a batch; the true translation, where the data knows it, follows the result."""
    strategy: Strategy = engine.strategy
    net = engine.best_net()
    count = len(next(iter(fields.values())))
    draws = Draws(("preview", engine.settings.seed), range(count))
    seed = torch.arange(count, device=engine.device)
    with inference(net, strategy.inference, draws):
        shown = list(strategy.preview(net, Batch({**fields, "seed": seed}, draws)).items())
    (first, *_) = strategy.takes({})
    if first in truth:
        shown.insert(2, ("target", fields[truth[first]]))
    return dict(shown)


def grid(shown: Mapping[str, Tensor], palette: Sequence[tuple[int, int, int]] = ()) -> Image.Image:
    """One row for each sample, one labelled column for each entry; small pictures are enlarged.

    Label maps are shown in the colours of a palette, or else in fixed ones.
    """
    return draw_grid(
        (label, [as_cell(picture, palette=palette) for picture in column]) for label, column in shown.items()
    )
