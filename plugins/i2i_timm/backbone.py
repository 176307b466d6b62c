"""Any network of timm as a stack of feature maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from i2i.losses import single
from i2i.nets import check_sides
from i2i_timm.networks import built, known, outline, stages_of
from i2i_timm.options import Choice
from i2i_timm.weights import check_names, fill, missing, tensors_of

COLOURS = 3


class Backbone(nn.Module):
    """Pictures (N, C, H, W) in [-1, 1] to feature maps (N, C', H', W'), one for each stage, the largest first.

    Pictures are shifted and scaled as those were that the published weights have seen; grey ones become three equal
    channels. Networks with a size of their own (most transformers) see pictures resized to it.

    Args:
        choice: which network, which of its stages, and its weights.
        last: so many of the last stages are "auto"; None is all of them.
        channels: of the pictures.
        reads: read published weights; else they come from a checkpoint, or nobody looks at them.

    Attributes:
        channels: of each map.
        reductions: how many pixels to a side make one value of each map.
        smallest: height and width of the pictures must be this or more.
        keeps_weights: `train.init` leaves it alone: published weights stay, others are as timm draws them.

    Raises:
        ValueError: "option: sentence".
    """

    keeps_weights: ClassVar[bool] = True
    mean: Tensor
    std: Tensor

    def __init__(
        self, choice: Choice, last: int | None = None, channels: int = COLOURS, *, reads: bool = True
    ) -> None:
        super().__init__()
        self.coloured = channels in (1, COLOURS)
        self.published = choice.weights != "random"
        whole = outline(choice.network, choice.options)
        config = known(choice.network)
        stages = stages_of(choice, len(whole.feature_info), last)
        self.network = built(choice.network, choice.options, stages, None if self.coloured else channels)
        if reads and choice.weights not in (None, "random"):
            tensors = tensors_of(choice.network, config, choice.weights)
            check_names(choice.network, whole.state_dict(), tensors)
            fill(self.network, tensors)
        self.channels: list[int] = self.network.feature_info.channels()
        self.reductions: list[int] = self.network.feature_info.reduction()
        self.size = _own_size(config, choice.options)
        self.smallest = 1 if self.size else max(self.reductions)
        for name in ("mean", "std"):
            shift = _shift(config[name], None if self.coloured else channels)
            self.register_buffer(name, shift, persistent=False)
        self.train()

    def train(self, mode: bool = True) -> Backbone:
        """Published statistics of batch norms stay, too: those of a small batch would spoil them."""
        super().train(mode)
        for layer in self.network.modules() if self.published else ():
            if isinstance(layer, _BatchNorm):
                layer.eval()
        return self

    def forward(self, image: Tensor) -> list[Tensor]:
        check_sides(image, "network of timm", least=self.smallest)
        if self.coloured:
            image = image.expand(-1, COLOURS, -1, -1)
        x = (single(image) + 1) / 2
        if self.size and tuple(x.shape[2:]) != self.size:
            x = F.interpolate(x, self.size, mode="bilinear", antialias=True)
        maps: list[Tensor] = self.network((x - self.mean) / self.std)
        last = getattr(self.network, "output_fmt", "NCHW") == "NHWC"
        return [each.permute(0, 3, 1, 2) if last else each for each in maps]


class FrozenBackbone(Backbone):
    """A backbone that nothing trains: its weights are buffers, which no optimizer and no average knows.

    Published ones are no part of checkpoints: a run reads them from their file again. Random ones are.

    Raises:
        ValueError: "option: sentence"; also where nobody says which weights.
    """

    def __init__(self, choice: Choice, last: int | None = None, *, reads: bool = True) -> None:
        check_weights(choice.network, choice.weights)
        super().__init__(choice, last, reads=reads)
        for layer in self.network.modules():
            _freeze(layer, stored=not self.published)

    def train(self, mode: bool = True) -> FrozenBackbone:
        """It never trains: no dropout, no statistics of the batch."""
        nn.Module.train(self, False)
        return self

    def forward(self, image: Tensor) -> list[Tensor]:
        if image.shape[1] not in (1, COLOURS):
            raise ValueError(f"frozen features take pictures of 1 or 3 channels, got {image.shape[1]}")
        return super().forward(image)


def check_weights(network: str, weights: object) -> None:
    """Refuse frozen features of which nobody says the weights.

    Raises:
        ValueError: "option: sentence"; also where timm does not know the network.
    """
    config = known(network)
    if weights is None:
        raise ValueError(missing(network, config))


def _freeze(layer: nn.Module, stored: bool) -> None:
    """Turn the weights of a layer into buffers."""
    tensors = {**dict(layer.named_parameters(recurse=False)), **dict(layer.named_buffers(recurse=False))}
    for name, tensor in tensors.items():
        delattr(layer, name)
        layer.register_buffer(name, tensor.detach(), persistent=stored)
    if isinstance(layer, _BatchNorm) and not stored:
        layer.track_running_stats = (
            False  # or torch adds a counter to what it loads, and finds no place for it
        )


def _own_size(config: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[int, int] | None:
    """Height and width of the only pictures that it takes, if there are such."""
    if not config.get("fixed_input_size") or options.get("dynamic_img_size"):
        return None
    side = options.get("img_size")
    height, width = (side, side) if side else config["input_size"][1:]
    return height, width


def _shift(values: Sequence[float], channels: int | None) -> Tensor:
    """A number for each channel; where they are no colours, the mean of those of the colours for all."""
    each = torch.tensor(values)
    return (each if channels is None else each.mean().expand(channels)).clone().view(1, -1, 1, 1)
