"""Weights that the authors' code has written (junyanz/BicycleGAN): their names of the tensors, and ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

import i2i
from i2i.nets import LatentUNet, Shapes, unet_names
from i2i_bicyclegan.discriminator import MultiScalePatchGAN
from i2i_bicyclegan.encoders import ConvEncoder, ResNetEncoder

Names = dict[str, str]  # what they call a layer -> what we do
# What a discriminator of so many channels sees of input and result; 4 may be 1 and 3, or 3 and 1.
PAIRS: Mapping[int, Mapping[str, int]] = MappingProxyType({2: {"a": 1, "b": 1}, 4: {}, 6: {"a": 3, "b": 3}})
RELU = (
    "the generator's activation on the way up is relu, as in the published weights; the file does not name it"
)
NORM = "the generator has instance norm, as in the published weights; a file without any norm looks the same"


class GeneratorImporter:
    """BicycleGAN's generator as its authors save it (net_G)."""

    def detect(self, keys: Iterable[str], shapes: Shapes) -> i2i.Match | None:
        """How the weights fit, or None."""
        return _code_everywhere(shapes) or _code_beside_picture(shapes)


class EncoderImporter:
    """BicycleGAN's encoder as its authors save it (net_E)."""

    def detect(self, keys: Iterable[str], shapes: Shapes) -> i2i.Match | None:
        """How the weights fit, or None."""
        first, last = shapes.get("conv.0.weight", ()), shapes.get("fc.0.weight", ())
        if len(first) != 4 or len(last) != 2:
            return None
        residual = "conv.1.shortcut.1.weight" in shapes
        names, options = (_residual_layers if residual else _plain_layers)(shapes)
        options |= {"width": first[0], "norm": _norm(shapes)}
        with torch.device("meta"):
            net = (ResNetEncoder if residual else ConvEncoder)(first[1], last[0], **options)
        found = _fit(net, {"fc.0": "code.mean", "fcVar.0": "code.log_variance", **names}, shapes)
        if found is None:
            return None
        return i2i.Match(
            keys=found,
            options={"latent": last[0], "encoder": {"name": "resnet" if residual else "conv", **options}},
            facts={"channels": {"b": first[1]}},
            files=("net_E",),
        )


@dataclass(frozen=True)
class DiscriminatorImporter:
    """A discriminator as the authors save it.

    Attributes:
        file: what the authors call its file.
    """

    file: str

    def detect(self, keys: Iterable[str], shapes: Shapes) -> i2i.Match | None:
        """How the weights fit, or None."""
        scales = sum(1 for key in shapes if re.fullmatch(r"model_\d+\.0\.weight", key))
        prefixes = [f"model_{scale}." for scale in range(scales)] or ["model."]
        first = shapes.get(f"{prefixes[0]}0.weight", ())
        layers = _convolutions(shapes, prefixes[0]) - 2
        if len(first) != 4 or layers < 1 or first[0] % 2 ** (len(prefixes) - 1):
            return None
        options: dict[str, Any] = {"width": first[0], "layers": layers, "scales": len(prefixes)}
        with torch.device("meta"):
            net = MultiScalePatchGAN(first[1], **options)
        found = _fit(net, _judge_names(prefixes, layers), shapes)
        if found is None:
            return None
        conditional = {"conditional": True} if first[1] in PAIRS else {}
        channels = PAIRS.get(first[1], {"b": first[1]})
        return i2i.Match(
            keys=found,
            options={"discriminator": {"name": "multi-scale", **options}, **conditional},
            facts={"channels": channels} if channels else {},
            files=(self.file,),
        )


def discriminator_vae() -> i2i.Importer:
    """BicycleGAN's discriminator of results from encoded codes as its authors save it (net_D)."""
    return DiscriminatorImporter("net_D")


def discriminator_lr() -> i2i.Importer:
    """BicycleGAN's discriminator of results from random codes as its authors save it (net_D2)."""
    return DiscriminatorImporter("net_D2")


def _code_everywhere(shapes: Shapes) -> i2i.Match | None:
    """Blocks within blocks, each of which joins the code."""
    prefixes = ["model."]
    while f"{prefixes[-1]}submodule.down.1.weight" in shapes:
        prefixes.append(f"{prefixes[-1]}submodule.")
    first = shapes.get("model.down.0.weight", ())
    second = shapes.get("model.submodule.down.1.weight", ())
    if len(first) != 4 or len(second) != 4:
        return None
    upsample = "transposed" if "model.up.1.weight" in shapes else "bilinear"
    up = 1 if upsample == "transposed" else 3
    names: Names = {}
    for level, prefix in enumerate(prefixes):
        names |= {
            f"{prefix}down.{1 if level else 0}": f"down.{level}.conv",
            f"{prefix}down.2": f"down.{level}.norm",
            f"{prefix}up.{up}": f"up.{level}.conv",
            f"{prefix}up.{up + 1}": f"up.{level}.norm",
        }
    latent = second[1] - first[0]
    options = {"inject": "all", "width": first[0], "depth": len(prefixes), "upsample": upsample}
    options["norm"] = _norm(shapes)
    assumed = (RELU,) if options["norm"] == "batch" else (RELU, NORM)
    return _generator(names, shapes, first[1] - latent, latent, options, assumed)


def _code_beside_picture(shapes: Shapes) -> i2i.Match | None:
    """The layout of a U-Net of pytorch-CycleGAN-and-pix2pix; more channels than a picture has tell them apart."""
    first = shapes.get("model.model.0.weight", ())
    if len(first) != 4 or first[1] <= 4:
        return None
    upsample = "transposed" if "model.model.3.weight" in shapes else "bilinear"
    names, depth = unet_names(shapes, shift=0 if upsample == "transposed" else 2)
    pictured = 1 if first[1] == 9 else 3
    options = {"inject": "input", "width": first[0], "depth": depth, "upsample": upsample}
    options["norm"] = _norm(shapes)
    code = first[1] - pictured
    read = f"the generator reads {first[1]} channels: {pictured} of the picture, {code} of the code"
    return _generator(names, shapes, pictured, code, options, (RELU, read))


def _generator(
    names: Names,
    shapes: Shapes,
    pictured: int,
    latent: int,
    options: Mapping[str, Any],
    assumed: tuple[str, ...],
) -> i2i.Match | None:
    """The match of a generator that reads a picture of `pictured` channels."""
    last = next((theirs for theirs, ours in names.items() if ours == "up.0.conv"), "")
    weight = shapes.get(f"{last}.weight", ())
    if len(weight) != 4 or min(pictured, latent) < 1:
        return None
    made = weight[1] if options["upsample"] == "transposed" else weight[0]
    with torch.device("meta"):
        net = LatentUNet(pictured, made, latent, **options)
    found = _fit(net, names, shapes)
    if found is None:
        return None
    return i2i.Match(
        keys=found,
        options={"latent": latent, "generator": {"name": "latent-unet", **options}},
        facts={"channels": {"a": pictured, "b": made}, "image_size": net.multiple},
        files=("net_G",),
        assumed=assumed,
    )


def _residual_layers(shapes: Shapes) -> tuple[Names, dict[str, Any]]:
    """The layers of the residual encoder, and how many blocks it has."""
    blocks = sum(1 for key in shapes if re.fullmatch(r"conv\.\d+\.shortcut\.1\.weight", key))
    names = {"conv.0": "stem"}
    for block in range(blocks):
        theirs, ours = f"conv.{block + 1}", f"body.{block}"
        names |= {
            f"{theirs}.conv.0": f"{ours}.first.norm",
            f"{theirs}.conv.2": f"{ours}.first.conv",
            f"{theirs}.conv.3": f"{ours}.second.norm",
            f"{theirs}.conv.5.0": f"{ours}.second.conv",
            f"{theirs}.shortcut.1": f"{ours}.shortcut",
        }
    return names, {"blocks": blocks}


def _plain_layers(shapes: Shapes) -> tuple[Names, dict[str, Any]]:
    """The layers of the plain encoder, and how many there are."""
    layers = _convolutions(shapes, "conv.")
    names = {f"conv.{_place(layer)}": f"body.{layer}.conv" for layer in range(layers)}
    names |= {f"conv.{3 * layer}": f"body.{layer}.norm" for layer in range(1, layers)}
    return names, {"layers": layers}


def _judge_names(prefixes: Sequence[str], layers: int) -> Names:
    """The layers of a PatchGAN for each scale."""
    names: Names = {}
    for scale, prefix in enumerate(prefixes):
        names |= {f"{prefix}{_place(n)}": f"judges.{scale}.body.{n}.conv" for n in range(layers + 1)}
        names[f"{prefix}{_place(layers + 1)}"] = f"judges.{scale}.head"
    return names


def _convolutions(shapes: Shapes, prefix: str) -> int:
    """How many convolutions stand directly in a sequence."""
    pattern = re.compile(re.escape(prefix) + r"\d+\.weight")
    return sum(1 for key, shape in shapes.items() if len(shape) == 4 and pattern.fullmatch(key))


def _place(layer: int) -> int:
    """Where a convolution stands in a sequence of convolution, norm and activation, the first without norm."""
    return 3 * layer - 1 if layer else 0


def _norm(shapes: Shapes) -> str:
    """The norm of a network; the authors' instance norm has no tensors."""
    return "batch" if any(key.endswith(".running_mean") for key in shapes) else "instance"


def _fit(net: nn.Module, names: Names, shapes: Shapes) -> dict[str, str] | None:
    """Their keys and ours, if every tensor has its place in the network, in its shape."""
    theirs = {ours: name for name, ours in names.items()}
    keys, sizes = {}, {}
    for key, tensor in net.state_dict().items():
        layer, _, leaf = key.rpartition(".")
        name = f"{theirs[layer]}.{leaf}"
        keys[name], sizes[name] = key, tuple(tensor.shape)
    return keys if sizes == {name: tuple(shape) for name, shape in shapes.items()} else None
