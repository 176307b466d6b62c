"""Tables inside an option, as [data.sets.NAME]: their paths, their mistakes, and the file that they are written to."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from helpers import registry

from i2i.core.errors import SpecError
from i2i.core.schema import plain
from i2i.data import DomainSet
from i2i.spec.schema import schema
from i2i.spec.spec import Spec, resolve

TEXT = """\
strategy = "pix2pix"
[data]
name = "domains"
size = 64
[data.sets.faces]
root = "celeba"
attributes = ["Male", "Young"]
exclusive = [["Male", "Young"]]
hold_out = 20
[data.sets.moods]
root = "rafd"
centre_crop = 80
"""


def file_of(folder: Path, text: str = TEXT) -> Path:
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return file


def edited(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


def roots(spec: Spec) -> dict[str, Path]:
    return {name: each.root for name, each in spec.data.options["sets"].items()}


def test_paths_of_sets_count_from_the_spec_or_from_where_they_were_set(tmp_path: Path) -> None:
    file, folder = file_of(tmp_path), tmp_path.resolve()
    assert roots(resolve(file, registry())) == {"faces": folder / "celeba", "moods": folder / "rafd"}
    typed = resolve(file, registry(), ["data.sets.moods.root=here"])
    assert roots(typed) == {"faces": folder / "celeba", "moods": Path.cwd() / "here"}
    whole = resolve(file, registry(), ['data.sets.moods={ root = "here" }'])
    assert roots(whole) == roots(typed)


def test_a_spec_with_sets_reads_as_it_was_written(tmp_path: Path) -> None:
    spec = resolve(file_of(tmp_path), registry())
    written = tomllib.loads(spec.toml())["data"]["sets"]
    assert written["faces"]["exclusive"] == [["Male", "Young"]] and written["moods"]["hold_out"] == 0
    for again in (spec, spec.toml(), spec.tables(), file_of(tmp_path, spec.toml())):
        assert resolve(again, registry()) == spec


def test_sets_in_python(tmp_path: Path) -> None:
    sets = {name: DomainSet(root=tmp_path / name) for name in "ab"}
    spec = resolve({"strategy": "pix2pix", "data": {"name": "domains", "sets": sets}}, registry())
    assert spec.data.options["sets"] == sets
    assert plain(sets["a"]) == {"root": (tmp_path / "a").as_posix(), "exclusive": [], "hold_out": 0}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "centre_crop",
            "center_crop",
            "  mine.toml:12: data.sets.moods.center_crop: 'data.sets.moods' has no such option\n    did you mean "
            "'centre_crop'? known: attributes, centre_crop, exclusive, hold_out, root",
        ),
        ('root = "rafd"\n', "", "  mine.toml:10: data.sets.moods.root: 'data.sets.moods' needs this option"),
        ('"rafd"', "3", "  mine.toml:11: data.sets.moods.root: input should be a path, got 3"),
        (
            "= 20",
            '= "20"',
            "  mine.toml:9: data.sets.faces.hold_out: input should be a whole number, got '20'",
        ),
        (
            '[["Male", "Young"]]',
            '[["Male"]]',
            "  mine.toml:8: data.sets.faces.exclusive: entry 1 should have at least 2 entries, got ['Male']",
        ),
        (
            "size = 64",
            "hold_out = 3",
            "  mine.toml:4: data.hold_out: each of the joined sets has its own; move this one to [data.sets.NAME]",
        ),
        (
            TEXT[TEXT.index("[data.sets.faces]") :],
            "",
            "  mine.toml:2: data.root: where are the pictures? name their folder, CSV or list",
        ),
        (
            TEXT[TEXT.index("[data.sets.faces]") :],
            "sets = { a = { root = 'x' } }",
            "  mine.toml:5: data.sets: two or more can be joined; of one set, the options stand under [data] itself",
        ),
    ],
)
def test_a_mistake_in_a_set_has_its_place(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    with pytest.raises(SpecError) as error:
        resolve(file_of(tmp_path, edited(old, new)), registry())
    assert str(error.value) == sentence


def test_the_schema_knows_the_keys_of_a_set() -> None:
    page: dict[str, Any] = schema(registry=registry())
    sets = page["$defs"]["data.domains"]["properties"]["sets"]["anyOf"][0]
    at = sets["additionalProperties"]["$ref"].removeprefix("#/").split("/")
    for key in at:
        page = page[key]
    assert set(page["properties"]) == {"root", "attributes", "exclusive", "centre_crop", "hold_out"}
    assert page["required"] == ["root"] and page["additionalProperties"] is False
