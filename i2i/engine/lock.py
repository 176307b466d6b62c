"""One process at a time trains in a run folder."""

from __future__ import annotations

import errno
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from i2i.core.errors import I2IError
from i2i.engine import disk

LOCK = ".lock"
HOLDER = ".holder"  # beside the lock: Windows lets no other process read a locked file
LONGEST_HOLDER = 256
PATIENCE = 0.5  # seconds: `refuse_if_taken` of another process holds the lock for an instant
# What network file systems answer that have no locks: a run there goes on without one.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder; the system releases it when the process ends, however it ends.

    Raises:
        I2IError: another process holds it; its number and machine are named.
        DiskError: the disk refuses.
    """
    lock = FileLock(folder / LOCK, timeout=PATIENCE)
    with disk.writing(folder / LOCK):
        folder.stat()  # the lock would make it anew
        try:
            lock.acquire()
        except Timeout:
            raise I2IError(_taken(folder)) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
    try:
        disk.write_text(folder / HOLDER, f"process {os.getpid()} on {platform.node()}")
        yield
    finally:
        disk.discard(folder / HOLDER)
        lock.release()


def refuse_if_taken(folder: Path) -> None:
    """Say early that another process trains here; nothing is kept, and a folder that cannot be written to is no matter.

    Raises:
        I2IError: another process holds the lock.
    """
    if not (folder / LOCK).exists():
        return
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise I2IError(_taken(folder)) from None
    except OSError:
        return
    lock.release()


def _taken(folder: Path) -> str:
    try:
        with (folder / HOLDER).open(encoding="utf-8", errors="replace") as file:
            who = file.read(LONGEST_HOLDER).strip()
    except OSError:
        who = ""
    return f"{folder}: {who or 'another process'} is training this run; wait for it, or stop it first"
