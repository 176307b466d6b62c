"""Where the time of a training step goes, by kind of operation: `python benchmarks/step_profile.py`.

    python benchmarks/step_profile.py [--method cyclegan] [--size 128] [--batch 1] [--rounds 3] [--variant fp32 bf16]

The plain loop and i2i take turns. Each operation that torch dispatches is timed by itself (on a GPU it is waited for);
the time of a convolution's gradients is shared out as each of the two takes alone. The rest is what a step takes beyond
them, and memory that is given back counts there: Python, the engine, autograd.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import torch
from machine import one_line
from setups import Setup, add_setup, finish, setup_of
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from training import PLAIN, Trainer, trainers

FORWARD = "convolutions, forward"
TO_INPUT = "convolutions, gradient to the input"
TO_WEIGHT = "convolutions, gradient to the weight"
OPTIMIZER = "optimizer"
REST = "rest: Python, engine, autograd"

# The first kind of which the name of an operation holds a word.
KINDS = {
    FORWARD: ("convolution", "conv2d"),
    "matrix products": ("addmm", "bmm", "mm.", "matmul", "linear"),
    "norms": ("norm", "var_mean", "rsqrt"),
    "padding and resizing": ("pad", "upsample"),
    "activations": ("relu", "tanh", "sigmoid", "elu", "silu", "threshold", "softplus"),
    "copies, types, layouts": (
        "copy",
        "clone",
        "cat",
        "stack",
        "fill",
        "zero",
        "ones",
        "index",
        "contiguous",
    ),
    "sums, losses, other arithmetic": ("",),
}


class Timer(TorchDispatchMode):
    """Seconds of every operation, by kind."""

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.setup, self.seconds, self.in_optimizer = setup, Counter[str](), False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result, seconds = self._timed(lambda: func(*args, **(kwargs or {})))
        if func is torch.ops.aten.convolution_backward.default and args[-1][0] and args[-1][1]:
            share = self._share_of_input(func, *args)
            self.seconds[TO_INPUT] += seconds * share
            self.seconds[TO_WEIGHT] += seconds * (1 - share)
        else:
            self.seconds[OPTIMIZER if self.in_optimizer else kind_of(func, args)] += seconds
        return result

    def _share_of_input(self, func: Any, *args: Any) -> float:
        """How much of the time of both gradients of a convolution is that of its input's, each taken alone."""
        *given, (_, _, to_bias) = args
        _, to_input = self._timed(lambda: func(*given, [True, False, False]))
        _, to_weight = self._timed(lambda: func(*given, [False, True, to_bias]))
        return to_input / (to_input + to_weight)

    def _timed(self, operation: Callable[[], Any]) -> tuple[Any, float]:
        before = self.setup.clock()
        result = operation()
        finish(self.setup.device)
        return result, self.setup.clock() - before

    @contextmanager
    def watching_optimizers(self) -> Iterator[None]:
        """Count all that happens inside an optimizer's step as the optimizer's."""
        hooks = [
            register_optimizer_step_pre_hook(lambda *given: setattr(self, "in_optimizer", True)),
            register_optimizer_step_post_hook(lambda *given: setattr(self, "in_optimizer", False)),
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def kind_of(operation: Any, args: tuple[Any, ...]) -> str:
    """The kind of an operation that is not an optimizer's."""
    if operation is torch.ops.aten.convolution_backward.default:
        return TO_INPUT if args[-1][0] else TO_WEIGHT
    name = str(operation).removeprefix("aten.").lower()
    return next(kind for kind, words in KINDS.items() if any(word in name for word in words))


def one_profile(trainer: Trainer) -> dict[str, float]:
    """Seconds of a step by kind, averaged over a whole cycle of the method's phases."""
    whole = trainer.seconds()
    timer = Timer(trainer.setup)
    with timer, timer.watching_optimizers():
        for _ in range(trainer.cycle):
            trainer.step()
    kinds = {kind: seconds / trainer.cycle for kind, seconds in timer.seconds.items()}
    return kinds | {REST: max(0.0, whole - sum(kinds.values()))}


def profiles(setup: Setup, variants: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """For each variant the median seconds by kind; they take turns."""
    found: dict[str, list[dict[str, float]]] = {PLAIN: []} | {variant: [] for variant in variants}
    turns = trainers(setup, variants)
    for trainer in turns.values():
        trainer.seconds()  # warms up
    for _ in range(rounds):
        for name, trainer in turns.items():
            found[name].append(one_profile(trainer))
    kinds = [TO_INPUT, TO_WEIGHT, OPTIMIZER, REST, *KINDS]
    return {
        name: {kind: median(one.get(kind, 0.0) for one in several) for kind in kinds}
        for name, several in found.items()
    }


def print_table(found: Mapping[str, Mapping[str, float]]) -> None:
    """A row for each kind; per cent of the variant's own step, and of the plain loop's."""
    whole = {name: sum(kinds.values()) for name, kinds in found.items()}
    order = [FORWARD, TO_INPUT, TO_WEIGHT, *list(KINDS)[1:], OPTIMIZER, REST]
    print(f"{'':<40}" + "".join(f"{name:>22}" for name in found))
    for kind in order:
        if any(kinds[kind] > 0 for kinds in found.values()):
            cells = [f"{kinds[kind]:.3f} s {kinds[kind] / whole[name]:6.1%}" for name, kinds in found.items()]
            print(f"{kind:<40}" + "".join(f"{cell:>22}" for cell in cells))
    print(f"{'step':<40}" + "".join(f"{f'{seconds:.3f} s 100.0%':>22}" for seconds in whole.values()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_setup(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variant", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    setup = setup_of(options, options.method, options.size, options.batch)
    print(setup, one_line(), sep="\n")
    found = profiles(setup, options.variant, options.rounds)
    print_table(found)
    if options.json:
        options.json.write_text(json.dumps({"machine": one_line(), "setup": str(setup), "seconds": found}))


if __name__ == "__main__":
    main()
