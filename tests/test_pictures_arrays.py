import io
import pickle
import zipfile

import numpy as np
import pytest

from i2i.core.errors import I2IError
from i2i.pictures.files import PictureFile, read_picture, write_picture
from i2i.pictures.images import decode, read_header
from i2i.pictures.stored_types import TYPES

READERS = (read_header, decode, read_picture)


def refused(path, sentence):
    for read in READERS:
        with pytest.raises(I2IError, match=sentence) as caught:
            read(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(9, 12), (9, 12, 1), (9, 12, 3), (9, 12, 30)])
def test_an_array_is_a_picture(shape, dtype, tmp_path):
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    np.save(tmp_path / "x.npy", array)
    header, pixels = read_header(tmp_path / "x.npy"), decode(tmp_path / "x.npy")
    assert (
        pixels.shape == (9, 12, shape[2] if len(shape) == 3 else 1) and pixels.dtype == dtype == header.dtype
    )
    assert (header.height, header.width, header.channels) == pixels.shape
    assert np.array_equal(pixels.squeeze(), array.squeeze())


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_an_array_without_channels_stays_so(suffix, tmp_path):
    array = np.random.default_rng(0).normal(size=(9, 12))
    np.save(tmp_path / "x.npy", array)
    picture = read_picture(tmp_path / "x.npy")
    write_picture(picture, tmp_path / f"y{suffix}")
    stored = np.load(tmp_path / f"y{suffix}")
    assert np.array_equal(stored if suffix == ".npy" else stored["image"], array)
    write_picture(
        PictureFile(np.repeat(picture.pixels, 3, axis=2), None, picture.carried), tmp_path / "z.npy"
    )
    assert np.load(tmp_path / "z.npy").shape == (9, 12, 3)
    np.save(tmp_path / "x.npy", array[..., None])  # and one with an axis of channels keeps it
    write_picture(read_picture(tmp_path / "x.npy"), tmp_path / "z.npy")
    assert np.load(tmp_path / "z.npy").shape == (9, 12, 1)


def test_the_name_of_an_array_is_kept(tmp_path):
    path = npz(tmp_path / "x.npz", depth=np.ones((9, 12), np.uint16))
    write_picture(read_picture(path), tmp_path / "y.npz")
    assert list(np.load(tmp_path / "y.npz")) == ["depth"]


def test_of_several_arrays_the_one_called_image(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    path = npz(tmp_path / "x.npz", image=image, mask=np.ones((9, 12)))
    assert np.array_equal(read_picture(path).pixels, image)


def test_equal_pictures_are_equal_files(tmp_path):
    picture = PictureFile(np.ones((9, 12, 3), np.float32))
    write_picture(picture, tmp_path / "x.npz")
    write_picture(picture, tmp_path / "y.npz")
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "y.npz").read_bytes()


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        ("bool", "uint8"), ("int8", "int16"), ("int64", "float64"), ("uint64", "float64"), (">f4", "float32"),
        (">u2", "uint16"),
    ],
)  # fmt: skip
def test_other_types_become_the_nearest(dtype, kept, tmp_path):
    array = np.array([[0, 1], [1, 0]]).astype(dtype)
    np.save(tmp_path / "x.npy", array)
    pixels = read_picture(tmp_path / "x.npy").pixels
    assert pixels.dtype == kept == read_header(tmp_path / "x.npy").dtype and pixels.dtype.isnative
    assert np.array_equal(pixels[..., 0], array.astype(int) * (255 if dtype == "bool" else 1))


@pytest.mark.parametrize("value", [2**53 + 1, 2**63, -(2**60) - 1])
def test_whole_numbers_that_no_picture_keeps_are_refused(value, tmp_path):
    np.save(tmp_path / "x.npy", np.full((2, 2), value, np.uint64 if value > 0 else np.int64))
    with pytest.raises(I2IError, match=r"x\.npy' holds numbers above 2\^53, which no picture keeps"):
        read_picture(tmp_path / "x.npy")


def test_fortran_order(tmp_path):
    array = np.asfortranarray(np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8))
    np.save(tmp_path / "x.npy", array)
    assert np.array_equal(decode(tmp_path / "x.npy"), array)


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.zeros((3, 64, 64)), "is an array of 3×64×64, which looks like channels × height × width; save it as H×W×C"),
        (np.zeros((1, 28, 28)), "looks like channels × height × width"),
        (np.zeros(9), "is an array of 9; a picture is one of H×W or H×W×C"),
        (np.float32(1), "is an array of one number"),
        (np.zeros((2, 9, 12, 3)), "is an array of 2×9×12×3; a picture is one of"),
        (np.zeros((0, 12, 3)), "cannot be read: it is empty"),
        (np.zeros((9, 12, 0)), "cannot be read: it is empty"),
        (np.zeros((9, 12), complex), "holds complex numbers; a picture is an array of numbers"),
        (np.array([["a"]]), "holds strings; a picture is"),
        (np.zeros((9, 12), [("r", "u1")]), "holds records; a picture is"),
        (np.zeros((9, 12), "datetime64[s]"), "holds numbers of datetime64"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(array, sentence, tmp_path):
    np.save(tmp_path / "x.npy", array)
    refused(tmp_path / "x.npy", sentence)
    np.savez(tmp_path / "x.npz", array)
    refused(tmp_path / "x.npz", sentence)


def test_several_arrays_are_named(tmp_path):
    arrays = {f"{name}{'x' * 50}": np.zeros((4, 4)) for name in "abcdefg"}
    refused(
        npz(tmp_path / "x.npz", **arrays),
        r"holds 'ax{39}', .*\(and 2 more\), and a picture is one array; leave",
    )
    refused(
        npz(tmp_path / "y.npz", a=np.zeros(1), b=np.zeros(1)), "holds 'a', 'b', and a picture is one array"
    )
    refused(npz(tmp_path / "z.npz"), "cannot be read")


class Burglar:
    def __reduce__(self):
        return print, ("a pickle was opened",)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_no_pickle_is_opened(suffix, tmp_path, capsys):
    file = io.BytesIO()
    np.save(file, np.array([[Burglar()]], object), allow_pickle=True)
    path = tmp_path / f"x{suffix}"
    if suffix == ".npy":
        path.write_bytes(file.getvalue())
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("image.npy", file.getvalue())
    refused(path, "holds Python objects; a picture is an array of numbers")
    assert not capsys.readouterr().out


def test_a_bare_pickle_is_no_picture(tmp_path):
    (tmp_path / "x.npy").write_bytes(pickle.dumps(Burglar()))
    refused(tmp_path / "x.npy", "it is not an image")


@pytest.mark.parametrize("keep", [3, 60, 128, 500])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_what_is_cut_short_is_refused(suffix, keep, tmp_path):
    path = tmp_path / f"x{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (24, 32), np.uint8)
    write_picture(PictureFile(noise[..., None]), path)
    path.write_bytes(path.read_bytes()[:keep])
    refused(path, "cannot be read: ")


def test_an_archive_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("notes.txt", "nothing")
    refused(tmp_path / "x.npz", "cannot be read: ")
