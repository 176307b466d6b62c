"""One process at a time trains in a run folder."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from i2i.core.errors import I2IError
from i2i.engine import lock
from i2i.engine.disk import DiskError

HOLDS = (
    "import sys; from pathlib import Path; from i2i.engine import lock\n"
    "with lock.held(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
)
FORKS = (
    "import os, sys, time; from pathlib import Path; from i2i.engine import lock\n"
    "with lock.held(Path(sys.argv[1])):\n"
    "    child = os.fork()\n"
    "    if not child: time.sleep(20); os._exit(0)\n"
    "    print(child, flush=True); sys.stdin.read()"
)


def holder(folder: Path, code: str = HOLDS) -> tuple[subprocess.Popen[str], str]:
    """Another process that holds the lock, and what it says when it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline()


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.mark.parametrize("ask", ["held", "refuse_if_taken"])
def test_the_second_process_is_refused_and_told_who_trains(tmp_path: Path, ask: str) -> None:
    process, _ = holder(tmp_path)
    try:
        with pytest.raises(I2IError) as caught:
            if ask == "held":
                with lock.held(tmp_path):
                    pass
            lock.refuse_if_taken(tmp_path)
    finally:
        end(process)
    assert str(caught.value) == (
        f"{tmp_path}: process {process.pid} on {platform.node()} is training this run; wait for it, or stop it first"
    )


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    process, _ = holder(tmp_path)
    end(process)
    lock.refuse_if_taken(tmp_path)
    with lock.held(tmp_path):
        assert (tmp_path / ".holder").read_text(encoding="utf-8").startswith(f"process {os.getpid()} on ")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_worker_that_outlives_its_killed_parent_holds_nothing(tmp_path: Path) -> None:
    process, child = holder(tmp_path, FORKS)
    try:
        process.kill()
        process.wait()
        with lock.held(tmp_path):
            pass
    finally:
        os.kill(int(child), 9)
        end(process)


def test_it_can_be_held_again_and_again(tmp_path: Path) -> None:
    for _ in range(2):
        with lock.held(tmp_path):
            pass
        lock.refuse_if_taken(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_looking_leaves_nothing(tmp_path: Path) -> None:
    lock.refuse_if_taken(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="the folder is gone"), lock.held(tmp_path / "gone"):
        pass
