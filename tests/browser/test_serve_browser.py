"""The page in a real browser: drop, press, draw, take along."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import Served, chromium, hosts_asked, needed, served, wait_for
from helpers import registry, tiny_tables
from PIL import Image

import i2i
from i2i.pictures.images import read_header

pytestmark = needed


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="module")
def page(unpaired_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(unpaired_run, tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grey picture of 16 bits, of a size that fits no network."""
    path = tmp_path_factory.mktemp("pictures") / "my photo (1).png"
    grey = np.random.default_rng(0).integers(0, 65536, (37, 45), np.uint16)
    Image.fromarray(grey).save(path)
    return path


def find(browser: Any, selector: str) -> Any:
    return wait_for(lambda: browser.find_elements("css selector", selector))[0]


def drop(browser: Any, file: Path) -> None:
    find(browser, "#picture input[type=file]").send_keys(str(file))


def taken_along(browser: Any, folder: Path) -> Path:
    """The first result, by a click on its link."""
    before = set(folder.glob("*"))
    browser.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    find(browser, "#files a[download]").click()
    (file,) = wait_for(lambda: [f for f in set(folder.glob("*")) - before if f.suffix == ".png"])
    return file


def test_a_dropped_picture_comes_back_translated(
    browser: Any, page: Served, picture: Path, unpaired_run: Path, tmp_path: Path
) -> None:
    browser.get(page.address)
    drop(browser, picture)
    file = taken_along(browser, tmp_path)
    expected = i2i.load(unpaired_run, device="cpu").translate(
        picture, out=tmp_path / "expected" / picture.name
    )
    assert (file.name, file.read_bytes()) == (picture.name, expected.read_bytes())
    assert read_header(file).bits == 16
    assert len(browser.find_elements("css selector", "#slider img")) == 2


def test_a_control_counts(
    browser: Any, page: Served, picture: Path, unpaired_run: Path, tmp_path: Path
) -> None:
    browser.get(page.address)
    drop(browser, picture)
    old = find(browser, "#files a[download]").get_attribute("href")
    find(browser, "#back input").click()
    wait_for(lambda: "like b of its" in find(browser, "#about").text)
    find(browser, "#translate").click()
    wait_for(lambda: find(browser, "#files a[download]").get_attribute("href") != old)
    expected = i2i.load(unpaired_run, device="cpu").translate(
        picture, back=True, out=tmp_path / "e" / picture.name
    )
    assert taken_along(browser, tmp_path).read_bytes() == expected.read_bytes()


def test_a_file_that_is_no_picture_is_a_sentence(browser: Any, page: Served, tmp_path: Path) -> None:
    browser.get(page.address)
    wrong = tmp_path / "letter.png"
    wrong.write_text("Dear all,", encoding="utf-8")
    drop(browser, wrong)
    told = wait_for(lambda: find(browser, ".toast-body").text)
    assert "letter.png" in told
    assert "Traceback" not in told and str(tmp_path.parent) not in told and "served" not in told


def test_a_drawing_is_translated_nobody_else_is_asked_and_ctrl_c_leaves_nothing(
    browser: Any, tmp_path: Path
) -> None:
    from selenium.webdriver import ActionChains

    run, temporary = tmp_path / "run", tmp_path / "temporary"
    temporary.mkdir()
    i2i.build(tiny_tables("spade", train={"steps": 1}), registry=registry(), out=run).train()
    with served(run, temporary) as page:
        browser.get(page.address)
        find(browser, "button[role=tab]:nth-of-type(2)").click()
        canvas = find(browser, "#canvas canvas")
        time.sleep(1)  # the canvas starts after it is there
        ActionChains(browser).move_to_element(canvas).click_and_hold().move_by_offset(
            40, 40
        ).release().perform()
        find(browser, "#translate-drawing").click()
        find(browser, "#files a[download]")
        before = find(browser, "#slider img").get_attribute("src")
        seen = browser.execute_async_script(PIXELS, before)
        palette = i2i.load(run, device="cpu").facts.palette
        assert {tuple(seen[i : i + 3]) for i in range(0, len(seen), 4)} == {palette[0], palette[1]}
        assert page.stop() == 130
    assert hosts_asked(browser) == {"127.0.0.1"}, "a page of these tests asked somebody else"
    assert not list(temporary.iterdir())


PIXELS = """
const [source, done] = arguments, image = new Image();
image.onload = () => {
    const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    done(Array.from(context.getImageData(0, 0, image.width, image.height).data));
};
image.src = source;
"""
