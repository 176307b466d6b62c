"""Runs that die and go on: damaged checkpoints, full disks, two processes, signals, other lengths."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from helpers import registry
from safetensors.torch import load_file
from torch import Tensor
from trained import command, run_tables, train_told, two_processes, write_spec

import i2i
from i2i.core.errors import I2IError, I2IWarning
from i2i.core.words import quoted
from i2i.engine import checkpoint, lock
from i2i.engine.disk import DiskError
from i2i.engine.lines import read
from i2i.engine.loop import Engine
from i2i.run.keeper import Keeper
from i2i.run.run import Run, build

STEP = "checkpoints/step-{:06d}"


def new_run(out: Path, **train: Any) -> Run:
    return build(run_tables("pix2pix", **train), registry=registry(), out=out)


def opened(path: Path, *settings: str) -> Run:
    return Run.open(path, registry=registry(), settings=settings)


def weights(run: Path, step: int) -> dict[str, Any]:
    files = sorted((run / STEP.format(step)).glob("*.safetensors"))
    return {f"{file.stem}/{name}": tensor for file in files for name, tensor in load_file(file).items()}


def assert_same_end(one: Path, other: Path, step: int) -> None:
    ours, theirs = weights(one, step), weights(other, step)
    assert ours.keys() == theirs.keys() and ours
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


def broken(paired_run: Path, tmp_path: Path) -> Path:
    """A copy of the run of four steps, to break."""
    return shutil.copytree(paired_run, tmp_path / "broken")


# Damaged checkpoints


def test_the_newest_whole_checkpoint_is_used_said_and_written_over(paired_run: Path, tmp_path: Path) -> None:
    run = broken(paired_run, tmp_path)
    (run / STEP.format(4) / "G.safetensors").write_bytes(b"torn")
    again = opened(run)
    assert again.engine.step == 2
    assert train_told(again)[0] == (
        "step-000004 is damaged (G.safetensors does not have the checksum it was written with); "
        "going on from step-000002"
    )
    assert_same_end(run, paired_run, 4)
    checkpoint.verify(run / STEP.format(4))


@pytest.mark.parametrize("text", ["", "step-0000", "../../elsewhere", "step-000999"])
def test_whatever_latest_says_the_newest_is_used(paired_run: Path, tmp_path: Path, text: str) -> None:
    run = broken(paired_run, tmp_path)
    (run / "checkpoints/latest").write_text(text, encoding="utf-8")
    assert opened(run).engine.step == 4
    (run / "checkpoints/latest").unlink()
    assert opened(run).engine.step == 4


def test_pointers_that_a_kill_left_behind_are_moved_also_of_a_finished_run(
    paired_run: Path, tmp_path: Path
) -> None:
    run = broken(paired_run, tmp_path)
    best = (run / "checkpoints/best").read_text(encoding="utf-8")
    (run / "checkpoints/latest").write_text("step-000002", encoding="utf-8")
    (run / "checkpoints/best").write_text("step-000002", encoding="utf-8")
    train_told(opened(run))
    assert (run / "checkpoints/latest").read_text(encoding="utf-8") == "step-000004"
    assert (run / "checkpoints/best").read_text(encoding="utf-8") == best
    assert train_told(opened(run))[0].startswith(f"{run} is finished")


def test_without_a_whole_checkpoint_each_fault_is_named(paired_run: Path, tmp_path: Path) -> None:
    run = broken(paired_run, tmp_path)
    for step in (2, 4):
        (run / STEP.format(step) / "state.json").unlink()
    with pytest.raises(I2IError) as caught:
        opened(run)
    assert str(caught.value) == (
        f"{run / 'checkpoints'}: no checkpoint is whole:\n    step-000004: state.json is missing\n"
        "    step-000002: state.json is missing"
    )


def test_without_any_checkpoint_it_starts_at_step_0_and_says_so(paired_run: Path, tmp_path: Path) -> None:
    run = broken(paired_run, tmp_path)
    shutil.rmtree(run / "checkpoints")
    assert train_told(opened(run))[0] == f"{run} has no checkpoint yet; it starts at step 0"
    assert_same_end(run, paired_run, 4)


def test_what_a_killed_process_left_is_gone_after_a_resume(paired_run: Path, tmp_path: Path) -> None:
    run = broken(paired_run, tmp_path)
    shutil.rmtree(run / STEP.format(4))
    (run / "checkpoints/.step-000004.draft").mkdir()
    (run / "samples/.step-000004.png.draft").write_bytes(b"half")
    with (run / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 3, "gener')
    train_told(opened(run))
    assert [path.name for path in run.rglob(".*")] == [".lock"]
    assert [line["step"] for line in read(run / "metrics.jsonl")][-1] == 4


# Two processes


def test_a_second_run_of_the_folder_is_refused_and_harms_nothing(paired_run: Path, tmp_path: Path) -> None:
    run = broken(paired_run, tmp_path)
    shutil.rmtree(run / STEP.format(4))
    first, second = opened(run), opened(run)
    steps = first.steps()
    next(steps)
    for attempt in (lambda: opened(run), lambda: next(second.steps())):
        with pytest.raises(I2IError, match=f"process {os.getpid()} on .* is training this run"):
            attempt()
    assert len(list(steps)) == 1  # the first goes on to its end
    with pytest.raises(I2IError) as caught:
        next(second.steps())
    assert str(caught.value) == (
        f"{run}: this run was opened at step 2, and another process has trained it to step 4 since; open it again"
    )
    assert_same_end(run, paired_run, 4)


def test_the_lock_is_free_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path / "run")

    def refuse(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Engine, "advance", refuse)
    with pytest.raises(RuntimeError):
        train_told(run)
    lock.refuse_if_taken(tmp_path / "run")


# The disk


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", refuse)
        yield


def test_a_full_disk_stops_the_run_with_one_sentence(
    paired_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = broken(paired_run, tmp_path)
    save = checkpoint.save_file

    def refuse(tensors: Any, path: Path) -> None:
        save(tensors, path)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", refuse)
        done = command("resume", run, "--set", "train.steps=8")
    assert done.code == 1
    assert done.err == (
        f"{run / 'checkpoints/step-000006'}: this could not be written: no space left on the disk; "
        f"earlier checkpoints are whole; to go on: i2i resume {run}\n"
    )
    assert sorted(path.name for path in (run / "checkpoints").glob("*step*")) == [
        "step-000002",
        "step-000004",
    ]
    assert command("resume", run).code == 0  # with space again
    whole = new_run(tmp_path / "whole", steps=4, ema={"G": 0.5}).train()
    assert opened(whole).engine.step == 4
    assert opened(run).engine.step == 8


def test_a_full_disk_before_the_first_checkpoint(tmp_path: Path, full: None) -> None:
    with pytest.raises(DiskError) as caught:
        new_run(tmp_path / "run").train()
    assert str(caught.value).endswith(f"there is no checkpoint yet; to go on: i2i resume {tmp_path / 'run'}")


def test_a_vanished_folder_is_told_and_not_made_anew(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    with pytest.raises(DiskError, match=r"(metrics\.jsonl|\.holder): .* the folder is gone$"):
        for _ in run.steps():
            if run.engine.step == 1:
                shutil.rmtree(tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("what", ["metrics.jsonl", "samples/step-000002.png"])
def test_whatever_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    run, target = new_run(tmp_path / "run"), tmp_path / "run" / what
    path_open = Path.open

    def refuse(path: Path, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if path.name in (target.name, f".{target.name}.draft") and mode in ("ab", "wb"):
            raise OSError(errno.EROFS, "Read-only file system")
        return path_open(path, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DiskError) as caught:
        run.train()
    assert str(caught.value).startswith(f"{target}: this could not be written: the folder is read-only; ")
    assert not target.exists()


def test_a_logger_that_cannot_write_does_not_stop_the_run(tmp_path: Path) -> None:
    class Full:
        def open(self, folder: Path) -> None: ...

        def scalars(self, step: int, values: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None: ...

    import i2i

    components = i2i.Registry("mine")
    components.merge(registry())
    components.add("logger", "full", Full)
    tables = {**run_tables("pix2pix"), "loggers": ["full"]}
    run = build(tables, registry=components, out=tmp_path / "run")
    assert any("'full' is switched off" in note and "no space left" in note for note in train_told(run))
    assert run.engine.step == 4


# Off the training path


def test_the_training_goes_on_while_a_checkpoint_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, store, at = threading.Event(), checkpoint.store, []

    def slow(*words: Any) -> None:
        gate.wait(20)
        at.append(run.engine.step)
        store(*words)

    monkeypatch.setattr(checkpoint, "store", slow)
    run = new_run(tmp_path / "run", steps=4, validate_every=100, sample_every=100)
    for _ in run.steps():
        if run.engine.step == 3:  # the checkpoint of step 2 waits
            gate.set()
    assert at[0] >= 3  # or the training would have waited for it at step 2
    whole = new_run(tmp_path / "whole", steps=4, validate_every=100).train()
    for step in (2, 4):  # what was written is what was copied
        assert_same_end(tmp_path / "run", whole, step)


def test_an_error_of_the_writer_ends_the_run_within_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def refuse(*_: object) -> None:
        tried.set()
        raise DiskError("no space")

    monkeypatch.setattr(checkpoint, "store", refuse)
    run = new_run(tmp_path / "run", steps=100, checkpoint_every=2, validate_every=1000, sample_every=1000)
    with pytest.raises(DiskError, match="no space"):
        for _ in run.steps():
            if run.engine.step == 2:
                tried.wait(10)
                time.sleep(0.1)  # for the thread to end
    assert run.engine.step == 3


def test_what_ends_the_run_matters_more_than_the_disk() -> None:
    with pytest.raises(KeyboardInterrupt), Keeper.__new__(Keeper) as keeper:
        keeper.writer = Failing()  # type: ignore[assignment]
        raise KeyboardInterrupt


class Failing:
    """A writer whose last work went wrong."""

    def wait(self) -> None:
        raise DiskError("no space")


def test_leaving_the_steps_waits_for_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = checkpoint.store

    def slow(*words: Any) -> None:
        time.sleep(0.2)
        store(*words)

    monkeypatch.setattr(checkpoint, "store", slow)
    run = new_run(tmp_path / "run", checkpoint_every=1)
    for _ in run.steps():
        break
    checkpoint.verify(tmp_path / "run" / STEP.format(1))


# Signals


@pytest.mark.parametrize(
    ("number", "code", "said"), [(signal.SIGINT, 130, "stopped"), (signal.SIGTERM, 143, "")]
)
def test_a_signal_writes_a_checkpoint_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int, said: str
) -> None:
    spec, advance = write_spec(tmp_path / "pix.toml", run_tables("pix2pix")), Engine.advance

    def interrupted(engine: Engine, batch: Any) -> Any:
        if engine.step == 2:
            signal.raise_signal(number)
        return advance(engine, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "advance", interrupted)
        done = command("run", spec, "--out", tmp_path / "run")
    assert (done.code, done.err.strip()) == (code, said)
    assert done.out.splitlines()[-1] == (
        f"stopped at step 3, with a checkpoint; to go on: i2i resume {tmp_path / 'run'}"
    )
    assert command("resume", tmp_path / "run").code == 0
    assert command("run", spec, "--out", tmp_path / "whole").code == 0
    assert_same_end(tmp_path / "run", tmp_path / "whole", 4)


def test_a_run_that_was_stopped_trains_on_in_the_same_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, advance = new_run(tmp_path / "run"), Engine.advance

    def interrupted(engine: Engine, batch: Any) -> Any:
        if engine.step == 1:
            signal.raise_signal(signal.SIGINT)
        return advance(engine, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.train()
    assert run.engine.step == 2
    assert run.train() == tmp_path / "run"
    assert run.engine.step == 4


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
def test_sigterm_to_all_processes_of_a_run_with_workers(tmp_path: Path) -> None:
    tables = run_tables("pix2pix", steps=100_000, checkpoint_every=100_000)
    tables["data"]["workers"] = 2
    spec = write_spec(tmp_path / "pix.toml", tables)
    code = "import torch; torch.set_num_threads(1); from i2i.cli.main import main; main()"
    words = [sys.executable, "-c", code, "run", str(spec), "--out", str(tmp_path / "run")]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    for _ in range(600):
        if (tmp_path / "run/metrics.jsonl").exists() or process.poll() is not None:
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in err) == (143, False), err
    assert "with a checkpoint; to go on: i2i resume" in out
    checkpoint.verify(tmp_path / "run/checkpoints" / (tmp_path / "run/checkpoints/latest").read_text())


TOGETHER = """\
import sys, i2i
from pathlib import Path
import torch
torch.set_num_threads(1)
run = i2i.build(Path(sys.argv[1]), out=Path(sys.argv[2]))
try:
    run.train()
finally:
    print(run.engine.step)
"""


def test_a_signal_during_the_exchange_stops_nobody_alone() -> None:
    run = SimpleNamespace(stopping=0)

    def mean(values: Mapping[str, Tensor]) -> dict[str, float]:
        told = float(values["stopping"]) / 2
        run.stopping = signal.SIGTERM  # it comes when this process has said that there was none
        return {"stopping": told}

    run.world = SimpleNamespace(size=2, mean=mean)
    keeper = cast(Keeper, SimpleNamespace(run=run))
    assert [Keeper._stopping(keeper), Keeper._stopping(keeper)] == [False, True]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
def test_processes_that_train_together_stop_together(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "pix.toml", run_tables("pix2pix", steps=100_000, checkpoint_every=100_000))
    processes = two_processes(TOGETHER, spec, tmp_path / "run")
    for _ in range(600):
        if (tmp_path / "run/metrics.jsonl").exists() or processes[0].poll() is not None:
            break
        time.sleep(0.1)
    processes[1].send_signal(signal.SIGTERM)
    steps = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [143, 143]
    assert steps[0] == steps[1]
    checkpoint.verify(tmp_path / "run" / STEP.format(int(steps[0])))


# Other packages


def with_package(run: Path, name: str, version: str, *components: str) -> Path:
    """The run, as if it had been made with another package."""
    file = run / "environment.json"
    facts = json.loads(file.read_text(encoding="utf-8"))
    facts["packages"][name] = {"version": version, "components": components}
    file.write_text(json.dumps(facts), encoding="utf-8")
    return run


def test_a_run_without_its_package_says_which(paired_run: Path, tmp_path: Path) -> None:
    run = with_package(broken(paired_run, tmp_path), "i2i-woven", "1.2", "loss woven")
    done = command("resume", run)
    assert (done.code, done.err) == (
        1,
        "this run was made with i2i-woven 1.2 (loss 'woven'), which is not installed: "
        "pip install i2i-woven==1.2\n",
    )


@pytest.mark.parametrize(
    ("package", "version", "component", "said"),
    [
        (
            "i2i-toolkit",
            "0.0.9",
            "strategy pix2pix",
            f"i2i-toolkit 0.0.9, and {i2i.__version__} is installed; ",
        ),
        ("i2i-woven", "1.2", "loss l1", "i2i-woven 1.2 (loss 'l1'), and here that comes from i2i-toolkit"),
    ],
)
def test_a_run_with_another_package_goes_on_and_says_so(
    package: str, version: str, component: str, said: str, paired_run: Path, tmp_path: Path
) -> None:
    run = with_package(broken(paired_run, tmp_path), package, version, component)
    with pytest.warns(I2IWarning, match=re.escape(f"this run was made with {said}")):
        assert opened(run).engine.step == 4


def test_a_plug_in_file_that_is_missing_is_named_as_a_shell_takes_it(
    paired_run: Path, tmp_path: Path
) -> None:
    run = broken(paired_run, tmp_path)
    facts = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    facts["plugin_files"] = {"mine; rm -rf ~\n.py": "0f"}
    (run / "environment.json").write_text(json.dumps(facts), encoding="utf-8")
    shown = quoted("mine; rm -rf ~\n.py")
    assert shown[1:-1] == "mine; rm -rf ~?.py"
    done = command("resume", run)
    assert (done.code, done.err) == (
        1,
        f"this run was made with a plug-in file, and {shown} is missing: i2i --plugin {shown} resume {quoted(run)}\n",
    )


# Another length


def test_another_length_says_what_it_does_to_the_learning_rate(paired_run: Path, tmp_path: Path) -> None:
    run = broken(paired_run, tmp_path)
    done = command("resume", run, "--set", "train.steps=6")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == (
        "train.steps: 4 → 6; the schedule stays as it was planned: "
        "the learning rate is 0 from step 5 on, so that nothing more is learned"
    )
    assert not any("schedule ends before" in line for line in done.out.splitlines())
    state = json.loads((run / STEP.format(6) / "state.json").read_text(encoding="utf-8"))
    assert state["step"] == 6


def test_a_shorter_run_ends_where_it_says(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", steps=8)
    for _ in run.steps():
        if run.engine.step == 3:
            break
    again = opened(tmp_path / "run", "train.steps=4")
    assert train_told(again)[0].startswith("train.steps: 8 → 4; the schedule stays as it was planned: ")
    assert again.engine.step == 4
    assert train_told(opened(tmp_path / "run")) == [
        f"{tmp_path / 'run'} is finished: all 4 steps are done (pictures in {tmp_path / 'run/samples'})"
    ]


def test_fewer_steps_than_are_done_are_refused_and_nothing_changes(paired_run: Path) -> None:
    before = (paired_run / "spec.toml").read_bytes()
    done = command("resume", paired_run, "--set", "train.steps=3")
    assert (done.code, done.err) == (
        1,
        "train.steps: 3 is less than the 4 steps that this run has done; use more, or start a new run\n",
    )
    assert (paired_run / "spec.toml").read_bytes() == before


def test_a_setting_is_written_only_by_who_trains(paired_run: Path) -> None:
    before = (paired_run / "spec.toml").read_bytes()
    opened(paired_run, "train.steps=6")
    assert (paired_run / "spec.toml").read_bytes() == before
