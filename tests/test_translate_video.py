"""Videos through a model: every frame, in order, with one lot of random numbers."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from many import many
from videos import HEIGHT, RATE, WIDTH, click, draw_video, flat, heard_at, scene

from i2i.core.errors import I2IError
from i2i.pictures.video import frames
from i2i.translate.video import translate_video

pytest.importorskip("av", reason="PyAV is not installed: pip install 'i2i-toolkit[video]'")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return draw_video(tmp_path / "clip.mkv", scene(), "ffv1", sound=click(0.2, 0.4))


def pixels(path: Path) -> np.ndarray:
    return np.stack([frame.pixels for frame in frames(path)]).astype(int)


def test_a_video_is_translated_with_its_times_and_its_sound(clip: Path, tmp_path: Path) -> None:
    out = many().translate(clip, out=tmp_path / "deep/out.mkv", noise=0.0)
    assert out == tmp_path / "deep/out.mkv"
    assert (
        np.abs(pixels(out) - pixels(clip)).mean() < 0.5
    )  # the network leaves them as they are; FFV1 loses nothing
    assert [frame.time for frame in frames(out)] == [Fraction(number, RATE) for number in range(10)]
    assert heard_at(out) == pytest.approx(heard_at(clip), abs=1e-3)


def test_all_frames_have_the_same_random_numbers(tmp_path: Path) -> None:
    still = draw_video(tmp_path / "still.mkv", flat(128, 4), "ffv1", "bgr0")
    other = draw_video(tmp_path / "other.mkv", flat(128, 4), "ffv1", "bgr0")
    model = many()
    first, second = (
        pixels(model.translate(path, out=path.with_name(f"new-{path.name}"))) for path in (still, other)
    )
    assert first[0].std() > 5 and (first == first[0]).all()
    assert (first != second).any()
    assert (pixels(model.translate(other, out=tmp_path / "a.mkv", seed=3)) != second).any()
    alike = [pixels(model.translate(path, out=tmp_path / "b.mkv", sync=True)) for path in (still, other)]
    assert (alike[0] == alike[1]).all()


def test_every_result_has_its_video(clip: Path, tmp_path: Path) -> None:
    written = many().translate(clip, out=tmp_path / "out.mkv", colour="all", samples=2)
    colours = ("red", "green", "blue")
    assert [path.name for path in written] == [f"out-{colour}-{n}.mkv" for colour in colours for n in (1, 2)]
    means = [pixels(path).mean((0, 1, 2)) for path in written]
    assert [int(np.argmax(mean)) for mean in means] == [0, 0, 1, 1, 2, 2]


def test_grey_results_and_grey_inputs(clip: Path, tmp_path: Path) -> None:
    made = pixels(many(a=1, b=1).translate(clip, out=tmp_path / "grey.mkv", noise=0.0))
    assert np.ptp(made, axis=3).max() <= 2  # rounded on the way through luma and chroma


def test_sixteen_bits_stay(tmp_path: Path) -> None:
    source = draw_video(tmp_path / "x.mkv", scene(3, deep=True), "ffv1", "yuv444p16le")
    out = many().translate(source, out=tmp_path / "y.mkv", noise=0.0)
    assert np.abs(pixels(out) - pixels(source)).max() < 257  # one step of 8 bits


def test_every_frame_is_told(clip: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    model = many()
    translate_video(
        model, clip, [tmp_path / "out.mp4"], model.request({}), lambda *counts: told.append(counts)
    )
    assert told == [(number, None) for number in range(1, 11)]  # Matroska does not say how many there are


@pytest.mark.parametrize(
    ("controls", "sentence"),
    [
        ({"bits": 8}, "control.bits: a video keeps its own; leave it out"),
        ({"value_range": (0, 1)}, "control.value_range: a video keeps its own; leave it out"),
    ],
)
def test_what_a_video_has_of_itself_is_refused(clip: Path, controls: dict, sentence: str) -> None:
    with pytest.raises(I2IError, match=sentence):
        many().translate(clip, out=clip.with_name("out.mkv"), **controls)
    assert [path.name for path in clip.parent.iterdir()] == ["clip.mkv"]


def test_a_file_must_be_named(clip: Path) -> None:
    with pytest.raises(
        I2IError, match=r"clip\.mkv: a video becomes a file; name it, for example out='new\.mkv'"
    ):
        many().translate(clip)
    with pytest.raises(I2IError, match=r"'\.png' is no video's ending"):
        many().translate(clip, out=clip.with_suffix(".png"))
    with pytest.raises(I2IError, match="this is a video, which has no place in a grid"):
        many().grid(clip)


def test_other_numbers_of_channels_are_refused(clip: Path) -> None:
    with pytest.raises(
        I2IError, match="this model works on pictures of 4 channels, and frames of a video have 3"
    ):
        many(a=4).translate(clip, out=clip.with_name("out.mkv"))


def test_a_failing_frame_leaves_nothing(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = many()
    monkeypatch.setattr(type(model.strategy), "translate", failing)
    with pytest.raises(
        I2IError, match=rf"clip\.mkv, the frame at 0\.00 seconds: .*{WIDTH}×{HEIGHT}.*too small"
    ):
        model.translate(clip, out=clip.with_name("out.mkv"))
    assert [path.name for path in clip.parent.iterdir()] == ["clip.mkv"]


def failing(self, net, x, *, colour: str = "", noise: float = 0.1, cover: Path | None = None):
    """As a method refuses a picture."""
    raise ValueError("it is too small")
