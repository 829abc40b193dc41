"""A real browser: the Chromium that is installed here."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--mute-audio")
PATIENCE = 40.0
"""Seconds within which what is waited for must come; it takes a fraction of one."""


def chromium() -> str:
    """Return the path of the browser. Skips the test where there is none."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("there is no Chromium here: `apt-get install chromium`, or your system's way")
    return path


@contextmanager
def browser(*flags: str) -> Iterator[Any]:
    """Start the browser, and end it after the block."""
    path = chromium()
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        try:
            yield started
        finally:
            started.close()


class Tab:
    """A page of the browser, and what went wrong in it: `problems` are errors in its console,
    `asked` the addresses that it asked for."""

    def __init__(self, started: Any, address: str, **context: Any) -> None:
        context.setdefault("viewport", {"width": 1400, "height": 860})
        self.context = started.new_context(**context)
        self.page = self.context.new_page()
        self.problems: list[str] = []
        self.asked: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", self._refuse)
        self.page.goto(address)

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(message.text)

    def _refuse(self, dialog: Any) -> None:
        self.problems.append("a dialog")
        dialog.dismiss()

    def until(self, condition: str | Callable[[], Any]) -> Any:
        """Wait for an expression of the page to be true, and return its value. It is asked again
        and again, as the page's policy lets no text become a function."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            value = self.page.evaluate(condition) if isinstance(condition, str) else condition()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"never true: {condition}; the page says:\n{self.text()[:2000]}")

    def text(self, selector: str = "body") -> str:
        """Return the text that is seen; empty where nothing is."""
        return str(self.page.evaluate("s => document.querySelector(s)?.innerText ?? ''", selector))

    def sees(self, text: str, selector: str = "body") -> None:
        """Wait for a text."""
        self.until(lambda: text in self.text(selector))

    def go(self, place: str) -> None:
        """Go to a view by its address."""
        self.page.evaluate("place => { location.hash = place }", place)

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def close(self) -> None:
        """Close it."""
        self.context.close()


def scripts_of_axe() -> str:
    """Return axe-core, which finds what is not accessible."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    return Path(package.__file__).with_name("axe.min.js").read_text("utf-8")


def inaccessible(tab: Tab) -> list[str]:
    """Return the serious findings of axe-core in a page."""
    if not tab.page.evaluate("typeof axe !== 'undefined'"):
        tab.page.evaluate(scripts_of_axe())
    found = tab.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:3]
    ]
