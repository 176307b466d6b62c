"""A run whose numbers go wrong: it stops, leaves an update out, or goes back to a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from i2i.core.words import counted, listed
from i2i.engine.finite import NonFiniteError
from i2i.engine.loop import Report
from i2i.run.folder import Folder
from i2i.run.progress import Listener, Pace
from i2i.spec.sections import LIMITS, Train

if TYPE_CHECKING:
    from i2i.run.keeper import Keeper
    from i2i.run.run import Run

SHOWN = 8  # names of files in a sentence


class Recovery:
    """Trains step by step, and does what `train.on_nonfinite` says where a term or gradient is not finite.

    A run that goes back draws other numbers from there on: the order of its data and all random numbers depend on the
    seed and on how often it went back, which its checkpoints hold. The lines of `metrics.jsonl` stay, and later ones
    repeat their steps: a line {"step": 400, "rollbacks": 1} stands between, as one {"step": 412, "skips": 1} stands
    where an update was left out.
    """

    def __init__(self, run: Run, keeper: Keeper, folder: Folder, listener: Listener) -> None:
        self.run, self.keeper, self.folder, self.listener = run, keeper, folder, listener
        self.train = run.spec.train

    def reports(self, pace: Pace, end: int) -> Iterator[Report]:
        """The terms of each step, up to a step.

        Raises:
            NonFiniteError: numbers went wrong, and the spec says to stop, or they did so too often.
        """
        if self.train.on_nonfinite == "rollback" and self.run.engine.step == 0:
            self.keeper.save(0, best=False)  # something to go back to
        while True:
            try:
                yield from self._attempt(pace, end)
                return
            except NonFiniteError as error:
                self._go_back(error)

    def _attempt(self, pace: Pace, end: int) -> Iterator[Report]:
        engine = self.run.engine
        seen = engine.images
        with closing(self.run.batches(pace)) as batches:
            for report in engine.run(batches, end):
                pace.images += engine.images - seen
                seen = engine.images
                if engine.guard.latest is not None:
                    self._tell_skip(engine.guard.latest)
                if self.keeper.due(engine.step):
                    engine.check_weights()
                yield report

    def _tell_skip(self, error: NonFiniteError) -> None:
        count = self.run.engine.guard.count
        self._log({"step": error.step, "skips": count})
        words = f"this update is left out ({count} of at most {self.train.max_skips})"
        self.listener.note("; ".join([str(error), *self._batch(error), words]))

    def _go_back(self, error: NonFiniteError) -> None:
        engine = self.run.engine
        attempt, batch = engine.attempt + 1, self._batch(error)
        self.keeper.wait()
        if self.train.on_nonfinite != "rollback" or attempt > self.train.max_rollbacks:
            error.explain([*batch, *self._advice(error)])
            raise error
        if note := self.run.restore(self.folder):
            self.listener.note(note)
        engine.attempt = attempt
        self._log({"step": engine.step, "rollbacks": attempt})
        words = f"back to step {engine.step}, from there with other data and random numbers"
        self.listener.note(
            "; ".join([str(error), *batch, f"{words} ({attempt} of at most {self.train.max_rollbacks})"])
        )

    def _log(self, line: dict[str, int]) -> None:
        if self.run.world.is_main:
            self.folder.append(line)

    def _batch(self, error: NonFiniteError) -> list[str]:
        if not error.phase:  # weights, after a step
            return []
        names = self.run.stream().names(error.images, self.run.engine.batch_at(error.images))
        return [f"batch: {listed(names, SHOWN)}"]

    def _advice(self, error: NonFiniteError) -> list[str]:
        """What was done about it, what may help, and how to go on."""
        rates = [f"{name} {rate:g}" for name, rate in self._rates(error).items()]
        told = [f"learning rate: {', '.join(rates)}"] if rates else []
        return [*told, *self._limit(), self._remedies(error), *self._ways_on(error)]

    def _rates(self, error: NonFiniteError) -> dict[str, float]:
        return {name: rate for name, rate in self.run.engine.rates().items() if name in error.networks}

    def _limit(self) -> list[str]:
        train, engine = self.train, self.run.engine
        if train.on_nonfinite == "rollback":
            times = counted(engine.attempt, "time")
            return [f"the run went back {times}, as often as train.max_rollbacks allows"]
        if train.on_nonfinite == "skip" and engine.guard.count >= train.max_skips:
            steps = counted(engine.guard.count, "step")
            return [f"{steps} left an update out, as many as train.max_skips allows"]
        return []

    def _remedies(self, error: NonFiniteError) -> str:
        known = " or ".join(f"optimizers.{name}.lr" for name in self._rates(error))
        ways = [f"a lower {known}"] if known else []
        ways += ["train.clip = 1.0"] if self.train.clip is None else []
        ways += ['train.precision = "fp32"'] if self.run.engine.settings.precision != "fp32" else []
        return f"what may help: {', '.join([*ways, 'a look at the files of the batch'])}"

    def _ways_on(self, error: NonFiniteError) -> list[str]:
        newest = self.folder.named("latest")
        if newest is None:
            return ["nothing was saved: the run had no checkpoint yet"]
        first, *others = [mode for mode in LIMITS if mode != self.train.on_nonfinite]
        either = f" (or {', '.join(others)})" if others else ""
        lower = "".join(
            f" --set optimizers.{name}.lr={rate / 2:g}" for name, rate in self._rates(error).items() if rate
        )
        return [
            f"newest checkpoint: {newest}; going on from it meets the same numbers again, so: "
            f"i2i resume {self.folder.path} --set train.on_nonfinite={first}{self._reset()}{either}",
            f"or a new run from its weights: i2i run {self.folder.spec} --set train.init_from={newest}{lower} --out …",
        ]

    def _reset(self) -> str:
        """What takes back a limit that another way would ignore."""
        limit = LIMITS.get(self.train.on_nonfinite, "")
        default = Train.model_fields[limit].default if limit else None
        return f" --set train.{limit}={default}" if limit and getattr(self.train, limit) != default else ""
