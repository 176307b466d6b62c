"""The discriminators of 2014: maxout units, and much dropout."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.nets import Dropout, Rate
from i2i_gans.layers import InitialRange, Maxout, draw_between, flat, one_hot
from i2i_gans.perceptrons import Widths

Pieces = Annotated[int, Field(ge=1, description="linear functions of which a unit takes the largest")]


class MaxoutDiscriminator(nn.Module):
    """Maxout units with dropout from a picture to one score (Goodfellow et al., 2014).

    (N, in_channels, image_size, image_size) to (N, 1) without sigmoid.
    """

    def __init__(
        self,
        in_channels: int,
        image_size: int,
        *,
        widths: Widths = (240, 240),
        pieces: Pieces = 5,
        input_dropout: Rate = 0.2,
        dropout: Rate = 0.5,
        initial_range: InitialRange = 0.005,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        sizes = (in_channels * image_size**2, *widths)
        hidden = [
            nn.Sequential(Maxout(one, other, pieces), Dropout(dropout)) for one, other in pairwise(sizes)
        ]
        self.body = nn.Sequential(Dropout(input_dropout), *hidden, nn.Linear(sizes[-1], 1))
        draw_between(self, initial_range)

    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, self.body(flat(image, self.image_size)))


class JointMaxoutDiscriminator(nn.Module):
    """A picture and a label, each through maxout units of its own and then some together (Mirza and Osindero, 2014).

    (N, in_channels, image_size, image_size) and labels (N,) to (N, 1) without sigmoid; dropout after every hidden layer
    (section 4.1).
    """

    def __init__(
        self,
        in_channels: int,
        labels: int,
        image_size: int,
        *,
        width: Annotated[int, Field(ge=1, description="units that see the picture")] = 240,
        pieces: Pieces = 5,
        label_width: Annotated[int, Field(ge=1, description="units that see the label")] = 50,
        joint_width: Annotated[int, Field(ge=1, description="units that see both")] = 240,
        joint_pieces: Pieces = 4,
        dropout: Rate = 0.5,
    ) -> None:
        super().__init__()
        self.image_size, self.labels = image_size, labels
        self.picture = nn.Sequential(Maxout(in_channels * image_size**2, width, pieces), Dropout(dropout))
        self.label = nn.Sequential(Maxout(labels, label_width, pieces), Dropout(dropout))
        self.joint = nn.Sequential(Maxout(width + label_width, joint_width, joint_pieces), Dropout(dropout))
        self.score = nn.Linear(joint_width, 1)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        pixels = flat(image, self.image_size)
        seen = self.picture(pixels), self.label(one_hot(label, self.labels, pixels))
        return cast(Tensor, self.score(self.joint(torch.cat(seen, 1))))
