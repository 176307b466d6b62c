"""Networks as they translate: without gradients, in the mode that the method asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from i2i.core.batch import Draws, Parts
from i2i.core.eager import eagerly
from i2i.core.errors import I2IError
from i2i.core.strategy import Inference
from i2i.nets.blocks import Dropout
from i2i.nets.norms import BatchNorm

BF16_ON_CPU = ("avx512_bf16", "amx_bf16")
"""Instructions with which a CPU multiplies bf16 numbers; without them bf16 is slower than fp32."""


@contextmanager
def inference(
    net: Parts,
    mode: Inference,
    draws: Draws | None = None,
    *,
    precision: str = "fp32",
    compiled: bool = False,
) -> Iterator[None]:
    """Put the networks in the method's inference mode, and back again.

    Args:
        net: the parts.
        mode: of the method.
        draws: feeds the dropout that stays active, so that a seed fixes the result.
        precision: fp32, or bf16: convolutions and products of matrices in bf16, norms in fp32.
        compiled: whether compiled networks run as such; else eagerly.
    """
    modules = [m for part in net.modules().values() for m in part.modules()]
    before = [(m, m.training) for m in modules]
    dropouts = [m for m in modules if isinstance(m, Dropout)]
    earlier = [dropout.draws for dropout in dropouts]
    norms = [m for m in modules if isinstance(m, BatchNorm)]
    for module in modules:
        module.training = mode.dropout and isinstance(module, Dropout)
    for dropout in dropouts:
        dropout.draws = draws
    for norm in norms:
        norm.per_picture = mode.statistics == "picture"
    try:
        with _computing(net, precision, compiled):
            yield
    finally:
        for module, training in before:
            module.training = training
        for dropout, numbers in zip(dropouts, earlier, strict=True):
            dropout.draws = numbers
        for norm in norms:
            norm.per_picture = False


@contextmanager
def _computing(net: Parts, precision: str, compiled: bool) -> Iterator[None]:
    with ExitStack() as scope:
        scope.enter_context(torch.no_grad())
        if not compiled:
            scope.enter_context(eagerly())
        if precision == "bf16":
            scope.enter_context(torch.autocast(_device(net).type, torch.bfloat16))
        yield


def _device(net: Parts) -> torch.device:
    weights = (weight for part in net.modules().values() for weight in part.parameters())
    return next((weight.device for weight in weights), torch.device("cpu"))


def precision_for(asked: str, device: torch.device, *, eight_bits: bool) -> str:
    """The precision that "auto" means: bf16 for results of 8 bits where the device has it natively, else fp32."""
    if asked != "auto":
        return asked
    return "bf16" if eight_bits and native_bf16(device) else "fp32"


def native_bf16(device: torch.device) -> bool:
    """Whether a device computes with bf16 itself; where it only imitates it, fp32 is faster."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):  # older ones do not say it
        return False
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in BF16_ON_CPU)


def compile_parts(net: Parts, device: torch.device) -> None:
    """Compile the networks in place, for `inference(compiled=True)`; each shape of input compiles at its first use.

    Raises:
        I2IError: this machine cannot compile.
    """
    if missing := missing_compiler(device):
        raise I2IError(f"compile: this needs {missing} that works, and there is none; leave it out")
    for part in net.modules().values():
        part.compile()


def missing_compiler(device: torch.device) -> str:
    """What a device lacks to compile networks; empty where they can be."""
    try:
        torch.compile(_one_more)(torch.zeros(8, device=device))
    except RuntimeError:
        return "Triton" if device.type == "cuda" else "a C++ compiler (g++, clang or MSVC)"
    return ""


def _one_more(x: torch.Tensor) -> torch.Tensor:
    return x + 1


def release(device: torch.device) -> None:
    """Give back the memory of a GPU that nothing uses any more."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
