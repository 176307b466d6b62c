"""A run: a spec, its folder, and everything periodic around the engine."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.core.data import Source
from i2i.core.errors import I2IError
from i2i.core.protocols import Logger
from i2i.core.registry import Registry
from i2i.data.stream import Stream
from i2i.data.values import to_device
from i2i.engine import checkpoint
from i2i.engine.loop import Engine, Report
from i2i.engine.parallel import World
from i2i.run import samples
from i2i.run.folder import Folder, environment, versions
from i2i.run.progress import Listener, Pace, Silent, printed
from i2i.run.validation import judge
from i2i.spec.assemble import assemble, build_source, total_steps
from i2i.spec.describe import describe
from i2i.spec.plugins import discover
from i2i.spec.rehearse import rehearse
from i2i.spec.spec import Spec, read, resolve

RESUMABLE = ("train.steps", "data.root", "train.device", "train.checkpoint_every")


class Run:
    """Training, as a user sees it; `build` and `Run.open` make one.

    Attributes:
        spec: complete.
        engine: trains; its networks are `run.engine.net.G`, ….
        source: the data.
        steps_total: the length.
        folder: the run folder; None until the first step of a new run.
    """

    def __init__(self, spec: Spec, registry: Registry, out: Path, folder: Folder | None = None) -> None:
        self.spec, self.registry, self.folder, self._out = spec, registry, folder, out
        self.world = World.join()
        self.source = build_source(spec, registry)
        train = spec.train
        self.steps_per_epoch = -(-len(self.source) // train.batch)
        self.steps_total = total_steps(spec, self.steps_per_epoch)
        if spec.terms:
            rehearse(spec, registry, self.source.facts)
        self.engine = assemble(spec, registry, self.source.facts, self.steps_per_epoch, self.world)
        if train.init_from is not None and folder is None:
            start_from(self.engine, train.init_from)

    @classmethod
    def open(cls, path: str | Path, *, registry: Registry | None = None, settings: Iterable[str] = ()) -> Run:
        """Open a run folder at its newest checkpoint.

        Args:
            path: the run folder.
            registry: the components; None looks for what is installed.
            settings: changes to the spec, `KEY=VALUE`; only those of `RESUMABLE` are possible.

        Raises:
            I2IError: not a run folder, a missing plug-in file, or a change that a resumed run cannot take.
        """
        folder = Folder.open(Path(path))
        settings = tuple(settings)
        _check_settings(settings)
        registry = registry or discover().registry
        facts = folder.facts()
        _check_plugin_files(facts, registry, path)
        spec = resolve(folder.spec, registry, settings)
        spec = spec.model_copy(
            update={"train": spec.train.model_copy(update={"precision": facts["precision"]})}
        )
        run = cls(spec, registry, folder.path, folder)
        latest = folder.named("latest")
        if latest is not None:
            run.engine.restore(*checkpoint.read(latest))
        return run

    def describe(self) -> str:
        """The whole run in words; trains nothing."""
        shown = rehearse(self.spec, self.registry, self.source.facts)
        return describe(
            self.spec, self.source, shown, self.engine.rate, self.steps_total, self.steps_per_epoch
        )

    def train(self, progress: bool = False) -> Path:
        """Train to the end; returns the run folder.

        Args:
            progress: show a progress bar, or plain lines where there is no terminal.
        """
        if progress and self.world.is_main:
            with printed(self.steps_total, self.engine.step) as listener:
                try:
                    for _ in self.steps(listener):
                        pass
                except KeyboardInterrupt:
                    where = self.folder.path if self.folder else self._out
                    listener.note(f"stopped at step {self.engine.step}; to go on: i2i resume {where}")
                    raise
        else:
            for _ in self.steps():
                pass
        assert self.folder is not None
        return self.folder.path

    def steps(self, listener: Listener | None = None) -> Iterator[Report]:
        """Train step by step, yielding each step's terms: {"generators/cycle_a": tensor, …}, unweighted."""
        listener = listener or Silent()
        folder = self.folder = self.folder or self._new_folder(listener)
        pace = Pace()
        with self._loggers(folder) as loggers:
            keeper = _Keeper(self, folder, listener, loggers)
            for report in self.engine.run(self._batches(pace), self.steps_total):
                pace.images += self.spec.train.batch
                with pace.paused():
                    keeper.after(self.engine.step, report, pace)
                    yield report
            keeper.finish()

    def _batches(self, pace: Pace) -> Iterator[Mapping[str, Tensor]]:
        """Batches from the current step on, on the device; counts the time spent waiting for them."""
        train, world = self.spec.train, self.world
        stream = iter(
            Stream(
                self.source,
                seed=train.seed,
                batch=train.batch,
                accumulate=train.accumulate,
                rank=world.rank,
                processes=world.size,
                workers=self.spec.workers,
                start=self.engine.step,
            )
        )
        while True:
            before = time.monotonic()
            fields = next(stream)
            pace.waited += time.monotonic() - before
            yield to_device(fields, self.source.facts, self.engine.device)

    def _new_folder(self, listener: Listener) -> Folder:
        if self.world.is_main:
            facts = environment(
                self.spec, self.registry, self.engine.device, self.engine.settings.precision, self.world.size
            )
            path = str(Folder.create(self._out, self.spec.toml(), facts).path)
        else:
            path = ""
        folder = Folder(Path(self.world.tell(path)))
        if folder.path != self._out:
            listener.note(f"{self._out} exists; this run goes to {folder.path}")
        return folder

    @contextmanager
    def _loggers(self, folder: Folder) -> Iterator[list[Logger]]:
        loggers: list[Logger] = []
        if self.world.is_main:
            loggers = [self.registry.build(ref, {}, {}) for ref in self.spec.loggers]
        for logger in loggers:
            logger.open(folder.path)
        try:
            yield loggers
        finally:
            for logger in loggers:
                logger.close()


class _Keeper:
    """Everything periodic: lines, pictures, judgements, checkpoints. Only the first process writes."""

    def __init__(self, run: Run, folder: Folder, listener: Listener, loggers: list[Logger]) -> None:
        self.run, self.folder, self.listener, self.loggers = run, folder, listener, loggers
        self.train = run.spec.train
        self.judged = _judged_source(run)
        self.metric = run.registry.build(run.spec.validation.metric, {}, {})
        self.preview = samples.preview_batch(run.source, run.engine.device, self.train.seed)
        self.best: float | None = self._known_best()
        self.worse = 0

    def after(self, step: int, report: Report, pace: Pace) -> None:
        """Do what is due after a step."""
        last = step == self.run.steps_total
        self.listener.step(step)
        if step % self.train.log_every == 0 or last or step == 1:
            self._log(step, report, pace)
        if step % self.train.sample_every == 0 or last:
            self._sample(step)
        better = self._judge(step) if step % (self.run.spec.validation.every or 1) == 0 or last else False
        if step % self.train.checkpoint_every == 0 or last or better:
            self._save(step, better)

    def finish(self) -> None:
        """Say where things are."""
        if self.run.world.is_main:
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
        picture = samples.grid(shown)
        picture.save(self.folder.samples / f"{checkpoint.folder_name(step)}.png")
        for logger in self.loggers:
            logger.picture(step, "samples", torch.from_numpy(np.array(picture)).permute(2, 0, 1))

    def _judge(self, step: int) -> bool:
        """Whether this is the best so far, by the metric of the spec."""
        if self.judged is None or not self.run.world.is_main:
            return False
        name = self.run.spec.validation.metric.name
        result = judge(self.run.engine, self.judged, self.metric)
        numbers = {f"validate/{name}": result.value}
        words = f"step {step}: held-out {name} {result.value:.4f}"
        if result.copying is not None:
            numbers[f"validate/{name}_of_copying"] = result.copying
            words += f" (copying the input: {result.copying:.4f})"
        self.folder.append({"step": step, **numbers})
        self.listener.note(words)
        for logger in self.loggers:
            logger.scalars(step, numbers)
        sign = 1 if self.run.spec.validation.direction == "min" else -1
        if self.best is not None and sign * result.value >= sign * self.best:
            return False
        self.best = result.value
        return True

    def _save(self, step: int, best: bool) -> None:
        if self.run.world.is_main:
            save(self.run, self.folder, self.best if best else None)
            self.folder.point("latest", step)
            if best:
                self.folder.point("best", step)
            self.folder.retain(self.train.keep)
        self.run.world.wait()

    def _known_best(self) -> float | None:
        """The value of the best checkpoint of a resumed run."""
        best = self.folder.named("best")
        if best is None:
            return None
        value = json.loads((best / checkpoint.STATE).read_text(encoding="utf-8")).get("best")
        return float(value) if value is not None else None


def save(run: Run, folder: Folder, best: float | None) -> None:
    """Write a checkpoint that can be used alone: weights, optimizers, spec, and the facts of the data."""
    tensors, facts = run.engine.state()
    facts |= {"best": best, "versions": versions(run.spec, run.registry), "data": facts_as_json(run.source)}
    path = folder.checkpoints / checkpoint.folder_name(run.engine.step)
    checkpoint.write(path, tensors, facts, {"spec.toml": run.spec.toml()})


def facts_as_json(source: Source) -> dict[str, Any]:
    """What the networks were built for."""
    return dataclasses.asdict(source.facts)


def build(
    spec: str | Path | Mapping[str, Any] | Spec,
    *,
    registry: Registry | None = None,
    out: str | Path | None = None,
    settings: Iterable[str] = (),
) -> Run:
    """Build a run from a spec: a path, TOML text, a dict or a `Spec`. Nothing is written before the first step.

    Args:
        spec: what to train.
        registry: the components; None looks for what is installed.
        out: the run folder; `runs/<name of the spec>` otherwise.
        settings: changes to the spec, `KEY=VALUE`.

    Raises:
        I2IError: whatever is wrong with spec or data, all problems of the spec at once.
    """
    registry = registry or discover().registry
    resolved = resolve(spec, registry, settings)
    name = read(spec)[1].removesuffix(".toml") or resolved.strategy.name
    return Run(resolved, registry, Path(out) if out is not None else Path("runs") / name)


def start_from(engine: Engine, path: Path) -> None:
    """Take the weights of an earlier run's networks; optimizers start anew.

    Raises:
        I2IError: a network is missing there, or has another shape.
    """
    folder = path if (path / checkpoint.STATE).is_file() else Folder.open(path).named("latest")
    if folder is None:
        raise I2IError(f"train.init_from: {path} has no checkpoint yet")
    tensors, _ = checkpoint.read(folder)
    for name, module in engine.trained.items():
        if name not in tensors:
            raise I2IError(
                f"train.init_from: {folder} has no weights of {name}; it has {', '.join(sorted(tensors))}"
            )
        try:
            module.load_state_dict(tensors[name])
        except RuntimeError as error:
            raise I2IError(
                f"train.init_from: the weights of {name} in {folder} do not fit: {error}"
            ) from error


def _judged_source(run: Run) -> Source | None:
    """The held-out pictures with known truth, if there are any."""
    ref = run.spec.validation.data
    source = build_source(run.spec, run.registry, ref) if ref is not None else run.source.held_out()
    (field, *_) = run.engine.strategy.takes({})
    if source is not None and field in source.facts.truth:
        return source
    if ref is not None:
        raise I2IError(
            "validate.data: this data does not know the true translations, so there is nothing to compare with"
        )
    return None


def _check_settings(settings: Iterable[str]) -> None:
    for setting in settings:
        key = setting.partition("=")[0].strip()
        if key not in RESUMABLE:
            raise I2IError(
                f"--set {key}: a resumed run can change only {', '.join(RESUMABLE)}; start a new run instead"
            )


def _check_plugin_files(facts: Mapping[str, Any], registry: Registry, path: str | Path) -> None:
    for file, digest in facts.get("plugin_files", {}).items():
        if digest not in registry.files.values():
            known = file in registry.files
            what = f"{file} has changed since" if known else f"{file} is missing"
            raise I2IError(
                f"this run was made with a plug-in file, and {what}: i2i --plugin {file} resume {path}"
            )
