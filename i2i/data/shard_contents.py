"""What a tar shard holds and where, found by reading through it."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.core.words import listed, short
from i2i.data.shard_files import Shard, open_shard, refusal
from i2i.data.shard_patterns import shown
from i2i.pictures.opening import MOST_BYTES

MOST_ENDINGS = 64
MOST_TEXT = 2**20
"""Bytes that a member with a class or attributes may have."""
CLASS, ATTRIBUTES = "cls", "json"
VALUES: tuple[object, ...] = (0, 1, -1)  # true and false are equal to 1 and 0
_META = re.compile(r"__[^/]*__($|/)")


def read_through(shard: Shard) -> dict[str, Any]:
    """The samples of a shard as webdataset makes them, column by column as JSON can hold them.

    Raises:
        I2IError: the shard is damaged, or no tar file that can be read in parts.
    """
    group = needs("webdataset.tariterators", "shards", f"to read '{shown(shard.address)}'").group_by_keys
    try:
        with open_shard(shard) as file:
            samples = list(group(_members(file, shard)))
    except I2IError:
        raise
    except tarfile.TarError as error:
        raise damaged(shard, _of_tar(error)) from None
    except ValueError as error:
        raise damaged(shard, short(str(error.args[0]))) from None
    except Exception as error:  # each file system has errors of its own
        raise refusal(shard, error) from None
    if not samples:
        raise damaged(shard, "it holds no files with endings")
    return _table(samples, shard)


def damaged(shard: Shard, what: str) -> I2IError:
    """The error of a shard that is no sound tar file."""
    return I2IError(f"'{shown(shard.address)}' is damaged: {what}; make it anew or remove it")


def _of_tar(error: tarfile.TarError) -> str:
    text = str(error)
    if "unexpected end" in text:
        return "it ends too early"
    return "it is no tar file, or a compressed one, of which no part can be read alone"


def _members(file: BinaryIO, shard: Shard) -> Iterator[dict[str, Any]]:
    """The files of a tar, in the form that webdataset groups; instead of its content the place of each."""
    last = "its beginning"
    with tarfile.open(fileobj=file, mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it would keep them all
            last = f"member '{short(member.name)}'"
            if not member.isreg() or _META.match(member.name):
                continue
            if member.offset_data + member.size > shard.size or member.issparse():
                raise damaged(shard, f"{last} is not all there")
            if member.size > MOST_BYTES:
                raise damaged(
                    shard, f"{last} claims {member.size:,} bytes, and a member may have {MOST_BYTES:,}"
                )
            text = _text(tar, member, shard)
            data = (member.offset_data, member.size, text)
            yield {"fname": member.name, "data": data, "__url__": shard.name}
        file.seek(tar.offset)
        if file.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
            raise damaged(shard, f"what follows {last} is no tar, or it was cut off there")


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo, shard: Shard) -> Any:
    """What a member with a class or attributes says."""
    ending = member.name.rpartition("/")[2].partition(".")[2].lower()
    if ending not in (CLASS, ATTRIBUTES):
        return None
    if member.size > MOST_TEXT:
        raise damaged(shard, f"member '{short(member.name)}' has {member.size:,} bytes, too many for labels")
    content = tar.fileobj
    assert content is not None
    content.seek(member.offset_data)
    try:
        text = content.read(member.size).decode("utf-8").strip()
        return json.loads(text) if ending == ATTRIBUTES else text
    except (ValueError, RecursionError):
        kind = "JSON" if ending == ATTRIBUTES else "text"
        raise damaged(shard, f"member '{short(member.name)}' is no {kind}") from None


def _table(samples: Sequence[Mapping[str, Any]], shard: Shard) -> dict[str, Any]:
    """The samples column by column, as they are kept."""
    found = dict.fromkeys(name for sample in samples for name in sample if not name.startswith("__"))
    if len(found) > MOST_ENDINGS:
        raise I2IError(
            f"'{shown(shard.address)}': its members have {len(found):,} different endings "
            f"({listed(list(found), 3)}); the key of a sample ends at the first dot of the name, so write '-' for dots"
        )
    none = (-1, 0, None)
    columns = {name: [sample.get(name, none) for sample in samples] for name in found}
    return {
        "keys": [sample["__key__"] for sample in samples],
        "members": {name: [[c[0] for c in cells], [c[1] for c in cells]] for name, cells in columns.items()},
        "classes": _classes([cell[2] for cell in columns.get(CLASS, ())]),
        "attributes": _attributes([cell[2] for cell in columns.get(ATTRIBUTES, ())]),
    }


def _classes(texts: Sequence[str | None]) -> list[str]:
    return [text for text in texts if text is not None] if all(texts) else []


def _attributes(tables: Sequence[Any]) -> dict[str, list[int]]:
    """What every one of the tables says to be so or not."""
    if not tables or not all(isinstance(table, dict) for table in tables):
        return {}
    names = [name for name in tables[0] if all(_is_label(table.get(name)) for table in tables)]
    return {name: [int(table[name] == 1) for table in tables] for name in names}


def _is_label(value: object) -> bool:
    return isinstance(value, (bool, int)) and value in VALUES
