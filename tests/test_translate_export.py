"""Files for other programs: what is in them, that they are checked, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import registry
from many import Many, many
from PIL import Image
from torch import Tensor
from untrained import numbers, untrained

import i2i
from i2i.core.errors import I2IError
from i2i.translate.exporting import export as module
from i2i.translate.exporting.export import export
from i2i.translate.exporting.module import as_module
from i2i.translate.exporting.parity import Compared
from i2i.translate.exporting.parity import _gap as gap_of
from i2i.translate.exporting.translator import unrounded
from i2i.translate.loading import load
from i2i.translate.model import Model

onnxruntime = pytest.importorskip("onnxruntime")
DOCS = Path(__file__).parents[1] / "docs" / "export.md"


@pytest.fixture(scope="module")
def pix(paired_run: Path) -> Model:
    model = load(paired_run, registry=registry(), device="cpu")
    model.precision = "fp32"
    return model


@pytest.fixture(scope="module")
def pixels(pix: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A U-Net with batch norm of each picture's own statistics, from 0 to 255."""
    return export(pix, tmp_path_factory.mktemp("onnx") / "model.onnx", {}, pixels=True).path


def session(path: Path) -> Any:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(path: Path, *given: Tensor) -> Tensor:
    """What ONNX Runtime makes of these inputs."""
    opened = session(path)
    names = [each.name for each in opened.get_inputs()]
    inputs = {name: tensor.numpy() for name, tensor in zip(names, given, strict=True)}
    return torch.from_numpy(opened.run(None, inputs)[0])


# ONNX


def test_the_docs_use_a_file_in_a_process_without_torch(pixels: Path, tmp_path: Path) -> None:
    used, drawn, *_ = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    picture = (numbers(50, 41, 3) * 256).byte().numpy()
    Image.fromarray(picture).save(tmp_path / "photo.png")
    (tmp_path / "model.onnx").write_bytes(pixels.read_bytes())
    check = "\nimport sys\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", used + drawn + check], cwd=tmp_path, check=True)
    assert Image.open(tmp_path / "result.png").size == (41, 50)


def test_it_gives_what_the_module_gives(pix: Model, pixels: Path) -> None:
    picture = (numbers(2, 3, 50, 41) * 255).round()
    gap = (run(pixels, picture) - as_module(pix, {}, pixels=True)(picture)).abs()
    assert gap.max() <= 1  # a value between two steps may be rounded to either
    assert (gap > 0).float().mean() < 1e-3


@pytest.mark.parametrize("size", [(1, 1, 1), (3, 64, 64), (2, 5, 200)])
def test_any_number_of_pictures_of_any_size(pixels: Path, size: tuple[int, int, int]) -> None:
    count, height, width = size
    result = run(pixels, (numbers(count, 3, height, width) * 255).round())
    assert result.shape == (count, 3, height, width)
    assert torch.equal(result, result.round().clamp(0, 255))


def test_names_and_metadata(pixels: Path) -> None:
    opened = session(pixels)
    told = opened.get_modelmeta().custom_metadata_map
    (given,), (made,) = opened.get_inputs(), opened.get_outputs()
    assert (given.name, given.shape) == ("picture", ["batch", 3, "height", "width"])
    assert (made.name, made.shape) == ("result", ["batch", 3, "height", "width"])
    assert (told["method"], told["value_range"], told["dropout"]) == ("pix2pix", "[0, 255]", "off")
    assert (told["multiple"], told["i2i"]) == ("64", i2i.__version__)
    assert json.loads(told["inputs"]) == [
        {"name": "picture", "kind": "picture", "shape": ["batch", 3, "height", "width"]}
    ]


def test_no_path_of_this_machine_is_in_it(pixels: Path) -> None:
    stored = pixels.read_bytes()
    assert b".py" not in stored
    assert str(Path.home()).encode() not in stored
    assert str(Path(i2i.__file__).parent).encode() not in stored


def test_dropout_numbers_are_inputs(pix: Model, tmp_path: Path) -> None:
    done = export(pix, tmp_path / "model.onnx", {}, dropout=True)
    assert done.compared is not None
    assert done.compared.worst < 1e-4
    picture = numbers(2, 3, 70, 64) * 2 - 1
    opened = session(done.path)
    shape = json.loads(opened.get_modelmeta().custom_metadata_map["inputs"])[1]["shape"]
    assert shape == ["batch", 32, "padded_height/16", "padded_width/16"]
    one, other = (run(done.path, picture, torch.full((2, 32, 8, 4), share)) for share in (0.4, 0.6))
    assert not torch.equal(one, other)


def test_a_method_without_an_input_takes_random_numbers(tmp_path: Path) -> None:
    done = export(untrained("gan"), tmp_path / "model.onnx", {})
    assert re.fullmatch(r".*model.onnx: [\d,]+ weights, worst difference \S+ on 5 batches", done.summary())
    assert session(done.path).get_inputs()[0].shape == ["batch", 5]
    assert run(done.path, torch.randn(7, 5)).shape == (7, 3, 32, 32)


# torch.export


@pytest.mark.long
def test_label_maps_in_a_pt2(tmp_path: Path) -> None:
    model = untrained("spade")
    done = export(model, tmp_path / "model.pt2", {})
    assert done.compared == Compared(0.0, done.compared.shapes if done.compared else ())
    program = torch.export.load(done.path)
    result = program.module()(torch.zeros(1, 1, 33, 20, dtype=torch.long), torch.zeros(1, 3))
    assert result.shape == (1, 3, 33, 20)


def test_a_pt2_says_what_it_is_and_holds_no_path(pix: Model, tmp_path: Path) -> None:
    path = export(pix, tmp_path / "model.pt2", {}).path
    told: dict[str, Any] = {"i2i.json": ""}
    torch.export.load(path, extra_files=told)
    assert json.loads(told["i2i.json"])["method"] == "pix2pix"
    with zipfile.ZipFile(path) as packed:
        stored = b"".join(packed.read(name) for name in packed.namelist() if name.endswith(".json"))
    assert b".py" not in stored


# What is refused


@pytest.mark.parametrize(
    ("worst", "words"), [(0.02, "2.0e-02"), (float("nan"), "nan"), (float("inf"), "inf")]
)
def test_a_file_that_differs_is_not_written(
    worst: float, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "compare", lambda *_, **__: Compared(worst, ((1, 2, 3),)))
    with pytest.raises(I2IError, match=rf"was not written: .* differ .* by {words} .* --force"):
        export(many(), tmp_path / "model.pt2", {})
    assert not [*tmp_path.iterdir()]
    assert export(many(), tmp_path / "model.pt2", {}, force=True).path.is_file()


@pytest.mark.parametrize("pixels", [False, True])
def test_numbers_that_are_none_and_other_shapes_differ_without_end(pixels: bool) -> None:
    made = torch.zeros(1, 3, 2, 2)
    as_given = unrounded(made).round() if pixels else made
    assert gap_of(as_given, made, pixels) == 0
    assert gap_of(as_given * torch.nan, made, pixels) == float("inf")
    assert gap_of(as_given[..., :1], made, pixels) == float("inf")


def test_a_picture_that_is_fixed_is_called_by_its_name_alone(tmp_path: Path) -> None:
    picture = (numbers(16, 16, 3) * 255).byte().numpy()
    Image.fromarray(picture).save(tmp_path / "cover.png")
    path = export(many(), tmp_path / "m.pt2", {"cover": tmp_path / "cover.png", "noise": 0}).path
    told: dict[str, Any] = {"i2i.json": ""}
    torch.export.load(path, extra_files=told)
    assert json.loads(json.loads(told["i2i.json"])["controls"])["cover"] == "cover.png"
    assert str(tmp_path).encode() not in path.read_bytes()


class Counts(Many):
    """Depends on who is in the batch."""

    def captions(self, net: i2i.Parts, controls: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        return {"output": controls}

    def translate(self, net: i2i.Parts, x: i2i.Batch, *, wrong: bool = False) -> Tensor:
        """Add how many there are, or who they are."""
        made: Tensor = net.G(x.a) * 0.1
        return made + (0.1 * len(x.random.samples) if wrong else len(x.a))


def counts() -> Model:
    model = many()
    return Model(model.spec, Counts(), model.net, model.facts, model.device)


def test_what_goes_wrong_without_a_word_is_found_by_comparing(tmp_path: Path) -> None:
    with pytest.raises(I2IError, match="was not written"):
        export(counts(), tmp_path / "model.pt2", {"wrong": True})


def test_a_method_that_fixes_the_number_of_pictures_is_told_how_not_to(tmp_path: Path) -> None:
    with pytest.raises(I2IError, match=r"fixes the number of pictures; .* x.a.shape\[0\] instead of len"):
        export(counts(), tmp_path / "model.pt2", {})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.onx", r"'.onx' is no ending of an export; did you mean '.onnx'"),
        ("model", r"the name has no ending; known: .onnx, .pt2, .safetensors"),
    ],
)
def test_an_unknown_ending(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match=words):
        export(many(), tmp_path / name, {})


@pytest.mark.parametrize("flag", ["pixels", "dropout", "force"])
def test_weights_alone_take_no_options(flag: str, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match=rf"{flag} has no effect on a file of weights"):
        export(many(), tmp_path / "model.safetensors", {}, **{flag: True})


@pytest.mark.parametrize(("name", "value"), [("colour", "red"), ("noise", 0), ("back", False)])
def test_a_control_has_no_effect_on_weights_alone(name: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match=f"{name} has no effect on a file of weights"):
        export(many(), tmp_path / "model.safetensors", {name: value})


def test_a_file_that_fails_is_not_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: object) -> Tensor:
        raise RuntimeError("no such kernel\nand much more")

    monkeypatch.setattr(module.pt2_file, "runner", lambda data: fails)
    with pytest.raises(I2IError, match=r"fails on \d pictures? of \d+×\d+ pixels, .* no such kernel$"):
        export(many(), tmp_path / "model.pt2", {})
    assert not [*tmp_path.iterdir()]
