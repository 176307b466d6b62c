"""What a plug-in asks of i2i, read from its metadata before anything of it is imported."""

from __future__ import annotations

import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from trained import command

import i2i
from i2i.spec.installed import installed, unmet
from i2i.spec.plugins import discover


def papers(folder: Path, *asks: str, name: str = "i2i-woven", version: str = "1.0") -> Path:
    """The metadata of an installed package, with a plug-in."""
    module = name.replace("-", "_").lower()
    made = folder / f"{module}-{version}.dist-info"
    made.mkdir()
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {line}" for line in asks)]
    (made / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", *lines, ""]), encoding="utf-8")
    (made / "entry_points.txt").write_text(f"[i2i]\nwoven = {module}\n", encoding="utf-8")
    return made


@pytest.mark.parametrize(
    ("asks", "version", "said"),
    [
        ([], "0.1.0", ""),
        (["i2i-toolkit"], "0.1.0", ""),
        (["i2i-toolkit>=0.1,<1"], "0.1.0", ""),
        (["torch>=99", "i2i-toolkit<3,>=2"], "0.1.0", "i2i-toolkit<3,>=2"),
        (["i2i-toolkit<3,>=2"], "3.0", "i2i-toolkit<3,>=2"),
        (["i2i-toolkit<3,>=2"], "2.9.1", ""),
        (["i2i-toolkit[tiff] (>=2)"], "0.1.0", "i2i-toolkit[tiff] (>=2)"),
        (["I2I_Toolkit==2.*"], "0.1.0", "I2I_Toolkit==2.*"),
        (["i2i-toolkit>=0.1", "i2i-toolkit!=0.1.0"], "0.1.0", "i2i-toolkit!=0.1.0"),
        (['i2i-toolkit>=2; python_version >= "3"'], "0.1.0", "i2i-toolkit>=2"),
        (['i2i-toolkit>=2; python_version < "3"'], "0.1.0", ""),
        (['i2i-toolkit>=2; extra == "test"'], "0.1.0", ""),
        (["i2i-toolkit @ https://example.org/i2i.whl"], "0.1.0", ""),
        (["i2i-toolkit>=0.1"], "0.2.0.dev3", ""),
        (["not a requirement >>> 1", "i2i-toolkit>=2"], "0.1.0", "i2i-toolkit>=2"),
    ],
)
def test_what_is_asked_and_not_met(asks: list[str], version: str, said: str, tmp_path: Path) -> None:
    assert unmet(PathDistribution(papers(tmp_path, *asks)), version) == said


def test_an_incompatible_one_is_listed_and_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers(tmp_path, "i2i-toolkit>=9")
    (tmp_path / "i2i_woven.py").write_text("raise RuntimeError('imported')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    why = (
        f"it needs i2i-toolkit>=9, and this is {i2i.__version__}: pip install --upgrade i2i-woven i2i-toolkit"
    )
    found = discover()
    assert found.broken == {"woven": why}
    assert found.packages["i2i-woven"].problem == why
    assert "i2i_woven" not in sys.modules
    assert f"woven  1.0  (i2i_woven)\n    incompatible: {why}\n" in command("plugins").out + "\n"
    with pytest.raises(
        i2i.SpecError, match=r"there is no loss 'woven'(.|\n)*plug-in 'woven' failed to load: it needs"
    ):
        found.get("loss", "woven")


def test_one_that_asks_for_nothing_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    papers(tmp_path)
    text = "import i2i\n\n\n@i2i.hookimpl\ndef i2i_register(registry):\n    ...\n"
    (tmp_path / "i2i_woven.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "i2i_woven", raising=False)
    assert not discover().broken


def plugin(name: str) -> str:
    """The module of a plug-in with a loss."""
    return (
        f"import i2i\n\n\ndef {name}(fake, real):\n    return (fake - real).mean()\n\n\n"
        f'@i2i.hookimpl\ndef i2i_register(registry):\n    registry.add("loss", "{name}", {name})\n'
    )


def test_a_package_has_one_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    papers(tmp_path, name="I2I_Woven")
    (tmp_path / "i2i_woven.py").write_text(plugin("woven"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "i2i_woven", raising=False)
    found = discover()
    assert found.get("loss", "woven").package == "i2i-woven"
    assert found.packages["i2i-woven"].version == "1.0"
    assert "I2I_Woven" not in found.packages


def test_of_two_copies_the_first_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in (("1.0", "i2i-woven"), ("2.0", "I2I_Woven")):
        (folder := tmp_path / number).mkdir()
        papers(folder, name=name, version=number)
        monkeypatch.syspath_prepend(folder)  # the last one comes first
    assert [version for entry, version in installed() if entry.name == "woven"] == ["2.0"]


def test_ours_come_first_then_the_alphabet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("i2i-b", "i2i-a"):
        made = papers(tmp_path, name=name)
        (made / "entry_points.txt").write_text(f"[i2i]\n{name[-1] * 2} = {name}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    found = [(entry.name, entry.dist.name) for entry, _ in installed() if entry.dist]
    ours = [name for name, package in found if package == "i2i-toolkit"]
    theirs = [name for name, _ in found[len(ours) :]]
    assert [name for name, _ in found[: len(ours)]] == sorted(ours)
    assert max(ours) > "bb"  # the alphabet alone would mix them
    assert theirs == sorted(theirs) and {"aa", "bb"} <= set(theirs)
