from pathlib import Path

import numpy as np
import pytest
from data_helpers import noise

from i2i.core.errors import I2IError
from i2i.data.survey import LIMIT, Stored, sampled, survey
from i2i.pictures.images import Header


def headers(*kinds):
    return [(Path(f"{i}.png"), Header(4, 4, channels, bits)) for i, (channels, bits) in enumerate(kinds)]


def test_every_header_of_small_sets_and_spaced_ones_of_large_sets():
    assert list(sampled(5)) == [0, 1, 2, 3, 4]
    large = sampled(10 * LIMIT)
    assert len(large) == LIMIT and large[:3] == [0, 10, 20]


def test_range_follows_the_stored_type():
    assert survey(headers((1, 8)), None, None) == Stored(1, 8)
    assert Stored(3, 8).value_range(None) == (0, 255) and Stored(3, 16).value_range(None) == (0, 65535)
    assert Stored(3, 16).value_range((0, 4095)) == (0, 4095)


def test_channels_may_be_mixed_when_they_are_given():
    stored = survey(headers((1, 8), (3, 8)), 3, None)
    assert stored.accept(noise(channels=1), Path("x.png")).shape == (12, 12, 3)
    with pytest.raises(I2IError, match=r"'0.png' is grey, '1.png' is colour"):
        survey(headers((1, 8), (3, 8)), None, None)


def test_what_the_headers_missed_is_refused_when_it_is_read():
    with pytest.raises(
        I2IError, match=r"'x.png' is 16-bit colour, the other pictures are 8-bit colour; convert"
    ):
        Stored(3, 8).accept(noise(dtype=np.uint16), Path("x.png"))
