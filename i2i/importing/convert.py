"""Weights of a network that a loss or a metric uses become a safetensors file, once: no run reads anything else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.importing.weights import read_weights
from i2i.losses.perceptual import layer_names
from i2i.losses.perceptual import shapes as vgg19_shapes
from i2i.metrics import inception, lpips_network

LPIPS = tuple(f"lpips-{net}" for net in lpips_network.FILES)
WHOLE = "weights"  # a file of any network, for those that metrics build by name
CONVERTED = ("vgg19", "inception", *LPIPS, WHOLE)
# Where torchvision's VGG19 has the convolutions that the loss uses; ReLUs and poolings stand between them.
PLACES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
# The first and the last layer of the network for FID tell it from all others.
INCEPTION: Mapping[str, tuple[int, ...]] = {
    "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
    "Mixed_7c.branch_pool.conv.weight": (192, 2048, 1, 1),
    "fc.weight": (1008, 2048),
}
HASH = re.compile(r"-([0-9a-f]{8,64})$")


def convert(paths: Sequence[Path], out: Path, as_: str, settings: Iterable[str] = ()) -> Path:
    """Write the tensors that a loss or a metric needs of another project's file, and nothing else.

    Args:
        paths: one file of weights, as its maker offers it.
        out: the file to write, `X.safetensors`; one that exists is left alone.
        as_: what it is, one of `CONVERTED`.
        settings: changes to a spec; there is none.

    Returns:
        The file that was written.

    Raises:
        I2IError: there is not one file, it holds something else, or the result has no place.
    """
    if any(settings):
        raise I2IError(f"--set changes the spec of a run, and --as {as_} makes none; leave it out")
    if len(paths) != 1:
        raise I2IError(f"--as {as_} converts one file, and there are {len(paths)}")
    if out.suffix != ".safetensors":
        raise I2IError(
            f"{out}: --as {as_} writes a file of weights; call it {out.with_suffix('.safetensors')}"
        )
    if out.exists():
        raise I2IError(f"{out}: this file exists; choose another name")
    tensors = _taken(paths[0], as_)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, out)
    except (OSError, SafetensorError) as error:
        raise I2IError(f"{out}: this file cannot be written ({error}); choose another place") from error
    return out


def _taken(path: Path, as_: str) -> dict[str, Tensor]:
    """The wanted tensors by our names, in fp32 where they are no whole numbers.

    Raises:
        I2IError: the file holds something else, or is not the one that its name says.
    """
    weights = read_weights(path)
    if as_ == "vgg19":
        return _vgg19(path, weights)
    if as_ in LPIPS:
        _check_hash(path)
        return _backbone(path, weights, as_.removeprefix("lpips-"))
    if as_ == "inception":
        _check_hash(path)
        _check(path, weights, INCEPTION, inception.NETWORK, inception.FILE)
    # A copy of each: safetensors stores no two names for one tensor.
    return {n: (t.float() if t.is_floating_point() else t).clone() for n, t in weights.items()}


def _vgg19(path: Path, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    layers = [name for stage in layer_names() for name in stage]
    theirs = {
        f"{layer}.{part}": f"features.{place}.{part}"
        for layer, place in zip(layers, PLACES, strict=True)
        for part in ("weight", "bias")
    }
    wanted = {theirs[ours]: shape for ours, shape in vgg19_shapes().items()}
    _check(path, weights, wanted, "torchvision's VGG19", "vgg19-dcbb9e9d.pth")
    return {ours: weights[name].float() for ours, name in theirs.items()}


def _backbone(path: Path, weights: Mapping[str, Tensor], net: str) -> dict[str, Tensor]:
    wanted = lpips_network.shapes(net)
    network, file = f"torchvision's {lpips_network.BACKBONES[net]}", lpips_network.FILES[net]
    _check(path, weights, wanted, network, file)
    if more := [name for name in weights if name.startswith("features.") and name not in wanted]:
        raise I2IError(
            f"{path}: these are not the weights of {network}: {more[0]} has no place in it; its file is called {file}"
        )
    return {name: weights[name].float() for name in wanted}


def _check(
    path: Path, weights: Mapping[str, Tensor], wanted: Mapping[str, tuple[int, ...]], network: str, file: str
) -> None:
    for name, shape in wanted.items():
        if name not in weights or tuple(weights[name].shape) != shape:
            raise I2IError(
                f"{path}: these are not the weights of {network}: {name} is missing or of another shape; its file is "
                f"called {file}"
            )


def _check_hash(path: Path) -> None:
    """The name of a published file ends in the start of its hash.

    Raises:
        I2IError: it is another hash.
    """
    told = HASH.search(path.stem)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if told and not found.startswith(told[1]):
        raise I2IError(
            f"{path}: the name says that its sha256 starts with {told[1]}, and it starts with {found[: len(told[1])]}: "
            "the file is damaged or not the published one; fetch it again"
        )
