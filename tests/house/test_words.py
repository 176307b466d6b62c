"""Nothing in the repository names the place where it was written: it must read the same everywhere."""

import re

import pytest
from reading import repository_files, short

# Put together here, so that this file does not contain what it looks for.
PLACES = (
    r"(?<![\w~./-])/" + r"work\b",
    r"\.\./" + "shared",
    r"\b(?:fidelity|" + r"design)\.md\b",
    r"\bdesign " + "§",
    "/tmp/" + "brief",
    "/opt/" + "(?:pypi|wheels)",
    r"\bpypi" + r"\.org\b",
    r"\bpython" + r"hosted\.org\b",
)
PLACE = re.compile("|".join(PLACES), re.IGNORECASE)
PICTURES = {".png", ".jpg", ".gif", ".webp", ".safetensors"}


def places_in(text: str) -> list[str]:
    return [f"line {text.count(chr(10), 0, hit.start()) + 1}: {hit.group()}" for hit in PLACE.finditer(text)]


def test_no_file_names_its_workplace() -> None:
    files = [path for path in repository_files() if path.suffix not in PICTURES]
    assert len(files) > 10
    assert not [
        f"{short(path)}, {hit}" for path in files for hit in places_in(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(
    "text", ["cd /" + "work/main", "see ../" + "shared/x", "in `fidelity" + ".md`", "https://PyPI" + ".org/p"]
)
def test_a_workplace_is_seen(text: str) -> None:
    assert places_in("first line\n" + text) == [f"line 2: {PLACE.search(text).group()}"]


@pytest.mark.parametrize(
    "text", ["a frame/work of ~/wo" + "rk/data", "/workers", "docs/design.html", "/home/me/wo" + "rk/x"]
)
def test_other_places_pass(text: str) -> None:
    assert not places_in(text)
