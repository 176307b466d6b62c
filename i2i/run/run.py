"""A run: a spec, its folder, and everything periodic around the engine."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from textwrap import indent
from typing import Any

from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.protocols import Logger
from i2i.core.registry import Registry
from i2i.data.stream import Stream, check_exchange
from i2i.data.values import to_device
from i2i.engine import checkpoint
from i2i.engine.loop import Report
from i2i.engine.parallel import World
from i2i.run.folder import Folder, environment
from i2i.run.interrupt import first_control_c
from i2i.run.keeper import Keeper
from i2i.run.progress import Listener, Pace, Silent, printed
from i2i.run.start import start_from
from i2i.run.validation import Ranking, judged_source
from i2i.spec.assemble import assemble, build_source, total_steps
from i2i.spec.describe import describe
from i2i.spec.plugins import discover
from i2i.spec.rehearse import rehearse
from i2i.spec.spec import Spec, located, read, resolve
from i2i.translate.loading import mismatch

RESUMABLE = ("train.steps", "data.root", "train.device", "train.checkpoint_every")


class Run:
    """Training, as a user sees it; `build` and `Run.open` make one.

    Attributes:
        spec: complete.
        engine: trains; its networks are `run.engine.net.G`, ….
        source: the data.
        steps_total: the length.
        folder: the run folder; None until the first step of a new run.
        judged: held-out pictures with known truth, if there are any.
        ranking: the judgements so far.
        start: what was taken of the run that `train.init_from` names, as a table; empty if none is named.
        stopping: the step that runs is the last one, whatever the length.
    """

    def __init__(self, spec: Spec, registry: Registry, out: Path, folder: Folder | None = None) -> None:
        self.spec, self.registry, self.folder, self._out = spec, registry, folder, out
        self.world = World.join()
        self.source = build_source(spec, registry)
        train = spec.train
        check_exchange(self.source, train.batch)
        self.steps_per_epoch = -(-len(self.source) // train.batch)
        self.steps_total = total_steps(spec, self.steps_per_epoch)
        if spec.terms:
            rehearse(spec, registry, self.source.facts)
        self.engine = assemble(spec, registry, self.source.facts, self.steps_per_epoch, self.world)
        self.judged = judged_source(spec, registry, self.source)
        self.ranking = Ranking(spec.validation.direction)
        self.stopping = False
        self.start = (
            start_from(self.engine, train.init_from, self.source.facts.domains)
            if train.init_from and folder is None
            else ""
        )

    @classmethod
    def open(cls, path: str | Path, *, registry: Registry | None = None, settings: Iterable[str] = ()) -> Run:
        """Open a run folder at its newest checkpoint.

        Args:
            path: the run folder.
            registry: the components; None looks for what is installed.
            settings: changes to the spec, `KEY=VALUE`; only those of `RESUMABLE` are possible.

        Raises:
            I2IError: not a run folder, imported weights that were never trained here, a missing plug-in file, or a
                change that a resumed run cannot take.
        """
        folder = Folder.open(Path(path))
        settings = tuple(settings)
        _check_settings(settings)
        registry = registry or discover()
        facts = folder.facts()
        if "imported" in facts:
            raise I2IError(_imported(folder))
        _check_plugin_files(facts, registry, path)
        spec = resolve(folder.spec, registry, settings)
        train = spec.train.model_copy(update={"precision": facts["precision"]})
        try:
            run = cls(spec.model_copy(update={"train": train}), registry, folder.path, folder)
        except I2IError as error:
            raise located(error, folder.spec, settings) from error
        run._restore(folder)
        if settings and run.world.is_main:
            checkpoint.write_text(folder.spec, spec.toml())
        return run

    def _restore(self, folder: Folder) -> None:
        latest = folder.named("latest")
        if latest is None:
            return
        tensors, facts = checkpoint.read(latest)
        _check_labels(facts.get("data", {}).get("domains", ()), self.source.facts.domains)
        self.ranking.best, self.ranking.since = facts.get("best"), facts.get("since_best", 0)
        try:
            self.engine.restore(tensors, facts)
        except (I2IError, RuntimeError, KeyError, ValueError) as error:
            raise I2IError(f"{latest} does not belong to {folder.spec}: {mismatch(error)}") from error

    def describe(self) -> str:
        """The whole run in words; trains nothing."""
        shown = rehearse(self.spec, self.registry, self.source.facts)
        described = describe(
            self.spec, self.source, shown, self.engine.rate, self.steps_total, self.steps_per_epoch
        )
        return f"{described}\nstart\n{indent(self.start, '    ')}" if self.start else described

    def train(self, progress: bool = False) -> Path:
        """Train to the end; returns the run folder.

        The first Ctrl-C finishes the step and writes a checkpoint, the second stops at once; with several processes
        the first one does.

        Args:
            progress: show a progress bar, or plain lines where there is no terminal.

        Raises:
            KeyboardInterrupt: it was stopped.
        """
        alone = self.world.size == 1  # several would stop at different steps, and wait for each other
        shown = (
            printed(self.steps_total, self.engine.step) if progress and self.world.is_main else nullcontext()
        )
        with shown as listener, first_control_c(self._stop) if alone else nullcontext():
            for _ in self.steps(listener):
                pass
        if self.stopping and self.engine.step < self.steps_total:
            raise KeyboardInterrupt
        assert self.folder is not None
        return self.folder.path

    def _stop(self) -> None:
        self.stopping = True

    def steps(self, listener: Listener | None = None) -> Iterator[Report]:
        """Train step by step, yielding each step's terms: {"generators/cycle_a": tensor, …}, unweighted."""
        listener = listener or Silent()
        folder = self.folder = self.folder or self._new_folder(listener)
        self._look_ahead(listener)
        pace = Pace()
        with self._loggers(folder) as loggers:
            keeper = Keeper(self, folder, listener, loggers)
            end = self.engine.step if keeper.tired() else self.steps_total
            before = self.engine.images
            for report in self.engine.run(self._batches(pace), end):
                pace.images += self.engine.images - before
                before = self.engine.images
                with pace.paused():
                    last = keeper.after(self.engine.step, report, pace)
                    yield report
                if last:
                    break
            keeper.finish()

    def _look_ahead(self, listener: Listener) -> None:
        """Say so if the schedule ends before the run does: a longer run on resume, or a plan of the user's own."""
        rate, ahead = self.engine.rate, range(self.engine.step, self.steps_total)
        if ahead and rate(ahead[-1]) == 0:
            first = next(step for step in ahead if rate(step) == 0)
            listener.note(
                f"the learning rate is 0 from step {first + 1} on: the schedule ends before the run"
            )

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
                seen=self.engine.images,
                batch_at=self.engine.batch_at,
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
        if self.start:
            listener.note(f"starts {self.start}")
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
    registry, settings = registry or discover(), tuple(settings)
    resolved = resolve(spec, registry, settings)
    name = read(spec)[1].removesuffix(".toml") or resolved.strategy.name
    try:
        return Run(resolved, registry, Path(out) if out is not None else Path("runs") / name)
    except I2IError as error:
        raise located(error, spec, settings) from error


def _check_labels(before: Iterable[str], now: Iterable[str]) -> None:
    """Refuse labels that would come to mean something else: other domains, or another order of them."""
    before, now = ", ".join(before), ", ".join(now)
    if before != now:
        raise I2IError(
            f"data.root: the labels of this data are {now}, and the run was trained with {before}; "
            "it can only go on with the same ones in the same order"
        )


def _imported(folder: Folder) -> str:
    return (
        f"{folder.path} holds imported weights and nothing to resume; start a new run from them: i2i run "
        f"{folder.spec} --set data.root=… --set train.init_from={folder.path} --out …"
    )


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
