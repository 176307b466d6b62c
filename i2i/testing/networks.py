"""What generators, discriminators and encoders keep to."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.registry import Component
from i2i.nets.joining import steady
from i2i.testing.building import COUNT, built, facts_of, inputs, ran
from i2i.testing.calling import POSITIONAL, called_with
from i2i.testing.comparing import in_words, numbered, tensors_in, unequal
from i2i.testing.values import at_bounds, others, refusal
from i2i.testing.workbench import SIDE, Workbench

ALONE = 1e-4
"""fp32: a sample alone and among others, sums in another order through a dozen layers."""


def forward(bench: Workbench, network: Component) -> Iterator[str]:
    """`forward` takes the picture followed by what the facts stand for, and gives what its kind should."""
    facts = facts_of(bench, network)
    given, parameters = inputs(network, facts), called_with(network.factory)
    takes = [p.name for p in parameters if p.kind in POSITIONAL]
    needs = [p.name for p in parameters if p.kind in POSITIONAL and p.default is inspect.Parameter.empty]
    if not len(needs) <= len(given) <= len(takes):
        yield (
            f"it is told {', '.join(network.signature.facts)}, so its forward is called with {', '.join(given)}; "
            f"it takes {', '.join(takes) or 'nothing'}"
        )
        return
    result = ran(built(bench, network), given)
    yield from _odd_result(network, facts, result)


def _odd_result(network: Component, facts: Mapping[str, Any], result: Any) -> Iterator[str]:
    found = list(tensors_in(result))
    if network.kind == "generator":
        picture = (COUNT, facts.get("out_channels", 3), SIDE, SIDE)
        if not isinstance(result, Tensor) or result.shape != picture:
            shape = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
            yield f"it makes {shape} of pictures of {SIDE}×{SIDE}; it should make {picture}"
        elif result.abs().max() > 1:
            yield f"it makes values up to {float(result.abs().max()):.3g}; pictures are in [-1, 1]: end it with tanh"
    elif network.kind == "encoder":
        code = (COUNT, facts.get("latent", 4))
        if not found or any(tensor.shape != code for tensor in found):
            shapes = [tuple(t.shape) for t in found]
            yield f"it makes {shapes}; it should make {code}, or a mean and the log of a variance of that shape"
    elif not found or any(len(tensor) != COUNT for tensor in found):
        yield f"it makes {[tuple(t.shape) for t in found]} of {COUNT} pictures; each should hold scores of {COUNT}"
    if any(not tensor.isfinite().all() for tensor in found):
        yield "it makes values that are not finite"


def reach(bench: Workbench, network: Component) -> Iterator[str]:
    """A gradient reaches every weight."""
    module = built(bench, network)
    result = ran(module, inputs(network, facts_of(bench, network)))
    torch.autograd.backward(_loss(result))
    lost = [
        name for name, weight in module.named_parameters() if weight.requires_grad and weight.grad is None
    ]
    if lost:
        yield f"no gradient reaches {in_words(lost)}; use these weights in forward, or delete them"


def _size(gaps: list[str]) -> str:
    """How large the first of several differences is."""
    return gaps[0].partition(": ")[2]


def _loss(result: Any) -> Tensor:
    return torch.stack([tensor.float().square().mean() for tensor in tensors_in(result)]).sum()


def samples(bench: Workbench, network: Component) -> Iterator[str]:
    """A sample's result does not depend on the others, but by batch norm."""
    module = built(bench, network).eval()
    if not steady(module):
        return
    given = inputs(network, facts_of(bench, network))
    with torch.no_grad():
        whole = numbered(ran(module, given))
        alone = numbered(module(*(tensor[:1] for tensor in given.values())))
    if gaps := unequal({key: t[:1] for key, t in whole.items()}, alone, ALONE):
        yield (
            f"a sample's result depends on the other samples (by {_size(gaps)}); take means and norms "
            "over the dimensions behind the first, or use i2i.nets.BatchNorm, which i2i knows how to treat"
        )


def state(bench: Workbench, network: Component) -> Iterator[str]:
    """All that it remembers is in its state_dict."""
    one, other = built(bench, network), built(bench, network)
    given = inputs(network, facts_of(bench, network))
    for _ in range(3):
        ran(one, given)
    other.load_state_dict(one.state_dict())
    if gaps := unequal(numbered(ran(one, given)), numbered(ran(other, given))):
        yield (
            f"it remembers something that its state_dict does not hold (results differ by {_size(gaps)}); "
            "keep it as a buffer: self.register_buffer(…)"
        )


def random_numbers(bench: Workbench, network: Component) -> Iterator[str]:
    """A forward pass draws no global random numbers."""
    module, given = built(bench, network), inputs(network, facts_of(bench, network))
    before = torch.get_rng_state()
    ran(module, given)
    if not torch.equal(before, torch.get_rng_state()):
        yield (
            "its forward draws from torch's global random numbers (torch.randn, nn.Dropout); use i2i.nets.Dropout, and "
            "take other random numbers as an input"
        )


def defaults(bench: Workbench, network: Component) -> Iterator[str]:
    """It is built with every default."""
    table = {"name": network.name, **bench.given(network)}
    ref = bench.registry.resolve(network.kind, table, network.kind, offers={"image_size": SIDE})
    bench.registry.build(ref, {}, facts_of(bench, network))
    yield from ()


def bounds(bench: Workbench, network: Component) -> Iterator[str]:
    """With every option at its limits it runs, or refuses the value in a sentence."""
    given = inputs(network, facts_of(bench, network))
    for option, value in at_bounds(network):
        try:
            ran(built(bench, network, {option: value}), given)
        except I2IError as error:
            if "cannot be built with these options" in str(error):
                yield refusal(option, value, _cause(error))
        except ValueError:
            continue  # a sentence about the picture that is too small for it
        except Exception as error:
            yield refusal(option, value, error)


def _cause(error: Exception) -> Exception:
    return error.__cause__ if isinstance(error.__cause__, Exception) else error


def options(bench: Workbench, network: Component) -> Iterator[str]:
    """Every option changes its weights, or what it makes."""
    usual = _behaviour(bench, network, {})
    small = bench.options(network)
    for option in network.signature.options.model_fields:
        default = small.get(option, network.signature.defaults().get(option))
        values = others(network.signature, option, default)
        if values and all(_same(bench, network, {option: value}, usual) for value in values):
            yield f"the option {option} changes nothing; use it, or delete it"


def _same(
    bench: Workbench, network: Component, changed: Mapping[str, Any], usual: tuple[Mapping[str, Tensor], str]
) -> bool:
    try:
        behaviour = _behaviour(bench, network, changed)
    except (I2IError, ValueError, RuntimeError):
        return False  # it is looked at
    return behaviour[1] == usual[1] and not unequal(behaviour[0], usual[0])


def _behaviour(
    bench: Workbench, network: Component, changed: Mapping[str, Any]
) -> tuple[Mapping[str, Tensor], str]:
    module = built(bench, network, changed)
    result = ran(module, inputs(network, facts_of(bench, network)))
    return {**module.state_dict(), **numbered(result)}, repr(module)


def half_precision(bench: Workbench, network: Component) -> Iterator[str]:
    """It runs in bf16."""
    module, given = built(bench, network), inputs(network, facts_of(bench, network))
    with torch.autocast("cpu", torch.bfloat16):
        result = ran(module, given)
    if any(not tensor.isfinite().all() for tensor in tensors_in(result)):
        yield "in bf16 it makes values that are not finite; compute sums, powers and norms in fp32 (.float())"


def compiled(bench: Workbench, network: Component) -> Iterator[str]:
    """Compiled, it makes what it makes eagerly."""
    module, given = built(bench, network).double().eval(), inputs(network, facts_of(bench, network))
    doubled = {name: t.double() if t.is_floating_point() else t for name, t in given.items()}
    eager = numbered(ran(module, doubled))
    torch.compiler.reset()
    module.compile(backend="aot_eager")
    if gaps := unequal(eager, numbered(module(*doubled.values())), 1e-8):
        yield f"compiled, it makes something else than eagerly (by {_size(gaps)})"
