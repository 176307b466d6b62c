"""The published ways to draw the first weights."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

InitName = Literal["normal", "xavier", "kaiming", "orthogonal", "default"]


def init_weights(
    module: nn.Module, name: InitName = "normal", gain: float = 0.02, generator: torch.Generator | None = None
) -> None:
    """Draw the weights of a network as pytorch-CycleGAN-and-pix2pix does; "default" leaves torch's.

    Convolutions and linear layers get weights by name and zero biases; batch norms get weights around 1 and
    zero biases. `gain` is the standard deviation of "normal" and the factor of "xavier" and "orthogonal";
    "kaiming" has none. Numbers come from `generator`, or from torch's global one. A layer with `keeps_weights = True`
    keeps what it holds, published weights for example, with all layers inside it.

    Raises:
        ValueError: the name is unknown, or the network draws its own weights.
    """
    check_init(module, name)
    if name == "default":
        return
    for layer in _drawn(module):
        if isinstance(layer, _ConvNd | nn.Linear):
            _draw(layer.weight, name, gain, generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, 0.02, generator=generator)
            nn.init.zeros_(layer.bias)


def check_init(module: nn.Module, name: InitName) -> None:
    """Refuse an initialisation that layers with `draws_own_weights = True` would ignore.

    Raises:
        ValueError: "name: sentence".
    """
    own = {type(layer).__name__ for layer in _drawn(module) if getattr(layer, "draws_own_weights", False)}
    if own and name != "default":
        raise ValueError(
            f'name: {", ".join(sorted(own))} draw their own weights and would ignore "{name}"; use "default"'
        )


def kept_weights(module: nn.Module) -> list[str]:
    """The names of the parts of a network that no initialisation touches; "" is the network itself."""
    return [name for name, layer in module.named_modules() if getattr(layer, "keeps_weights", False)]


def _drawn(module: nn.Module) -> Iterator[nn.Module]:
    """The layers whose weights are drawn."""
    kept = {id(inner) for name in kept_weights(module) for inner in module.get_submodule(name).modules()}
    return (layer for layer in module.modules() if id(layer) not in kept)


def _draw(weight: Tensor, name: InitName, gain: float, generator: torch.Generator | None) -> None:
    match name:
        case "normal":
            nn.init.normal_(weight, 0.0, gain, generator=generator)
        case "xavier":
            nn.init.xavier_normal_(weight, gain, generator=generator)
        case "kaiming":
            nn.init.kaiming_normal_(weight, generator=generator)
        case "orthogonal":
            nn.init.orthogonal_(weight, gain, generator=generator)
        case _:
            raise ValueError(
                f"there is no init '{name}'; known: normal, xavier, kaiming, orthogonal, default"
            )
