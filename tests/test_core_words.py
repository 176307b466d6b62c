"""How messages count and list things."""

import pytest

from i2i.core.words import and_more, by_shape, counted, listed, quoted, some


@pytest.mark.parametrize(("count", "text"), [(0, "0 files"), (1, "1 file"), (2000, "2,000 files")])
def test_counted(count: int, text: str) -> None:
    assert counted(count, "file") == text


def test_a_long_list_ends_in_a_number() -> None:
    assert listed(["a", "b"], 2) == "a, b"
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert listed(["a", "b", "c"], 1, "; ") == "a and 2 more"


def test_some_of_many() -> None:
    assert some(["a"], "file") == "1 file ('a')"
    assert some(["a", "b", "c"], "file") == "3 files ('a', 'b', 'c')"
    assert some(["a", "b", "c", "d"], "file") == "4 files ('a', 'b', 'c', …)"


def test_others_beside_an_example() -> None:
    assert (and_more(0), and_more(2)) == ("", " (and 2 more)")


def test_a_shape() -> None:
    assert (by_shape((64, 3)), by_shape(())) == ("64×3", "a number")


@pytest.mark.parametrize(
    ("text", "posix", "windows"),
    [
        ("i2i-woven==1.2", "i2i-woven==1.2", "i2i-woven==1.2"),
        ("runs/mine", "runs/mine", "runs/mine"),
        ("C:\\runs", "'C:\\runs'", "C:\\runs"),
        ("my run", "'my run'", '"my run"'),
        ("a;$(b)", "'a;$(b)'", '"a;$(b)"'),
        ("%PATH%", "%PATH%", '"%PATH%"'),
        ("it's", "'it'\"'\"'s'", '"it\'s"'),
        ('a" & b', "'a\" & b'", '"a? & b"'),
        ("a\x1b[31m\nb", "'a?[31m?b'", '"a?[31m?b"'),
    ],
)
def test_a_word_for_the_shell(text: str, posix: str, windows: str) -> None:
    assert (quoted(text, windows=False), quoted(text, windows=True)) == (posix, windows)
