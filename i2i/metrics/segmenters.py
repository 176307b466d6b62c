"""Networks that say what each pixel shows: torchvision's by name, others as ONNX files."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.core.errors import I2IError, nearest
from i2i.core.extras import needs
from i2i.metrics.draws import own_draws
from i2i.metrics.weights import DIGITS, fill, fingerprint, read

CONVERT = "i2i import FILE.pth --as weights -o segmenter.safetensors"
MADE_BY = f"`{CONVERT}` makes one of torchvision's or of your own"


class Segmenter(ABC):
    """Scores of classes for each pixel of pictures that were shifted and scaled.

    Attributes:
        hash: of its weights.
    """

    hash: str

    @abstractmethod
    def scores(self, pictures: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) to (N, classes, height, width), of any height and width."""


class TorchvisionSegmenter(Segmenter):
    """A segmentation network of torchvision.

    Raises:
        ValueError: there is none of this name, or the weights are not given, or others.
    """

    def __init__(self, name: str, weights: Path | None, classes: int) -> None:
        known = segmentation_networks()
        if name not in known:
            raise ValueError(
                f"segmenter: torchvision has no '{name}', and it is no .onnx file\n    {nearest(name, known)}"
            )
        if weights is None:
            raise ValueError(
                f"weights: torchvision's {name} needs those of a network trained on these {classes} classes: a "
                f".safetensors file; {MADE_BY}"
            )
        tensors = read(weights, "weights", MADE_BY)
        # What helps in training only has no say in the result.
        tensors = {key: tensor for key, tensor in tensors.items() if not key.startswith("aux_classifier.")}
        self.network = _torchvision(name, classes)
        fill(self.network, tensors, "weights", f"torchvision's {name} with {classes} classes")
        self.network.eval().requires_grad_(False)
        self.hash = fingerprint(self.network)

    def scores(self, pictures: Tensor) -> Tensor:
        made: Tensor = self.network.to(pictures.device)(pictures)["out"]
        return made


class OnnxSegmenter(Segmenter):
    """A segmentation network in an ONNX file: pictures (N, 3, H, W) in, scores (N, classes, …) out, on the CPU.

    Raises:
        ValueError: this is no such file.
    """

    def __init__(self, path: Path) -> None:
        library = needs("onnxruntime", "onnx", f"to run '{path.name}'")
        if not path.is_file():
            raise ValueError(f"segmenter: there is no file {path}")
        try:
            self.session = library.InferenceSession(path, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no base of their own
            raise ValueError(f"segmenter: onnxruntime cannot read {path}: {_line(error)}") from error
        inputs = self.session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4:
            raise ValueError(f"segmenter: {path} does not take one batch of pictures (N, 3, H, W)")
        self.path, self.input = path, inputs[0]
        self.hash = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:DIGITS]}"

    def scores(self, pictures: Tensor) -> Tensor:
        fixed = [want if isinstance(want, int) else have for want, have in _sides(self.input.shape, pictures)]
        if fixed != [*pictures.shape[-2:]]:
            pictures = F.interpolate(pictures, fixed, mode="bilinear", antialias=True)
        # one by one: a file may know batches of one only
        made = [self._run(picture) for picture in pictures.cpu().numpy()[:, None]]
        return torch.from_numpy(np.concatenate(made)).to(pictures.device)

    def _run(self, picture: Any) -> Any:
        try:
            return self.session.run(None, {self.input.name: picture})[0]
        except Exception as error:  # onnxruntime's errors have no base of their own
            raise I2IError(f"{self.path}: onnxruntime cannot run it: {_line(error)}") from error


def file_or_name(value: Path | str | None) -> Path | str | None:
    """An ONNX file as a path, so that it counts from where the spec stands; a name as it is."""
    if value is None:
        return None
    return Path(value) if str(value).endswith(".onnx") else str(value)


def open_segmenter(name: Path | str, weights: Path | None, classes: int) -> Segmenter:
    """A segmenter by its name at torchvision, or by the path of an ONNX file.

    Raises:
        ValueError: there is none, or its weights are not given, or given twice.
    """
    if isinstance(name, str):
        return TorchvisionSegmenter(name, weights, classes)
    if weights is not None:
        raise ValueError(f"weights: {name} holds its own; leave the option out")
    return OnnxSegmenter(name)


def segmentation_networks() -> Sequence[str]:
    """What torchvision calls its segmentation networks."""
    from torchvision import models

    names: list[str] = models.list_models(models.segmentation)
    return names


def _torchvision(name: str, classes: int) -> nn.Module:
    from torchvision import models

    with own_draws():
        made: nn.Module = models.get_model(
            name, weights=None, weights_backbone=None, num_classes=classes, aux_loss=False
        )
    return made


def _sides(shape: Sequence[Any], pictures: Tensor) -> list[tuple[Any, int]]:
    """Height and width: what a file says (a number, or a name where they are free), and what the pictures have."""
    return [*zip(shape[-2:], pictures.shape[-2:], strict=True)]


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]
