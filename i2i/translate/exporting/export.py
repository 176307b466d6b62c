"""Trained models as files for other programs, checked before they are written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from torch import Tensor

import i2i
from i2i.core.errors import I2IError, nearest
from i2i.engine.disk import write_bytes, writing
from i2i.translate.exporting import onnx_file, pt2_file
from i2i.translate.exporting.fixed import fixed_request
from i2i.translate.exporting.module import translator_of
from i2i.translate.exporting.parity import Compared, Run, compare
from i2i.translate.exporting.tracing import trace
from i2i.translate.exporting.translator import Translator
from i2i.translate.request import Request

if TYPE_CHECKING:
    from i2i.translate.model import Model

ONNX, PT2, PACKED = ".onnx", ".pt2", ".safetensors"
LIMIT = 1e-3
"""The largest difference to the model that is let through, in units of [-1, 1]."""


@dataclass(frozen=True)
class Exported:
    """A file that was written, and what its check has shown.

    Attributes:
        path: the file.
        weights: how many the networks in it have.
        compared: how far it is from the model; None where nothing was computed, a file of weights alone.
    """

    path: Path
    weights: int
    compared: Compared | None

    def summary(self) -> str:
        """A line: "model.onnx: 11.4 million weights, worst difference 3.1e-06 on five sizes"."""
        if self.compared is None:
            return f"{self.path}: {_millions(self.weights)}"
        return f"{self.path}: {_millions(self.weights)}, worst difference {self.compared.words()}"


def export(
    model: Model,
    path: Path,
    controls: Mapping[str, Any],
    *,
    pixels: bool = False,
    dropout: bool = False,
    force: bool = False,
) -> Exported:
    """Write a model as a file for other programs: `.onnx`, `.pt2` (torch.export), or `.safetensors` for i2i alone.

    Args:
        model: the model.
        path: its suffix says which.
        controls: what the strategy's `translate` takes; they stay as they are, and ask for one result.
        pixels: pictures go in and out as numbers from 0 to 255, rounded; else in [-1, 1].
        dropout: dropout that the method keeps active when it translates takes its random numbers as inputs; else it is
            off.
        force: write the file even if it differs from the model by more than 1e-3.

    Raises:
        I2IError: a control is wrong, the method cannot be exported, or the file would differ: nothing is written.
    """
    kind = kind_of(path)
    if kind == PACKED:
        return _pack(model, path, controls, pixels=pixels, dropout=dropout, force=force)
    request = fixed_request(model, controls)
    translator = translator_of(model, request, pixels=pixels, dropout=dropout)
    data, run = _file(model, request, translator, kind, dropout)
    compared = compare(model, request, translator, run, dropout=dropout)
    if not compared.worst <= LIMIT and not force:
        raise I2IError(
            f"{path} was not written: its results would differ from those of the model by {compared.words()}, and "
            f"{LIMIT:g} is allowed; --force writes it all the same"
        )
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, data)
    return Exported(path, _weights(translator), compared)


def kind_of(path: Path) -> str:
    """The ending of a file's name, and with it what will be written.

    Raises:
        I2IError: nothing that can be, or a library for it is missing.
    """
    kind = path.suffix.lower()
    if kind not in (ONNX, PT2, PACKED):
        ending = f"'{path.suffix}' is no ending of an export" if kind else "the name has no ending"
        raise I2IError(f"{path}: {ending}; {nearest(kind, (ONNX, PT2, PACKED))}")
    if kind == ONNX:
        onnx_file.require(path.name)
    return kind


def _file(
    model: Model, request: Request, translator: Translator, kind: str, dropout: bool
) -> tuple[bytes, Run]:
    """The bytes of a file, and what runs them."""
    program = trace(translator, _example(model, translator))
    about = _about(model, request, translator, dropout)
    if kind == PT2:
        data = pt2_file.as_pt2(program, about)
        return data, pt2_file.runner(data)
    data = onnx_file.as_onnx(program, translator.takes, translator.gives, about)
    return data, onnx_file.runner(data, translator.takes)


def _example(model: Model, translator: Translator) -> list[Tensor]:
    """Inputs of no size where a method goes another way, as it may at that of the training, or with one picture."""
    needs = translator.fixed.needs
    height = model.facts.height + needs.multiple + 1
    width = model.facts.image_size + 2 * needs.multiple + 1
    return [
        torch.zeros(
            take.sizes(2, height, width, needs),
            dtype=torch.long if take.kind == "map" else torch.float32,
            device=model.device,
        )
        for take in translator.takes
    ]


def _about(model: Model, request: Request, translator: Translator, dropout: bool) -> dict[str, str]:
    """What a file says about itself."""
    told = {name: str(value) for name, value in request.controls.items() if value is not None}
    told |= {name: Path(told[name]).name for name in request.pictures}  # no folder of this machine
    shapes = [
        {"name": t.name, "kind": t.kind, "shape": t.shape} for t in (*translator.takes, translator.gives)
    ]
    return {
        "i2i": i2i.__version__,
        "method": model.spec.strategy.name,
        "controls": json.dumps(told),
        "value_range": "[0, 255]" if translator.fixed.pixels else "[-1, 1]",
        "inputs": json.dumps(shapes[:-1]),
        "output": json.dumps(shapes[-1]),
        "multiple": str(translator.fixed.needs.multiple),
        "least_padded_side": str(translator.fixed.needs.least),
        "dropout": "active" if dropout else "off",
    }


def _pack(
    model: Model, path: Path, controls: Mapping[str, Any], *, pixels: bool, dropout: bool, force: bool
) -> Exported:
    """The weights and what i2i needs to use them."""
    from i2i.translate.sharing.packed import pack

    flags = {"pixels": pixels, "dropout": dropout, "force": force}
    if ignored := [*(name for name, given in flags.items() if given), *controls]:
        raise I2IError(
            f"{path}: {ignored[0]} has no effect on a file of weights: i2i asks for it when it is used; leave it out"
        )
    with safe_open(pack(model, path), "pt") as file:
        weights = sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    return Exported(path, weights, None)


def _weights(translator: Translator) -> int:
    return sum(weight.numel() for weight in translator.parameters())


def _millions(weights: int) -> str:
    return f"{weights / 1e6:.1f} million weights" if weights >= 1e5 else f"{weights:,} weights"
