"""What a plug-in asks of i2i, read from its metadata before anything of it is imported."""

from __future__ import annotations

import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from trained import command

import i2i
from i2i.spec.installed import unmet
from i2i.spec.plugins import discover


def papers(folder: Path, *asks: str, name: str = "i2i-woven", version: str = "1.0") -> Path:
    """The metadata of an installed package, with a plug-in."""
    module = name.replace("-", "_")
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
