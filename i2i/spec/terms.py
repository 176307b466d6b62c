"""Losses that a spec adds to a method, on tensors that the method leaves on the batch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from i2i.core.batch import Batch, Parts
from i2i.core.errors import I2IError, Problem, SpecError, lacks_memory
from i2i.core.registry import Registry
from i2i.core.words import counted
from i2i.spec.sections import Term

Loss = Callable[..., Tensor]


def term_loss(name: str, term: Term, registry: Registry, offers: Mapping[str, Any]) -> Loss:
    """The loss of a term.

    Raises:
        SpecError: it takes another number of tensors, or something else than tensors.
        I2IError: it cannot be built.
    """
    try:
        loss: Loss = registry.build(term.loss, offers, {})
    except I2IError as error:
        raise I2IError(f"terms.{name}.loss: {error}") from error
    needed, taken = _parameters(loss)
    if "role" in needed:
        raise SpecError([_judging(name, term)])
    if len(term.of) < len(needed) or len(term.of) > len(taken):
        raise SpecError([_miscounted(name, term, taken)])
    return loss


def measured(name: str, term: Term, loss: Loss, x: Batch) -> Tensor:
    """A term of a micro-batch, unweighted.

    Raises:
        I2IError: the loss does not take these tensors, or gives something else than one number.
    """
    try:
        value = loss(*(x.fields()[of] for of in term.of))
    except I2IError:
        raise
    except Exception as error:
        if lacks_memory(error):
            raise
        raise I2IError(
            f"terms.{name}: loss '{term.loss.name}' does not take {', '.join(term.of)}: {_why(error)}"
        ) from error
    if not isinstance(value, Tensor) or value.numel() != 1 or not value.is_floating_point():
        raise I2IError(
            f"terms.{name}: loss '{term.loss.name}' should give one number, a mean over the batch, and gives "
            f"{_shown(value)}"
        )
    return value


def check_reach(name: str, term: Term, value: Tensor, net: Parts) -> None:
    """Refuse a term that trains nothing; one of several networks may well have no part in it.

    Raises:
        SpecError: no weight of the networks that should minimise it has made its tensors.
    """
    trained = {id(weight) for network in term.minimised_by for weight in net[network].parameters()}
    if not any(id(weight) in trained for weight in _origins(value)):
        of, networks = " and ".join(term.of), " or ".join(term.minimised_by)
        message = f"nothing would be trained: no weight of {networks} has a part in {of}"
        raise SpecError([Problem(f"terms.{name}.minimised_by", message)])


def _parameters(loss: Loss) -> tuple[list[str], list[str]]:
    """The names of the tensors that a loss needs, and of all that it takes."""
    called = loss.forward if isinstance(loss, nn.Module) else loss
    given = [
        parameter
        for parameter in inspect.signature(called).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    return [each.name for each in given if each.default is each.empty], [each.name for each in given]


def _judging(name: str, term: Term) -> Problem:
    return Problem(
        f"terms.{name}.loss",
        f"'{term.loss.name}' judges the scores of a discriminator as real, fake or fool, and a term has none",
        f'choose it for the method instead (strategy.gan = "{term.loss.name}"), or a loss on tensors, "l1"',
    )


def _miscounted(name: str, term: Term, taken: list[str]) -> Problem:
    message = (
        f"loss '{term.loss.name}' takes {counted(len(taken), 'tensor')} ({', '.join(taken)}), and here "
        f"{'is' if len(term.of) == 1 else 'are'} {len(term.of)} ({', '.join(term.of)})"
    )
    return Problem(f"terms.{name}.of", message)


def _why(error: Exception) -> str:
    """What an error says; where it is no sentence for users, with its kind."""
    text = str(error).splitlines()[0] if str(error) else ""
    return text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


def _shown(value: object) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    kind = "" if value.is_floating_point() else f" of whole numbers ({value.dtype})"
    return f"a tensor {tuple(value.shape)}{kind}"


def _origins(value: Tensor) -> Iterator[Tensor]:
    """The weights that a value was made with."""
    seen: set[Any] = set()
    ahead: list[Any] = [value.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        ahead += [before for before, _ in node.next_functions]
