"""A few bytes that promise gigabytes: refused before the memory is taken, in training and in translation."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from data_helpers import fill, noise, save
from fuzz.mutate import with_sums
from helpers import registry
from PIL import Image
from trained import command

import i2i
from i2i.core.errors import I2IError
from i2i.data import Domains, Images, Masks, Paired, Unpaired
from i2i.data.idx import read_idx
from i2i.data.legend import read_classes
from i2i.data.map_files import read_form, read_map
from i2i.data.tables import LONGEST, rows_of
from i2i.importing.weights import read_weights
from i2i.pictures.files import read_picture
from i2i.pictures.images import decode, read_header

SIDE = 60_000
CLAIM = struct.pack(">II", SIDE, SIDE)
MEGABYTES = 2**20


def stored(form: str, **options: Any) -> bytes:
    """A picture of 7×5 pixels."""
    file = io.BytesIO()
    Image.fromarray(noise(5, 7)).save(file, form, **options)
    return file.getvalue()


def png() -> bytes:
    data = stored("PNG")
    return with_sums(data[:16] + CLAIM + data[24:])


def bmp() -> bytes:
    data = stored("BMP")
    return data[:18] + struct.pack("<ii", SIDE, SIDE) + data[26:]


def ppm() -> bytes:
    return b"P6 60000 60000 255\n" + bytes(105)


def jpeg() -> bytes:
    data = stored("JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", SIDE, SIDE) + data[at + 4 :]


def tiff() -> bytes:
    data = stored("TIFF")
    for tag in (256, 257):
        at = data.index(struct.pack("<HHI", tag, 4, 1)) + 8
        data = data[:at] + struct.pack("<I", SIDE) + data[at + 4 :]
    return data


BOMBS = {"png": png, "bmp": bmp, "ppm": ppm, "jpg": jpeg, "tif": tiff}


@pytest.fixture(params=BOMBS)
def bomb(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of some hundred bytes that claims 60,000×60,000 pixels."""
    path = tmp_path / f"bomb.{request.param}"
    path.write_bytes(BOMBS[request.param]())
    return path


@pytest.mark.parametrize("read", [read_header, decode, read_picture, read_form, read_map])
def test_a_picture_that_claims_gigabytes_is_refused(bomb: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(I2IError) as caught:
        read(bomb)
    assert str(caught.value) == (
        f"'{bomb}' claims 3,600,000,000 pixels, and a picture may have 178,956,970; cut it into parts, or remove it"
    )


def test_the_size_is_named_even_where_pillow_has_no_limit(
    bomb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(I2IError, match="claims 60,000×60,000 pixels, and a picture may have 178,956,970"):
        read_header(bomb)


def test_a_large_picture_is_read_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("1", (13_000, 13_000)).save(path)  # Pillow warns from 89 million pixels on
    with warnings.catch_warnings(action="error"):
        assert read_header(path).width == 13_000


def test_every_data_set_refuses_it(bomb: Path, tmp_path: Path) -> None:
    for place in (
        "u/trainA",
        "p/train/a",
        "p/train/b",
        "i/train",
        "d/train/x",
        "d/train/y",
        "m/images",
        "m/labels",
    ):
        fill(tmp_path / place, ["1.png"])
        (tmp_path / place / f"2{bomb.suffix}").write_bytes(bomb.read_bytes())
    fill(tmp_path / "u/trainB", ["1.png"])
    for kind, root, options in (
        (Unpaired, "u", {}),
        (Paired, "p", {}),
        (Images, "i", {}),
        (Domains, "d", {}),
        (Masks, "m", {"classes": 256}),
    ):
        with pytest.raises(I2IError, match="claims 3,600,000,000 pixels"):
            kind(root=tmp_path / root, **options)


def test_translation_refuses_it_and_goes_on(bomb: Path, paired_run: Path, tmp_path: Path) -> None:
    good = save(tmp_path / "good.png", noise(64, 64))
    done = command("translate", paired_run, bomb, good, "-o", tmp_path / "out", "--device", "cpu")
    assert done.code == 1
    # what can be read in parts needs a tile
    told = (
        "60,000×60,000 pixels, too many to be read at once"
        if bomb.suffix == ".tif"
        else "claims 3,600,000,000 pixels"
    )
    assert told in (done.out + done.err).replace("\n", " ")
    assert "Decompression" not in done.out + done.err
    assert [path.name for path in (tmp_path / "out").iterdir() if path.suffix != ".jsonl"] == ["good.png"]


def test_text_packed_into_a_picture_does_not_fill_the_memory(tmp_path: Path) -> None:
    packed = zlib.compress(bytes(200 * MEGABYTES), 9)
    body = b"zTXtcomment\0\0" + packed
    data, path = stored("PNG"), tmp_path / "x.png"
    path.write_bytes(with_sums(data[:33] + struct.pack(">I", len(body) - 4) + body + bytes(4) + data[33:]))
    with at_most(20), pytest.raises(I2IError, match=r"x\.png' cannot be read: "):
        decode(path)


@contextmanager
def at_most(megabytes: int) -> Iterator[None]:
    """A block in which Python never holds more memory than that."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * MEGABYTES
    finally:
        tracemalloc.stop()


# Arrays, and TIFF files that Pillow does not read.


def npy(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    """An array that says it has this shape, and 100 bytes."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (63 - (10 + len(text)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(100)


def npz(member: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("image.npy", member)
    return file.getvalue()


@pytest.mark.parametrize("pack", [bytes, npz])
@pytest.mark.parametrize(
    ("shape", "descr", "why"),
    [
        ((SIDE, SIDE), "|u1", "claims 60,000×60,000 pixels, and a picture may have 178,956,970; cut it into parts"),
        ((10_000, 10_000, 2000), "<f8", "claims 1,600,000,000,000 bytes of values, and a picture may have 4,278"),
        ((9000, 9000, 4), "<f4", "cannot be read: it ends too early"),
        ((-5, 7), "|u1", "cannot be read: it is empty"),
        ((2**70, 2**70), "|u1", "claims "),
    ],
)  # fmt: skip
def test_an_array_that_claims_gigabytes_is_refused(
    shape: tuple[int, ...], descr: str, why: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / ("x.npz" if pack is npz else "x.npy")
    path.write_bytes(pack(npy(shape, descr)))
    for read in (read_header, decode, read_picture):
        with at_most(5), pytest.raises(I2IError, match=why):
            read(path)


def test_an_archive_is_unpacked_no_further_than_its_array(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(npz(npy((5, 4)) + bytes(100 * MEGABYTES)))
    with at_most(5):
        assert read_header(path).width == 4 and decode(path).shape == (5, 4, 1)


@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_of_many_channels_that_claims_gigabytes_is_refused(big: bool, tmp_path: Path) -> None:
    file, kind, size = io.BytesIO(), "<HHQQ" if big else "<HHII", SIDE
    tifffile.imwrite(file, np.zeros((7, 5, 6)), photometric="minisblack", planarconfig="contig", bigtiff=big)
    data, path = bytearray(file.getvalue()), tmp_path / "x.tif"
    directory = struct.unpack_from("<Q" if big else "<L", data, 8 if big else 4)[0] + (8 if big else 2)
    for entry in range(directory, directory + 14 * struct.calcsize(kind), struct.calcsize(kind)):
        if struct.unpack_from("<H", data, entry)[0] in (256, 257, 278):
            struct.pack_into(kind, data, entry, *struct.unpack_from("<H", data, entry), 4, 1, size)
    path.write_bytes(data)
    for read in (read_header, decode, read_picture):
        with (
            at_most(20),
            pytest.raises(I2IError, match="claims 60,000×60,000 pixels, and a picture may have"),
        ):
            read(path)


def test_a_strip_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    file, path = io.BytesIO(), tmp_path / "x.tif"
    tifffile.imwrite(
        file, np.zeros((8, 8, 5)), photometric="minisblack", planarconfig="contig", compression="zlib"
    )
    data, bomb = file.getvalue(), zlib.compress(bytes(200 * MEGABYTES), 9)
    page = tifffile.TiffFile(io.BytesIO(data)).pages.first
    for tag, value in ((273, len(data)), (279, len(bomb))):
        entry = page.tags[tag]
        data = data[: entry.offset] + struct.pack("<HHII", tag, 4, 1, value) + data[entry.offset + 12 :]
    path.write_bytes(data + bomb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(I2IError, match=r"x\.tif' cannot be read: "):
        decode(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_tags_that_all_claim_the_same_bytes_are_refused(tmp_path: Path) -> None:
    path, count = tmp_path / "x.tif", 5000
    tags = b"".join(struct.pack("<HHII", 10_000 + i, 1, 100_000, 8) for i in range(count))
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, count) + tags + bytes(100_000))
    for read in (read_header, decode, read_picture):
        with at_most(20), pytest.raises(I2IError, match="its tags claim more than the file holds"):
            read(path)


def test_pages_without_end_are_counted_to_an_end(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(b"II*\0" + struct.pack("<I", 8) + struct.pack("<HHHIII", 1, 256, 4, 1, 5, 8))
    with at_most(5), pytest.raises(I2IError, match="cannot be read"):
        decode(path)


# IDX files.


def head(*shape: int, kind: int = 8) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape)


def test_an_idx_file_is_unpacked_no_further_than_its_head_says(tmp_path: Path) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(head(6, 4, 4) + bytes(100 * MEGABYTES)))
    with at_most(5), pytest.raises(I2IError, match="its head says 6×4×4 numbers, 96 bytes, and more follow"):
        read_idx(path)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "shape", [(2**32 - 1,) * 3, (2**32 - 1, 2**32 - 1, 0), (2**40 // 784, 28, 28), (0, 2**31, 2**31, 2**31)]
)
def test_a_head_that_claims_terabytes_is_not_believed(
    shape: tuple[int, ...], packed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    data = head(*shape) + bytes(784)
    path.write_bytes(gzip.compress(data) if packed else data)
    with at_most(5), pytest.raises(I2IError, match=r"is damaged: its head says [0-9,×]+ numbers"):
        read_idx(path)


@pytest.mark.parametrize("dimensions", [5, 33, 65, 255])
def test_no_array_has_so_many_dimensions(dimensions: int, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(head(*[1] * dimensions) + b"\0")
    with pytest.raises(I2IError, match="is no IDX file"):
        read_idx(path)


# Tables and lists.


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("image,red\n" + "x" * (LONGEST + 1), f"line 2 is longer than {LONGEST:,} characters"),
        ("," * (4 * LONGEST), f"line 1 is longer than {LONGEST:,} characters"),
        ("image,red\n" + "x" * 200_000 + ",1\n", r"line 2: field larger than field limit \(131072\)"),
        ('image,red\n"' + "x\n" * 200_000, "field larger than field limit"),
    ],
)
def test_a_line_without_end_is_not_read(text: str, why: str, tmp_path: Path) -> None:
    fill(tmp_path, ["1.png"])
    (tmp_path / "train.csv").write_text(text, encoding="utf-8")
    with pytest.raises(I2IError, match=why):
        Domains(root=tmp_path)


def test_a_table_of_hundreds_of_megabytes_in_a_line_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    with path.open("wb") as file:
        file.truncate(300 * MEGABYTES)  # of zeros, and on most disks of nothing
    with at_most(20), pytest.raises(I2IError, match="is longer than"):
        list(rows_of(path))
    with at_most(20), pytest.raises(I2IError, match="is longer than"):
        read_classes(path)


def test_columns_by_the_hundred_thousand_are_refused_in_a_short_sentence(tmp_path: Path) -> None:
    fill(tmp_path, ["1.png"])
    (tmp_path / "train.csv").write_text(",".join(f"c{n}" for n in range(130_000)) + "\n", encoding="utf-8")
    for kind in (Domains, Paired):
        with pytest.raises(I2IError, match="has no column") as caught:
            kind(root=tmp_path)
        assert len(str(caught.value)) < 1000


def test_a_count_of_thousands_of_digits_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "list_attr_x.txt").write_text("9" * 5000 + "\nred\n1.png 1\n", encoding="utf-8")
    with pytest.raises(I2IError, match=r"this should be the number of pictures, got '9{40}'"):
        Domains(root=tmp_path)


def test_a_zero_byte_in_a_path_is_no_path(tmp_path: Path) -> None:
    fill(tmp_path, ["1.png"])
    for text in ("image,red\n1\0.png,1\n", "image,red\n\0/1.png,1\n"):
        (tmp_path / "train.csv").write_text(text, encoding="utf-8")
        with pytest.raises(I2IError, match="is outside the folder of the CSV"):
            Domains(root=tmp_path)


# Numbers without end.


@pytest.mark.parametrize(
    "value_range", [(0, np.inf), (-np.inf, np.inf), (np.nan, 1), (0, np.nan), (-1e308, 1e308)]
)
def test_a_value_range_is_finite(value_range: tuple[float, float], tmp_path: Path) -> None:
    fill(tmp_path / "train", ["1.png"])
    with pytest.raises(I2IError, match=r"data\.value_range: both values must be finite numbers"):
        Images(root=tmp_path, value_range=value_range)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_are_finite(value: float, tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 1), np.float32)
    pixels[3, 4] = value
    path = save(tmp_path / "train" / "1.tif", pixels)
    source = Images(root=tmp_path, size=8, value_range=(0.0, 1.0))
    with pytest.raises(I2IError, match=r"1\.tif' holds values that are not finite; replace or remove it"):
        source.load(0, torch.Generator())
    assert path.exists()


# Files of weights.


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(1).expand(10**6, 10**6),
        torch.zeros(8).as_strided((2**20, 2**20), (0, 0)),
        torch.zeros(10**6, 10**6, device="meta"),
        torch.zeros(100, 100).to_sparse(),
    ],
    ids=["expanded", "strided", "meta", "sparse"],
)
def test_a_tensor_of_values_that_no_file_holds_is_not_imported(tensor: torch.Tensor, tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save({"weight": tensor}, path)
    assert path.stat().st_size < 10_000
    with pytest.raises(I2IError, match=r"x\.pth: "):
        read_weights(path)


def test_a_file_of_weights_of_a_loss_that_lies_is_refused(tmp_path: Path) -> None:
    for data in (b"", struct.pack("<Q", 10**10) + b"{}", struct.pack("<Q", 2**63) + b"{}" * 9, b"\x80\x04."):
        path = tmp_path / "vgg19.safetensors"
        path.write_bytes(data)
        with pytest.raises(I2IError, match="is not a safetensors file"):
            registry().build(i2i.Ref.of("loss", "vgg19", {"weights": path}), {}, {})


def test_a_program_that_switches_off_the_limit_of_pillow_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    (tmp_path / "1.png").write_bytes(png())
    with pytest.raises(I2IError, match=r"claims 60,000×60,000 pixels"):
        read_header(tmp_path / "1.png")
