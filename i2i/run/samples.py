"""Sample pictures: a labelled grid of a fixed preview batch."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from i2i.core.batch import Batch, Draws
from i2i.core.data import Source
from i2i.core.strategy import Strategy
from i2i.data.values import from_unit, to_device
from i2i.engine.inference import inference
from i2i.engine.loop import Engine

ROWS = 4
GAP = 4


def preview_batch(source: Source, device: torch.device, seed: int) -> dict[str, Tensor]:
    """The first samples of the held-out part (of the data itself where nothing is held out), on the device."""
    shown = source.held_out() or source
    rng = torch.Generator().manual_seed(seed)
    samples = [shown.load(index, rng) for index in range(min(ROWS, len(shown)))]
    stacked = {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
    return to_device(stacked, shown.facts, device)


def columns(engine: Engine, fields: Mapping[str, Tensor], truth: Mapping[str, str]) -> dict[str, Tensor]:
    """The strategy's preview of a batch; the true translation, where the data knows it, follows the result."""
    strategy: Strategy = engine.strategy
    net = engine.best_net()
    draws = Draws(("preview", engine.settings.seed), range(len(next(iter(fields.values())))))
    with inference(net, strategy.inference, draws):
        shown = list(strategy.preview(net, Batch(fields, draws)).items())
    (first, *_) = strategy.takes({})
    if first in truth:
        shown.insert(2, ("target", fields[truth[first]]))
    return dict(shown)


def grid(shown: Mapping[str, Tensor], scale_to: int = 128) -> Image.Image:
    """One row for each sample, one labelled column for each entry; small pictures are enlarged."""
    pictures = {label: [_picture(p, scale_to) for p in column] for label, column in shown.items()}
    rows = max(len(column) for column in pictures.values())
    width, height = next(iter(pictures.values()))[0].size
    label_height = 20
    sheet = Image.new(
        "RGB", (len(pictures) * (width + GAP) + GAP, rows * (height + GAP) + GAP + label_height), "white"
    )
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=12)
    for c, (label, column) in enumerate(pictures.items()):
        left = GAP + c * (width + GAP)
        draw.text((left + width / 2, label_height / 2 + 2), label, fill="black", font=font, anchor="mm")
        for r, picture in enumerate(column):
            sheet.paste(picture, (left, label_height + GAP + r * (height + GAP)))
    return sheet


def _picture(tensor: Tensor, scale_to: int) -> Image.Image:
    """A picture for looking at: grey becomes RGB, further channels are left out."""
    stored = from_unit(tensor.detach().cpu(), (0, 255), torch.uint8)
    stored = stored[:3] if len(stored) >= 3 else stored[:1].expand(3, -1, -1)
    picture = Image.fromarray(stored.permute(1, 2, 0).contiguous().numpy())
    times = max(1, scale_to // max(picture.size))
    return picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
