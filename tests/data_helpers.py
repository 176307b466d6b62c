"""Files for the tests of i2i.data."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from i2i.core.errors import I2IError

NAMES = ["1.png", "2.png", "3.png", "10.png"]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(height=12, width=12, channels=3, dtype=np.uint8, seed=0):
    """(H, W, C) of random values over the whole range of the type."""
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top, (height, width, channels), dtype, endpoint=True)


def is_near(resized, pillows):
    """Whether 8 bits were resized as Pillow does: torch's filter is promised to differ by 2 of 255 at most."""
    return resized.shape == pillows.shape and np.abs(resized.astype(int) - pillows).max() <= 2


def save(path: Path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    if pixels.dtype == np.uint16 and pixels.shape[2] > 1:
        write_deep_png(path, pixels)
    else:
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path, **options)
    return path


def write_deep_png(path: Path, pixels):
    """16 bits in 2 (grey and alpha), 3 or 4 channels, which Pillow cannot write; every second row is filtered."""
    height, width, channels = pixels.shape
    big = pixels.astype(">u2").view(np.uint8).reshape(height, -1)
    left = np.pad(big, ((0, 0), (2 * channels, 0)))[:, : big.shape[1]]
    rows = b"".join(
        b"\1" + (big[i] - left[i]).tobytes() if i % 2 else b"\0" + big[i].tobytes() for i in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def write_deep_tiff(path: Path, pixels, planar=1):
    """16-bit RGB, uncompressed, little-endian."""
    height, width, _ = pixels.shape
    longs = {256: width, 257: height, 259: 1, 262: 2, 277: 3, 278: height, 279: pixels.nbytes, 284: planar}
    at = 8 + 2 + 12 * (len(longs) + 2) + 4
    rows = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in longs.items()]
    rows += [struct.pack("<HHII", 258, 3, 3, at), struct.pack("<HHII", 273, 4, 1, at + 6)]
    rows.sort(key=lambda row: struct.unpack("<H", row[:2]))
    body = struct.pack("<H", len(rows)) + b"".join(rows) + struct.pack("<IHHH", 0, 16, 16, 16)
    path.write_bytes(b"II*\0" + struct.pack("<I", 8) + body + pixels.astype("<u2").tobytes())
    return path


def fill(folder: Path, names, **options):
    """A folder of random pictures, each of its own seed."""
    for seed, name in enumerate(names):
        save(folder / name, noise(seed=seed, **options))
    return folder


def table(root, rows, header="image,red,large", name="train.csv"):
    """A CSV of labels."""
    (root / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return root


def listing(root, rows, header=("4", "red large")):
    """A list of labels as CelebA's."""
    (root / "list_attr_x.txt").write_text("\n".join([*header, *rows]) + "\n", encoding="utf-8")
    return root


def listed(root, folder="images"):
    """A list as CelebA's, with its pictures."""
    fill(root / folder, NAMES)
    return listing(root, [f"{name}  1 -1" for name in NAMES])


def domain_folders(root, folders=("angry", "happy", "sad"), split="train"):
    """A folder for each domain: one picture in the first, two in the second, and so on."""
    for number, name in enumerate(folders):
        fill(root / split / name, [f"{i}.png" for i in range(1, 2 + number)])
    return root


IDX_TYPES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def idx_bytes(array):
    """An array as an IDX file holds it."""
    head = bytes([0, 0, IDX_TYPES[array.dtype.name], array.ndim]) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def digits(root, labels=(3, 0, 7, 3), split="train", ending="", dtype=np.uint8, shape=(9, 8)):
    """IDX files as MNIST's, of random pictures."""
    root.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(len(split)).integers(0, 127, (len(labels), *shape), endpoint=True)
    write = (lambda data: gzip.compress(data, mtime=0)) if ending else bytes
    for name, array in (("images-idx3", values.astype(dtype)), ("labels-idx1", np.array(labels, np.uint8))):
        (root / f"{split}-{name}-ubyte{ending}").write_bytes(write(idx_bytes(array)))
    return root


def assert_refused(tmp_path: Path, name, make, kind, options, sentence):
    """A data set that `make` spoils is refused with this sentence; {root} in it stands for its path."""
    root = tmp_path / "up" / name
    root.parent.mkdir(exist_ok=True)
    try:
        root = make(root) or root
    except OSError as error:
        pytest.skip(f"cannot be made here: {error}")
    with pytest.raises(I2IError) as caught:
        kind(root=root, **options)
    top = (tmp_path / "up").as_posix()
    # Windows writes the paths of the message with its own slash
    assert str(caught.value).replace("\\", "/") == sentence.format(root=f"{top}/{name}", up=top)
