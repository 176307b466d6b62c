"""A translator as a program of torch.export: one graph for every size, without paths of this machine."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram
from torch.utils._sympy.numbers import int_oo
from torch.utils._sympy.value_ranges import ValueRanges

from i2i.core.errors import I2IError
from i2i.translate.exporting.parity import first_line
from i2i.translate.exporting.translator import Takes, Translator

# What guards the sizes that were seen while tracing; the others are checked by running them.
GUARDS = (torch.ops.aten._assert_scalar.default, torch.ops.aten._assert_tensor_metadata.default)
# What tells where the code lies that a node came from.
ORIGINS = ("stack_trace", "source_fn_stack", "nn_module_stack", "torch_fn", "from_node")

# How torch says that an axis of an input got fixed.
STATIC = re.compile(r"inferred a static shape of \d+ for dimension \S*shape\[(\d)\]")


def trace(translator: Translator, example: Sequence[Tensor]) -> ExportedProgram:
    """Trace a translator.

    Args:
        translator: what is traced; its buffers of a single number become constants.
        example: inputs, of two pictures at least.

    Raises:
        I2IError: it cannot be traced.
    """
    _hold_numbers(translator)
    shapes = {"given": tuple(_dimensions(take) for take in translator.takes)}
    try:
        with quiet(), torch.no_grad():
            program = torch.export.export(
                translator,
                tuple(example),
                dynamic_shapes=shapes,
                strict=False,
                prefer_deferred_runtime_asserts_over_guards=True,
            )
    except Exception as error:  # torch.export has no error of its own
        raise I2IError(f"this method cannot be exported: {_reason(error)}") from error
    _widen(program)
    _clean(program)
    return program


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what torch tells along the way."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _hold_numbers(translator: Translator) -> None:
    """Turn buffers of a single number into constants: a method may decide by them what it computes."""
    for module in translator.parts.modules():
        for name, buffer in [*module._buffers.items()]:
            if buffer is not None and buffer.ndim == 0:
                delattr(module, name)
                setattr(module, name, buffer)


def _dimensions(takes: Takes) -> dict[int, Any]:
    """Which axes of an input have any size; those of random numbers may follow from others."""
    free = ("batch", "height", "width")
    return {
        axis: Dim.DYNAMIC if word in free else Dim.AUTO
        for axis, word in enumerate(takes.shape)
        if isinstance(word, str)
    }


def _widen(program: ExportedProgram) -> None:
    """Take back that sides are at least so long: tracing decides how tensors lie in memory by the size that it sees."""
    for symbol in program.range_constraints:
        program.range_constraints[symbol] = ValueRanges(1, int_oo)


def _clean(program: ExportedProgram) -> None:
    """Take out what only some sizes pass, and what tells where the code lies."""
    graph = program.graph_module.graph
    for node in [*graph.nodes]:
        if node.target in GUARDS:
            graph.erase_node(node)
    graph.eliminate_dead_code()
    for node in graph.nodes:
        for name in ORIGINS:
            node.meta.pop(name, None)
    program.graph_module.recompile()


def _reason(error: Exception) -> str:
    """The first line of what torch says; what to do where a size got fixed."""
    text = str(error)
    if fixed := STATIC.search(text):
        if fixed[1] == "0":
            return "its code fixes the number of pictures; it should say x.a.shape[0] instead of len(x.a)"
        return "its code fixes the height or the width of pictures; it should leave x.a.shape as it is"
    return first_line(error)
