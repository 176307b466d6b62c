"""What is read of a run folder, in whatever state it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recorded import ENVIRONMENT, write_run

from i2i.core.errors import I2IError
from i2i.engine import lock
from i2i.report.overview import overview, state, total_steps
from i2i.report.record import read_record


def test_a_whole_run_is_read(tmp_path: Path) -> None:
    record = read_record(write_run(tmp_path / "run"), "run")
    assert (record.spec["train"]["steps"], record.environment["device"]) == (40, "cpu")
    assert [step for step, _ in record.previews] == [10, 20, 30, 40]
    assert (record.remarks[0]["kind"], record.checkpoints) == ("won", {"latest": 40, "best": 40})
    assert (record.trains, record.faults, record.evaluations) == (False, (), [])


def test_a_run_that_has_not_begun_is_read(tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text("", encoding="utf-8")
    (tmp_path / "environment.json").write_text("{}", encoding="utf-8")
    record = read_record(tmp_path, "new")
    assert (record.previews, record.checkpoints, record.faults) == ([], {}, ())
    assert overview(record)["state"] == "no number yet"


def test_another_folder_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    with pytest.raises(I2IError, match=r"not a run folder .*\n.*did you mean 'run'"):
        read_record(tmp_path / "ran", "ran")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("spec.toml", b"strategy = ["),
        ("environment.json", b"[1]"),
        ("environment.json", b"\xff\xfe"),
        ("environment.json", b"[" * 100_000),
        ("evaluation.json", b"{"),
    ],
)
def test_a_damaged_file_is_a_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    run = write_run(tmp_path / "run")
    (run / name).write_bytes(content)
    (fault,) = read_record(run, "run").faults
    assert fault.startswith(name)


@pytest.mark.parametrize("found", ["x", {"evaluations": 3}, {"evaluations": [3, {"metric": "l1"}]}])
def test_other_evaluations_than_ours_harm_nobody(tmp_path: Path, found: object) -> None:
    run = write_run(tmp_path / "run")
    (run / "evaluation.json").write_text(json.dumps({"evaluations": found}), encoding="utf-8")
    assert all(entry["metric"] == "l1" for entry in read_record(run, "run").evaluations)


def test_files_of_other_names_are_no_previews(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", steps=10)
    for name in (".step-000020.png.draft", "step-x.png", "notes.txt"):
        (run / "samples" / name).write_bytes(b"")
    assert [step for step, _ in read_record(run, "run").previews] == [10]


def test_a_pointer_leads_nowhere_else(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (tmp_path / "state.json").write_text('{"data": {"secret": 1}}', encoding="utf-8")
    (run / "checkpoints" / "latest").write_text("../..", encoding="utf-8")
    record = read_record(run, "run")
    assert ("latest" not in record.checkpoints, record.data) == (True, {})


def test_the_state_of_a_run_is_told(tmp_path: Path) -> None:
    done, stopped = write_run(tmp_path / "done"), write_run(tmp_path / "stopped", steps=20)
    imported = write_run(
        tmp_path / "imported", steps=0, environment={**ENVIRONMENT, "imported": {"G": "net_G.pth"}}
    )
    told = [state(read_record(run, "run")) for run in (done, stopped, imported)]
    assert told[:2] == ["finished: step 40 of 40", "stopped at step 20 of 40"]
    assert told[2].startswith("imported") and "net_G.pth" in told[2]
    with lock.held(stopped):
        assert state(read_record(stopped, "run")) == "trains now: step 20 of 40"


def test_the_length_of_epochs_is_the_one_that_was_written_down(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", environment={**ENVIRONMENT, "steps": 80})
    text = (run / "spec.toml").read_text(encoding="utf-8").replace("steps = 40", "epochs = 2")
    (run / "spec.toml").write_text(text, encoding="utf-8")
    record = read_record(run, "run")
    assert (total_steps(record), overview(record)["length"]) == (80, "2 epochs of batch 4")


def test_the_overview_names_best_and_last(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (run / "checkpoints" / "best").write_text("step-000020", encoding="utf-8")
    found = overview(read_record(run, "run"))
    assert found["held-out l1"] == "0.025 at step 40 (last), 0.05 at step 20 (best)"
    assert (found["speed"], found["waiting for data"]) == (
        "12.5 images per second (median)",
        "25% of the time (mean)",
    )
