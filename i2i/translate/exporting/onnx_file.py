"""A traced model as an ONNX file, and ONNX Runtime to run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.translate.exporting.parity import Run, first_line
from i2i.translate.exporting.tracing import quiet
from i2i.translate.exporting.translator import Takes

OPSET = 20
RESULT = "result"
ERRORS_ONLY = 3  # of ONNX Runtime's log


def require(name: str) -> None:
    """See that the libraries are there.

    Raises:
        I2IError: one is missing.
    """
    for module in ("onnx", "onnxscript", "onnxruntime"):
        needs(module, "onnx", f"to write '{name}'")


def as_onnx(
    program: ExportedProgram, takes: Sequence[Takes], result: Takes, about: Mapping[str, str]
) -> bytes:
    """A program as the bytes of a file.

    Args:
        program: the program.
        takes: its inputs.
        result: its output.
        about: what the file says about itself.

    Raises:
        I2IError: ONNX has no word for a part of it, or it is too large for one file.
    """
    from torch.onnx import OnnxExporterError

    try:
        with quiet():
            made: Any = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=OPSET,
                input_names=[take.name for take in takes],
                output_names=[RESULT],
                verbose=False,
            )
            _describe(made.model, [*takes, result], about)
            data: bytes = made.model_proto.SerializeToString()
    except OnnxExporterError as error:
        raise I2IError(f"this method cannot be written as ONNX: {_innermost(error)}") from error
    except ValueError as error:
        raise I2IError(f"this model cannot be written as one ONNX file: {error}") from error
    return data


def _describe(model: Any, shapes: Sequence[Takes], about: Mapping[str, str]) -> None:
    """Name the axes, say what the model is, and forget where the code lies that it came from."""
    import onnx_ir

    named = [*model.graph.inputs, *model.graph.outputs]
    for value, takes in zip(named, shapes, strict=True):
        value.shape = onnx_ir.Shape(takes.shape)
    for value in (*named, *model.graph.initializers.values()):
        value.metadata_props.clear()
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        for value in node.outputs:
            value.metadata_props.clear()
            if not value.is_graph_output():
                value.shape = None
    model.metadata_props.update(about)
    model.producer_name, model.producer_version = "i2i", about["i2i"]


def runner(data: bytes, takes: Sequence[Takes]) -> Run:
    """ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(given: Sequence[Tensor]) -> Tensor:
        inputs = {take.name: tensor.cpu().numpy() for take, tensor in zip(takes, given, strict=True)}
        return torch.from_numpy(session.run(None, inputs)[0])

    return run


def _innermost(error: BaseException) -> str:
    """What the cause of causes says."""
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error)
