"""What a press does: limits, results in the kind of the input, and pictures for the browser."""

import os
from pathlib import Path

import numpy as np
import pytest
from helpers import registry, tiny_tables
from PIL import Image

import i2i
from i2i.core.errors import I2IError
from i2i.pictures.images import decode, read_header
from i2i.serve.previews import as_image, preview
from i2i.serve.worker import Limits, Worker


@pytest.fixture(scope="module")
def model(unpaired_run: Path) -> i2i.Model:
    return i2i.load(unpaired_run, device="cpu")


@pytest.fixture
def worker(model: i2i.Model, tmp_path: Path) -> Worker:
    return Worker(model, tmp_path / "results", Limits(pixels=50 * 50, results=4))


def grey16(path: Path, width: int = 45, height: int = 37) -> Path:
    pixels = np.random.default_rng(0).integers(0, 65536, (height, width), np.uint16)
    Image.fromarray(pixels).save(path)
    return path


def test_a_result_is_what_translate_writes(worker: Worker, model: i2i.Model, tmp_path: Path) -> None:
    source = grey16(tmp_path / "deep.png")
    answer = worker.translate(source, {"back": True, "seed": 3})
    (file,) = answer.files
    expected = model.translate(source, out=tmp_path / "expected" / "deep.png", back=True, seed=3)
    assert (file.name, file.read_bytes()) == ("deep.png", expected.read_bytes())
    assert read_header(file).bits == 16
    assert answer.comparable
    assert [caption for _, caption in answer.shown] == ["input", "result"]


def test_what_is_shown_has_eight_bits_and_the_size_of_the_file(worker: Worker, tmp_path: Path) -> None:
    answer = worker.translate(grey16(tmp_path / "deep.png"), {})
    assert [read_header(file).bits for file, _ in answer.shown] == [8, 8]
    assert {(h.width, h.height) for h in (read_header(file) for file, _ in answer.shown)} == {(45, 37)}


def test_results_stay_for_others_and_are_removed_when_they_are_old(worker: Worker, tmp_path: Path) -> None:
    source = grey16(tmp_path / "deep.png")
    (first,) = worker.translate(source, {}).files
    (second,) = worker.translate(source, {}).files
    assert first.exists()
    os.utime(first.parent, (0, 0))
    worker.translate(source, {})
    assert second.exists() and not first.exists()


def test_a_picture_with_too_many_pixels_is_refused(worker: Worker, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match=r"large\.png: it has 51 × 50 pixels; this page takes 2,500 at most"):
        worker.translate(grey16(tmp_path / "large.png", 51, 50), {})


def test_a_control_that_is_too_large_a_picture_is_refused(worker: Worker, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match=r"style\.png: it has 51"):
        worker.translate(grey16(tmp_path / "a.png"), {"style": grey16(tmp_path / "style.png", 51, 50)})


def test_so_is_one_beside_random_numbers_alone(worker: Worker, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match=r"style\.png: it has 51"):
        worker.sample(1, {"style": grey16(tmp_path / "style.png", 51, 50)})


@pytest.mark.parametrize(
    ("name", "message"), [("film.mp4", "i2i translate takes videos"), ("letter.txt", "cannot be read")]
)
def test_what_is_no_picture_is_refused(name: str, message: str, worker: Worker, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"Dear all,")
    with pytest.raises(I2IError, match=message):
        worker.translate(tmp_path / name, {})


def test_too_many_results_are_refused(worker: Worker, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match="ask for 5 results; this page makes 4 at a time"):
        worker.translate(grey16(tmp_path / "a.png"), {"samples": 5})


def test_samples_of_several_classes_have_their_captions(tmp_path: Path) -> None:
    run = i2i.build(
        tiny_tables("cgan", train={"steps": 1}), registry=registry(), out=tmp_path / "run"
    ).train()
    worker = Worker(i2i.load(run, device="cpu"), tmp_path / "results", Limits(results=6))
    answer = worker.sample(2, {"seed": 0})
    captions = [caption for _, caption in answer.shown]
    assert captions == ["circle-1", "circle-2", "square-1", "square-2", "triangle-1", "triangle-2"]
    assert not answer.comparable
    with pytest.raises(I2IError, match="ask for 9 results"):
        worker.sample(3, {"seed": 0})


@pytest.mark.parametrize(
    ("dtype", "stored", "given", "white"),
    [
        ("uint8", "uint8", None, 255),
        ("uint16", "uint8", None, 65535),
        ("uint16", "uint16", None, 4),
        ("float32", "float32", None, 4),
        ("float32", "uint8", (0, 0.5), 0.5),
    ],
)
def test_black_and_white_are_those_of_the_model(
    dtype: str, stored: str, given: tuple[float, float] | None, white: float, tmp_path: Path
) -> None:
    trained = (0.0, 255.0) if (dtype, stored) == ("uint8", "uint8") else (0.0, 4.0)
    facts = i2i.DataFacts(
        fields=("a",), image_size=8, channels={"a": 1}, value_range={"a": trained}, stored={"a": stored}
    )
    np.save(tmp_path / "half.npy", np.array([[[0], [white]]], dtype))
    assert np.asarray(preview(tmp_path / "half.npy", facts, "a", given)).tolist() == [[0, 255]]


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_one_channel_or_three_are_shown(channels: int) -> None:
    shown = np.asarray(as_image(np.full((2, 3, channels), 4, np.int16), (0, 8)))
    assert shown.shape == ((2, 3, 3) if channels >= 3 else (2, 3))
    assert set(shown.ravel()) == {128}


def test_numbers_that_are_none_are_shown_black() -> None:
    assert not np.asarray(as_image(np.full((1, 1, 1), np.nan, np.float32), (0.0, 1.0))).any()


def test_maps_are_painted_in_the_colours_of_their_classes(tmp_path: Path) -> None:
    facts = i2i.DataFacts(
        fields=("label_map",),
        image_size=8,
        channels={},
        value_range={},
        maps={"label_map": 2},
        classes=("sea", "land"),
        palette=((0, 0, 200), (0, 100, 0)),
    )
    Image.fromarray(np.array([[0, 1]], np.uint8)).save(tmp_path / "map.png")
    assert np.asarray(preview(tmp_path / "map.png", facts, "label_map")).tolist() == [
        [[0, 0, 200], [0, 100, 0]]
    ]


def test_large_pictures_are_shown_smaller(tmp_path: Path, model: i2i.Model) -> None:
    Image.new("RGB", (3200, 20)).save(tmp_path / "wide.png")
    assert preview(tmp_path / "wide.png", model.facts, "a").size == (1600, 10)
    assert decode(tmp_path / "wide.png").shape == (20, 3200, 3)
