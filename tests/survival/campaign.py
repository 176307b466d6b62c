"""Runs that are killed again and again, each held against the run that nothing interrupted."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i.engine import checkpoints

# What the kills of a run aim at: training, the writing of a checkpoint, the start of a resumed run.
AIMS = ("train", "save", "resume")
KILLS_OF_A_RUN = 12
KILLED = -9
STEPS, SAVES = 48, 12  # of a whole run
CLOCKS = ("time", "images_per_second", "waiting_for_data", "memory/peak")
# Facts of a checkpoint that tell how and when it was made, not what was learnt.
OUTER = ("versions", "packages", "plugin_files", "data")


@dataclass(frozen=True)
class Variant:
    """A tiny run: settings over the demo spec of a method."""

    method: str
    settings: tuple[str, ...]


COMMON = (
    "train.device=cpu",
    "train.checkpoint_every=4",
    "train.keep=2",
    "train.sample_every=12",
    "train.log_every=1",
    "train.validate_every=8",
    "validate.every=8",
    "data.count=40",
)
VARIANTS: Mapping[str, Variant] = {
    "paired": Variant(
        "pix2pix",
        (
            f"train.steps={STEPS}",
            "train.batch=2",
            "train.accumulate=2",
            "train.ema={G=0.9}",
            "data.size=16",
            "data.load_size=18",
            "strategy.generator.width=4",
            "strategy.generator.depth=4",
            "strategy.discriminator.width=4",
            "strategy.discriminator.layers=1",
        ),
    ),
    "workers": Variant(
        "dcgan",
        (
            f"train.steps={STEPS}",
            "train.batch=4",
            "train.ema={G={half_life=20}}",
            "data.size=16",
            "data.load_size=16",
            "data.workers=2",
            "strategy.latent=4",
            "strategy.generator.width=4",
            "strategy.generator.layers=2",
            "strategy.discriminator.width=4",
            "strategy.discriminator.layers=2",
        ),
    ),
    "pool": Variant(
        "cyclegan",
        (
            f"train.steps={STEPS}",
            "train.precision=bf16",
            "data.size=16",
            "data.load_size=18",
            "strategy.pool=4",
            "strategy.generator.width=4",
            "strategy.generator.blocks=1",
            "strategy.discriminator.width=4",
            "strategy.discriminator.layers=1",
        ),
    ),
}


class Nursery:
    """The other end of `nursery.py`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._answer("ready")

    def run(self, *words: object, log: Path, **order: Any) -> dict[str, Any]:
        """Run `i2i …`; how it ended, and after how many seconds."""
        assert self.process.stdin is not None
        order |= {"words": [str(word) for word in words], "log": str(log)}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._answer())
        assert not answer.get("hung"), f"i2i {' '.join(order['words'])} hangs: {log.read_text('utf-8')}"
        return answer

    def save(self, folder: Path, log: Path, **order: Any) -> dict[str, Any]:
        """Write a checkpoint of step 2 below a folder, as a run does."""
        return self.run(log=log, save=str(folder), under=str(folder), **order)

    def _answer(self, wanted: str = "") -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line and wanted in line, "the nursery has died"
        return line


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery that ends with the block."""
    file = Path(__file__).with_name("nursery.py")
    words = [sys.executable, str(file)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


@dataclass
class Tally:
    """What a campaign did."""

    kills: dict[str, int] = field(default_factory=lambda: dict.fromkeys(AIMS, 0))
    runs: int = 0
    restarts: int = 0
    fall_backs: int = 0

    def __str__(self) -> str:
        parts = ", ".join(f"{count} in {aim}" for aim, count in self.kills.items())
        return (
            f"{sum(self.kills.values())} kills ({parts}), {self.restarts} restarts, "
            f"{self.fall_backs} fall-backs; {self.runs} runs, all equal to the unbroken one"
        )


@dataclass
class Unbroken:
    """The run that nothing interrupted, and how long its parts took.

    Attributes:
        final: all tensors of its last checkpoint, by file and name.
        facts: what its `state.json` says of the training.
        lines: the numbers of every step, by step.
        start: seconds until its first step.
        operations: file operations below its checkpoints, for each of them.
    """

    final: dict[str, Tensor]
    facts: dict[str, Any]
    lines: dict[int, dict[str, float]]
    start: float
    operations: int


class Campaign:
    """Runs of one variant: an unbroken one, then killed ones."""

    def __init__(self, nursery: Nursery, folder: Path, variant: Variant, rng: random.Random) -> None:
        self.nursery, self.folder, self.rng, self.tally = nursery, folder, rng, Tally()
        folder.mkdir(parents=True, exist_ok=True)
        self.log, self.spec = folder / "log.txt", folder / "spec.toml"
        self.settings = [word for setting in (*COMMON, *variant.settings) for word in ("--set", setting)]
        assert nursery.run("new", variant.method, "--demo", log=self.spec)["code"] == 0
        self.unbroken = self._unbroken()

    def starve(self, event: int, errno: int) -> str:
        """One run that the disk refuses a file operation, then a resume; what the refusal said, empty if none came."""
        run = self.folder / "starved"
        shutil.rmtree(run, ignore_errors=True)
        order = {"under": str(run), "event": event, "errno": errno}
        code = self.nursery.run(*self._from_start(run), log=self.log, **order)["code"]
        printed = self.log.read_text("utf-8")
        if code == 0:  # what may be left undone, as the removal of old files
            self.compare(run)
            return ""
        assert code == 1 and "Traceback" not in printed, printed
        if has_begun(run):
            assert self.nursery.run("resume", run, log=self.log)["code"] == 0, self.log.read_text("utf-8")
            self.compare(run)
        return printed

    def _unbroken(self) -> Unbroken:
        run = self.folder / "unbroken"
        done = self.nursery.run(*self._from_start(run), log=self.log, under=str(run / "checkpoints"))
        assert done["code"] == 0, self.log.read_text("utf-8")
        times = [json.loads(line)["time"] for line in metrics(run)]
        start = max(0.05, done["seconds"] - (times[-1] - times[0]))
        return Unbroken(*finals(run), lines_of(run), start, done["operations"] // SAVES)

    def _from_start(self, run: Path) -> tuple[object, ...]:
        return ("run", self.spec, "--out", run, *self.settings)

    def attack(self, kills: int) -> None:
        """Kill so many times, over as many runs as that takes."""
        done = 0
        while done < kills:
            done += self._one_run(min(KILLS_OF_A_RUN, kills - done))

    def _one_run(self, kills: int) -> int:
        """One run with at most so many kills; how many it took."""
        run, hit = self.folder / "killed", 0
        shutil.rmtree(run, ignore_errors=True)
        while True:
            begun = has_begun(run)
            if not begun:  # killed before there was anything to lose
                shutil.rmtree(run, ignore_errors=True)
            words = ("resume", run) if begun else self._from_start(run)
            aim = (
                self.rng.choice(AIMS if begun else AIMS[:2])
                if hit < kills and newest_step(run) < STEPS
                else ""
            )
            answer = self.nursery.run(*words, log=self.log, **self._order(run, aim))
            printed = self.log.read_text("utf-8")
            self.tally.fall_backs += "damaged" in printed
            self.tally.restarts += begun
            if answer["code"] == 0:
                break
            assert answer["code"] == KILLED, f"i2i {words[0]} ended with {answer['code']}:\n{printed}"
            late = aim == "resume" and answer["operations"]  # it was in training already
            self.tally.kills["train" if late else aim] += 1
            hit += 1
        self.tally.runs += 1
        self.compare(run)
        return hit

    def _order(self, run: Path, aim: str) -> dict[str, Any]:
        """When to kill: some time after a line of the metrics, at or after a step of a save, or early."""
        if aim == "train":
            event, later = self.rng.randint(1, STEPS - newest_step(run)), self.rng.uniform(0, 0.05)
            return {"event": event, "kill": later, "under": str(run / "metrics.jsonl")}
        if aim == "save":
            event = self.rng.randint(1, 2 * self.unbroken.operations)
            later = self.rng.choice((0, self.rng.uniform(0, 0.02)))
            return {"event": event, "kill": later, "under": str(run / "checkpoints")}
        if aim == "resume":
            return {
                "kill": self.rng.uniform(0, 0.5 * self.unbroken.start),
                "under": str(run / "metrics.jsonl"),
            }
        return {}

    def compare(self, run: Path) -> None:
        """Hold a run that is done against the unbroken one."""
        final, facts = finals(run)
        assert final.keys() == self.unbroken.final.keys()
        unequal = [
            name for name, tensor in final.items() if not torch.equal(tensor, self.unbroken.final[name])
        ]
        assert not unequal, f"not as in the unbroken run: {', '.join(unequal)}"
        assert facts == self.unbroken.facts
        assert lines_of(run) == self.unbroken.lines


def finals(run: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """All tensors of a run's last checkpoint, and what its facts say of the training."""
    found = checkpoints.newest(run / "checkpoints")
    assert found is not None and not found.damaged
    tensors, facts = found.tensors, found.facts
    flat = {f"{file}:{key}": tensor for file, entries in tensors.items() for key, tensor in entries.items()}
    return flat, {key: value for key, value in facts.items() if key not in OUTER}


def metrics(run: Path) -> list[str]:
    """The whole lines of the metrics; what a kill tore is no line."""
    return [line for line in (run / "metrics.jsonl").read_text("utf-8").splitlines() if line.endswith("}")]


def lines_of(run: Path) -> dict[int, dict[str, float]]:
    """The numbers of every step; what was trained twice must have been the same twice."""
    steps: dict[int, dict[str, float]] = {}
    for line in map(json.loads, metrics(run)):
        numbers = {key: value for key, value in line.items() if key not in (*CLOCKS, "step")}
        before = steps.setdefault(line["step"], {})
        assert all(before.get(key, value) == value for key, value in numbers.items()), line
        before |= numbers
    return steps


def has_begun(run: Path) -> bool:
    """Whether there is a run folder to go on from; killed before that, nothing is lost."""
    return (run / "environment.json").is_file() and (run / "spec.toml").is_file()


def newest_step(run: Path) -> int:
    """The step of the newest checkpoint, 0 if there is none."""
    return max(checkpoints.steps(run / "checkpoints"), default=0)
