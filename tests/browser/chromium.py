"""A real browser without a window, and a page served by the real command line."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1200",
)
needed = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="no browser: chromium and chromedriver (Debian: chromium-driver) are not here",
)
PATIENCE = 60
"""Seconds that a page may take until something is there: machines of CI are slow."""


@contextmanager
def chromium(folder: Path) -> Iterator[Any]:
    """A browser that downloads into `folder / "downloads"`."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(folder / "downloads")})
    browser = Chrome(options=options, service=ChromeService(DRIVER))
    try:
        yield browser
    finally:
        browser.quit()


@dataclass
class Served:
    """A page that the command line serves."""

    process: subprocess.Popen[str]
    address: str

    def stop(self) -> int:
        """Press Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@contextmanager
def served(run: Path, folder: Path) -> Iterator[Served]:
    """`i2i serve`, with `folder` for what is temporary."""
    words = ["-m", "i2i", "serve", str(run), "--port", "0", "--device", "cpu"]
    settings = {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, text=True, env={**os.environ, **settings}
    )
    try:
        assert process.stdout
        (address,) = re.findall(r"http://\S+", process.stdout.readline())
        yield Served(process, address)
    finally:
        process.kill()
        process.wait()


def wait_for(what: Callable[[], Any]) -> Any:
    """What a function gives as soon as it is something; the page may exchange an element while it looks."""
    from selenium.common.exceptions import StaleElementReferenceException

    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(StaleElementReferenceException):
            if found := what():
                return found
        time.sleep(0.1)
    raise AssertionError("this did not come")


def hosts_asked(browser: Any) -> set[str]:
    """The hosts that the page asked for anything since the last time."""
    import json

    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    addresses = [urlsplit(each["request"]["url"]) for each in asked if each["documentURL"].startswith("http")]
    return {str(address.hostname) for address in addresses if address.scheme not in ("data", "blob")}
