"""The documentation is a site: it is built without a warning, holds what the code says, and asks no other site."""

from __future__ import annotations

import html
import re
import tomllib
from pathlib import Path

import pytest
from reading import ROOT

from i2i.cli.main import COMMANDS
from i2i.core.registry import KINDS
from i2i.spec.plugins import discover
from i2i.spec.sections import Train

pytest.importorskip("mkdocs", reason="mkdocs is not here: pip install 'i2i-toolkit[docs]'")
pytest.importorskip("material", reason="mkdocs-material is not here: pip install 'i2i-toolkit[docs]'")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: a warning is an error."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True)
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    return folder


def text(page: Path) -> str:
    """The words of a page, as they are read."""
    (article,) = re.findall(r"<article.*?</article>", page.read_text(encoding="utf-8"), re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", article))


def test_every_command_is_in_the_reference(site: Path) -> None:
    shown = text(site / "reference" / "cli.html")
    assert all(f"i2i {command}" in shown for command in COMMANDS)
    assert "--set KEY=VALUE" in shown
    assert "Sentinel" not in shown


def test_every_component_is_in_the_reference(site: Path) -> None:
    source = (site / "reference" / "components.html").read_text(encoding="utf-8")
    anchors = set(re.findall(r'<h3 id="([\w-]+)"', source))
    assert anchors == {f"{c.kind}-{c.name}".replace(".", "-") for c in discover()}


def test_every_key_of_training_is_in_the_reference(site: Path) -> None:
    source = (site / "reference" / "spec.html").read_text(encoding="utf-8")
    keys = set(re.findall(r"<td><code>(\w+)</code></td>", source))
    assert set(Train.model_fields) - {"init"} <= keys
    assert "generated" not in text(site / "reference" / "spec.html")


def test_the_glossary_explains_every_kind_and_what_plug_ins_are_made_of(site: Path) -> None:
    words = text(site / "glossary.html").casefold()
    assert all(kind.replace("data", "data set") in words for kind in KINDS)
    assert all(
        f"{word}:" in words for word in ("phase", "term", "objective", "option", "fact", "strategy", "hook")
    )


def test_the_pages_of_the_repository_are_there_with_links_that_work(site: Path) -> None:
    source = (site / "contributing.html").read_text(encoding="utf-8")
    assert 'href="changelog.html"' in source
    assert (site / "LICENSE").is_file()
    assert tomllib.loads((site / "examples" / "cyclegan-demo.toml").read_text(encoding="utf-8"))
    assert not list(site.rglob("*.py"))


def test_pages_ask_no_other_site(site: Path) -> None:
    """Links may lead elsewhere; what a browser fetches by itself may not."""
    fetched = re.compile(r"""<(?:script|img|iframe|link)[^>]+(?:src|href)=["'](?:https?:)?//[^"']+""")
    for page in site.rglob("*.html"):
        assert not fetched.findall(page.read_text(encoding="utf-8")), page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//|@import", sheet.read_text(encoding="utf-8")), sheet
