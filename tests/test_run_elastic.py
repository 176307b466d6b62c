"""Runs that torchrun starts again, with as many processes as before or with others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import PLAIN, unequal
from trained import command, run_tables, write_spec

from i2i.engine import checkpoint
from i2i.run import elastic
from i2i.run.folder import Folder

# `python -m i2i`, but that the second process is killed in its fourth step, once.
KILLED = """
import os, signal, sys
from pathlib import Path
from i2i.engine.loop import Engine

advance = Engine.advance
def dying(engine, batch):
    if engine.step == 3 and os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        os.kill(os.getpid(), signal.SIGKILL)
    return advance(engine, batch)
Engine.advance = dying

from i2i.cli.main import main
main()
"""


def torchrun(*words: object) -> subprocess.CompletedProcess[str]:
    """`torchrun …`, as a user calls it."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", 2, *words]
    return subprocess.run(
        [*map(str, command)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
        capture_output=True,
        text=True,
        timeout=180,
    )


def weights(run: Path, step: int) -> dict[str, Any]:
    files, _ = checkpoint.read(run / "checkpoints" / checkpoint.folder_name(step))
    return {f"{file}:{key}": tensor for file, tensors in files.items() for key, tensor in tensors.items()}


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four steps with a checkpoint after each second one."""
    tables = run_tables("cyclegan", log_every=4, sample_every=4, validate_every=4)
    return write_spec(tmp_path_factory.mktemp("elastic") / "spec.toml", {**tables, "optimizers": PLAIN})


@pytest.fixture(scope="module")
def whole(spec: Path) -> Path:
    """What two processes train that nobody disturbs."""
    done = torchrun("-m", "i2i", "run", spec, "--out", spec.parent / "whole")
    assert (done.returncode, done.stderr) == (0, "")
    return spec.parent / "whole"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_process_is_started_again_and_goes_on_from_the_checkpoint(
    spec: Path, whole: Path, tmp_path: Path
) -> None:
    program = tmp_path / "killed.py"
    program.write_text(KILLED, encoding="utf-8")
    done = torchrun("--max-restarts", 1, program, "run", spec, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert f"started again by torchrun: goes on with {tmp_path / 'run'} from step 2\n" in done.stdout
    assert "Traceback" not in done.stderr
    assert not unequal(weights(whole, 4), weights(tmp_path / "run", 4))
    assert not (tmp_path / "run-2").exists()


def test_another_number_of_processes_goes_on_with_the_same_batch_and_rate(
    whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    shutil.rmtree(run / "checkpoints" / "step-000004")
    assert command("resume", run, "--set", "train.steps=3").code == 0
    done = torchrun("-m", "i2i", "resume", run, "--set", "train.steps=4")
    assert done.returncode == 0, done.stderr
    facts = [checkpoint.read(folder / "checkpoints" / "step-000004")[1] for folder in (whole, run)]
    assert [(f["step"], f["images"]) for f in facts] == [(4, 8), (4, 8)]
    last = [json.loads(Folder(f).metrics.read_text(encoding="utf-8").splitlines()[-2]) for f in (whole, run)]
    assert last[0]["lr/G_ab"] == last[1]["lr/G_ab"]
    # fp32: one batch of two and two batches of one are rounded differently
    assert not unequal(weights(whole, 4), weights(run, 4), 2e-3)


def test_the_folder_of_the_same_job_and_spec_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for job in ("other", "mine", "mine", "late"):
        Folder.create(tmp_path / "run", "a spec", {"job": job})
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert elastic.begun(tmp_path / "run", "a spec") is None
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "mine")
    assert elastic.begun(tmp_path / "run", "a spec") == tmp_path / "run-3"
    assert elastic.begun(tmp_path / "run", "another spec") is None
    assert elastic.begun(tmp_path / "nothing", "a spec") is None
    (tmp_path / "run-3" / "environment.json").write_text("[", encoding="utf-8")
    assert elastic.begun(tmp_path / "run", "a spec") == tmp_path / "run-2"


def test_a_run_says_which_job_it_is_of(spec: Path, whole: Path) -> None:
    assert Folder(whole).facts()["job"]


def test_what_all_processes_meet_is_said_once(tmp_path: Path) -> None:
    done = torchrun("-m", "i2i", "run", tmp_path / "none.toml")
    assert done.returncode == 1
    assert done.stderr.count("there is no such spec file") == 1
