"""IDX files as they are read; those that cannot be are in test_data_wrong_images.py."""

import gzip

import numpy as np
import pytest
from data_helpers import digits, idx_bytes

from i2i.data.idx import idx_file, read_idx, read_labels, read_pictures


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_type_of_number_is_read_in_this_machines_order(tmp_path, dtype, packed):
    array = (np.arange(24).reshape(4, 3, 2) * 5 - (0 if dtype == "uint8" else 60)).astype(dtype)
    path = tmp_path / "x"  # packed or not is told by the content
    path.write_bytes(gzip.compress(idx_bytes(array)) if packed else idx_bytes(array))
    read = read_idx(path)
    assert np.array_equal(read, array) and read.dtype == np.dtype(dtype)


def test_a_written_head(tmp_path):
    """The head that LeCun's page shows: type 08, three dimensions, high byte first."""
    path = tmp_path / "x"
    path.write_bytes(bytes.fromhex("00000803 00000002 00000001 00000003 010203 fdfeff"))
    assert read_idx(path).tolist() == [[[1, 2, 3]], [[253, 254, 255]]]


@pytest.mark.parametrize(
    ("shape", "channels"), [((5, 6, 7), 1), ((5, 6, 7, 1), 1), ((5, 6, 7, 3), 3)], ids=str
)
def test_pictures_in_grey_and_colour(tmp_path, shape, channels):
    array = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    (tmp_path / "x").write_bytes(idx_bytes(array))
    pictures = read_pictures(tmp_path / "x")
    header, pixels = pictures.header(2), pictures.decode(2)
    assert len(pictures) == 5 and (header.width, header.height) == (7, 6)
    assert (header.channels, header.bits) == (channels, 8)
    assert pixels.dtype == np.uint8 and np.array_equal(pixels, array[2].reshape(6, 7, channels))


@pytest.mark.parametrize(
    ("stored", "kept"), [("int8", "int16"), ("int16", "int16"), ("int32", "int32"), ("float64", "float64")]
)
def test_other_numbers_than_bytes_keep_their_type(tmp_path, stored, kept):
    (tmp_path / "x").write_bytes(idx_bytes(np.arange(-4, 4).astype(stored).reshape(2, 2, 2)))
    pictures = read_pictures(tmp_path / "x")
    assert pictures.decode(1).dtype == kept and pictures.decode(1)[..., 0].tolist() == [[0, 1], [2, 3]]
    assert pictures.header(0).dtype == kept


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_labels_are_int64(tmp_path, dtype):
    (tmp_path / "x").write_bytes(idx_bytes(np.array([3, 0, 200], dtype)))
    labels = read_labels(tmp_path / "x")
    assert labels.dtype == np.int64 and labels.tolist() == [3, 0, 200]


@pytest.mark.parametrize(
    ("name", "split", "what"),
    [
        ("train-images-idx3-ubyte", "train", "images"),
        ("train-images.idx3-ubyte", "train", "images"),
        ("t10k-images-idx3-ubyte.gz", "test", "images"),
        ("test-images-idx4-float", "test", "images"),
        ("val-labels-idx1-int", "val", "labels"),
    ],
)
def test_names_of_files(tmp_path, name, split, what):
    (tmp_path / name).touch()
    for other in ("train", "test", "val"):
        found = idx_file(tmp_path, other, what)
        assert found == (tmp_path / name if other == split else None)
    assert idx_file(tmp_path, split, {"images": "labels", "labels": "images"}[what]) is None


def test_other_files_are_not_taken_for_idx_files(tmp_path):
    for name in ("train-images-idx3-ubyte.part", "my-train-images-idx3-ubyte", "train-images-idx1-ubyte"):
        (tmp_path / name).touch()
    assert idx_file(tmp_path, "train", "images") is None


def test_an_unpacked_file_is_taken_before_the_packed_one(tmp_path):
    digits(digits(tmp_path, ending=".gz"))
    assert idx_file(tmp_path, "train", "images").name == "train-images-idx3-ubyte"
