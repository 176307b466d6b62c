"""Videos: frames come and go unchanged, with their times, their sound and their colours."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from videos import HEIGHT, RATE, WIDTH, click, draw_video, flat, heard_at, scene

from i2i.core.errors import I2IError, I2IWarning
from i2i.pictures.video import VIDEO_EXTENSIONS, Frame, describe, frames, is_video, rewrite

av = pytest.importorskip("av", reason="PyAV is not installed: pip install 'i2i-toolkit[video]'")


def again(source: Path, target: Path) -> list[Frame]:
    """The frames of a video that was written anew with its own frames."""
    rewrite(source, target, frames(source))
    assert not list(target.parent.glob(".*"))
    return list(frames(target))


def differences(some: list[Frame], others: list[Frame]) -> np.ndarray:
    """In steps of 8 bits."""
    assert len(some) == len(others)
    pairs = zip(some, others, strict=True)
    return np.stack([np.abs(_share(a.pixels) - _share(b.pixels)) * 255 for a, b in pairs])


def _share(pixels: np.ndarray) -> np.ndarray:
    return pixels / np.iinfo(pixels.dtype).max


CODECS = [
    ("x.mp4", "libx264", "yuv420p"),
    ("x.m4v", "mpeg4", "yuv420p"),
    ("x.mov", "prores_ks", "yuv422p10le"),
    ("x.mkv", "libx265", "yuv420p10le"),
    ("x.mkv", "ffv1", "yuv444p16le"),
    ("x.mkv", "ffv1", "bgr0"),
    ("x.mkv", "ffv1", "gray"),
    ("x.webm", "libvpx", "yuv420p"),
    ("x.webm", "libvpx-vp9", "yuv444p"),
    ("x.avi", "mjpeg", "yuvj422p"),
    ("x.avi", "libx264", "yuv420p"),
]


@pytest.mark.parametrize(("name", "codec", "form"), CODECS)
def test_frames_come_back(tmp_path: Path, name: str, codec: str, form: str) -> None:
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    deep = "10le" in form or "16le" in form
    source = draw_video(tmp_path / name, scene(deep=deep), codec, form, options=options)
    before, after = list(frames(source)), again(source, tmp_path / f"new-{name}")
    assert len(after) == 10 and after[0].pixels.shape == (HEIGHT, WIDTH, 3)
    assert {frame.pixels.dtype for frame in after} == {np.dtype(np.uint16 if deep else np.uint8)}
    assert [frame.time for frame in after] == [frame.time for frame in before]
    # the second compression of a lossy codec, whose encoders differ a little from machine to machine
    change = differences(before, after)
    assert change.mean() < 1.5 and np.quantile(change, 0.999) < 8
    first, second = describe(source), describe(tmp_path / f"new-{name}")
    assert replace(first, frames=None) == replace(second, frames=None)


@pytest.mark.parametrize("suffix", sorted(VIDEO_EXTENSIONS))
def test_every_container_takes_every_other(tmp_path: Path, suffix: str) -> None:
    source = draw_video(tmp_path / "x.mkv", scene(), sound=click(0.2, 0.4), voice="flac")
    after = again(source, tmp_path / f"y{suffix}")
    assert (
        differences(list(frames(source)), after).mean() < 1.25
    )  # where colours are halved in both directions
    assert [frame.time for frame in after] == [Fraction(number, RATE) for number in range(10)]
    assert heard_at(tmp_path / f"y{suffix}") == pytest.approx(0.2, abs=0.03)  # an mp3 starts 23 ms late


@pytest.mark.parametrize(("suffix", "voice"), [(".mp4", "aac"), (".mov", "pcm_s16le"), (".webm", "libopus")])
def test_a_flash_and_a_click_stay_together(tmp_path: Path, suffix: str, voice: str) -> None:
    codec = "libvpx" if suffix == ".webm" else "libx264"
    pictures = [*flat(10, 15), *flat(240, 2), *flat(10, 13)]
    source = draw_video(tmp_path / f"x{suffix}", pictures, codec, sound=click(15 / RATE, 1.2), voice=voice)
    after = again(source, tmp_path / f"y{suffix}")
    flash = next(frame.time for frame in after if frame.pixels.mean() > 128)
    assert flash == Fraction(15, RATE)
    assert heard_at(tmp_path / f"y{suffix}") == pytest.approx(
        heard_at(source), abs=1e-3
    )  # copied, not coded again


def test_varying_frame_rates_are_kept(tmp_path: Path) -> None:
    times = [0, 1, 5, 6, 20, 21, 22, 40]
    source = draw_video(tmp_path / "x.mp4", scene(len(times)), times=times)
    for name in ("y.mp4", "y.mkv", "y.webm", "y.avi"):
        assert [frame.time * RATE for frame in again(source, tmp_path / name)] == times


def test_avi_refuses_what_it_cannot_time(tmp_path: Path) -> None:
    source = draw_video(tmp_path / "x.mkv", scene(3))
    first, second, third = frames(source)
    third = replace(third, time=second.time + Fraction(1, 1000))
    with pytest.raises(
        I2IError, match=r"y\.avi: \.avi stores no varying frame rate; end it in \.mp4 or \.mkv"
    ):
        rewrite(source, tmp_path / "y.avi", [first, second, third])


@pytest.mark.parametrize(("matrix", "values"), [(1, 1), (5, 1), (9, 2), (6, 2)])
def test_colours_are_those_of_the_matrix(tmp_path: Path, matrix: int, values: int) -> None:
    tags = {"colorspace": matrix, "color_range": values, "color_primaries": 1, "color_trc": 13}
    pictures = scene(2)
    source = draw_video(tmp_path / "x.mkv", pictures, "ffv1", "yuv444p", **tags)
    after = again(source, tmp_path / "y.mp4")  # FFV1 is kept, and MP4 tells players
    drawn = [Frame(pixels, None, Fraction(0)) for pixels in pictures]
    assert differences(drawn, after).max() < 5  # rounded twice on the way there, and twice back
    with av.open(str(tmp_path / "y.mp4")) as file:
        context = file.streams.video[0].codec_context
        stored = {name: getattr(context, name) for name in tags}
    assert stored == {**tags, "colorspace": matrix}


def test_unsaid_colours_are_said(tmp_path: Path) -> None:
    for width, height, matrix in ((64, 48, 6), (1280, 720, 1)):
        source = draw_video(tmp_path / "x.mkv", scene(1, width, height), "ffv1", "yuv420p")
        again(source, tmp_path / "y.mkv")
        with av.open(str(tmp_path / "y.mkv")) as file:
            assert file.streams.video[0].codec_context.colorspace == matrix


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (-90, 3)])
def test_frames_are_upright(tmp_path: Path, degrees: int, turns: int) -> None:
    pictures = scene(2)
    source = draw_video(tmp_path / "x.mp4", pictures, rotation=degrees)
    after = again(source, tmp_path / "y.mp4")
    drawn = [Frame(np.rot90(pixels, turns), None, Fraction(0)) for pixels in pictures]
    assert differences(drawn, after).mean() < 2  # compressed twice
    assert (describe(source).height, describe(source).width) == drawn[0].pixels.shape[:2]


@pytest.mark.parametrize("suffix", sorted(VIDEO_EXTENSIONS))
def test_odd_sizes_are_kept(tmp_path: Path, suffix: str) -> None:
    source = draw_video(tmp_path / "x.mkv", scene(3))
    odd = [replace(frame, pixels=frame.pixels[:-1, :-3]) for frame in frames(source)]
    rewrite(source, tmp_path / f"y{suffix}", odd)
    assert differences(odd, list(frames(tmp_path / f"y{suffix}"))).mean() < 1.25


def test_grey_results_are_grey(tmp_path: Path) -> None:
    source = draw_video(tmp_path / "x.mp4", scene(3))
    grey = [replace(frame, pixels=frame.pixels[..., :1]) for frame in frames(source)]
    rewrite(source, tmp_path / "y.mp4", grey)
    for frame, after in zip(grey, frames(tmp_path / "y.mp4"), strict=True):
        assert np.abs(after.pixels.astype(int) - frame.pixels).mean() < 1


def test_transparency_goes_along(tmp_path: Path) -> None:
    clear = np.tile(np.arange(WIDTH, dtype=np.uint8)[None, :, None] * 4, (HEIGHT, 1, 1))
    pictures = [np.concatenate([pixels, clear], axis=2) for pixels in scene(3)]
    source = draw_video(tmp_path / "x.mov", pictures, "png", "rgba")
    for frame in again(source, tmp_path / "y.mov"):
        assert frame.alpha is not None and np.array_equal(frame.alpha, clear)
    with pytest.raises(I2IError, match="cannot hold 8 bits for each channel and transparency at 64×48"):
        rewrite(source, tmp_path / "y.webm", frames(source))
    bare = [replace(frame, alpha=None) for frame in frames(source)]
    with pytest.raises(I2IError, match="a frame of 64×48 pixels lacks transparency that fits it"):
        rewrite(source, tmp_path / "y.mov", bare)


def test_bits_are_not_cut(tmp_path: Path) -> None:
    source = draw_video(tmp_path / "x.mkv", scene(2, deep=True), "ffv1", "yuv444p16le")
    assert describe(source).bits == 16
    sentence = r"y\.webm: \.webm cannot hold 16 bits for each channel at 64×48 pixels; end it in \.mkv"
    with pytest.raises(I2IError, match=sentence):
        rewrite(source, tmp_path / "y.webm", frames(source))
    assert [path.name for path in tmp_path.iterdir()] == ["x.mkv"]


def test_metadata_and_chapters_are_copied(tmp_path: Path) -> None:
    halves = [(0, 200, "one"), (200, 400, "two")]
    chapters = [
        {"id": n, "start": start, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
        for n, (start, end, title) in enumerate(halves, 1)
    ]
    source = draw_video(tmp_path / "x.mp4", scene(), title="A day", chapters=chapters, sound=click(0.1, 0.4))
    for name in ("y.mp4", "y.mkv"):
        again(source, tmp_path / name)
        with av.open(str(tmp_path / name)) as file:
            assert file.metadata["title"] == "A day"
            assert [chapter["metadata"]["title"] for chapter in file.chapters()] == ["one", "two"]
            assert [stream.name for stream in file.streams.audio] == ["aac"]


def test_subtitles_are_copied_or_their_loss_is_said(tmp_path: Path) -> None:
    source = with_subtitles(draw_video(tmp_path / "plain.mkv", scene()), tmp_path / "x.mkv")
    again(source, tmp_path / "y.mkv")
    with av.open(str(tmp_path / "y.mkv")) as file:
        texts = [bytes(packet) for packet in file.demux(subtitles=0) if packet.size]
    assert texts == [b"Hello"]
    with pytest.warns(I2IWarning, match=r"y\.mp4: left out, because it cannot be kept: 1 subtitle \(srt\)"):
        again(source, tmp_path / "y.mp4")


def with_subtitles(source: Path, target: Path) -> Path:
    """A copy of a video with one subtitle."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        pictures, words = (
            new.add_stream_from_template(old.streams.video[0], opaque=True),
            new.add_mux_stream("srt"),
        )
        words.time_base = Fraction(1, 1000)
        for packet in old.demux():
            if packet.size:
                packet.stream = pictures
                new.mux(packet)
        text = av.Packet(b"Hello")
        text.stream, text.pts, text.dts, text.duration, text.time_base = (
            words,
            100,
            100,
            100,
            Fraction(1, 1000),
        )
        new.mux(text)
    return target


def test_covers_are_copied_or_their_loss_is_said(tmp_path: Path) -> None:
    source = with_cover(draw_video(tmp_path / "plain.mp4", scene()), tmp_path / "x.mp4")
    again(source, tmp_path / "y.mp4")
    with av.open(str(tmp_path / "y.mp4")) as file:
        assert [stream.name for stream in file.streams] == ["h264", "mjpeg"]
    with pytest.warns(I2IWarning, match=r"y\.mov: left out, because it cannot be kept: 1 video \(mjpeg\)"):
        again(source, tmp_path / "y.mov")


def with_cover(source: Path, target: Path) -> Path:
    """A copy of a video with a picture for its cover."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        pictures = new.add_stream_from_template(old.streams.video[0], opaque=True)
        cover = new.add_mux_stream("mjpeg", width=8, height=8)
        cover.time_base, cover.disposition = Fraction(1, 1000), av.stream.Disposition.attached_pic
        picture = av.Packet(encoded("JPEG"))
        picture.stream, picture.pts, picture.dts, picture.time_base = cover, 0, 0, Fraction(1, 1000)
        new.mux(picture)
        for packet in old.demux():
            if packet.size:
                packet.stream = pictures
                new.mux(packet)
    return target


def test_pixels_that_are_not_square_stay_so(tmp_path: Path) -> None:
    shape = Fraction(4, 3)
    source = draw_video(tmp_path / "x.mp4", scene(2), rotation=90, sample_aspect_ratio=shape)
    again(source, tmp_path / "y.mp4")
    with av.open(str(tmp_path / "y.mp4")) as file:
        assert file.streams.video[0].sample_aspect_ratio == 1 / shape
    with pytest.warns(I2IWarning, match="does not store that a pixel is 3/4 as wide as high"):
        again(source, tmp_path / "y.webm")


def test_nothing_is_left_after_a_failure(tmp_path: Path) -> None:
    source, target = draw_video(tmp_path / "x.mp4", scene()), tmp_path / "y.mp4"
    target.write_bytes(b"old")

    def failing():
        for number, frame in enumerate(frames(source)):
            if number == 5:
                raise KeyboardInterrupt
            yield frame

    with pytest.raises(KeyboardInterrupt):
        rewrite(source, target, failing())
    assert target.read_bytes() == b"old" and sorted(path.name for path in tmp_path.iterdir()) == [
        "x.mp4",
        "y.mp4",
    ]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            lambda frame: replace(frame, pixels=frame.pixels[:-2]),
            "a frame has 64×46 pixels, the ones before 64×48",
        ),
        (
            lambda frame: replace(frame, pixels=frame.pixels.astype(np.float32)),
            "48×64×3 of float32 is no frame",
        ),
        (lambda frame: replace(frame, pixels=frame.pixels[..., :2]), "48×64×2 of uint8 is no frame"),
    ],
)
def test_wrong_frames_are_refused(tmp_path: Path, spoil, sentence: str) -> None:
    source = draw_video(tmp_path / "x.mp4", scene(2))
    first, second = frames(source)
    with pytest.raises(I2IError, match=sentence):
        rewrite(source, tmp_path / "y.mp4", [first, spoil(second)])


def test_no_frames_and_other_endings_are_refused(tmp_path: Path) -> None:
    source = draw_video(tmp_path / "x.mp4", scene(2))
    with pytest.raises(I2IError, match="no frame was given"):
        rewrite(source, tmp_path / "y.mp4", [])
    with pytest.raises(I2IError, match=r"'\.gif' is no video's ending; (did you mean|known: \.avi)"):
        rewrite(source, tmp_path / "y.gif", frames(source))
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp4"]


@pytest.mark.parametrize("name", ["x.mp4", "x.mov", "x.mkv", "x.webm", "x.avi"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_video_that_is_cut_off_is_refused(tmp_path: Path, name: str, share: float) -> None:
    codec = {"x.webm": "libvpx", "x.avi": "mpeg4"}.get(name, "libx264")
    source = draw_video(tmp_path / name, scene(30), codec)
    content = source.read_bytes()
    source.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(I2IError, match=r"is cut off: it has [\d,]+ bytes of [\d,]+; copy or save it again"):
        describe(source)


def encoded(kind: str) -> bytes:
    """A small picture as the content of a file."""
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, kind)
    return file.getvalue()


NOT_VIDEOS = {
    "empty": (lambda path: b"", "it is empty"),
    "text": (lambda path: b"no video at all\n" * 40, "it is no video"),
    "noise": (lambda path: np.random.default_rng(0).bytes(5000), "it is no video"),
    "picture": (lambda path: encoded("PNG"), "cannot be read"),
    "playlist": (
        lambda path: f"#EXTM3U\n#EXTINF:1,\n{path.with_name('other.mp4')}\n".encode(),
        "cannot be read",
    ),
    "list": (
        lambda path: f"ffconcat version 1.0\nfile {path.with_name('other.mp4')}\n".encode(),
        "cannot be read",
    ),
    "header": (lambda path: struct.pack(">I4sI4s", 16, b"ftyp", 0, b"isom"), "it is no video"),
}


@pytest.mark.parametrize("kind", NOT_VIDEOS)
@pytest.mark.parametrize("name", ["x.mp4", "x.mkv", "x.avi"])
def test_what_is_no_video_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    draw_video(tmp_path / "other.mp4", scene(2))
    content, sentence = NOT_VIDEOS[kind]
    (tmp_path / name).write_bytes(content(tmp_path / name))
    with pytest.raises(I2IError, match=rf"'.*{name}'.*{sentence}"):
        describe(tmp_path / name)


def test_missing_files_folders_and_sound_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(I2IError, match="there is no file"):
        describe(tmp_path / "none.mp4")
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(I2IError, match="is a folder; name a video"):
        describe(tmp_path / "folder.mp4")
    with av.open(str(tmp_path / "sound.mp4"), "w") as file:
        voice = file.add_stream("aac", 48000)
        voice.layout = "mono"
        heard = av.AudioFrame.from_ndarray(click(0.1, 0.3), "s16", "mono")
        heard.sample_rate = 48000
        file.mux([*voice.encode(heard), *voice.encode(None)])
    with pytest.raises(I2IError, match="holds no moving pictures"):
        describe(tmp_path / "sound.mp4")


def test_absurd_sizes_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    source = draw_video(tmp_path / "x.avi", scene(2), "ffv1")
    content = bytearray(source.read_bytes())
    at = content.index(b"strf") + 12
    for side in (9_000, 60_000):
        content[at : at + 8] = struct.pack("<ii", side, side)
        source.write_bytes(content)
        with pytest.raises(I2IError, match=r"x\.avi"):
            describe(source)


def test_damage_in_the_middle_is_a_sentence_or_frames(tmp_path: Path) -> None:
    source = draw_video(tmp_path / "x.mp4", scene(30))
    content, numbers = source.read_bytes(), np.random.default_rng(0)
    for _ in range(30):
        spoilt = bytearray(content)
        for at in numbers.integers(0, len(content), 8):
            spoilt[at] = numbers.integers(256)
        source.write_bytes(spoilt)
        try:
            assert all(frame.pixels.ndim == 3 for frame in frames(source))
        except I2IError as error:
            assert "\n" not in str(error)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no colons in names")
def test_a_name_is_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw_video(tmp_path / "x.mp4", scene(2)).rename("concat:x.mp4")
    assert len(list(frames(Path("concat:x.mp4")))) == 2


def test_names_of_videos() -> None:
    assert is_video("a.MP4") and is_video("b.webm") and not is_video("c.png") and not is_video(".d.mp4")


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(
        I2IError, match=r"av is needed to read '.*x\.mp4': pip install 'i2i-toolkit\[video\]'"
    ):
        describe(tmp_path / "x.mp4")
