"""A process that has imported torch already and forks commands of `i2i`: a start in a fraction of a second.

`python nursery.py` reads one order a line (JSON) from its input, and answers each with one line when it has ended:

words: the command line after `i2i`.
save: a folder, instead of a command: a checkpoint is written there, see `save`.
log: the file for what the command prints.
kill: seconds from the start, or from the moment named by `event`, to SIGKILL; absent, it may end by itself.
under: the folder whose file operations count; those of other places do not.
event: the number of the file operation, from 1, that starts the clock of `kill`, or fails with `errno`.
errno: the error of the file operation `event`; nothing is killed.
largest: no file can grow beyond so many bytes.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

LIMIT = 240.0  # seconds after which a command hangs
WRITES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir")


def warm() -> None:
    """Import what every command needs, and start no thread."""
    import torch

    import i2i.cli.specs
    import i2i.cli.training
    import i2i.run.run  # noqa: F401
    from i2i.spec.plugins import discover

    torch.set_num_threads(1)
    discover()


class Operations:
    """An audit hook that counts what changes files below a folder, and lets one of them fail or be the last.

    It sees the calls from Python (open, rename, mkdir, remove), not those that compiled libraries make themselves.
    """

    def __init__(self, order: dict[str, Any], tell: int) -> None:
        self.order, self.tell, self.count = order, tell, 0

    def __call__(self, name: str, arguments: tuple[Any, ...]) -> None:
        changes = name in WRITES or (name == "open" and _writes(arguments))
        if changes and self.order["under"] in str(arguments[0]):
            self.count += 1
            os.write(self.tell, b".")
            if self.count == self.order.get("event"):
                self._strike()

    def _strike(self) -> None:
        if error := self.order.get("errno"):
            raise OSError(error, os.strerror(error))
        if self.order["kill"] == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _writes(arguments: tuple[Any, ...]) -> bool:
    """Whether an `open` may write."""
    flags = arguments[2]
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def child(order: dict[str, Any], tell: int) -> None:
    """Become the command; it ends with `SystemExit`, as commands do."""
    from i2i.cli.main import main

    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for number, end in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(end, number)
    if "largest" in order:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest"],) * 2)
    if "under" in order:
        sys.addaudithook(Operations(order, tell))
    if "save" in order:
        sys.exit(save(Path(order["save"])))
    sys.argv = ["i2i", *order["words"]]
    main()


def save(folder: Path) -> None:
    """Write a checkpoint of step 2, whose one weight is 2, as a run does."""
    import torch

    from i2i.engine import checkpoint, checkpoints

    tensors = {"G": {"weight": torch.full((3,), 2.0)}, "D": {"weight": torch.full((3,), 2.0)}}
    checkpoint.write(folder / checkpoint.folder_name(2), tensors, {"step": 2}, {"spec.toml": "x = 2\n"})
    checkpoints.point(folder, "latest", 2)
    checkpoints.retain(folder, 1, 2)


def parent(pid: int, order: dict[str, Any], heard: int) -> dict[str, Any]:
    """Wait for the command, and kill it when that is due."""
    started, operations = time.monotonic(), 0
    due = started + order["kill"] if "kill" in order and "event" not in order else float("inf")
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        now = time.monotonic()
        if not done and now >= min(due, started + LIMIT):
            os.kill(pid, signal.SIGKILL)
            done, status = os.waitpid(pid, 0)
        ready, _, _ = select.select([heard], [], [], 0 if done else max(0.0, min(0.005, due - now)))
        operations += len(os.read(heard, 2**16)) if ready else 0
        if done:
            code, hung = os.waitstatus_to_exitcode(status), now >= started + LIMIT
            return {"code": code, "seconds": now - started, "operations": operations, "hung": hung}
        if "kill" in order and operations >= order.get("event", float("inf")) and due == float("inf"):
            due = now + order["kill"]


def serve() -> None:
    """Answer orders until the input ends."""
    warm()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        heard, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            child(order, tell)
        answer = parent(pid, order, heard)
        os.close(heard)
        os.close(tell)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    serve()
