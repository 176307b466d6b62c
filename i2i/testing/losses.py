"""What losses keep to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from i2i.core.registry import Component
from i2i.testing.building import left_behind
from i2i.testing.calling import called_with, is_adversarial, needed
from i2i.testing.comparing import unequal
from i2i.testing.randomness import draws
from i2i.testing.values import at_bounds, others, refusal, unforeseen
from i2i.testing.workbench import Workbench

COUNT, SIDE = 4, 32
ROLES = ("real", "fake", "fool")
CLOSE = 1e-5
"""fp32 sums of some thousand values in another order, relative to the value."""

Call = Callable[..., Tensor]


def built(bench: Workbench, loss: Component, changed: Mapping[str, Any] | None = None) -> Any:
    """The loss.

    Raises:
        I2IError: it cannot be built.
    """
    return bench.build(loss, changed or {}, bench.facts(loss))


def cases(loss: Component) -> dict[str, tuple[tuple[Tensor, ...], tuple[Any, ...]]]:
    """What it is called with: tensors, and what follows them; once for each role of an adversarial loss."""
    random = torch.Generator().manual_seed(3)
    if is_adversarial(loss):
        scores = torch.randn(COUNT, 1, 6, 6, generator=random)
        return {role: ((scores,), (role,)) for role in ROLES}
    count = len(needed(called_with(loss.factory)))
    pictures = (torch.rand(COUNT, 3, SIDE, SIDE, generator=random) * 2 - 1 for _ in range(max(1, count)))
    return {"": (tuple(pictures), ())}


def one_number(bench: Workbench, loss: Component) -> Iterator[str]:
    """It gives one finite number, whose gradient reaches its first tensor."""
    for role, (tensors, rest) in cases(loss).items():
        given, call = f" for the role '{role}'" if role else "", built(bench, loss)
        first = tensors[0].clone().requires_grad_()
        value = call(first, *tensors[1:], *rest)
        if not isinstance(value, Tensor) or value.numel() != 1:
            shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            yield f"it gives {shape}{given}; return one number, the mean over the samples"
        elif not value.isfinite():
            yield f"it gives {float(value)}{given} for ordinary pictures"
        elif not value.requires_grad:
            yield f"no gradient goes from it to its first tensor{given}: something is detached, or made under no_grad"
        else:
            (gradient,) = torch.autograd.grad(value, first)
            if not gradient.isfinite().all():
                yield f"its gradient is not finite{given} for ordinary pictures"


def alike(bench: Workbench, loss: Component) -> Iterator[str]:
    """Its gradient is finite where pictures are equal or flat, too."""
    for role, (tensors, rest) in cases(loss).items():
        same = [torch.zeros_like(tensor) for tensor in tensors]
        first = same[0].requires_grad_()
        value = built(bench, loss)(first, *same[1:], *rest)
        (gradient,) = torch.autograd.grad(value, first, allow_unused=True)
        if not value.isfinite() or (gradient is not None and not gradient.isfinite().all()):
            yield (
                f"where its tensors are all zero{f' and the role is {role}' if role else ''}, its value or gradient is "
                "not finite: keep roots, logs and divisors away from zero by a small constant"
            )
            return


def mean(bench: Workbench, loss: Component) -> Iterator[str]:
    """It is a mean over the samples."""
    for tensors, rest in cases(loss).values():
        call = built(bench, loss)
        whole = call(*tensors, *rest)
        halves = [call(*(t[k : k + COUNT // 2] for t in tensors), *rest) for k in (0, COUNT // 2)]
        parts = torch.stack(halves).mean()
        if torch.isclose(whole, parts, rtol=1e-4, atol=CLOSE):
            continue
        if torch.isclose(whole, 2 * parts, rtol=1e-4):
            yield (
                "it is a sum over the batch: twice the samples give twice the value; return the mean over the samples, "
                "so that micro-batches and processes average correctly"
            )
        else:
            yield (
                f"it is {float(whole):.4g} for a batch, but {float(parts):.4g} on average over its halves; return a "
                "mean over the samples, in which each sample counts alone"
            )
        return


def memory(bench: Workbench, loss: Component) -> Iterator[str]:
    """It gives the same every time: nothing is remembered, drawn at random or changed in place."""
    for tensors, rest in cases(loss).values():
        if said := _unsteady(bench, loss, tensors, rest):
            yield said
            return


def _unsteady(bench: Workbench, loss: Component, tensors: tuple[Tensor, ...], rest: tuple[Any, ...]) -> str:
    """What a loss does beside giving its value; empty where it does nothing."""
    call, kept = built(bench, loss), [tensor.clone() for tensor in tensors]
    first = call(*tensors, *rest)
    if draws(lambda: call(*tensors, *rest)):
        return "it draws from random numbers that all of Python shares; it has to give the same every time"
    if any(unequal({"": one}, {"": other}) for one, other in zip(kept, tensors, strict=True)):
        return "it changes the tensors that it is given; do without operations in place (add_, clamp_, …)"
    again, stateful = built(bench, loss), isinstance(call, nn.Module)
    if stateful:
        again.load_state_dict(call.state_dict())
    third, same = call(*tensors, *rest), again(*tensors, *rest)
    if unequal({"": third}, {"": same}) or (not stateful and unequal({"": first}, {"": third})):
        return (
            "it gives another value the second time for the same tensors: it remembers something; derive it from "
            "torch.nn.Module and keep that as a buffer, so that a checkpoint holds it"
        )
    return ""


def device(bench: Workbench, loss: Component) -> Iterator[str]:
    """All of it moves to a device with it."""
    for tensors, rest in cases(loss).values():
        call = built(bench, loss)
        moved = call.to("meta") if isinstance(call, nn.Module) else call
        if said := left_behind(functools.partial(moved, *(tensor.to("meta") for tensor in tensors), *rest)):
            yield said
            return


def defaults(bench: Workbench, loss: Component) -> Iterator[str]:
    """It is built with every default."""
    ref = bench.registry.resolve("loss", {"name": loss.name, **bench.given(loss)}, "loss")
    made = bench.registry.build(ref, {}, {})
    if isinstance(made, nn.Module) and any(weight.requires_grad for weight in made.parameters()):
        yield "it has weights that nobody trains, because it is a loss; freeze them: self.requires_grad_(False)"


def bounds(bench: Workbench, loss: Component) -> Iterator[str]:
    """With every option at its limits it gives a finite number, or refuses the value in a sentence."""
    for option, value in at_bounds(loss):
        try:
            call = built(bench, loss, {option: value})
            for role, (tensors, rest) in cases(loss).items():
                if not call(*tensors, *rest).isfinite().all():
                    yield (
                        f"with {option} = {value!r} it is not finite{f' ({role})' if role else ''}; give the option "
                        "narrower limits"
                    )
        except Exception as error:
            if (cause := unforeseen(error)) is not None:
                yield refusal(option, value, cause)


def options(bench: Workbench, loss: Component) -> Iterator[str]:
    """Every option changes its value or its gradient."""
    usual = _behaviour(bench, loss, {})
    for option in loss.signature.options.model_fields:
        default = bench.options(loss).get(option, loss.signature.defaults().get(option))
        values = others(loss.signature, option, default)
        if values and all(_same(bench, loss, {option: value}, usual) for value in values):
            yield f"the option {option} changes nothing; use it, or delete it"


def _same(bench: Workbench, loss: Component, changed: Mapping[str, Any], usual: Mapping[str, Tensor]) -> bool:
    try:
        return not unequal(_behaviour(bench, loss, changed), usual)
    except Exception:
        return False  # it is looked at; whether that ends in a sentence, `bounds` says


def _behaviour(bench: Workbench, loss: Component, changed: Mapping[str, Any]) -> dict[str, Tensor]:
    made: dict[str, Tensor] = {}
    call = built(bench, loss, changed)
    for role, (tensors, rest) in cases(loss).items():
        first = tensors[0].clone().requires_grad_()
        value = call(first, *tensors[1:], *rest)
        gradient = torch.autograd.grad(value, first, allow_unused=True)[0]
        made |= {
            f"{role} value": value.detach(),
            f"{role} gradient": torch.zeros(()) if gradient is None else gradient,
        }
        if isinstance(getattr(call, "penalty_weight", None), float):
            made["penalty"] = torch.tensor(call.penalty_weight)
    return made


def half_precision(bench: Workbench, loss: Component) -> Iterator[str]:
    """In bf16 it stays near its value in fp32."""
    for role, (tensors, rest) in cases(loss).items():
        call = built(bench, loss)
        full = call(*tensors, *rest)
        with torch.autocast("cpu", torch.bfloat16):
            half = call(*(tensor.bfloat16() for tensor in tensors), *rest)
        if not torch.isclose(half.float(), full.float(), rtol=0.05, atol=0.02):
            yield (
                f"it is {float(half):.4g} on bf16 tensors and {float(full):.4g} in fp32{f' ({role})' if role else ''}; "
                "compute in fp32 (.float())"
            )
            return


def compiled(bench: Workbench, loss: Component) -> Iterator[str]:
    """Compiled, it gives the same."""
    for tensors, rest in cases(loss).values():
        call = built(bench, loss)
        torch.compiler.reset()
        fast = torch.compile(lambda *given, call=call, rest=rest: call(*given, *rest), backend="aot_eager")
        if not torch.isclose(fast(*tensors), call(*tensors, *rest), rtol=1e-4, atol=CLOSE):
            yield "compiled, it gives another value than eagerly"
            return
