"""Distance of two pictures as a network sees them that was trained to recognise things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.losses.precision import pair, single

# Channels of the convolutions of VGG19, stage by stage; a stage after the first begins with a halving of the map.
STAGES = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512,))
# How much the first layer of each stage counts (Wang et al., 2018; Park et al., 2019).
SHARES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
SMALLEST = 16  # the side that four halvings leave one value of
COLOURS = 3

CONVERT = "i2i import vgg19-dcbb9e9d.pth --as vgg19 -o vgg19.safetensors"
MISSING = (
    "weights: this loss needs those of VGG19, which i2i does not bring; fetch vgg19-dcbb9e9d.pth (torchvision's VGG19, "
    f'trained on ImageNet), convert it once by `{CONVERT}` and give weights = "vgg19.safetensors"; or do without the '
    "loss, by perceptual_weight = 0 for example"
)


class VGG19(nn.Module):
    """Mean absolute difference of features of a frozen VGG19 (Johnson et al., 2016; Park et al., 2019, SPADE).

    Two pictures (N, 3, H, W) in [-1, 1], grey ones as three equal channels, to one number: the first layers of the
    five stages, after their ReLU, weighted by 1/32, 1/16, 1/8, 1/4 and 1. As published, pictures go in as they are:
    the network was trained with another mean and spread. No gradient reaches the second picture.

    The weights are no part of a checkpoint: a run reads them from their file again.
    """

    def __init__(
        self,
        *,
        weights: Annotated[
            Path | None, Field(description=f"file of the weights of VGG19, made by `{CONVERT}`")
        ] = None,
    ) -> None:
        super().__init__()
        if weights is None:
            raise ValueError(MISSING)
        tensors = read_weights(weights)
        self.stages = nn.ModuleList(_Stage(names, tensors) for names in layer_names())

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        fake, real = pair(fake, real)
        with torch.no_grad():
            wanted = self.features(real)
        differences = [
            share * F.l1_loss(single(one), single(other))
            for share, one, other in zip(SHARES, self.features(fake), wanted, strict=True)
        ]
        return torch.stack(differences).sum()

    def features(self, image: Tensor) -> list[Tensor]:
        """What relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1 hold.

        Raises:
            ValueError: the pictures have neither one nor three channels, or a side below 16 pixels.
        """
        x, seen = _coloured(image), []
        for number, stage in enumerate(self.stages):
            first, x = stage(F.max_pool2d(x, 2) if number else x)
            seen.append(first)
        return seen


class _Stage(nn.Module):
    """Convolutions at one size: what the first one holds, and the last."""

    def __init__(self, names: Sequence[str], tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        first, *rest = (_Layer(tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in names)
        self.first, self.rest = first, nn.Sequential(*rest)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first = self.first(x)
        return first, self.rest(first)


class _Layer(nn.Module):
    """A frozen 3x3 convolution and its ReLU."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight, persistent=False)
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(F.conv2d(x, self.weight, self.bias, padding=1))


def layer_names() -> list[list[str]]:
    """The convolutions that the loss uses, stage by stage: conv1_1, conv1_2; conv2_1, …; conv5_1."""
    return [
        [f"conv{stage}_{layer}" for layer in range(1, len(channels) + 1)]
        for stage, channels in enumerate(STAGES, start=1)
    ]


def shapes() -> dict[str, tuple[int, ...]]:
    """The name of every tensor of a file of weights, and its shape."""
    return {name: shape for layer, read, made in _layers() for name, shape in _tensors(layer, read, made)}


def _tensors(layer: str, read: int, made: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{layer}.weight", (made, read, 3, 3)
    yield f"{layer}.bias", (made,)


def _layers() -> Iterator[tuple[str, int, int]]:
    """Every convolution: its name, the channels it reads and those it makes."""
    read = COLOURS
    for names, channels in zip(layer_names(), STAGES, strict=True):
        for name, made in zip(names, channels, strict=True):
            yield name, read, made
            read = made


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a converted file.

    Raises:
        ValueError: there is none, or it holds something else.
    """
    try:
        held = load_file(path)
    except FileNotFoundError:
        raise ValueError(f"weights: there is no file {path}; {CONVERT} makes it") from None
    except (OSError, SafetensorError) as error:
        raise ValueError(f"weights: {path} is not a safetensors file; {CONVERT} makes one") from error
    # `tensor` and not `from_numpy`: a rehearsal without memory gets tensors of its kind.
    tensors = {name: torch.tensor(values) for name, values in held.items()}
    _check(path, tensors)
    return tensors


def _check(path: Path, tensors: Mapping[str, Tensor]) -> None:
    wrong = [name for name, shape in shapes().items() if name not in tensors or tensors[name].shape != shape]
    if wrong:
        raise ValueError(
            f"weights: {path} does not hold those of VGG19: {wrong[0]} is missing or of another shape; "
            f"{CONVERT} makes the right file"
        )


def _coloured(image: Tensor) -> Tensor:
    channels, height, width = image.shape[1:]
    if channels not in (1, COLOURS):
        raise ValueError(f"the loss 'vgg19' compares pictures of 1 or 3 channels, got {channels}")
    if min(height, width) < SMALLEST:
        raise ValueError(f"the loss 'vgg19' needs sides of at least {SMALLEST} pixels, got {height}x{width}")
    return image.expand(-1, COLOURS, -1, -1)
