"""Which line of a file a key stands on."""

import pytest

from i2i.spec.lines import line_of

TEXT = """\
# a comment = 1
strategy = "pix2pix"

[data]
root = "x"   # size = 3
  size=64
"load_size" = 70

[strategy.generator]
width = 8
inner.deep = 1

[optimizers]
G = { lr = 1, betas = [
    0.5,
    0.9,
] }

[[loggers]]
name = "one"
[[loggers]]
name = "two"
"""


@pytest.mark.parametrize(
    ("at", "line"),
    [
        ("strategy", 2),
        ("data", 4),
        ("data.root", 5),
        ("data.size", 6),
        ("data.load_size", 7),
        ("data.missing", 4),
        ("strategy.generator.width", 10),
        ("strategy.generator.inner.deep", 11),
        ("strategy.generator.depth", 9),
        ("strategy.generator.gan.x", 9),
        ("strategy.other", 2),
        ("optimizers.G", 14),
        ("optimizers.G.lr", 14),
        ("optimizers.D", 13),
        ("loggers.0", 19),
        ("loggers.0.name", 20),
        ("loggers.1.name", 22),
        ("train.steps", None),
    ],
)
def test_a_key_stands_on_its_line_or_on_that_of_the_table_around_it(at: str, line: int | None) -> None:
    assert line_of(TEXT, at) == line


def test_windows_line_ends_count_once() -> None:
    assert line_of(TEXT.replace("\n", "\r\n"), "data.size") == 6
