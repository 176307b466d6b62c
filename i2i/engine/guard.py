"""Phases whose numbers are not finite, left out without a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor, nn

from i2i.engine.finite import NonFiniteError


class Buffers:
    """What networks keep beside their weights (running statistics, singular vectors, pools), to be put back."""

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        layers = [layer for module in modules for layer in module.modules()]
        self._kept = [
            (layer, name, buffer.clone())
            for layer in layers
            for name, buffer in layer.named_buffers(recurse=False)
        ]

    def put_back(self, *, where: Callable[[Tensor], bool] = lambda buffer: True) -> None:
        """Give the buffers back what they held, those for which `where` is true."""
        for layer, name, kept in self._kept:
            if where(getattr(layer, name)):
                # another tensor, because graphs that later phases follow refuse a buffer that was written to
                setattr(layer, name, kept.clone())


class Guard:
    """Leaves out the update of phases whose numbers are not finite, in at most so many steps.

    A phase that is left out puts the buffers of all networks back to what they were before it. What `prepare` left
    belongs to the step: it stays for the phases that follow, and goes too if none of them trained anything. Where an
    earlier phase of the step has let such numbers in unseen, through a pool that showed another picture, they go at
    the end of the step.

    Args:
        modules: all parts with state.
        most: steps with left-out phases; 0 refuses the first.

    Attributes:
        count: such steps so far.
        latest: why the step that ran last is one of them, if it is.
    """

    def __init__(self, modules: Iterable[nn.Module], most: int) -> None:
        self.modules, self.most, self.count = list(modules), most, 0
        self.latest: NonFiniteError | None = None
        self._step: Buffers | None = None
        self._phase: Buffers | None = None
        self._trained = False

    def begin_step(self) -> None:
        """A step begins, before anything is prepared."""
        self.latest, self._trained = None, False
        self._step = self._buffers()

    def begin_phase(self) -> None:
        """A phase begins, after what its step prepared."""
        self._phase = self._buffers()

    def passed(self) -> None:
        """A phase was finite, and trained."""
        self._trained = True

    def leave_out(self, error: NonFiniteError) -> None:
        """Undo what a phase did to the buffers.

        Raises:
            NonFiniteError: as many steps as may were left out already.
        """
        if self.latest is None:  # its later phases may share what is wrong: a step counts once
            if self.count >= self.most:
                raise error
            self.count, self.latest = self.count + 1, error
        if self._phase is not None:
            self._phase.put_back()

    def end_step(self) -> None:
        """A step ends, before weights are averaged."""
        if self.latest is None or self._step is None:
            return
        if self._trained:
            self._step.put_back(where=lambda buffer: not bool(buffer.isfinite().all()))
        else:
            self._step.put_back()

    def _buffers(self) -> Buffers | None:
        return Buffers(self.modules) if self.most else None
