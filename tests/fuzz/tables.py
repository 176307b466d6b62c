"""Damaged tables and lists: read, or refused with a sentence; and nothing outside their folder is ever named."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch
from hypothesis import strategies as st
from PIL import Image

from i2i.core.errors import I2IError
from i2i.data.domains import Domains
from i2i.data.legend import read_classes
from i2i.data.paired import Paired

from .mutate import mutated
from .specs import in_time

NAMES = ("1.png", "2.png", "sub/3.png", "sub/10.png")
SECRET = "secret.png"
TABLES = {
    "train.csv": "image,red,large\n1.png,1,-1\n2.png,0,1\nsub/3.png,-1,1\nsub/10.png,1,1\n",
    "list_attr_x.txt": "4\nred large\n1.png 1 -1\n2.png -1 1\nsub/3.png 1 1\nsub/10.png -1 -1\n",
    "pairs.csv": "a,b\n1.png,2.png\nsub/3.png,sub/10.png\n",
    "classes.txt": "sky\nroad\nred car\n",
}
CELLS = (
    *NAMES, "", " ", ".", "..", "../secret.png", "sub/../../secret.png", "out/secret.png", "far/way.png", "/etc/passwd",
    "{outside}/secret.png", "C:\\x.png", "C:x.png", "\\\\host\\share\\x.png", "..\\secret.png", "sub\\3.png",
    "loop", "loop/x.png", "NUL", "a\0b", "\0", "x" * 300, "x/" * 3000, "y" * 140_000, "1" * 5000, "-1", "1", "0", "2",
    "nan", '"', '"a\nb"', "'", "ß", "\u202e", "\ufeff", "1.png\u0085", "\x1b[31m", "٣", "image", "red", "a", "b", ",",
    "," * 5000, ";",
)  # fmt: skip
Case = tuple[str, bytes]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """The name of a table, and its damaged content: a few cells are others, or a few bytes."""
    name = draw(st.sampled_from(sorted(TABLES)))
    text = TABLES[name]
    if draw(st.integers(0, 2)) == 0:
        return name, draw(mutated([text.encode(), *(other.encode() for other in TABLES.values())]))
    mark = "," if name.endswith(".csv") else " "
    rows = [line.split(mark) for line in text.splitlines()]
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.integers(0, len(rows) - 1))
        place = draw(st.integers(0, len(rows[row])))
        rows[row][place : place + draw(st.integers(0, 1))] = [
            draw(st.sampled_from(CELLS) | st.text(max_size=9))
        ]
    encoding = draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "latin-1"]))
    end = draw(st.sampled_from(["\n"] * 4 + ["\r\n", "\r"]))
    return name, end.join(map(mark.join, rows)).encode(encoding, "replace")


def check(case: Case) -> str:
    """Read a table in the way it is read, and the pictures that it names; what came of it."""
    name, content = case
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="error"), in_time():
        outside, root = Path(folder), Path(folder) / "root"
        furnish(root)
        content = content.replace(b"{outside}", folder.encode())
        (root / name).write_bytes(content)
        try:
            _read(root / name)
        except I2IError as error:
            assert len(str(error)) < 10_000 and "no end within" not in str(error), error
            return "refused"
        finally:
            assert (root / name).read_bytes() == content and (outside / SECRET).is_file()
    return "read"


def furnish(root: Path) -> None:
    """Pictures, one that is nobody's business outside, and links that lead there or nowhere."""
    for folder in ("sub", "far"):
        (root / folder).mkdir(parents=True)
    for file in (*(root / name for name in NAMES), root.parent / SECRET):
        Image.new("RGB", (4, 4)).save(file)
    for link, target in (
        ("out", root.parent),
        ("far/way.png", root.parent / SECRET),
        ("loop", root / "loop"),
    ):
        try:
            (root / link).symlink_to(target)
        except OSError:  # Windows lets few users make links
            return


def _read(table: Path) -> None:
    if table.name == "classes.txt":
        assert all(read_classes(table))
        return
    source = (
        Paired(root=table, size=4, load_size=4) if table.name == "pairs.csv" else Domains(root=table, size=4)
    )
    for index in range(min(len(source), 10)):
        source.load(index, torch.Generator())
        for name in source.name(index).split(", "):
            assert (table.parent / name).resolve().is_relative_to(table.parent.resolve()), name
