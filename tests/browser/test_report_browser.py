"""A report in a real browser: it opens by itself, and what can be moved moves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from chromium import chromium, needed, wait_for
from recorded import write_lines, write_run

from i2i.report import report

pytestmark = needed
OWN = ("data:", "blob:", "chrome:")  # the page's pictures, and the empty tab of the browser
EVIL = "<img src=x onerror=document.title=1>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run."""
    return report([write_run(tmp_path_factory.mktemp("one") / "run")])


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of two runs; one of them has HTML in its name and in that of a term."""
    folder = tmp_path_factory.mktemp("two")
    runs = [write_run(folder / name, seed=n) for n, name in enumerate(("first", EVIL))]
    write_lines(runs[1] / "metrics.jsonl", [{"step": 40, f"{EVIL}/{EVIL}": 1.0}])
    return report(runs, folder / "report.html")


def open_page(browser: Any, page: Path, theme: str = "light", width: int = 1280) -> None:
    """Open a page that nothing has been done to, in a window without what happened in earlier ones."""
    for log in ("browser", "performance"):
        browser.get_log(log)
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())
    wait_for(lambda: browser.execute_script("return document.querySelectorAll('.main-svg').length"))


def ask(browser: Any, expression: str) -> Any:
    return browser.execute_script(f"return {expression}")


def put(browser: Any, control: str, value: object) -> None:
    """Move a slider, or choose."""
    code = """
    const [id, value] = arguments, control = document.getElementById(id);
    control.value = value;
    ["input", "change"].forEach((name) => control.dispatchEvent(new Event(name)));
    """
    browser.execute_script(code, control, str(value))


def requests_of(browser: Any) -> list[str]:
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_opens_without_an_error_and_asks_nobody(browser: Any, one: Path, two: Path, theme: str) -> None:
    asked = []
    for page in (one, two):
        open_page(browser, page, theme)
        for id in ("smoothing", "slider", "edge"):
            put(browser, id, 0)
        ask(browser, "document.getElementById('theme').click()")
        assert browser.get_log("browser") == []
        asked += requests_of(browser)
    # the log may still hold the page of another test
    assert {url for url in asked if not url.startswith(OWN)} == {one.as_uri(), two.as_uri()}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_is_that_of_the_system_until_the_button_says_otherwise(
    browser: Any, one: Path, theme: str
) -> None:
    open_page(browser, one, theme)

    def brightness() -> tuple[bool, bool]:
        colours = ask(
            browser,
            "[getComputedStyle(document.body).backgroundColor, document.querySelector('.xtick text').style.fill]"
            ".map((colour) => colour.match(/[0-9]+/g).map(Number))",
        )
        return sum(colours[0][:3]) > 384, sum(colours[1][:3]) > 384

    light = theme == "light"
    assert brightness() == (light, not light)
    ask(browser, "document.getElementById('theme').click()")
    wait_for(lambda: brightness() == (not light, light))


def test_every_number_has_a_chart_with_axes(browser: Any, one: Path) -> None:
    open_page(browser, one)
    titles = ask(browser, "[...document.querySelectorAll('.charts figcaption b')].map((b) => b.textContent)")
    assert titles[:3] == ["l1", "gan", "cycle"]
    labels = ask(
        browser,
        "[...document.querySelectorAll('.chart')].map((div) => "
        "[...div.querySelectorAll('.xtitle, .ytitle')].map((text) => text.textContent))",
    )
    assert len(labels) == len(titles) == 7
    assert all(found[0] == "step" and found[1] for found in labels)


def test_smoothing_calms_a_curve_and_keeps_what_was_measured(browser: Any, one: Path) -> None:
    open_page(browser, one)
    data = "document.getElementById('chart-1').data.map((trace) => Array.from(trace.y))"
    (measured,) = ask(browser, data)
    put(browser, "smoothing", 0.9)
    pale, smooth = ask(browser, data)

    def length(values: list[float]) -> float:
        return sum(abs(b - a) for a, b in pairwise(values))

    assert pale == measured
    assert length(smooth) < 0.8 * length(measured)
    assert smooth[0] == pytest.approx(measured[0], rel=1e-9)  # the first value is its own average


def test_a_logarithmic_scale_can_be_asked_for(browser: Any, one: Path) -> None:
    open_page(browser, one)
    scale = "document.getElementById('chart-2')._fullLayout.yaxis.type"
    assert ask(browser, scale) == "linear"
    browser.find_element("id", "log").click()
    assert ask(browser, scale) == "log"


def test_a_zoom_survives_smoothing(browser: Any, one: Path) -> None:
    open_page(browser, one)
    axis = "Array.from(document.getElementById('chart-1')._fullLayout.xaxis.range)"
    ask(browser, "Plotly.relayout('chart-1', {'xaxis.range': [10, 20]})")
    wait_for(lambda: ask(browser, axis) == [10, 20])
    put(browser, "smoothing", 0.5)
    assert ask(browser, axis) == [10, 20]


def test_the_watch_is_marked_in_the_curves(browser: Any, one: Path) -> None:
    open_page(browser, one)
    assert "the discriminator has won" in browser.find_element("id", "watch").text
    assert ask(browser, "document.getElementById('chart-1').layout.shapes.map((s) => s.x0)") == [20]
    assert "won" in ask(browser, "document.querySelector('#chart-1 .annotation-text').textContent")


def test_the_slider_moves_the_picture(browser: Any, one: Path) -> None:
    open_page(browser, one)
    seen = []
    for position in range(4):
        put(browser, "slider", position)
        seen.append(ask(browser, "document.querySelector('#shown img').src"))
        assert ask(browser, "document.getElementById('when').textContent") == str(10 * (position + 1))
    assert len(set(seen)) == 4
    wait_for(lambda: ask(browser, "document.querySelector('#shown img').naturalWidth") == 96)


def test_before_and_after_are_swiped(browser: Any, one: Path) -> None:
    open_page(browser, one)
    sources = "['under', 'over'].map((id) => document.getElementById(id).src)"
    first, last = ask(browser, sources)
    assert first != last
    put(browser, "edge", 25)
    assert ask(browser, "document.getElementById('over').style.clipPath") == "inset(0px 0px 0px 25%)"
    options = ask(browser, "[...document.getElementById('right').options].map((o) => o.text)")
    assert options == ["step 10", "step 20", "step 30", "step 40", "step 40, a", "step 40, a to b"]
    put(browser, "right", 5)
    assert ask(browser, sources)[1] not in (first, last)


def test_runs_are_laid_over_each_other_and_can_be_hidden(browser: Any, two: Path) -> None:
    open_page(browser, two)
    count = "document.getElementById('chart-1').data.length"
    assert ask(browser, count) == 2
    assert len(browser.find_elements("css selector", "#shown img")) == 2
    browser.find_element("css selector", ".choose").click()
    assert ask(browser, count) == 1


def test_names_do_nothing(browser: Any, two: Path) -> None:
    open_page(browser, two)
    assert EVIL in browser.title
    assert ask(browser, "document.querySelectorAll('img[src=x]').length") == 0
    assert EVIL in browser.find_element("tag name", "h1").text


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_the_window(browser: Any, two: Path, width: int) -> None:
    open_page(browser, two, width=width)
    assert ask(browser, "document.documentElement.scrollWidth") <= width
