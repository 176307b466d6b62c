"""Networks as this field commonly writes them: torch's own layers in place of i2i's, with the same weights."""

from __future__ import annotations

import copy

import torch
from torch import nn

from i2i.nets import BatchNorm, GroupNorm, InstanceNorm
from i2i.nets.blocks import ReflectConv, ResizeConv
from i2i.nets.latent_unet import _BilinearConv
from i2i.nets.spectral import SpectralConv

ENLARGED = {ResizeConv: "nearest", _BilinearConv: "bilinear"}


class PlainBatchNorm(nn.BatchNorm2d):
    """Also of vectors, as `nn.BatchNorm1d`: which of the two is needed shows in the input alone."""

    def _check_input_dim(self, input: torch.Tensor) -> None:
        pass


def plain(network: nn.Module) -> nn.Module:
    """A copy in contiguous memory, trained eagerly, whose layers are torch's where torch has such layers."""
    twin = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    return _replaced(twin)


def _replaced(module: nn.Module) -> nn.Module:
    if (other := _other(module)) is not None:
        return other
    for name, child in module.named_children():
        setattr(module, name, _replaced(child))
    return module


def _other(module: nn.Module) -> nn.Module | None:
    match module:
        case InstanceNorm():
            affine = module.weight is not None
            return _with_state(nn.InstanceNorm2d(module.channels, module.epsilon, affine=affine), module)
        case BatchNorm():
            norm = PlainBatchNorm(module.num_features, module.eps, module.momentum, module.affine)
            return _with_state(norm, module)
        case GroupNorm():
            return _with_state(nn.GroupNorm(module.num_groups, module.num_channels, module.eps), module)
        case ReflectConv():
            mode = ENLARGED.get(type(module))
            enlarge = [nn.Upsample(scale_factor=2.0, mode=mode)] if mode else []
            return nn.Sequential(*enlarge, nn.ReflectionPad2d(module.border), _convolution(module))
        case SpectralConv():
            return _spectral(module)
        case nn.Conv2d() if type(module).forward is not nn.Conv2d.forward:
            return _convolution(module)
    return None


def _spectral(module: SpectralConv) -> nn.Conv2d:
    state = module.state_dict()
    state = {f"weight_{key}" if key in "uv" else key: value for key, value in state.items()}
    state["weight_orig"] = state.pop("weight")
    convolution = nn.utils.spectral_norm(_empty(module))
    convolution.load_state_dict(state)
    return convolution.to(module.weight.device)


def _convolution(module: nn.Conv2d) -> nn.Module:
    return _with_state(_empty(module), module)


def _empty(module: nn.Conv2d) -> nn.Conv2d:
    return nn.Conv2d(
        module.in_channels,
        module.out_channels,
        module.kernel_size,
        module.stride,
        module.padding,
        module.dilation,
        module.groups,
        module.bias is not None,
    )


def _with_state(new: nn.Module, old: nn.Module) -> nn.Module:
    """The weights of the old layer, on its device."""
    new.load_state_dict(old.state_dict())
    return new.to(next((weight.device for weight in old.parameters()), None))
