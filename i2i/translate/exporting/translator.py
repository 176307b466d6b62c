"""A trained model as a torch module, for use in other programs: pictures and random numbers in, pictures out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from i2i.core.batch import Batch, Parts
from i2i.core.strategy import Strategy
from i2i.nets.blocks import Dropout
from i2i.translate.exporting.drawn import Given
from i2i.translate.padding import padded_side
from i2i.translate.probing import Needs

WHITE = 255.0
"""Where pictures go in and out as pixels; black is 0."""


@dataclass(frozen=True)
class Takes:
    """An input of a translator, or its output.

    Attributes:
        name: `picture`, `result`, or the name of a map; of random numbers `noise`, `noise_2`, `uniform`, `dropout`.
        kind: "picture", "map" (whole numbers), "normal", "uniform" or "dropout" (both in [0, 1)).
        shape: in words, for example ("batch", 3, "height", "width"); `padded_height` is the height grown to a multiple
            of what the networks need.
    """

    name: str
    kind: str
    shape: tuple[int | str, ...]

    def sizes(self, count: int, height: int, width: int, needs: Needs) -> list[int]:
        """The shape in numbers, for so many pictures of a size."""
        known = {"batch": count, "height": height, "width": width}
        known["padded_height"] = padded_side(height, needs.multiple, needs.least)
        known["padded_width"] = padded_side(width, needs.multiple, needs.least)
        return [_size(word, known) if isinstance(word, str) else word for word in self.shape]


def _size(word: str, known: Mapping[str, int]) -> int:
    name, _, share = word.partition("/")
    return known[name] // int(share or 1)


@dataclass(frozen=True)
class Fixed:
    """What a translator does with its inputs.

    Attributes:
        fields: what the first of its inputs are to the method; random numbers follow.
        controls: of the strategy's `translate`.
        pictures: the controls that are pictures.
        needs: the sides that the networks need; pictures are padded to them, and cropped back.
        pixels: pictures go in and out as numbers from 0 to 255, rounded; else in [-1, 1].
    """

    fields: tuple[str, ...]
    controls: Mapping[str, Any]
    pictures: Mapping[str, Tensor]
    needs: Needs
    pixels: bool


class Translator(nn.Module):
    """A trained model under fixed controls, as a function of tensors.

    `translator(picture, …)` gives (N, C, H, W), float32, of the picture's height and width, whatever they are.

    Args:
        strategy: the method.
        net: its parts, as they are to behave.
        takes: the inputs, in order.
        gives: the output.
        fixed: what is done with them.

    Attributes:
        takes: as above.
        gives: as above.
        fixed: as above.
    """

    def __init__(
        self, strategy: Strategy, net: Parts, takes: Sequence[Takes], gives: Takes, fixed: Fixed
    ) -> None:
        super().__init__()
        self.strategy, self.net, self.fixed = strategy, net, fixed
        self.takes, self.gives = tuple(takes), gives
        self.parts = nn.ModuleDict(net.modules())
        for name, picture in fixed.pictures.items():
            self.register_buffer(f"control_{name}", picture.clone())

    def forward(self, *given: Tensor) -> Tensor:
        """Translate.

        Args:
            given: what `takes` says, in that order.

        Raises:
            ValueError: there are more or fewer, one has the wrong shape, or the method refuses it.
        """
        if len(given) != len(self.takes):
            names = ", ".join(take.name for take in self.takes)
            raise ValueError(f"this model takes {names}; {len(given)} tensors were given")
        self._feed_dropout(given)
        x = Batch(self._fields(given), Given(self._numbers(given, dropout=False)))
        made = self.strategy.translate(self.net, x, **self.fixed.controls).float()
        if self.fixed.fields:
            made = made[..., : given[0].shape[2], : given[0].shape[3]]
        return unrounded(made).round() if self.fixed.pixels else made

    def _fields(self, given: Sequence[Tensor]) -> dict[str, Tensor]:
        """What is on the batch: the inputs as the networks see them, and the controls that are pictures."""
        pictures = {name: self.get_buffer(f"control_{name}") for name in self.fixed.pictures}
        if not self.fixed.fields:
            return {**pictures, "seed": given[0].new_zeros(given[0].shape[0], dtype=torch.long)}
        own = zip(self.fixed.fields, given, strict=False)
        # All have the height and width of the first: an export knows that of one tensor only.
        sides = given[0].shape[-2:]
        fields = {name: grown(self._seen(tensor), self.fixed.needs, sides) for name, tensor in own}
        return fields | {name: p.expand(given[0].shape[0], -1, -1, -1) for name, p in pictures.items()}

    def _seen(self, tensor: Tensor) -> Tensor:
        """An input as the networks see it, before it grows."""
        picture = self.fixed.pixels and tensor.is_floating_point()
        return tensor * (2 / WHITE) - 1 if picture else tensor

    def _feed_dropout(self, given: Sequence[Tensor]) -> None:
        numbers = Given(self._numbers(given, dropout=True))
        for module in self.parts.modules():
            if isinstance(module, Dropout):
                module.draws = numbers

    def _numbers(self, given: Sequence[Tensor], *, dropout: bool) -> list[Tensor]:
        """The random numbers among the inputs: those for dropout, or the others."""
        drawn = list(zip(self.takes, given, strict=True))[len(self.fixed.fields) :]
        return [numbers for take, numbers in drawn if (take.kind == "dropout") == dropout]


def unrounded(made: Tensor) -> Tensor:
    """Pictures in [-1, 1] as pixels, not rounded yet."""
    return ((made + 1) * (WHITE / 2)).clamp(0.0, WHITE)


def grown(picture: Tensor, needs: Needs, sides: Sequence[int]) -> Tensor:
    """The same as `padding.pad`, without a branch that depends on the size: an export keeps one branch only."""
    if needs.least == 1:
        return picture
    rows, columns = (_places(side, needs, picture) for side in sides)
    return picture[..., rows[:, None], columns]


def _places(side: int, needs: Needs, picture: Tensor) -> Tensor:
    """Which pixel stands where along a side that grows: mirrored, again and again if need be; of maps the last one."""
    enough = side if needs.least == needs.multiple else torch.sym_max(side, needs.least)
    whole = (enough + needs.multiple - 1) // needs.multiple * needs.multiple
    last = torch.arange(side, device=picture.device)[-1:]
    places = torch.arange(whole, device=picture.device)
    if not picture.is_floating_point():
        return torch.minimum(places, last)
    return last - (places % (2 * last).clamp(min=1) - last).abs()
