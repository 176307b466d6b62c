"""Networks translate in the mode that the method asks for, and train on as before."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from i2i.core.batch import Draws, Parts
from i2i.core.errors import I2IError
from i2i.core.strategy import Inference
from i2i.engine.inference import compile_parts, inference, native_bf16, precision_for
from i2i.nets.blocks import Dropout
from i2i.nets.norms import BatchNorm


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.dropout = BatchNorm(2), Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.dropout(self.norm(x))
        return out


def made() -> tuple[Parts, Tensor]:
    torch.manual_seed(0)
    return Parts({"G": Net(), "pixel": abs}), torch.randn(4, 2, 3, 3)


def result(net: Parts, x: Tensor, mode: Inference, samples: range = range(4)) -> Tensor:
    with inference(net, mode, Draws(("test",), samples)):
        out: Tensor = net.G(x)
        return out


def test_running_statistics_and_no_dropout_are_what_pytorch_calls_eval() -> None:
    net, x = made()
    net.G.norm.running_mean += 1
    out = result(net, x, Inference())
    assert torch.equal(out, net.G.eval()(x)) and not out.requires_grad


def test_statistics_of_each_picture() -> None:
    net, x = made()
    out = result(net, x, Inference(statistics="picture"))
    assert out.mean((2, 3)).abs().max() < 1e-6 and (out.var((2, 3), unbiased=False) - 1).abs().max() < 1e-3
    assert not net.G.norm.running_mean.any()


def test_dropout_that_stays_belongs_to_the_picture() -> None:
    net, x = made()
    mode = Inference(dropout=True)
    whole = result(net, x, mode)
    assert 0.2 < (whole == 0).float().mean() < 0.8
    assert torch.equal(whole, result(net, x, mode))
    assert torch.equal(whole[2:], result(net, x[2:], mode, range(2, 4)))


@pytest.mark.parametrize("mode", [Inference(), Inference(dropout=True, statistics="picture")])
def test_the_mode_ends_even_after_an_error(mode: Inference) -> None:
    net, x = made()
    net.G.dropout.eval()
    before = [(m, m.training) for m in net.G.modules()]
    with pytest.raises(RuntimeError, match="on the way"), inference(net, mode, Draws(("test",), range(4))):
        raise RuntimeError("on the way")
    assert [(m, m.training) for m in net.G.modules()] == before
    assert not net.G.norm.per_picture and torch.is_grad_enabled()
    assert net.G(x).requires_grad and net.G.norm.running_mean.any()


def test_dropout_forgets_the_numbers_of_the_picture() -> None:
    net, x = made()
    result(net, x, Inference(dropout=True))
    assert net.G.dropout.draws is None


def test_compiled_networks_run_eagerly() -> None:
    net, x = made()
    runs: list[int] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> torch.fx.GraphModule:
        runs.append(1)
        return graph

    net.G.compile(backend=backend)
    result(net, x, Inference())
    assert not runs
    net.G(x)
    assert runs


class Doubled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)
        self.seen: list[torch.dtype] = []

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        self.seen.append(out.dtype)
        return out


def test_bf16_is_for_convolutions_and_ends_with_the_scope() -> None:
    net, x = Parts({"G": Doubled()}), torch.randn(1, 2, 3, 3)
    for precision in ("fp32", "bf16"):
        with inference(net, Inference(), precision=precision):
            net.G(x)
    net.G(x)
    assert net.G.seen == [torch.float32, torch.bfloat16, torch.float32]


@pytest.mark.parametrize(
    ("able", "bits", "precision"),
    [
        ({"avx512_bf16": True}, True, "bf16"),
        ({"amx_bf16": True}, True, "bf16"),
        ({"avx2": True}, True, "fp32"),
        ({"avx512_bf16": True}, False, "fp32"),
    ],
)
def test_bf16_is_for_eight_bits_where_it_is_native(
    monkeypatch: pytest.MonkeyPatch, able: dict[str, bool], bits: bool, precision: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    cpu = torch.device("cpu")
    assert precision_for("auto", cpu, eight_bits=bits) == precision
    assert precision_for("fp32", cpu, eight_bits=bits) == "fp32"
    assert precision_for("bf16", cpu, eight_bits=bits) == "bf16"
    assert precision_for("auto", torch.device("mps"), eight_bits=bits) == "fp32"


def test_a_gpu_has_bf16_from_ampere_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for capability, native in (((7, 5), False), ((8, 0), True), ((9, 0), True)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, which=capability: which)
        assert native_bf16(torch.device("cuda", 1)) is native


def test_compiled_networks_run_as_such_if_asked() -> None:
    net, x = made()
    runs: list[int] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> torch.fx.GraphModule:
        runs.append(1)
        return graph

    net.G.compile(backend=backend)
    with inference(net, Inference(), compiled=True):
        out = net.G(x)
    assert runs and torch.equal(out, result(net, x, Inference()))


def test_a_machine_without_a_compiler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(model: object) -> object:
        raise RuntimeError("No working C++ compiler found")

    monkeypatch.setattr(torch, "compile", lambda model: lambda x: refuse(model))
    net, _ = made()
    with pytest.raises(I2IError, match=r"^compile: this needs a C\+\+ compiler .* leave it out$"):
        compile_parts(net, torch.device("cpu"))
