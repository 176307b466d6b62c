"""Everything periodic in a run: lines, pictures, judgements, checkpoints."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from i2i.core.data import Source
from i2i.core.protocols import Logger
from i2i.engine import checkpoint
from i2i.engine.loop import Report
from i2i.run import samples
from i2i.run.folder import Folder, versions
from i2i.run.progress import Listener, Pace
from i2i.run.validation import judge

if TYPE_CHECKING:
    from i2i.run.run import Run


class Keeper:
    """What is due after a step: lines, pictures, judgements, checkpoints. Only the first process writes."""

    def __init__(self, run: Run, folder: Folder, listener: Listener, loggers: list[Logger]) -> None:
        self.run, self.folder, self.listener, self.loggers = run, folder, listener, loggers
        self.train = run.spec.train
        self.metric = run.registry.build(run.spec.validation.metric, {}, {})
        self.preview = samples.preview_batch(
            run.source, run.engine.device, self.train.seed, samples.rows_of(run.engine.strategy)
        )
        self.ranking = run.ranking

    def after(self, step: int, report: Report, pace: Pace) -> bool:
        """Do what is due after a step; whether it is the last one."""
        last = step == self.run.steps_total
        self.listener.step(step)
        if step % self.train.log_every == 0 or last or step == 1:
            self._log(step, report, pace)
        due = last or step % (self.run.spec.validation.every or 1) == 0
        better = due and self._judge(step)
        last = last or self.tired() or self.run.stopping
        if step % self.train.sample_every == 0 or last:
            self._sample(step)
        if step % self.train.checkpoint_every == 0 or last or better:
            self._save(step, better)
        return last

    def tired(self) -> bool:
        """Whether as many judgements as the spec has patience for went by without a better one."""
        patience = self.run.spec.validation.patience
        return patience is not None and self.ranking.since >= patience

    def finish(self) -> None:
        """Say why the run ended early, and where things are."""
        if self.run.stopping and self.run.engine.step < self.run.steps_total:
            self.listener.note(
                f"stopped at step {self.run.engine.step}, with a checkpoint; to go on: i2i resume {self.folder.path}"
            )
            return
        if not self.run.world.is_main:
            return
        if self.tired():
            name, best = self.run.spec.validation.metric.name, self.ranking.best
            than = "" if best is None else f" than {best:.4f}"
            self.listener.note(
                f"stopped at step {self.run.engine.step}: {self.ranking.since} judgements without a better {name}{than}"
            )
        self.listener.note(f"done: {self.folder.path} (pictures in {self.folder.samples})")

    def _log(self, step: int, report: Report, pace: Pace) -> None:
        terms = self.run.world.mean(report)
        rate, waiting = pace.read(time.monotonic())
        if not self.run.world.is_main:
            return
        rates = {f"lr/{name}": lr for name, lr in self.run.engine.rates().items()}
        numbers = {**terms, **rates, "images_per_second": rate, "waiting_for_data": waiting}
        self.folder.append({"step": step, **numbers})
        self.listener.numbers(step, terms, rate, waiting)
        for logger in self.loggers:
            logger.scalars(step, numbers)

    def _sample(self, step: int) -> None:
        if not self.run.world.is_main:
            return
        shown = samples.columns(self.run.engine, self.preview, self.run.source.facts.truth)
        picture = samples.grid(shown, self.run.source.facts.palette)
        picture.save(self.folder.samples / f"{checkpoint.folder_name(step)}.png")
        for logger in self.loggers:
            logger.picture(step, "samples", torch.from_numpy(np.array(picture)).permute(2, 0, 1))

    def _judge(self, step: int) -> bool:
        """Whether this is the best so far, by the metric of the spec; every process learns it."""
        if self.run.judged is None:
            return False
        value = self._value(step, self.run.judged) if self.run.world.is_main else 0.0
        return self.ranking.add(float(self.run.world.tell(repr(value))))

    def _value(self, step: int, held_out: Source) -> float:
        name = self.run.spec.validation.metric.name
        result = judge(self.run.engine, held_out, self.metric)
        numbers = {f"validate/{name}": result.value}
        words = f"step {step}: held-out {name} {result.value:.4f}"
        if result.copying is not None:
            numbers[f"validate/{name}_of_copying"] = result.copying
            words += f" (copying the input: {result.copying:.4f})"
        self.folder.append({"step": step, **numbers})
        self.listener.note(words)
        for logger in self.loggers:
            logger.scalars(step, numbers)
        return result.value

    def _save(self, step: int, best: bool) -> None:
        if self.run.world.is_main:
            save(self.run, self.folder)
            self.folder.point("latest", step)
            if best:
                self.folder.point("best", step)
            self.folder.retain(self.train.keep)
        self.run.world.wait()


def save(run: Run, folder: Folder) -> None:
    """Write a checkpoint that can be used alone: weights, optimizers, spec, and the facts of the data."""
    tensors, facts = run.engine.state()
    facts |= {
        "best": run.ranking.best,
        "since_best": run.ranking.since,
        "versions": versions(run.spec, run.registry),
        "plugin_files": run.registry.files,
        "data": dataclasses.asdict(run.source.facts),
    }
    path = folder.checkpoints / checkpoint.folder_name(run.engine.step)
    checkpoint.write(path, tensors, facts, {"spec.toml": run.spec.toml()})
