"""Everything periodic in a run: lines, pictures, judgements, checkpoints."""

from __future__ import annotations

import copy
import dataclasses
import io
import signal
import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL.PngImagePlugin import PngInfo

from i2i.core.errors import I2IError
from i2i.core.protocols import Logger
from i2i.core.words import counted
from i2i.engine import checkpoint, checkpoints, disk
from i2i.engine.allocator import most_memory
from i2i.engine.loop import Report
from i2i.run import samples, watch
from i2i.run.folder import Folder, versions
from i2i.run.progress import Listener, Pace
from i2i.run.signs import signs
from i2i.run.validation import judgement, metrics_of
from i2i.run.writer import Writer
from i2i.spec.used import used
from i2i.translate.evaluating.judging import Material
from i2i.translate.evaluating.jury import COPYING

if TYPE_CHECKING:
    from i2i.run.run import Run


class Keeper:
    """What is due after a step: lines, pictures, judgements, checkpoints. Only the first process writes."""

    def __init__(self, run: Run, folder: Folder, listener: Listener, loggers: list[Logger]) -> None:
        self.run, self.folder, self.listener, self.loggers = run, folder, listener, loggers
        self.train = run.spec.train
        self.preview = samples.preview_batch(
            run.source,
            run.engine.device,
            self.train.seed,
            samples.rows_of(run.engine.strategy),
            run.bad_files,
        )
        self.ranking = run.ranking
        self.writer = Writer()
        self._spec, self._versions = run.spec.toml(), versions(run.spec, run.registry)
        self._packages = used(run.spec, run.registry)

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for the last checkpoint, whatever ends the run; what ends it matters more than what the disk says."""
        with suppress(Exception) if kind not in (None, GeneratorExit) else nullcontext():
            self.writer.wait()

    def after(self, step: int, report: Report, pace: Pace) -> bool:
        """Do what is due after a step; whether it is the last one."""
        self.writer.check()
        last = step == self.run.steps_total
        self.listener.step(step)
        if step % self.train.log_every == 0 or last or step == 1:
            self._log(step, report, pace)
        due = last or step % (self.run.spec.validation.every or 1) == 0
        better = due and self._judge(step)
        last = last or self.run.finished() or self._stopping()
        if step % self.train.sample_every == 0 or last:
            self._sample(step)
        if step % self.train.checkpoint_every == 0 or last or better:
            self.save(step, better)
        return last

    def due(self, step: int) -> bool:
        """Whether something is judged, shown or written after a step."""
        train, judged = self.train, self.run.spec.validation.every or 1
        alone = self.run.world.size == 1  # a signal reaches each process at another step
        last = step == self.run.steps_total or (alone and bool(self.run.stopping))
        return last or any(step % n == 0 for n in (judged, train.sample_every, train.checkpoint_every))

    def _stopping(self) -> bool:
        """Whether a signal has come, to whichever of the processes: all of them stop at the same step."""
        run = self.run
        if run.world.size == 1:
            return bool(run.stopping)
        told = run.world.mean({"stopping": torch.tensor(float(bool(run.stopping)))})["stopping"]
        if told:
            run.stopping = run.stopping or signal.SIGTERM
        return bool(told)  # a signal that came during the exchange is told at the next step

    def finish(self) -> None:
        """Say why the run ended early, and where things are, when all is written."""
        self.writer.wait()
        step = self.run.engine.step
        if not self.run.world.is_main:
            return
        if self.run.stopping and step < self.run.steps_total:
            self.listener.note(
                f"stopped at step {step}, with a checkpoint; to go on: i2i resume {self.folder.path}"
            )
            return
        if self.ranking.tired(self.run.spec.validation.patience):
            name, best = self.run.spec.validation.metric.name, self.ranking.best
            than = "" if best is None else f" than {best:.4f}"
            self.listener.note(
                f"stopped at step {step}: {counted(self.ranking.since, 'judgement')} without a better {name}{than}"
            )
        self.listener.note(f"done: {self.folder.path} (pictures in {self.folder.samples})")

    def _log(self, step: int, report: Report, pace: Pace) -> None:
        terms = self.run.world.mean(report)
        judged = self.run.world.mean(self.run.watch.judged())
        rate, waiting = pace.read(time.monotonic())
        if not self.run.world.is_main:
            return
        rates = {f"lr/{name}": lr for name, lr in self.run.engine.rates().items()}
        numbers = {**terms, **judged, **rates, "images_per_second": rate, "waiting_for_data": waiting}
        if (most := most_memory(self.run.engine.device)) is not None:
            numbers["memory/peak"] = float(most)
        self.folder.append({"step": step, **numbers})
        self.listener.numbers(step, terms, rate, waiting)
        self._remark(self.run.watch.numbers(step, judged))
        self._tell_loggers(step, numbers)

    def _sample(self, step: int) -> None:
        if not self.run.world.is_main:
            return
        shown = samples.columns(self.run.engine, self.preview, self.run.source.facts.truth)
        picture = samples.grid(shown, self.run.source.facts.palette)
        file = io.BytesIO()
        facts = PngInfo()
        facts.add_text("columns", picture.info["columns"])
        picture.save(file, "PNG", pnginfo=facts)
        disk.write_bytes(self.folder.samples / f"{checkpoint.folder_name(step)}.png", file.getvalue())
        for logger in self.loggers:
            logger.picture(step, "samples", torch.from_numpy(np.array(picture)).permute(2, 0, 1))
        # not where a run happened to be stopped: a resumed one says the same as one that never was
        if step % self.train.sample_every == 0:
            found = signs(self.run.engine.strategy, self.run.source.facts, self.preview, shown)
            self._remark(self.run.watch.pictures(step, found))

    def _tell_loggers(self, step: int, numbers: Mapping[str, float]) -> None:
        for logger in self.loggers:
            logger.scalars(step, numbers)

    def _remark(self, remarks: list[watch.Remark]) -> None:
        for remark in remarks:
            if watch.note(self.folder.path, remark):
                self.listener.note(remark.line())

    def _judge(self, step: int) -> bool:
        """Whether this is the best so far, by the metric of the spec; every process learns it."""
        if self.run.judged is None:
            return False
        try:
            value = self._value(step, self.run.judged) if self.run.world.is_main else 0.0
        except disk.DiskError:  # a checkpoint would be refused as well; a resumed run judges this step again
            raise
        except I2IError:
            self.save(step, best=False)  # what was trained is not lost with what could not be judged
            raise
        return self.ranking.add(float(self.run.world.tell(repr(value))))

    def _value(self, step: int, material: Material) -> float:
        run = self.run
        first, *others = judgement(
            run.engine, material, metrics_of(run.spec), run.registry, run.bad_files
        ).items()
        name, value = first
        numbers = dict(others)
        words = f"step {step}: held-out {name} {value:.4f}"
        if (copying := numbers.get(f"{name}_{COPYING}")) is not None:
            words += f" (copying the input: {copying:.4f})"
        words += "".join(f", {also.name} {numbers[also.name]:.4f}" for also in run.spec.validation.also)
        judged = {f"validate/{name}": number for name, number in {name: value, **numbers}.items()}
        self.folder.append({"step": step, **judged})
        self.listener.note(words)
        self._tell_loggers(step, judged)
        return value

    def wait(self) -> None:
        """Wait, in every process, until the newest checkpoint is written."""
        self.writer.wait()
        self.run.world.wait()

    def save(self, step: int, best: bool) -> None:
        """Copy what a checkpoint holds, and let it be written while the training goes on.

        It can be used alone: weights, optimizers, spec, and the facts of the data.
        """
        if not self.run.world.is_main:
            return
        self.writer.wait()
        run = self.run
        tensors, facts = run.engine.state()
        facts |= {
            "best": run.ranking.best,
            "since_best": run.ranking.since,
            "is_best": best,
            "watch": run.watch.state(),
            "versions": self._versions,
            "packages": self._packages,
            "plugin_files": run.registry.files,
            "data": dataclasses.asdict(run.source.facts),
        }
        self.writer.start(partial(self._write, step, checkpoint.copied(tensors), copy.deepcopy(facts), best))

    def _write(self, step: int, tensors: checkpoint.Tensors, facts: dict[str, Any], best: bool) -> None:
        folder = self.folder
        checkpoint.store(
            folder.checkpoints / checkpoint.folder_name(step), tensors, facts, {folder.spec.name: self._spec}
        )
        folder.point("latest", step)
        if best:
            folder.point("best", step)
        checkpoints.retain(folder.checkpoints, self.train.keep, step)
