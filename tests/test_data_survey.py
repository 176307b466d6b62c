from pathlib import Path

import numpy as np
import pytest
from data_helpers import noise

from i2i.core.errors import I2IError
from i2i.data.stored import Stored, Told
from i2i.data.survey import LIMIT, sampled, survey
from i2i.pictures.images import Header

BYTES = (0.0, 255.0)


def headers(*kinds, bits=None):
    """Files of (channels, type)."""
    return [
        (Path(f"{i}.png"), Header(4, 4, channels, dtype, bits)) for i, (channels, dtype) in enumerate(kinds)
    ]


def refusal(*kinds, bits=None, **said):
    with pytest.raises(I2IError) as caught:
        survey(headers(*kinds, bits=bits), Told(**said))
    return str(caught.value)


def test_every_header_of_small_sets_and_spaced_ones_of_large_sets():
    assert list(sampled(5)) == [0, 1, 2, 3, 4]
    large = sampled(10 * LIMIT)
    assert len(large) == LIMIT and large[:3] == [0, 10, 20]


def test_range_follows_the_stored_type():
    assert survey(headers((1, "uint8")), Told()) == Stored(1, "uint8", BYTES)
    assert survey(headers((3, "uint16")), Told()).value_range == (0, 65535)
    assert survey(headers((3, "uint16")), Told(value_range=(0, 4095))).value_range == (0, 4095)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint32", "float16", "float32", "float64"])
def test_other_types_need_a_range_and_keep_their_type(dtype):
    assert refusal((1, dtype)).startswith(
        f"data.value_range: '0.png' stores {dtype} numbers; say which stand for -1 and +1, for example value_range = "
    )
    stored = survey(headers((5, dtype)), Told(value_range=(-1000, 3000)))
    assert stored == Stored(5, dtype, (-1000, 3000))


def test_bits_say_the_range():
    stored = survey(headers((1, "uint16")), Told(bit_depth=12))
    assert stored.value_range == (0, 4095) and stored.bits == 12
    assert survey(headers((1, "uint32")), Told(bit_depth=20)).value_range == (0, 2**20 - 1)


def test_bits_that_files_declare_count_unless_the_user_says_otherwise():
    twelve = headers((1, "uint16"), bits=12)
    assert survey(twelve, Told()).value_range == (0, 4095)
    assert survey(twelve, Told(bit_depth=16)).value_range == (0, 65535)
    assert survey(twelve, Told(value_range=(0, 100))).value_range == (0, 100)


def test_bits_that_files_declare_must_agree():
    mixed = headers((1, "uint16")) + headers((1, "uint16"), bits=12)
    with pytest.raises(I2IError, match=r"'0.png' is 16-bit, '0.png' is 12-bit; set bit_depth or value_range"):
        survey(mixed, Told())
    assert survey(mixed, Told(bit_depth=14)).bits == 14


def test_bits_that_cannot_be():
    assert refusal((1, "uint8"), bit_depth=12) == (
        "data.bit_depth: 12 is more than '0.png' has, which is 8-bit; use 8 or less, or leave it out"
    )
    assert refusal((1, "int16"), bit_depth=12) == (
        "data.bit_depth: '0.png' stores int16 numbers, of which bits do not tell the range; set value_range instead"
    )
    sentence = r"^bit_depth: it and value_range both .* \(12 bits are value_range = \[0, 4095\]\)"
    with pytest.raises(ValueError, match=sentence):
        Told(value_range=(0, 4095), bit_depth=12)


def test_larger_values_than_the_bits_allow_are_refused_when_they_are_read():
    stored = Stored(1, "uint16", (0, 4095), bits=12)
    pixels = np.full((2, 2, 1), 4095, np.uint16)
    assert stored.accept(pixels, Path("x.png")) is pixels
    with pytest.raises(
        I2IError, match=r"'x.png' holds 5,000, and 12 bits are 4,095 at most; set bit_depth = 13, or"
    ):
        stored.accept(np.full((2, 2, 1), 5000, np.uint16), Path("x.png"))


def test_channels_may_be_mixed_when_they_are_given():
    stored = survey(headers((1, "uint8"), (3, "uint8")), Told(channels=3))
    assert stored.accept(noise(channels=1), Path("x.png")).shape == (12, 12, 3)
    assert "'0.png' is grey, '1.png' is colour; set channels = 1 or channels = 3" in refusal(
        (1, "uint8"), (3, "uint8")
    )


def test_any_number_of_channels_is_kept():
    stored = survey(headers((12, "uint16"), (12, "uint16")), Told(channels=12))
    pixels = noise(channels=12, dtype=np.uint16)
    assert stored.channels == 12 and stored.accept(pixels, Path("x.tif")) is pixels


def test_only_grey_and_colour_are_made_of_each_other():
    assert refusal((4, "uint8"), (4, "uint8"), channels=3) == (
        "data.channels: '0.png' (and 1 more) is of 4 channels, of which no 3 are made (only grey and RGB are made of "
        "each other); set channels = 4"
    )
    assert "'0.png' is of 4 channels, '1.png' is grey; keep files of one kind" in refusal(
        (4, "uint8"), (1, "uint8")
    )
    stored = Stored(3, "uint8", BYTES, convert=True)
    with pytest.raises(
        I2IError, match=r"'x.tif' is 8-bit of 4 channels, the other pictures are 8-bit colour; convert"
    ):
        stored.accept(noise(channels=4), Path("x.tif"))


def test_mixed_types_are_named():
    assert "'0.png' is signed 16-bit, '1.png' is 16-bit; convert" in refusal((1, "int16"), (1, "uint16"))
    assert "'0.png' is 16-bit float, '1.png' is 32-bit float; convert" in refusal(
        (1, "float16"), (1, "float32")
    )


def test_what_the_headers_missed_is_refused_when_it_is_read():
    with pytest.raises(
        I2IError, match=r"'x.png' is 16-bit colour, the other pictures are 8-bit colour; convert"
    ):
        Stored(3, "uint8", BYTES).accept(noise(dtype=np.uint16), Path("x.png"))
