"""Numbers that go wrong: terms, gradients and weights that are not finite, caught before they can spread."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from i2i.core.errors import I2IError
from i2i.core.words import listed

SHOWN = 3  # names of weights in a sentence


class NonFiniteError(I2IError):
    """A step met numbers that are nan or infinite; no network took them in.

    Attributes:
        step: which one, counted from 1.
        phase: where; empty where weights were found to be so between steps.
        terms: those that are not finite, unweighted, by name.
        networks: that the phase trains, or whose weights are not finite.
        images: samples seen before the step.
    """

    def __init__(
        self,
        what: str,
        step: int,
        images: int,
        phase: str = "",
        terms: Mapping[str, float] | None = None,
        networks: Sequence[str] = (),
    ) -> None:
        where = f"step {step}, phase '{phase}'" if phase else f"step {step}"
        super().__init__(f"{where}: {what}")
        self.step, self.phase, self.images = step, phase, images
        self.terms, self.networks = dict(terms or {}), tuple(networks)

    def explain(self, lines: Sequence[str]) -> None:
        """Add lines to the sentence: what the engine does not know."""
        self.args = ("\n    ".join([str(self), *lines]),)


def gradients(weights: Iterable[nn.Parameter]) -> list[Tensor]:
    """The gradients that are there."""
    return [weight.grad for weight in weights if weight.grad is not None]


def total(tensors: Sequence[Tensor]) -> Tensor:
    """One number that is not finite if any of these is not; huge ones may overflow, so look closer then.

    The sum of squares is the one reduction that is as fast as memory, on every device.
    """
    return torch.nn.utils.get_total_norm(tensors)


def bad(named: Iterable[tuple[str, Tensor | None]]) -> dict[str, str]:
    """The names of tensors that are not finite: "nan" or "infinite" by name."""
    found = {name: tensor for name, tensor in named if tensor is not None and not tensor.isfinite().all()}
    return {name: "nan" if bool(tensor.isnan().any()) else "infinite" for name, tensor in found.items()}


def bad_gradients(networks: Mapping[str, nn.Module]) -> dict[str, dict[str, str]]:
    """Per network, the weights whose gradient is not finite."""
    found = {
        name: bad((key, weight.grad) for key, weight in network.named_parameters())
        for name, network in networks.items()
    }
    return {name: weights for name, weights in found.items() if weights}


def bad_weights(networks: Mapping[str, nn.Module]) -> dict[str, dict[str, str]]:
    """Per network, the weights that are not finite."""
    found = {name: bad(network.named_parameters()) for name, network in networks.items()}
    return {name: weights for name, weights in found.items() if weights}


def in_words(
    terms: Mapping[str, float],
    trained: Mapping[str, nn.Module],
    networks: Mapping[str, nn.Module],
    scale: float | None = None,
) -> str:
    """What is not finite in a phase: its terms, or else the gradients of its networks; empty if nothing is.

    Args:
        terms: those that are not finite.
        trained: networks whose gradients are complete.
        networks: all whose weights may be to blame.
        scale: that the loss was multiplied by, with fp16.
    """
    gradients = {} if terms else bad_gradients(trained)
    what = of_terms(terms) if terms else of_networks("gradient", gradients)
    what += f" at a loss scale of {scale:g}" if gradients and scale is not None else ""
    already = bad_weights(networks) if what else {}
    return f"{what}; {of_networks('weight', already)} already" if already else what


def of_terms(terms: Mapping[str, float]) -> str:
    """Which terms are not finite: "the term cycle_a is nan"."""
    kinds = {name: "nan" if math.isnan(value) else "infinite" for name, value in terms.items()}
    return _said("the term", kinds)


def of_networks(what: str, found: Mapping[str, Mapping[str, str]]) -> str:
    """Which gradients or weights are not finite: "the gradient of G (first.weight) is nan"."""
    return _said(
        f"the {what} of",
        {
            f"{name} ({listed([*weights], SHOWN)})": "nan" if "nan" in weights.values() else "infinite"
            for name, weights in found.items()
        },
    )


def _said(noun: str, kinds: Mapping[str, str]) -> str:
    return ", ".join(f"{noun} {name} is {kind}" for name, kind in kinds.items())
