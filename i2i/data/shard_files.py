"""Tar shards by their addresses, local or remote: which there are, and reading a part of one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from i2i.core.errors import LISTED, I2IError
from i2i.core.words import listed
from i2i.data.shard_patterns import is_remote, shown

THREADS = 16
"""So many shards are asked for at a time: servers are slow to answer, and quick to serve."""
PAUSES = (1.0, 4.0)
"""Seconds before a remote part is asked for again."""
VERSIONS = ("ETag", "etag", "generation", "LastModified", "last_modified", "mtime", "updated", "created")
"""What file systems call that which changes with a file; the first that is there."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Shard:
    """A tar file.

    Attributes:
        address: a local path, or an address that fsspec reads.
        size: in bytes.
        version: changes when the file does.
    """

    address: str
    size: int
    version: str

    @property
    def name(self) -> str:
        """Its file name."""
        return shown(self.address).rpartition("/")[2]

    @property
    def remote(self) -> bool:
        """Whether it is read by way of fsspec."""
        return is_remote(self.address)


def find(addresses: Sequence[str], option: str) -> tuple[Shard, ...]:
    """The shards, all of which must be there.

    Raises:
        I2IError: some are missing, or cannot be asked for.
    """
    found = at_once(lambda address: _ask(address, option), addresses)
    missing = [shown(address) for address, shard in zip(addresses, found, strict=True) if shard is None]
    if missing:
        none = "none of the shards is" if len(missing) == len(found) else "some shards are not"
        raise I2IError(f"data.{option}: {none} there: {listed(missing, LISTED)}{_nearby(addresses[0])}")
    return tuple(shard for shard in found if shard is not None)


def read(shard: Shard, start: int, end: int) -> bytes:
    """The bytes of a shard from `start` to `end`.

    Raises:
        I2IError: they are not there, or cannot be had.
    """
    content = _fetch(shard, start, end) if shard.remote else _read_local(shard, start, end)
    if len(content) != end - start:
        raise I2IError(f"'{shown(shard.address)}' ends before byte {end:,}: it was cut off; restore it")
    return content


def open_shard(shard: Shard) -> BinaryIO:
    """A shard to be read from its beginning."""
    if not shard.remote:
        return Path(shard.address).open("rb")
    files, path = _file_system(shard.address, "train")
    opened: BinaryIO = files.open(path, "rb")
    return opened


def refusal(shard: Shard, error: Exception) -> I2IError:
    """Why a shard cannot be read, in a sentence that holds no key to it."""
    return I2IError(f"'{shown(shard.address)}' cannot be read: {why(error)}")


def why(error: Exception) -> str:
    """What went wrong, without the address: messages of others may hold a key."""
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__


def at_once(do: Callable[[Any], Result], places: Sequence[Any]) -> list[Result]:
    """Something of each place, several at a time."""
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            return list(pool.map(do, places))
        except BaseException:  # of Ctrl-C too: nobody waits for the others
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ask(address: str, option: str) -> Shard | None:
    try:
        return _ask_remote(address, option) if is_remote(address) else _ask_local(Path(address))
    except FileNotFoundError:
        return None
    except I2IError:
        raise
    except Exception as error:  # each file system has errors of its own
        raise I2IError(f"data.{option}: '{shown(address)}' cannot be asked for: {why(error)}") from None


def _ask_local(path: Path) -> Shard | None:
    told = path.stat()
    return Shard(path.as_posix(), told.st_size, str(told.st_mtime_ns)) if path.is_file() else None


def _ask_remote(address: str, option: str) -> Shard:
    files, path = _file_system(address, option)
    told = files.info(path)
    if told.get("size") is None:
        raise I2IError(
            f"data.{option}: the server does not say how large '{shown(address)}' is; copy it here"
        )
    version = next((str(told[name]) for name in VERSIONS if told.get(name) is not None), "")
    return Shard(address, int(told["size"]), version)


def _file_system(address: str, option: str) -> tuple[Any, str]:
    """The file system of an address: fsspec keeps one for each process, which is not to be taken across a fork."""
    import fsspec.core

    protocol = address.partition("://")[0]
    try:
        files, path = fsspec.core.url_to_fs(address)
        return files, str(path)
    except ValueError:
        known = "s3://, gs://, https:// and others that fsspec knows"
        raise I2IError(f"data.{option}: nothing reads '{protocol}://'; known: {known}") from None
    except ImportError as error:
        library = re.search(r"[Ii]nstall (?:the )?[\"'`]?([\w-]+)", str(error))
        remedy = (
            f"pip install {library[1]}" if library else "install the file system that fsspec names for it"
        )
        raise I2IError(f"data.{option}: '{protocol}://' needs another library: {remedy}") from None


def _fetch(shard: Shard, start: int, end: int) -> bytes:
    for pause in (*PAUSES, None):
        try:
            files, path = _file_system(shard.address, "train")
            content: bytes = files.cat_file(path, start=start, end=end)
            return content
        except I2IError:
            raise
        except Exception as error:  # each file system has errors of its own
            if pause is None or isinstance(error, (FileNotFoundError, PermissionError)):
                raise refusal(shard, error) from None
            time.sleep(pause)
    raise AssertionError


def _read_local(shard: Shard, start: int, end: int) -> bytes:
    try:
        with Path(shard.address).open("rb") as file:
            file.seek(start)
            return file.read(end - start)
    except OSError as error:
        raise refusal(shard, error) from error


def _nearby(address: str) -> str:
    """The tar files that lie beside a local one."""
    if is_remote(address):
        return ""
    folder = Path(address).parent
    if not folder.is_dir():
        return f"; there is no folder '{folder}'"
    names = sorted(path.name for path in folder.glob("*.tar"))
    return f"; '{folder}' holds {listed(names, 8) if names else 'no tar files'}"
