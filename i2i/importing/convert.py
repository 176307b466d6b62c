"""Weights of a network that a loss uses become a safetensors file, once: no run reads anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.importing.weights import read_weights
from i2i.losses.perceptual import layer_names, shapes

CONVERTED = ("vgg19",)
# Where torchvision's VGG19 has the convolutions that the loss uses; ReLUs and poolings stand between them.
PLACES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)


def convert(paths: Sequence[Path], out: Path, as_: str, settings: Iterable[str] = ()) -> Path:
    """Write the tensors that a loss needs of another project's file, and nothing else.

    Args:
        paths: one file of weights, as torchvision offers it.
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
    tensors = _taken(paths[0], read_weights(paths[0]))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, out)
    except (OSError, SafetensorError) as error:
        raise I2IError(f"{out}: this file cannot be written ({error}); choose another place") from error
    return out


def _taken(path: Path, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The wanted tensors by our names, in fp32."""
    layers = [name for stage in layer_names() for name in stage]
    theirs = {
        f"{layer}.{part}": f"features.{place}.{part}"
        for layer, place in zip(layers, PLACES, strict=True)
        for part in ("weight", "bias")
    }
    for ours, shape in shapes().items():
        if theirs[ours] not in weights or tuple(weights[theirs[ours]].shape) != shape:
            raise I2IError(
                f"{path}: these are not the weights of torchvision's VGG19: {theirs[ours]} is missing or of another "
                "shape; its file is called vgg19-dcbb9e9d.pth"
            )
    return {ours: weights[name].float().contiguous() for ours, name in theirs.items()}
