"""A run: a spec, its folder, and everything periodic around the engine."""

from __future__ import annotations

import signal
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.protocols import Logger
from i2i.core.registry import Registry
from i2i.data.bad_files import BadFiles
from i2i.data.stream import Stream, check_exchange
from i2i.data.values import to_device
from i2i.engine import checkpoints, disk, lock
from i2i.engine.allocator import freed_memory_kept
from i2i.engine.loop import Report
from i2i.engine.parallel import World, job
from i2i.nets.init import kept_weights
from i2i.report import report as written
from i2i.run import elastic, plan, resuming
from i2i.run.folder import Folder, environment, versions
from i2i.run.interrupt import first_signal
from i2i.run.keeper import Keeper
from i2i.run.loggers.opening import opened
from i2i.run.memory import job_of, within_memory
from i2i.run.progress import Listener, Pace, Silent, printed
from i2i.run.recovery import Recovery
from i2i.run.start import start_from
from i2i.run.validation import Ranking, material_of
from i2i.run.watch import Watch
from i2i.spec.assemble import assemble, build_source, build_strategy, total_steps
from i2i.spec.describe import in_words
from i2i.spec.describe import plan as plan_of
from i2i.spec.plugins import discover
from i2i.spec.rehearse import rehearse
from i2i.spec.room import memory_of
from i2i.spec.spec import Spec, located, read, resolve
from i2i.translate.loading import mismatch

UNCOMPILED = (
    "train.compile: this machine has no compiler that works (g++, clang, MSVC; Triton); it trains without"
)


class Run:
    """Training, as a user sees it; `build` and `Run.open` make one.

    Attributes:
        spec: complete.
        engine: trains; its networks are `run.engine.net.G`, ….
        source: the data.
        steps_total: the length.
        folder: the run folder; None until the first step of a new run.
        judged: what it is judged on, if it can be.
        ranking: the judgements so far.
        watch: what went wrong so far with the training itself.
        bad_files: those that could not be read since training began.
        start: what was taken of the run that `train.init_from` names, as a table; empty if none is named.
        stopping: the signal after which the step that runs is the last one, whatever the length; 0 is none.
    """

    def __init__(self, spec: Spec, registry: Registry, out: Path, folder: Folder | None = None) -> None:
        self.spec, self.registry, self.folder, self._out = spec, registry, folder, out
        self.world = World.join()
        self.source = build_source(spec, registry)
        train = spec.train
        if self.world.size > 1:
            self._check_alike()
        check_exchange(self.source, train.batch)
        self.steps_per_epoch = -(-len(self.source) // train.batch)
        self.steps_total = total_steps(spec, self.steps_per_epoch)
        if spec.terms:
            rehearse(spec, registry, self.source.facts)
        self.engine = assemble(spec, registry, self.source.facts, self.steps_per_epoch, self.world)
        self.judged = material_of(spec, registry, self.source, self.engine)
        self.ranking = Ranking(spec.validation.direction)
        self.watch = Watch(self.engine, self.steps_total)
        self.bad_files = BadFiles()
        self.stopping = 0
        self._notes = [UNCOMPILED] if train.compile and not self.engine.settings.compiled else []
        self._changed = ""  # the spec, if it is to be written anew
        self._passed_over: set[int] = set()
        self._stale: list[str] = []
        self.start = (
            start_from(self.engine, train.init_from, self.source.facts.domains)
            if train.init_from and (folder is None or not checkpoints.steps(folder.checkpoints))
            else ""
        )

    def _check_alike(self) -> None:
        """Refuse processes with another spec, other versions or other data than the first has."""
        found = [f"{name} {version}" for name, version in versions(self.spec, self.registry).items()]
        lines = [*self.spec.toml().splitlines(), *found, f"{len(self.source)} samples"]
        self.world.check_alike("spec, versions or data", lines)

    @classmethod
    def open(cls, path: str | Path, *, registry: Registry | None = None, settings: Iterable[str] = ()) -> Run:
        """Open a run folder at its newest checkpoint.

        Args:
            path: the run folder.
            registry: the components; None looks for what is installed.
            settings: changes to the spec, `KEY=VALUE`; only those of `resuming.RESUMABLE` are possible.

        Raises:
            I2IError: not a run folder, one that another process trains, one without a whole checkpoint among those
                that it has, imported weights that were never trained here, a missing plug-in file, or a change that a
                resumed run cannot take.
        """
        folder = Folder.open(Path(path))
        if World.join().is_main:  # before networks take memory of a device that is in use
            lock.refuse_if_taken(folder.path)
        settings = tuple(settings)
        resuming.check_settings(settings)
        registry = registry or discover()
        facts = folder.facts()
        resuming.check_facts(facts, folder, registry)
        spec = resolve(folder.spec, registry, settings)
        train = spec.train.model_copy(update={"precision": facts["precision"]})
        try:
            run = cls(spec.model_copy(update={"train": train}), registry, folder.path, folder)
        except I2IError as error:
            raise located(error, folder.spec, settings) from error
        run._resume(folder, settings, spec.toml() if settings else "")
        return run

    @classmethod
    def again(cls, path: Path, registry: Registry) -> Run:
        """Open a run folder for processes that torchrun has started again in the job that made it."""
        run = cls.open(path, registry=registry)
        run._notes.insert(0, f"started again by torchrun: goes on with {path} from step {run.engine.step:,}")
        return run

    def _resume(self, folder: Folder, settings: tuple[str, ...], changed: str) -> None:
        """Go to the newest checkpoint, and keep what is to be said and written when training begins."""
        self._notes += [self.restore(folder), f"starts {self.start}" * bool(self.start)]
        step = str(self.engine.step)
        if self.world.tell(step) != step:
            raise I2IError(f"{folder.path}: the processes do not see the same checkpoints; start them again")
        self._changed = changed
        if any(setting.partition("=")[0].strip() == "train.steps" for setting in settings):
            before = total_steps(resolve(folder.spec, self.registry), self.steps_per_epoch)
            engine = self.engine
            self._notes += [
                plan.changed_length(engine.rate, engine.rates(), engine.step, before, self.steps_total)
            ]

    def restore(self, folder: Folder) -> str:
        """Go to the newest whole checkpoint; what there is to say about it, if anything.

        Raises:
            I2IError: there are only damaged ones, or it is not one of this run.
        """
        found = folder.newest()
        if found is None:
            return f"{folder.path} has no checkpoint yet; it starts at step 0"
        facts = found.facts
        self._passed_over = {int(error.folder.name.rpartition("-")[2]) for error in found.damaged}
        self._stale = resuming.stale_pointers(folder, found)
        try:
            resuming.check_data(facts.get("data", {}), self.source.facts)
            self.ranking.best, self.ranking.since = facts.get("best"), facts.get("since_best", 0)
            self.watch.restore(facts.get("watch", {}))
            self.engine.restore(found.tensors, facts)
        except resuming.OtherDataError:
            raise
        except (I2IError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise I2IError(f"{found.folder} does not belong to {folder.spec}: {mismatch(error)}") from error
        return found.note()

    def describe(self) -> str:
        """The whole run in words; trains nothing."""
        shown = rehearse(self.spec, self.registry, self.source.facts)
        parts = self._plan(shown.weights, memory_of(job_of(self), self.engine.device))
        return in_words(parts | ({"start": self.start} if self.start else {}))

    def report(self, out: str | Path | None = None) -> Path:
        """Write one page about the run, as `i2i report` does; its path is returned.

        Args:
            out: the file; by default `report.html` in the run folder.

        Raises:
            I2IError: it has no folder yet, or the file is no report.
        """
        if self.folder is None:
            raise I2IError("this run has no folder yet: there is nothing to report before the first step")
        return written([self.folder.path], None if out is None else Path(out))

    def _plan(self, weights: Mapping[str, int], memory: str = "") -> dict[str, str]:
        """The run in words, by titles."""
        recipe = build_strategy(self.spec, self.registry).recipe
        length = self.steps_total, self.steps_per_epoch
        kept = {name: kept_weights(network) for name, network in self.engine.trained.items()}
        return plan_of(
            self.spec,
            self.source,
            self.engine.phases,
            weights,
            self.engine.rate,
            *length,
            recipe,
            memory,
            kept,
        )

    def train(self, progress: bool = False) -> Path:
        """Train to the end; returns the run folder.

        The first Ctrl-C or SIGTERM finishes the step and writes a checkpoint, the second stops at once.

        Args:
            progress: show a progress bar, or plain lines where there is no terminal.

        Raises:
            KeyboardInterrupt: it was stopped by Ctrl-C.
            SystemExit: it was stopped by SIGTERM; the code is 143, as of any program that ends so.
            DiskError: the disk refuses; earlier checkpoints are whole.
        """
        self.stopping = 0  # of an earlier call
        shown = (
            printed(self.steps_total, self.engine.step) if progress and self.world.is_main else nullcontext()
        )
        with shown as listener, first_signal(self._stop):
            for _ in self.steps(listener):
                pass
        if self.stopping and self.engine.step < self.steps_total:
            raise SystemExit(128 + signal.SIGTERM) if self.stopping == signal.SIGTERM else KeyboardInterrupt
        assert self.folder is not None
        return self.folder.path

    def _stop(self, number: int) -> None:
        self.stopping = number

    def finished(self) -> bool:
        """Whether no step is left, or patience has ended."""
        return self.engine.step >= self.steps_total or self.ranking.tired(self.spec.validation.patience)

    def steps(self, listener: Listener | None = None) -> Iterator[Report]:
        """Train step by step, yielding each step's terms: {"generators/cycle_a": tensor, …}, unweighted.

        Raises:
            I2IError: another process trains in this run folder.
            DiskError: the disk refuses; earlier checkpoints are whole.
        """
        listener = listener or Silent()
        if self.folder is not None and self.finished() and not (self._changed or self._stale):
            listener.note(self._end(self.folder))
            return
        folder = self.folder = self.folder or self._new_folder(listener)
        self.bad_files = BadFiles(self.spec.train.max_bad_files, listener.note)
        alone = lock.held(folder.path) if self.world.is_main else nullcontext()
        with resuming.surviving(folder), within_memory(self), freed_memory_kept(self.engine.device), alone:
            self._prepare(folder, listener)
            with (
                self._loggers(folder, listener) as loggers,
                Keeper(self, folder, listener, loggers) as keeper,
            ):
                yield from self._train(keeper, folder, listener)

    def _loggers(self, folder: Folder, listener: Listener) -> AbstractContextManager[list[Logger]]:
        if not self.world.is_main:
            return nullcontext([])
        return opened(self.spec, self.registry, folder.path, listener.note)

    def _train(self, keeper: Keeper, folder: Folder, listener: Listener) -> Iterator[Report]:
        pace = Pace()
        end = self.engine.step if self.finished() else self.steps_total
        for report in Recovery(self, keeper, folder, listener).reports(pace, end):
            with pace.paused():
                last = keeper.after(self.engine.step, report, pace)
                yield report
            if last:
                break
        keeper.finish()

    def _prepare(self, folder: Folder, listener: Listener) -> None:
        """What waited for the lock: to remove what a killed process left, to write the spec, to say what was found."""
        if self.world.is_main:
            resuming.check_newest(folder, self.engine.step, self._passed_over)
            folder.tidy()
            for name in self._stale:
                folder.point(name, self.engine.step)
            if self._changed:
                disk.write_text(folder.spec, self._changed)
        notes, self._notes, self._changed, self._stale = self._notes, [], "", []
        told_length = any(note.startswith("train.steps") for note in notes)
        ahead = "" if told_length else plan.look_ahead(self.engine.rate, self.engine.step, self.steps_total)
        for note in [*notes, ahead]:
            if note:
                listener.note(note)

    def _end(self, folder: Folder) -> str:
        step, total = self.engine.step, self.steps_total
        why = f"all {total:,} steps are done" if step >= total else f"its patience ended at step {step:,}"
        return f"{folder.path} is finished: {why} (pictures in {folder.samples})"

    def stream(self) -> Stream:
        """What this process trains on from the current step on."""
        train, world = self.spec.train, self.world
        return Stream(
            self.source,
            seed=self.engine.seed,
            batch=train.batch,
            accumulate=train.accumulate,
            rank=world.rank,
            processes=world.size,
            workers=self.spec.workers,
            start=self.engine.step,
            seen=self.engine.images,
            batch_at=self.engine.batch_at,
            bad_files=self.bad_files,
        )

    def batches(self, pace: Pace) -> Generator[Mapping[str, Tensor], None, None]:
        """Batches from the current step on, on the device; counts the time spent waiting for them."""
        with closing(iter(self.stream())) as stream:
            while True:
                before = time.monotonic()
                fields = next(stream)
                pace.waited += time.monotonic() - before
                yield to_device(fields, self.source.facts, self.engine.device)

    def _new_folder(self, listener: Listener) -> Folder:
        if self.world.is_main:
            facts = environment(
                self.spec,
                self.registry,
                self.engine.device,
                self.engine.settings.precision,
                self.world.size,
                job(),
                self.engine.settings.compiled,
            )
            sizes = {
                name: sum(weight.numel() for weight in part.parameters())
                for name, part in self.engine.net.modules().items()
            }
            facts |= {"steps": self.steps_total, "plan": self._plan(sizes)}
            path = str(Folder.create(self._out, self.spec.toml(), facts).path)
        else:
            path = ""
        folder = Folder(Path(self.world.tell(path)))
        if folder.path != self._out:
            listener.note(f"{self._out} exists; this run goes to {folder.path}")
        if self.start:
            listener.note(f"starts {self.start}")
        return folder


def build(
    spec: str | Path | Mapping[str, Any] | Spec,
    *,
    registry: Registry | None = None,
    out: str | Path | None = None,
    settings: Iterable[str] = (),
) -> Run:
    """Build a run from a spec: a path, TOML text, a dict or a `Spec`. Nothing is written before the first step.

    Processes that torchrun has started again get the run that they had begun, at its newest checkpoint.

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
    wanted, world = Path(out) if out is not None else Path("runs") / name, World.join()
    if begun := world.tell(str(elastic.begun(wanted, resolved.toml()) or "")):
        return Run.again(Path(begun), registry)
    try:
        return Run(resolved, registry, wanted)
    except I2IError as error:
        raise located(error, spec, settings) from error
