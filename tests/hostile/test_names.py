"""Names that lead elsewhere: in specs, tables, lists and checkpoints, and in what they make on disk."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from data_helpers import NAMES, fill, listed, noise, save
from helpers import registry, tiny_tables

import i2i
from i2i.core.errors import I2IError
from i2i.data import Domains, Images, Masks, Paired, Unpaired
from i2i.data.links import is_below
from i2i.translate.request import safe_names

LEAVE = (
    "../other",
    "..",
    "a/../../other",
    "/etc",
    "C:\\x",
    "C:x",
    "\\\\host\\share",
    "a\\..\\..\\x",
    "x\0y",
    "//x/y",
)
STAY = ("train", "2017/train", "a..b", "..a", "…", "ünder", ".hidden", "a b", ".")


@pytest.mark.parametrize("name", LEAVE)
def test_a_name_that_leads_out_is_seen_on_every_system(name: str) -> None:
    assert not is_below(name)


@pytest.mark.parametrize("name", STAY)
def test_a_name_that_stays_is_let_pass(name: str) -> None:
    assert is_below(name)


OPTIONS = (
    (Paired, "split"), (Paired, "a"), (Paired, "b"), (Unpaired, "split"), (Unpaired, "a"), (Unpaired, "b"),
    (Images, "split"), (Domains, "split"), (Masks, "split"), (Masks, "photos"), (Masks, "labels"), (Masks, "instances"),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "option"), OPTIONS)
@pytest.mark.parametrize("name", ["../other", "/etc", "C:\\x"])
def test_no_option_names_a_place_outside(
    kind: Callable[..., object], option: str, name: str, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    for place in ("root/train", "root/train/a", "other/a", "other/b"):
        fill(tmp_path / place, ["1.png"])
    with pytest.raises(I2IError) as caught:
        kind(root=root, **{option: name})
    assert str(caught.value) == (
        f"data.{option}: '{name}' leads out of data.root; give the name of a folder in it, or another root"
    )


def test_a_spec_is_told_where_it_says_so(tmp_path: Path) -> None:
    fill(tmp_path / "train", ["1.png"])
    spec = tmp_path / "x.toml"
    spec.write_text(
        'strategy = "pix2pix"\n[data]\nname = "paired"\nroot = "."\nsplit = "../x"\n[train]\nsteps = 1\n',
        encoding="utf-8",
    )
    with pytest.raises(I2IError, match=r"x\.toml:5: data\.split: '\.\./x' leads out of data\.root"):
        i2i.build(spec, registry=registry())


# Tables and lists.

OUTSIDE = (
    "../secret.png",
    "sub/../../secret.png",
    "C:\\secret.png",
    "\\\\host\\share\\x.png",
    "..\\secret.png",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of pictures beside one that is nobody's business."""
    save(tmp_path / "secret.png", noise())
    return fill(tmp_path / "root", NAMES)


@pytest.mark.parametrize("cell", [*OUTSIDE, "{outside}/secret.png"])
@pytest.mark.parametrize("kind", [Domains, Paired])
def test_no_cell_names_a_file_outside(kind: Callable[..., object], cell: str, root: Path) -> None:
    cell = cell.format(outside=root.parent)
    text = f"image,red\n{cell},1\n" if kind is Domains else f"a,b\n1.png,{cell}\n"
    (root / "train.csv").write_text(text, encoding="utf-8")
    with pytest.raises(I2IError, match=f"line 2: '{re.escape(cell)}' is outside the folder of the CSV"):
        kind(root=root)


@pytest.mark.parametrize("word", [*OUTSIDE, "{outside}/secret.png"])
def test_no_word_of_a_list_names_a_file_outside(word: str, tmp_path: Path) -> None:
    word = word.format(outside=tmp_path)
    save(tmp_path / "secret.png", noise())
    rows = [*(f"{name} 1 -1" for name in NAMES[1:]), f"{word} 1 -1"]
    root = listed(tmp_path / "root")
    (root / "list_attr_x.txt").write_text("4\nred large\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with pytest.raises(I2IError, match=f"line 6: '{re.escape(word)}' is outside '"):
        Domains(root=root)


# What is written.


@pytest.mark.parametrize("name", [*LEAVE, "a/b", "a\\b", "con:", "x" * 300, "\x1b[31m", "", "*?", "a\nb"])
def test_results_are_called_by_safe_names(name: str) -> None:
    (safe,) = safe_names([name])
    assert re.fullmatch(r"[\w+=-][\w.+=-]*", safe) and len(safe) <= 40


def test_domains_that_are_paths_write_into_the_folder_all_the_same(tmp_path: Path) -> None:
    names = ("../../up", "/etc/x", "a/b")
    tables = tiny_tables("stargan", train={"steps": 1})
    root = fill(tmp_path / "data", NAMES)
    rows = [
        f"{name},{','.join('1' if i == j else '-1' for j in range(3))}" for i, name in enumerate(NAMES[:3])
    ]
    text = "\n".join([f"image,{','.join(names)}", *rows, f"{NAMES[3]},1,-1,-1"])
    (root / "train.csv").write_text(f"{text}\n", encoding="utf-8")
    tables["data"] = {"name": "domains", "root": str(root), "size": 64, "workers": 0}
    run = i2i.build(tables, registry=registry(), out=tmp_path / "runs" / "run").train()
    before = {path for path in tmp_path.rglob("*") if "out" not in path.parts}
    model = i2i.load(run, registry=registry(), device="cpu")
    picture = save(tmp_path / "in.png", noise(64, 64))
    model.translate(picture, out=tmp_path / "out" / "x.png")
    assert {path for path in tmp_path.rglob("*") if "out" not in path.parts} == before | {picture}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "x-a_b.png",
        "x-etc_x.png",
        "x-up.png",
    ]


# Checkpoints.


@pytest.fixture
def run(paired_run: Path, tmp_path: Path) -> Path:
    """A run of one's own, and another that is nobody's business."""
    shutil.copytree(paired_run, tmp_path / "other")
    return Path(shutil.copytree(paired_run, tmp_path / "run"))


@pytest.mark.parametrize("name", ["latest", "best"])
@pytest.mark.parametrize(
    "leads", ["../../other/checkpoints/step-000004", "{other}/checkpoints/step-000004", "..", ".", "", "step-x", "\0",
     "x" * 5000],
)  # fmt: skip
def test_no_pointer_leads_to_another_run(name: str, leads: str, run: Path) -> None:
    """A pointer that is no name of a checkpoint is damaged: another checkpoint of the run serves, or none."""
    for path in (run.parent / "other").rglob("*.safetensors"):
        path.unlink()  # whoever is led here fails
    (run / "checkpoints" / name).write_text(leads.format(other=run.parent / "other"), encoding="utf-8")
    try:
        model = i2i.load(f"{run}@{name}", registry=registry(), device="cpu")
    except I2IError as error:
        assert "other" not in str(error).partition("known:")[0]
    else:
        assert model.net is not None


@pytest.mark.parametrize("which", ["../../../other/checkpoints/step-000004", "/etc", ".."])
def test_no_name_after_the_at_leads_to_another_run(which: str, run: Path) -> None:
    with pytest.raises(I2IError):
        i2i.load(f"{run}@{which}", registry=registry(), device="cpu")


def newest(run: Path) -> Path:
    return run / "checkpoints" / (run / "checkpoints" / "latest").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("files", [["../../x"], ["/etc/passwd"], [".."], [1, None], "G", {"G": 1}, 7])
def test_files_that_a_state_names_are_looked_for_in_its_folder(files: Any, run: Path) -> None:
    state = newest(run) / "state.json"
    facts = json.loads(state.read_text(encoding="utf-8"))
    state.write_text(json.dumps({**facts, "files": files}), encoding="utf-8")
    before = {path: path.read_bytes() for path in run.parent.rglob("*") if path.is_file()}
    try:
        i2i.load(newest(run), registry=registry(), device="cpu")
    except I2IError as error:
        assert str(error)
    assert {path: path.read_bytes() for path in run.parent.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("key", ["../../x", "/etc/x", "__class__", "", "weight\0"])
def test_a_name_inside_a_file_of_weights_is_only_a_name(key: str, run: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = newest(run) / "G.safetensors"
    save_file({**load_file(file), key: torch.zeros(1)}, file)
    with pytest.raises(I2IError):
        i2i.load(newest(run), registry=registry(), device="cpu")
