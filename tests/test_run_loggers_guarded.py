"""A logger that fails, hangs or is slow is switched off, and the training never knows."""

from __future__ import annotations

import csv
import errno
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from helpers import everything, unequal
from logging_runs import Quiet, logged, with_logger
from trained import Told, command, run_tables, train_told, write_spec

import i2i
from i2i.core.errors import I2IError
from i2i.engine import lines
from i2i.engine.parallel import World
from i2i.run.folder import Folder
from i2i.run.loggers import guarded
from i2i.run.loggers.guarded import Guarded

AND = "; the run goes on without it, and metrics.jsonl and samples hold everything"
FULL = OSError(errno.ENOSPC, "No space left on device")


def failing(at: str, error: BaseException) -> type[Quiet]:
    """A logger that raises in one of its methods."""

    class Failing(Quiet):
        def spec(self, text: str, values: object) -> None: ...

    def fail(*_: object) -> None:
        raise error

    setattr(Failing, at, fail)
    return Failing


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def about_mine(notes: list[str]) -> list[str]:
    return [note for note in notes if note.startswith("logger")]


@pytest.mark.parametrize(
    ("at", "error", "words"),
    [
        ("open", FULL, "the start (no space left on the disk)"),
        ("spec", KeyError("x"), "the spec (KeyError: 'x')"),
        ("scalars", FULL, "the numbers of step 1 (no space left on the disk)"),
        ("picture", ValueError("no\nsuch"), "the picture of step 2 (ValueError: no)"),
        ("picture", SystemExit(1), "the picture of step 2 (SystemExit: 1)"),
        ("close", I2IError("not like this"), "the end (not like this)"),
    ],
)
def test_a_logger_that_fails_is_switched_off_and_said_once(
    tmp_path: Path, at: str, error: BaseException, words: str
) -> None:
    run = logged(tmp_path / "run", "mine", "csv", components=with_logger(failing(at, error)))
    assert about_mine(train_told(run)) == [f"logger 'mine' is switched off: it failed at {words}{AND}"]
    plain = logged(tmp_path / "plain")
    plain.train()
    assert not unequal(everything(run.engine), everything(plain.engine))
    for name in ("metrics.jsonl", "metrics.csv"):  # nor does another logger know
        assert (tmp_path / "run" / name).read_text().count("\n") >= 5


def test_a_logger_that_failed_is_ended_and_told_nothing_more(tmp_path: Path) -> None:
    class Failing(Quiet):
        def scalars(self, step: int, values: object) -> None:
            self.told.append(("failed",))
            raise RuntimeError

    told = Told()
    logger = Guarded("mine", Failing(), told.note)
    logger.open(tmp_path)
    for step in (1, 2):
        logger.scalars(step, {"a": 1.0})
        logger._thread.join(10)
    logger.close()
    assert Failing.told == [("open", tmp_path.name), ("failed",), ("close",)]
    assert len(told.notes) == 1


@pytest.mark.parametrize("error", [I2IError("logger 'mine': set a name"), ImportError("No module named 'x'")])
def test_what_can_be_mended_ends_the_run_before_it_begins(tmp_path: Path, error: Exception) -> None:
    run = logged(tmp_path / "run", "mine", components=with_logger(failing("open", error)))
    with pytest.raises(I2IError, match=r"^logger 'mine': (set a name|No module named 'x')$"):
        run.train()
    assert run.engine.step == 0


def test_a_missing_library_is_one_sentence_at_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    spec = write_spec(tmp_path / "logged.toml", {**run_tables("pix2pix"), "loggers": ["wandb"]})
    done = command("run", spec, "--out", tmp_path / "run")
    assert (done.code, done.err.rstrip()[-72:]) == (
        1,
        "wandb is needed for logger 'wandb': pip install 'i2i-toolkit[wandb]'"[-72:],
    )


def test_a_logger_that_hangs_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    class Hanging(Quiet):
        def scalars(self, step: int, values: object) -> None:
            gate.wait()

    monkeypatch.setattr(guarded, "CLOSING", 0.2)
    run = logged(tmp_path / "run", "mine", components=with_logger(Hanging))
    assert about_mine(train_told(run)) == [
        f"logger 'mine' is switched off: it did not end within 0 seconds{AND}"
    ]
    assert len(list(lines.read(tmp_path / "run/metrics.jsonl"))) == 6


def test_a_logger_that_never_starts_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    class Hanging(Quiet):
        def open(self, folder: Path) -> None:
            gate.wait()

    monkeypatch.setattr(guarded, "OPENING", 0.2)
    run = logged(tmp_path / "run", "mine", components=with_logger(Hanging))
    assert about_mine(train_told(run)) == [
        f"logger 'mine' is switched off: it did not start within 0 seconds{AND}"
    ]


def test_a_logger_that_falls_behind_is_switched_off(tmp_path: Path, gate: threading.Event) -> None:
    class Slow(Quiet):
        def picture(self, step: int, name: str, picture: torch.Tensor) -> None:
            gate.wait()

    told = Told()
    logger = Guarded("mine", Slow(), told.note)
    logger.open(tmp_path)
    picture = torch.zeros(3, 2048, 2048, dtype=torch.uint8)  # 12 MiB
    for step in range(1, 9):
        assert not told.notes or step > 6
        logger.picture(step, "samples", picture)
    assert told.notes == [f"logger 'mine' is switched off: it is too slow, and 60 MiB wait for it{AND}"]
    gate.set()
    logger.close()
    logger._thread.join(10)
    assert Slow.told == [("open", tmp_path.name), ("close",)]


def test_a_picture_larger_than_the_room_is_taken_when_nothing_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "ROOM", 10)
    logger = Guarded("mine", Quiet(), pytest.fail)
    logger.open(tmp_path)
    logger.picture(1, "samples", torch.zeros(3, 4, 4, dtype=torch.uint8))
    logger.close()
    assert Quiet.told[1] == (1, "samples", torch.uint8, 3)


def test_training_does_not_wait(tmp_path: Path, gate: threading.Event) -> None:
    class Slow(Quiet):
        def scalars(self, step: int, values: object) -> None:
            gate.wait(20)
            self.told.append((step, len(values)))

    run = logged(tmp_path / "run", "mine", components=with_logger(Slow))
    for _ in run.steps():
        assert Slow.told == [("open", "run")]  # or the training would have waited
        if run.engine.step == 4:
            gate.set()
    assert [told[0] for told in Slow.told] == ["open", 1, 2, 2, 2, 3, 4, 4, 4, "close"]  # and all has arrived


def test_loggers_change_nothing(tmp_path: Path) -> None:
    class Drawing(Quiet):
        def scalars(self, step: int, values: dict[str, float]) -> None:
            values["generator/pixel"] = 0.0

        def picture(self, step: int, name: str, picture: torch.Tensor) -> None:
            picture.zero_()

    run = logged(tmp_path / "run", "mine", "csv", components=with_logger(Drawing))
    run.train()
    plain = logged(tmp_path / "plain")
    plain.train()
    assert not unequal(everything(run.engine), everything(plain.engine))
    sample = "samples/step-000004.png"
    assert (tmp_path / "run" / sample).read_bytes() == (tmp_path / "plain" / sample).read_bytes()
    with (tmp_path / "run/metrics.csv").open(encoding="utf-8", newline="") as file:
        assert "0" not in {
            row["generator/pixel"] for row in csv.DictReader(file)
        }  # nor does another logger see it


def test_one_process_logs(tmp_path: Path) -> None:
    run = logged(tmp_path / "run", "mine", components=with_logger(Quiet))
    run.world = World(rank=1, size=2)
    with run._loggers(Folder(tmp_path), Told()) as loggers:
        assert not loggers


def test_what_ends_the_run_is_what_is_raised(tmp_path: Path) -> None:
    run = logged(tmp_path / "run", "mine", components=with_logger(failing("close", FULL)))
    steps = run.steps()
    next(steps)
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt)  # type: ignore[attr-defined]


def test_workers_and_loggers_go_together(tmp_path: Path) -> None:
    tables = {**run_tables("pix2pix"), "loggers": ["mine", "csv", "tensorboard"]}
    tables["data"] |= {"workers": 2}
    pytest.importorskip("tensorboard")
    i2i.build(tables, registry=with_logger(Quiet), out=tmp_path / "run").train()
    assert [told[0] for told in Quiet.told] == ["open", 1, 2, 2, 2, 3, 4, 4, 4, "close"]
