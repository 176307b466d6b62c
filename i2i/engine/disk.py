"""Files that are whole or absent, and what a disk says when it refuses, in words."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from i2i.core.errors import I2IError

DRAFTS = re.compile(r"\..+\.draft")

_GONE = "the folder is gone"
_FULL = "no space left on the disk"
_WORDS: Mapping[int, str] = MappingProxyType(
    {
        errno.ENOSPC: _FULL,
        errno.EDQUOT: "no space left on the disk: the quota is used up",
        errno.EFBIG: "a file may not grow so large here",
        errno.EROFS: "the folder is read-only",
        errno.EACCES: "the folder is read-only for this user",
        errno.EPERM: "the folder is read-only for this user",
        errno.ENOENT: _GONE,
        errno.ENOTDIR: _GONE,
        errno.ESTALE: _GONE,
        errno.EIO: "the disk has failed (input/output error)",
    }
)
# What file systems answer that cannot synchronise folders; the files in them are safe all the same.
_NO_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM)


class DiskError(I2IError):
    """The disk refuses: a sentence that names the path and the reason."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in words why something could not be written.

    Args:
        path: what is being written.

    Raises:
        DiskError: the disk refuses.
    """
    try:
        yield
    except OSError as error:
        raise DiskError(f"{path}: this could not be written: {reason(error, path)}") from error


def reason(error: OSError, path: Path) -> str:
    """Why the disk refuses, in words."""
    words = _WORDS.get(error.errno or 0)
    if words == _GONE and path.parent.is_dir():  # not this folder: something else that was looked for
        words = None
    return words or error.strerror or str(error)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file at once: a killed process leaves the old one or the new one.

    Raises:
        DiskError: the disk refuses; the old file is as it was.
    """
    draft = path.with_name(f".{path.name}.draft")
    with writing(path):
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync_folder(path.parent)
        except BaseException:
            discard(draft)
            raise


def write_text(path: Path, text: str) -> None:
    """Replace a text file at once.

    Raises:
        DiskError: the disk refuses; the old file is as it was.
    """
    write_bytes(path, text.encode("utf-8"))


def sync_file(path: Path) -> None:
    """Wait until a file is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDERS:
            raise
    finally:
        os.close(handle)


def discard(path: Path) -> None:
    """Remove a file or a folder of files if it is there and the disk allows it."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    except OSError:
        pass


def discard_drafts(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder."""
    for path in sorted(folder.iterdir()):
        if DRAFTS.fullmatch(path.name):
            discard(path)
