"""Optimizers, and schedules of the learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.engine import quick_optimizers

Rate = Annotated[float, Field(gt=0, description="learning rate")]
Beta = Annotated[float, Field(ge=0, lt=1)]
Decay = Annotated[float, Field(ge=0, description="weight decay")]


def adam(
    parameters: Iterable[nn.Parameter],
    *,
    lr: Rate = 2e-4,
    betas: Annotated[tuple[Beta, Beta], Field(description="averaging of the gradient and of its square")] = (
        0.5,
        0.999,
    ),
    eps: Annotated[float, Field(gt=0, description="added to the denominator")] = 1e-8,
    weight_decay: Decay = 0.0,
) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba, 2015)."""
    return quick_optimizers.Adam(
        parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=True
    )


def adamw(
    parameters: Iterable[nn.Parameter],
    *,
    lr: Rate = 2e-4,
    betas: tuple[Beta, Beta] = (0.5, 0.999),
    eps: Annotated[float, Field(gt=0, description="added to the denominator")] = 1e-8,
    weight_decay: Decay = 0.01,
) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""
    return quick_optimizers.AdamW(
        parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=True
    )


class SGD(quick_optimizers.SGD):
    """Stochastic gradient descent with momentum, which may change linearly over the first steps."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: Rate = 1e-2,
        momentum: Annotated[Beta, Field(description="momentum, at the first step if it changes")] = 0.0,
        final_momentum: Annotated[Beta | None, Field(description="momentum that is reached")] = None,
        momentum_steps: Annotated[int | None, Field(ge=1, description="steps until it is reached")] = None,
        weight_decay: Decay = 0.0,
    ) -> None:
        _both_or_neither(final_momentum, momentum_steps)
        super().__init__(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay)
        self._momenta = momentum, momentum if final_momentum is None else final_momentum
        self._momentum_steps = momentum_steps

    @staticmethod
    def settle(options: Mapping[str, Any]) -> dict[str, Any]:
        """Refuse half of a change of momentum."""
        _both_or_neither(options["final_momentum"], options["momentum_steps"])
        return dict(options)

    def step(self, closure: Any = None) -> Any:
        """Take one step; the count of steps is kept beside each weight, where checkpoints find it."""
        if self._momentum_steps is not None:
            weights = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
            done = max((self._count(weight) for weight in weights), default=0)
            for group in self.param_groups:
                group["momentum"] = self._momentum(done, self._momentum_steps)
            for weight in weights:
                self.state[weight]["step"] = torch.tensor(float(done + 1))
        return super().step(closure)

    def _count(self, weight: Tensor) -> int:
        return int(self.state[weight].get("step", 0))

    def _momentum(self, done: int, steps: int) -> float:
        first, last = self._momenta
        # the first step has no past, but at momentum 0 torch would not keep its gradient for the next
        return first + (last - first) * min(1.0, done / steps) or last


def _both_or_neither(final_momentum: float | None, momentum_steps: int | None) -> None:
    if (final_momentum is None) != (momentum_steps is None):
        raise ValueError(
            "final_momentum: final_momentum and momentum_steps belong together; give both or neither"
        )


def rmsprop(
    parameters: Iterable[nn.Parameter],
    *,
    lr: Rate = 1e-3,
    alpha: Annotated[float, Field(ge=0, lt=1, description="averaging of the gradient's square")] = 0.99,
    eps: Annotated[float, Field(gt=0, description="added to the denominator")] = 1e-8,
    weight_decay: Decay = 0.0,
) -> torch.optim.Optimizer:
    """RMSprop (Tieleman and Hinton, 2012)."""
    return quick_optimizers.RMSprop(parameters, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay)


def constant(step: int, steps_per_epoch: int) -> float:
    """The same learning rate throughout."""
    return 1.0


Epochs = Annotated[int | float | None, Field(ge=0)]
Steps = Annotated[int | None, Field(ge=0)]


class Linear:
    """Full rate, then a straight fall to nearly zero (pix2pix and CycleGAN).

    The rate changes at the end of each epoch. At epoch e, counted from 1, the factor is
    1 - max(0, e - constant) / (decay + 1): the last epoch still learns. In steps, the same holds of steps.
    """

    def __init__(
        self,
        *,
        constant: Annotated[Epochs, Field(description="epochs at the full rate")] = None,
        decay: Annotated[Epochs, Field(description="epochs of the fall")] = None,
        constant_steps: Annotated[
            Steps, Field(description="steps at the full rate, instead of epochs")
        ] = None,
        decay_steps: Annotated[Steps, Field(description="steps of the fall, instead of epochs")] = None,
    ) -> None:
        self.in_steps = constant_steps is not None or decay_steps is not None
        self.constant = (constant_steps if self.in_steps else constant) or 0
        self.decay = (decay_steps if self.in_steps else decay) or 0

    @staticmethod
    def settle(options: Mapping[str, Any]) -> dict[str, Any]:
        """Refuse a plan that is given twice or not at all."""
        epochs = [options["constant"], options["decay"]]
        steps = [options["constant_steps"], options["decay_steps"]]
        if any(v is not None for v in epochs) == any(v is not None for v in steps):
            raise ValueError(
                "constant: give the plan either in epochs (constant, decay) or in steps (constant_steps, decay_steps)"
            )
        return dict(options)

    def __call__(self, step: int, steps_per_epoch: int) -> float:
        """The factor at a step (counted from 0)."""
        done = step if self.in_steps else step // steps_per_epoch
        return max(0.0, 1.0 - max(0.0, done + 1 - self.constant) / (self.decay + 1))


class Exponential:
    """The same fraction of the learning rate again and again, at every step or after every epoch."""

    def __init__(
        self,
        *,
        factor: Annotated[float, Field(gt=0, le=1, description="what the rate is multiplied by each time")],
        every: Annotated[Literal["step", "epoch"], Field(description="how often it is multiplied")] = "epoch",
        floor: Annotated[
            float, Field(ge=0, le=1, description="share of the full rate that it does not fall below")
        ] = 0.0,
    ) -> None:
        self.factor, self.every, self.floor = factor, every, floor

    def __call__(self, step: int, steps_per_epoch: int) -> float:
        """The factor at a step (counted from 0)."""
        done = step if self.every == "step" else step // steps_per_epoch
        return max(self.floor, self.factor**done)


def optimizer_state(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimizer's tensors, under the names of the weights they belong to."""
    return {
        f"{name}/{key}": value
        for name, weight in module.named_parameters()
        for key, value in optimizer.state.get(weight, {}).items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(
    module: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> None:
    """Give an optimizer back what `optimizer_state` took from it."""
    names = {weight: name for name, weight in module.named_parameters()}
    order = [names[weight] for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    weights = dict(module.named_parameters())
    for path, value in tensors.items():
        name, _, key = path.rpartition("/")
        state.setdefault(order.index(name), {})[key] = _laid_out_as(weights[name], value)
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _laid_out_as(weight: Tensor, value: Tensor) -> Tensor:
    """A tensor in the memory format of its weight: fused optimizers go through both in the order of memory."""
    return torch.empty_like(weight, dtype=value.dtype).copy_(value) if value.shape == weight.shape else value
