"""What generators, discriminators and encoders keep to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from i2i.core.errors import I2IError
from i2i.core.registry import Component
from i2i.nets.joining import steady
from i2i.testing.building import COUNT, built, facts_of, inputs, left_behind, positional, ran
from i2i.testing.calling import called_with, needed
from i2i.testing.comparing import in_words, numbered, tensors_in, unequal
from i2i.testing.randomness import draws
from i2i.testing.values import at_bounds, others, refusal, unforeseen
from i2i.testing.workbench import SIDE, Workbench

ALONE = 1e-4
"""fp32: a sample alone and among others, sums in another order through a dozen layers."""


def forward(bench: Workbench, network: Component) -> Iterator[str]:
    """`forward` takes the picture followed by what the facts stand for, and gives what its kind should."""
    facts = facts_of(bench, network)
    given, takes = inputs(network, facts), positional(network)
    needs = needed(called_with(network.factory))
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
    gaps = _neighbours(built(bench, network).eval(), bench, network)
    if gaps := gaps or _neighbours(built(bench, network).train(), bench, network):
        yield (
            f"a sample's result depends on the other samples (by {_size(gaps)}); take means and norms "
            "over the dimensions behind the first, or use i2i.nets.BatchNorm, which i2i knows how to treat"
        )


def _neighbours(module: nn.Module, bench: Workbench, network: Component) -> list[str]:
    """By how much the results of a sample differ without its neighbours."""
    if not steady(module):
        return []
    given = inputs(network, facts_of(bench, network))
    with torch.no_grad():
        whole = numbered(ran(module, given))
        alone = numbered(module(*(tensor[:1] for tensor in given.values())))
    return unequal({key: t[:1] for key, t in whole.items()}, alone, ALONE)


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
    if draws(lambda: ran(module, given)):
        yield (
            "its forward draws from random numbers that all of Python shares (torch.randn, nn.Dropout, random, numpy); "
            "use i2i.nets.Dropout, and take other random numbers as an input"
        )


def inputs_kept(bench: Workbench, network: Component) -> Iterator[str]:
    """A forward pass leaves its inputs as they are."""
    given = inputs(network, facts_of(bench, network))
    kept = {name: tensor.clone() for name, tensor in given.items()}
    ran(built(bench, network), given)
    if changed := unequal(kept, given):
        yield (
            f"its forward changes the {changed[0].partition(':')[0]} that it is given; do without operations in place "
            "(add_, clamp_, …)"
        )


def device(bench: Workbench, network: Component) -> Iterator[str]:
    """All of it moves to a device with it."""
    moved, given = built(bench, network).to("meta"), inputs(network, facts_of(bench, network))
    if said := left_behind(lambda: ran(moved, {name: tensor.to("meta") for name, tensor in given.items()})):
        yield said


def sizes(bench: Workbench, network: Component) -> Iterator[str]:
    """A generator that is not told the size of pictures takes others, too, or refuses them in a sentence."""
    facts = facts_of(bench, network)
    if network.kind != "generator" or "in_channels" not in facts or {"image_size", "resolution"} & {*facts}:
        return
    given = inputs(network, facts, width=2 * SIDE)
    try:
        made = ran(built(bench, network), given)
    except ValueError:
        return
    except RuntimeError as error:
        yield (
            f"it works on pictures of {SIDE}×{SIDE} only ({str(error).splitlines()[0]}); results have the size of "
            "their inputs: take the size from the picture, or take the fact image_size"
        )
        return
    if made.shape[2:] != given["image"].shape[2:]:
        size = f"{made.shape[3]}×{made.shape[2]}"
        yield f"of {2 * SIDE}×{SIDE} pixels it makes {size}; a result has the size of its input"


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
        except Exception as error:
            if (cause := unforeseen(error)) is not None:
                yield refusal(option, value, cause)


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
