"""The pieces that the networks of this package share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.nets import BatchNorm, Dropout, NormName, norm_layer

SMALLEST = 4  # the side from which pictures grow is this or more, and less than twice of it

OutputName = Literal["tanh", "sigmoid"]
Output = Annotated[
    OutputName,
    Field(description="how the last layer is brought into [-1, 1]; sigmoid is stretched from [0, 1]"),
]
Epsilon = Annotated[
    Annotated[float, Field(gt=0)] | Literal["auto"],
    Field(description='added to the variance by batch norm; "auto" is the published value'),
]
Layers = Annotated[
    Annotated[int, Field(ge=1, le=32)] | Literal["auto"],
    Field(description='layers of stride 2; "auto" leaves a side of 4 to 7 pixels (4 layers at 64)'),
]
InitialRange = Annotated[
    Annotated[float, Field(gt=0)] | None,
    Field(
        description='weights start between minus and plus this, biases at 0, if train.init.name is "default"; '
        "absent: as PyTorch draws them"
    ),
]


class Squash(nn.Module):
    """Brings values into [-1, 1], as pictures are."""

    def __init__(self, output: OutputName) -> None:
        super().__init__()
        self.output = output

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x) if self.output == "tanh" else 2 * torch.sigmoid(x) - 1

    def extra_repr(self) -> str:
        return self.output


class ChannelDropout(Dropout):
    """Whole channels set to zero at random while training (Tompson et al., 2015)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * super().forward(torch.ones_like(x[:, :, :1, :1]))


class Maxout(nn.Module):
    """The largest of several linear functions (Goodfellow et al., Maxout Networks, 2013): (N, inputs) to (N, units)."""

    def __init__(self, inputs: int, units: int, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces
        self.linear = nn.Linear(inputs, units * pieces)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.linear(x).unflatten(1, (-1, self.pieces)).amax(2))


BATCH_NORMS = ("batch", "sync-batch")


def scaled_norm(norm: NormName, channels: int, epsilon: float) -> nn.Module:
    """The norm of that name; a batch norm with that epsilon."""
    if norm not in BATCH_NORMS:
        return norm_layer(norm, channels)
    return BatchNorm(channels, epsilon=epsilon, synchronised=norm == "sync-batch")


def settled_epsilon(options: Mapping[str, Any], published: float) -> dict[str, Any]:
    """The options with `epsilon = "auto"` as a number where there is batch norm.

    Raises:
        ValueError: an epsilon without batch norm.
    """
    if options["norm"] in BATCH_NORMS:
        return {**options, "epsilon": epsilon_of(options["epsilon"], published)}
    if options["epsilon"] != "auto":
        raise ValueError(f'epsilon: only batch norm has it, and norm is "{options["norm"]}"; leave it out')
    return dict(options)


def epsilon_of(epsilon: float | Literal["auto"], published: float) -> float:
    """The number that an epsilon stands for."""
    return published if epsilon == "auto" else epsilon


def settled_layers(options: Mapping[str, Any], image_size: int) -> dict[str, Any]:
    """The options with `layers = "auto"` as a number.

    Raises:
        ValueError: pictures of that many pixels cannot be halved so often; the message names what fits.
    """
    return {**options, "layers": layers_of(options["layers"], image_size)}


def layers_of(layers: int | Literal["auto"], image_size: int) -> int:
    """How many layers of stride 2 there are between a picture and its smallest map.

    Raises:
        ValueError: pictures of that many pixels cannot be halved so often; the message names what fits.
    """
    count = _halvings(image_size) if layers == "auto" else layers
    if image_size % 2**count == 0:
        return count
    below = max(n for n in range(count) if image_size % 2**n == 0)
    if layers != "auto" and below:
        hint = f"use {below} or less"
    else:
        step = 2**count
        fitting = [size for size in (image_size // step * step, -(-image_size // step) * step) if size]
        hint = f"choose data.size = {' or '.join(map(str, fitting))}"
    raise ValueError(f"layers: {count} need a multiple of {2**count} pixels, got {image_size}; {hint}")


def _halvings(image_size: int) -> int:
    count = 1
    while image_size // 2 ** (count + 1) >= SMALLEST:
        count += 1
    return count


def draw_between(network: nn.Module, limit: float | None) -> None:
    """Draw the weights of all linear layers evenly between minus and plus a limit; None leaves them."""
    for layer in network.modules():
        if limit is not None and isinstance(layer, nn.Linear):
            nn.init.uniform_(layer.weight, -limit, limit)
            nn.init.zeros_(layer.bias)


def check_size(image: Tensor, image_size: int) -> None:
    """See that a picture (N, C, H, W) is of the one size that a network knows.

    Raises:
        ValueError: it is not.
    """
    height, width = image.shape[2:]
    if (height, width) != (image_size, image_size):
        raise ValueError(
            f"this discriminator judges pictures of {image_size}x{image_size} only, got {height}x{width}"
        )


def flat(image: Tensor, image_size: int) -> Tensor:
    """(N, C, H, W) to (N, C·H·W).

    Raises:
        ValueError: the picture is not of the one size that a network knows.
    """
    check_size(image, image_size)
    return image.flatten(1)


def one_hot(label: Tensor, labels: int, like: Tensor) -> Tensor:
    """(N,) whole numbers to (N, labels), 1 for the label and 0 elsewhere, of the type of `like`."""
    return F.one_hot(label, labels).to(like.dtype)


def joined(x: Tensor, told: Tensor) -> Tensor:
    """What is told, (N, labels), beside values (N, C), or beside a map (N, C, H, W) as constant channels."""
    if x.dim() == 4:
        told = told[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, told.to(x.dtype)], 1)
