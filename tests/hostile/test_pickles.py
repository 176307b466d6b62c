"""No pickle is ever loaded: not by the source, and not where one stands in for a file that is read."""

from __future__ import annotations

import ast
import pickle
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from data_helpers import NAMES, fill, table
from helpers import registry

import i2i
from i2i.core.errors import I2IError
from i2i.data import Domains, Images, Masks, Paired
from i2i.importing.weights import read_weights
from i2i.run.run import Run

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(file for folder in ("i2i", "plugins") for file in (ROOT / folder).rglob("*.py"))
# Whoever calls one of these can be made to run what a file says; the tests of the house look for pickles.
RUNS = {"eval", "exec", "compile", "__import__"}
LOADERS = {
    "np.load",
    "numpy.load",
    "np.fromfile",
    "joblib.load",
    "yaml.load",
    "torch.jit.load",
    "torch.hub.load",
}
WRITERS = {"yaml", "runpy", "code", "xmlrpc"}


def running(code: ast.AST) -> Iterator[str]:
    """Calls that run text, and libraries that read objects out of files."""
    for node in ast.walk(code):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RUNS:
            yield f"line {node.lineno}: {node.func.id}"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in LOADERS:
            yield f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Import):
            yield from (
                f"line {node.lineno}: {a.name}" for a in node.names if a.name.split(".")[0] in WRITERS
            )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_of_a_file_is_run(path: Path) -> None:
    assert not list(running(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "line", ["eval(x)", "exec(x)", "__import__(x)", "np.load(f)", "import yaml", "compile(x)"]
)
def test_what_runs_text_is_seen(line: str) -> None:
    assert list(running(ast.parse(line)))


class Bait:
    """Whoever loads it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.mkdir, (self.mark,)  # type: ignore[return-value]


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """A place that must stay empty."""
    place = tmp_path / "mark"
    yield place
    assert not place.exists(), "a pickle was loaded"


@pytest.fixture(params=["plain", "torch", "legacy"])
def bait(request: pytest.FixtureRequest, mark: Path, tmp_path: Path) -> bytes:
    """A pickle that would leave the mark, as Python or torch writes it."""
    if request.param == "plain":
        return pickle.dumps(Bait(mark))
    file = tmp_path / "bait.pth"
    torch.save({"weight": Bait(mark)}, file, _use_new_zipfile_serialization=request.param == "torch")
    return file.read_bytes()


def test_the_bait_works(mark: Path) -> None:
    pickle.loads(pickle.dumps(Bait(mark)))
    assert mark.exists()
    mark.rmdir()


def test_no_file_of_a_run_is_unpickled(bait: bytes, paired_run: Path, tmp_path: Path) -> None:
    names = [path.relative_to(paired_run) for path in paired_run.rglob("*") if path.is_file()]
    assert len(names) > 10
    for name in names:
        run = Path(shutil.copytree(paired_run, tmp_path / "run"))
        (run / name).write_bytes(bait)
        _tried(run)
        shutil.rmtree(run)


def test_no_file_that_is_added_to_a_run_is_unpickled(bait: bytes, paired_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(paired_run, tmp_path / "run"))
    for folder in (run, run / "checkpoints", *run.glob("checkpoints/step-*")):
        for ending in ("pth", "pt", "ckpt", "pkl", "npy", "safetensors", "bin", "json"):
            (folder / f"G.{ending}").write_bytes(bait)
    _tried(run)


def _tried(run: Path) -> None:
    with warnings.catch_warnings(action="ignore"):
        for use in (
            lambda: i2i.load(run, registry=registry(), device="cpu"),
            lambda: Run.open(run, registry=registry()),
        ):
            try:
                use()
            except I2IError as error:
                assert str(error)


def test_no_file_of_data_is_unpickled(bait: bytes, tmp_path: Path) -> None:
    for kind, name in (
        (Images, "images/1.png"),
        (Images, "idx/train-images-idx3-ubyte"),
        (Images, "idx/train-images-idx3-ubyte.gz"),
        (Domains, "table/train.csv"),
        (Domains, "list/list_attr_x.txt"),
        (Paired, "pairs/train.csv"),
        (Masks, "masks/classes.txt"),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bait)
        fill(tmp_path / "masks/images", NAMES)
        fill(tmp_path / "masks/labels", NAMES, channels=1)
        with pytest.raises(I2IError):
            kind(root=path.parent)
        path.unlink()


def test_a_picture_of_a_table_is_not_unpickled(bait: bytes, tmp_path: Path) -> None:
    (table(tmp_path, ["1.png,1,1"]) / "1.png").write_bytes(bait)
    with pytest.raises(I2IError, match=r"1\.png' cannot be read: it is not an image"):
        Domains(root=tmp_path)


def test_no_spec_is_unpickled(bait: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(bait)
    with pytest.raises(I2IError):
        i2i.build(tmp_path / "x.toml", registry=registry())


@pytest.mark.parametrize("name", ["x.pth", "x.pt", "x.ckpt", "x.safetensors", "x"])
def test_an_import_takes_weights_and_no_objects(bait: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(bait)
    with pytest.raises(I2IError):
        read_weights(tmp_path / name)


def test_weights_of_a_loss_are_not_unpickled(bait: bytes, tmp_path: Path) -> None:
    (tmp_path / "vgg19.safetensors").write_bytes(bait)
    with pytest.raises(I2IError, match="is not a safetensors file"):
        registry().build(i2i.Ref.of("loss", "vgg19", {"weights": tmp_path / "vgg19.safetensors"}), {}, {})
