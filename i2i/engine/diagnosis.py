"""What is wrong with a method, in sentences that name the phase."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.strategy import Phase


def check_terms(phase: Phase, terms: Mapping[str, Tensor]) -> None:
    """Refuse a phase whose terms and table do not name the same things.

    Raises:
        I2IError: a term without a weight, or a weight without a term.
    """
    weighted = {term for row in phase.minimise.values() for term in row}
    odd = sorted(weighted ^ set(terms))
    if odd:
        raise I2IError(f"phase '{phase.name}': terms and objectives disagree about {', '.join(odd)}")
    shaped = [name for name, term in terms.items() if term.numel() != 1]
    if shaped:
        raise I2IError(
            f"phase '{phase.name}': {', '.join(shaped)} should be one number, a mean over the batch"
        )


def unreached(phase: Phase, names: Iterable[str]) -> str:
    """That no gradient arrives at these networks."""
    one = ", ".join(names)
    return (
        f"phase '{phase.name}' trains {one}, but its terms do not depend on any weight of {one}; "
        "was a tensor detached, or made under no_grad, in an earlier phase?"
    )


@contextmanager
def explained(phase: Phase, names: Sequence[str]) -> Iterator[None]:
    """Turn autograd's words into ours."""
    try:
        yield
    except RuntimeError as error:
        text = str(error)
        if "does not require grad" in text:
            raise I2IError(unreached(phase, names)) from error
        if "backward through the graph a second time" in text:
            raise I2IError(
                f"phase '{phase.name}': it follows a tensor back through a graph that an earlier phase has already "
                "used up; compute the tensor again in this phase, or detach it"
            ) from error
        if "double backward" in text:
            raise I2IError(
                f"phase '{phase.name}': it differentiates a gradient; compute that gradient inside i2i.second_order()"
            ) from error
        raise
