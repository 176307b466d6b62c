"""A traced model as a file of torch.export, and the way back."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.export import ExportedProgram

from i2i.translate.exporting.parity import Run

ABOUT = "i2i.json"
"""The file inside that says what the model is."""


def as_pt2(program: ExportedProgram, about: Mapping[str, str]) -> bytes:
    """A program as the bytes of a file."""
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={ABOUT: json.dumps(dict(about), indent=2)})
    return file.getvalue()


def runner(data: bytes) -> Run:
    """The program, loaded back."""
    module = torch.export.load(io.BytesIO(data)).module()

    def run(given: Sequence[Tensor]) -> Tensor:
        with torch.no_grad():
            result: Tensor = module(*given)
        return result

    return run
