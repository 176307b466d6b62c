"""The page: self-contained, escaped, and honest about what it does not know."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import sys
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs
from recorded import ENVIRONMENT, SPEC, write_run

from i2i.core.errors import I2IError
from i2i.report.charts import charts
from i2i.report.page import as_data, policy, render
from i2i.report.previews import ALL_SIZE
from i2i.report.record import read_record

EVIL = "<script>alert(1)</script>"


class Elements(HTMLParser):
    """The start tags of a page, its scripts, and the text outside of them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data
        else:
            self.text += data


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with foreign code in every text."""
    run = write_run(
        tmp_path_factory.mktemp("page") / "run",
        environment={**ENVIRONMENT, "device": EVIL, "plan": {EVIL: EVIL}},
    )
    (run / "spec.toml").write_text(f"{SPEC.format(seed=0)}\n[other]\nx = '{EVIL}'\n", encoding="utf-8")
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": 40, f"{EVIL}/{EVIL}": 1.0}) + "\n")
    with (run / "watch.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": 30, "kind": EVIL, "number": 1.0, "text": EVIL}) + "\n")
    entry = {"metric": EVIL, "values": {EVIL: EVIL}, "protocol": {EVIL: EVIL}, "model": {"weights": EVIL}}
    (run / "evaluation.json").write_text(json.dumps({"evaluations": [entry]}), encoding="utf-8")
    return run


@pytest.fixture(scope="module")
def page(run: Path) -> Elements:
    return Elements(render([read_record(run, EVIL), read_record(run, "other")]))


def test_no_text_becomes_an_element(page: Elements) -> None:
    assert len([tag for tag, _ in page.tags if tag == "script"]) == 3
    assert page.text.count(EVIL) > 10
    assert not [name for _, found in page.tags for name in found if name.startswith("on")]


def test_the_policy_allows_the_scripts_of_the_page_alone(page: Elements) -> None:
    (allowed,) = [f["content"] for _, f in page.tags if f.get("http-equiv") == "Content-Security-Policy"]
    data, *scripts = page.scripts
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert allowed == policy(scripts)
    assert re.findall(r"'sha256-([^']+)'", str(allowed)) == digests
    assert str(allowed).startswith("default-src 'none'; ") and "unsafe-eval" not in str(allowed)
    assert json.loads(data)["runs"][0]["name"] == EVIL


def test_nothing_comes_from_elsewhere(page: Elements) -> None:
    for tag, found in page.tags:
        for name in ("src", "href", "action", "srcset", "poster"):
            value = found.get(name) or "#"
            assert value.startswith(("#", "data:")), (tag, value)
    assert "url(" not in page.text and "@import" not in page.text


def test_a_page_of_one_run_says_what_it_knows(tmp_path: Path) -> None:
    page = render([read_record(write_run(tmp_path / "run"), "my run")])
    text = Elements(page).text
    for told in (
        "my run",
        "finished: step 40 of 40",
        "G minimises gan + 10·cycle",
        "the discriminator has won",
    ):
        assert told in text
    assert "Differences" not in text and "Evaluation" not in text
    assert "cycle_weight = 10.0" in html.unescape(page)


def test_runs_with_the_same_plan_share_it(tmp_path: Path) -> None:
    folders = [write_run(tmp_path / name, seed=n) for n, name in enumerate(("x", "y"))]
    text = Elements(render([read_record(folder, folder.name) for folder in folders])).text
    assert text.count("G minimises gan") == 1
    assert "x, y" in text
    assert re.search(r"train\.seed\s*0\s*1", text)


def test_an_empty_run_has_a_page(tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text("", encoding="utf-8")
    (tmp_path / "environment.json").write_text("{}", encoding="utf-8")
    text = Elements(render([read_record(tmp_path, "new")])).text
    for told in ("There are no numbers yet", "There are no previews yet", "No plan was written down"):
        assert told in text


def test_the_largest_page_has_less_than_10_megabytes(tmp_path: Path) -> None:
    record = read_record(write_run(tmp_path / "run", steps=3000), "run")
    curves = len(as_data([asdict(chart) for chart in charts([record] * 40)]))
    rest = 50_000  # words, style and scripts of our own
    assert len(get_plotlyjs()) + ALL_SIZE + curves + rest < 10_000_000


def test_without_plotly_there_is_one_sentence(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(I2IError, match=r"^plotly is needed .*: pip install 'i2i-toolkit\[report\]'$"):
        render([read_record(run, "run")])
