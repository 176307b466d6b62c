"""What is wrong with a method is said in a sentence that names the phase."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from toy import pictures, size, slope, toy_engine

from i2i.core.batch import Batch, Parts
from i2i.core.errors import I2IError
from i2i.core.strategy import Phase
from i2i.engine.loop import Engine


def refused(engine: Engine) -> str:
    with pytest.raises(I2IError) as caught:
        list(engine.run([pictures()] * 2, 2))
    return str(caught.value)


def test_no_weight_is_reached() -> None:
    phase = Phase("generator", lambda net, x: {"gan": size(net.D(net.G(x.a).detach()))}, {"G": {"gan": 1.0}})
    sentence = (
        "phase 'generator' trains G, but its terms do not depend on any weight of G; "
        "was a tensor detached, or made under no_grad, in an earlier phase?"
    )
    assert refused(toy_engine(phase)) == sentence
    with torch.no_grad():
        fake = toy_engine(phase).net.G(pictures()["a"])
    constant = Phase("generator", lambda net, x: {"gan": size(fake)}, {"G": {"gan": 1.0}})
    assert refused(toy_engine(constant)) == sentence


def test_one_of_two_networks_is_not_reached() -> None:
    phase = Phase(
        "generators", lambda net, x: {"gan": size(net.G(x.a))}, {"G": {"gan": 1.0}, "E": {"gan": 1.0}}
    )
    assert refused(toy_engine(phase)).startswith(
        "phase 'generators' trains E, but its terms do not depend on any weight of E;"
    )


def test_terms_and_table_disagree() -> None:
    phase = Phase("generator", lambda net, x: {"pixel": size(net.G(x.a))}, {"G": {"pixl": 1.0}})
    assert refused(toy_engine(phase)) == "phase 'generator': terms and objectives disagree about pixel, pixl"


def test_a_term_is_no_mean() -> None:
    phase = Phase("generator", lambda net, x: {"pixel": net.G(x.a)}, {"G": {"pixel": 1.0}})
    assert (
        refused(toy_engine(phase)) == "phase 'generator': pixel should be one number, a mean over the batch"
    )


def test_a_graph_is_used_twice() -> None:
    def prepare(net: Parts, x: Batch) -> None:
        x.fake = net.G(x.a)

    judge = Phase("discriminator", lambda net, x: {"judged": size(net.D(x.fake))}, {"D": {"judged": 1.0}})
    both = Phase("both", lambda net, x: {"seen": size(x.fake)}, {"G": {"seen": 1.0}})
    again = Phase("generator", lambda net, x: {"gan": size(net.D(x.fake))}, {"G": {"gan": 1.0}})
    assert refused(toy_engine(both, judge, again, prepare=prepare)) == (
        "phase 'generator': it follows a tensor back through a graph that an earlier phase has already used up; "
        "compute the tensor again in this phase, or detach it"
    )


def test_a_gradient_is_differentiated_in_a_compiled_network() -> None:
    phase = Phase("discriminator", slope, {"D": {"penalty": 1.0}})
    assert refused(toy_engine(phase, compiled=True)) == (
        "phase 'discriminator': it differentiates a gradient; compute that gradient inside i2i.second_order()"
    )


def test_another_error_of_autograd_passes() -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(context: Any, gradient: Tensor) -> Tensor:
            raise RuntimeError("my own fault")

    phase = Phase("only", lambda net, x: {"size": size(Wrong.apply(net.G(x.a)))}, {"G": {"size": 1.0}})
    with pytest.raises(RuntimeError, match="my own fault"):
        toy_engine(phase).advance(pictures())
