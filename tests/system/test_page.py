"""The page in a real browser: each view, the keyboard, small and large screens, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import shown
from browser import Tab, browser, inaccessible
from many import add, make_entry
from serving import serving

from cachy.page import api, report

VIEWS = ("#/", "#/branch", "#/misses", "#/costs")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser."""
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a store that has something in each view."""
    folder = tmp_path_factory.mktemp("shown") / "a b"
    folder.mkdir()
    shown.repository(folder)
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Of its page."""
    with serving(folder / ".cachy", revisions="HEAD") as page:
        yield page.address


@pytest.fixture
def tab(chromium: Any, address: str) -> Iterator[Tab]:
    """The page, with its rows; nothing may go wrong in it."""
    tab = Tab(chromium, address)
    tab.until("document.querySelectorAll('.row a').length > 5")
    yield tab
    tab.close()
    assert tab.problems == []


def open_entry(tab: Tab, prompt: str) -> None:
    """Open an entry by a click."""
    tab.page.click(f".row a:has-text({prompt!r})")
    tab.sees(prompt, ".entry h2")


def test_the_list_has_facets_and_searches(tab: Tab) -> None:
    assert tab.text(".sum").startswith("15 entries")
    assert "token=" not in tab.page.url
    tab.page.click(".facet button:has-text('gpt-4o-mini')")
    tab.until("document.querySelector('.sum').innerText.startsWith('4 entries')")
    tab.page.reload()
    tab.until("document.querySelector('.sum')?.innerText.startsWith('4 entries')")
    tab.page.click(".facet button:has-text('gpt-4o-mini')")
    tab.page.fill("#search", "danube OR umbrella")
    tab.sees("Nothing matches.")
    tab.page.fill("#search", "raining ulm")
    tab.until("document.querySelector('.row mark')")
    assert tab.text(".sum").startswith("1 entry")


def test_an_entry_is_a_chat(tab: Tab) -> None:
    open_entry(tab, "And should I take an umbrella?")
    tab.sees("Yes: it is raining", ".chat")
    assert [part.strip() for part in tab.text(".facts").splitlines()][:4] == [
        "Model",
        "gpt-4o-mini",
        "Tokens",
        "186 in, 14 out",
    ]
    assert tab.page.locator(".turn.result").count() == 1
    open_entry(tab, "Clean up the build folder, please.")
    tab.sees('"command": "rm -rf /"', ".turn.call")
    open_entry(tab, "When was Python 3.14 released?")
    tab.until("document.querySelector('.sources a')")
    link = tab.page.locator(".sources a").first
    assert link.get_attribute("rel") == "noreferrer noopener nofollow"


def test_images_and_sound_are_there(tab: Tab) -> None:
    open_entry(tab, "A gradient, from dawn to dusk")
    tab.until("document.querySelector('figure img')?.naturalWidth === 320")
    open_entry(tab, "Good morning!")
    tab.page.evaluate("document.querySelector('audio').load()")
    tab.page.evaluate("document.querySelector('audio').preload = 'auto'")
    tab.until("document.querySelector('audio').duration > 0.9")


def test_a_stream_has_a_time_axis(tab: Tab) -> None:
    open_entry(tab, "Tell me three things about sea otters.")
    tab.page.click(".tabs a:has-text('Events')")
    tab.sees("the first after 420 ms")
    assert tab.page.locator(".axis i").count() > 20
    assert tab.page.locator(".events tbody tr").count() == tab.page.locator(".axis i").count()


def test_every_view_of_an_entry(tab: Tab) -> None:
    open_entry(tab, "Clean up the build folder, please.")
    tab.page.click(".tabs a:has-text('Head')")
    tab.sees('"method": "POST"', ".entry-body")
    tab.page.click(".tabs a:has-text('Body')")
    tab.sees("finish_reason", ".entry-body")
    tab.page.click(".tabs a:has-text('Why recorded')")
    tab.sees("closest", ".entry-body")
    tab.page.click(".tabs a:has-text('Versions')")
    tab.sees("(this)", ".entry-body")
    tab.page.click("a:has-text('Compare with this')")
    tab.sees("other arguments for run")
    assert tab.text(".turn del") == "ls build"
    assert tab.page.locator(".turn ins").first.inner_text() == "rm -rf /"


def test_any_two_entries_are_compared(tab: Tab) -> None:
    open_entry(tab, "Is this e-mail spam?")
    tab.page.click("button:has-text('Pin to compare')")
    open_entry(tab, "Write a haiku about a warm cache.")
    tab.page.click("text=Compare with the pinned")
    tab.sees("What was asked")
    assert tab.page.locator("ins").count() > 1


def test_changes_misses_and_costs(tab: Tab) -> None:
    tab.page.click("nav a:has-text('Changes')")
    tab.sees("1 added, 1 re-recorded")
    assert tab.page.locator(".change").first.inner_text().startswith("~ re-recorded")
    assert "rm -rf /" in tab.page.locator(".change ins").all_inner_texts()
    tab.page.click("nav a:has-text('Misses')")
    tab.sees("agents/tidy.ipynb")
    tab.page.click("li:has-text('Translate') summary")
    tab.sees("the closest of", ".because[open]")
    tab.page.click("a:has-text('Translate')")
    tab.sees("Why recorded", ".tabs a[aria-current]")
    tab.page.go_back()
    tab.sees("agents/tidy.ipynb")
    tab.page.click("nav a:has-text('Costs')")
    tab.sees("By notebook or script")
    tab.page.click("a:has-text('report.ipynb')")
    tab.until("document.querySelector('.sum')?.innerText.startsWith('6 entries')")


def test_the_keyboard(tab: Tab) -> None:
    tab.press("/")
    assert tab.page.evaluate("document.activeElement.id") == "search"
    tab.page.keyboard.type("gpt")
    tab.until("document.querySelector('.sum').innerText.startsWith('12 entries')")
    tab.press("Enter")
    tab.until("document.querySelector('.entry h2')")
    assert tab.page.evaluate("document.activeElement.id") != "search"
    first = tab.text(".entry h2")
    tab.press("j")
    tab.until(lambda: tab.text(".entry h2") not in ("", first))
    tab.press("k")
    tab.until(lambda: tab.text(".entry h2") == first)
    tab.press("Escape")
    tab.until("!document.querySelector('.entry')")
    tab.press("Escape")
    tab.until("document.querySelector('.sum').innerText.startsWith('15 entries')")
    tab.press("j", "j")
    tab.until("document.querySelectorAll('.row.current').length === 1")
    assert "Clean up" in tab.text(".row.current")
    tab.press("Enter")
    tab.sees("Clean up", ".entry h2")
    tab.go("#/")
    tab.press("/")
    tab.page.keyboard.type("nothing like it")
    tab.sees("Nothing matches.")
    tab.press("Escape")
    tab.until("document.querySelector('.sum').innerText.startsWith('15 entries')")


def test_all_can_be_reached_by_tabbing(tab: Tab) -> None:
    seen = set()
    for _ in range(60):
        tab.press("Tab")
        seen.add(
            tab.page.evaluate(
                "document.activeElement.innerText || document.activeElement.ariaLabel || ''"
            ).partition("\n")[0]
        )
    assert {
        "cachy",
        "Changes",
        "Search what was asked and answered",
        "Private",
        "What is new?",
    } <= seen


def test_an_entry_is_forgotten_and_brought_back(chromium: Any, tmp_path: Path) -> None:
    path = add(tmp_path / ".cachy", make_entry(1, prompt="forget me"), shown.NOW)
    with serving(tmp_path / ".cachy") as page:
        tab = Tab(chromium, page.address)
        tab.until("document.querySelector('.row a')")
        open_entry(tab, "forget me")
        tab.page.click("button:has-text('Forget')")
        tab.sees("Nothing has been recorded yet")
        assert not path.exists()
        tab.page.click("button:has-text('Undo')")
        tab.until("document.querySelector('.row a')")
        assert path.exists()
        tab.close()
    assert tab.problems == []


def test_what_is_recorded_meanwhile_appears(
    chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_REFRESH_EVERY", 0)
    root = tmp_path / ".cachy"
    first = add(root, make_entry(1, prompt="one"), shown.NOW)
    with serving(root) as page:
        tab = Tab(chromium, page.address)
        tab.sees("1 entry", ".sum")
        add(root, make_entry(2, prompt="recorded meanwhile"), shown.NOW + 1)
        tab.page.evaluate("dispatchEvent(new Event('cachy-changed'))")
        tab.sees("recorded meanwhile", ".rows")
        first.unlink()
        tab.page.click(".row a:has-text('one')")
        tab.sees("not in the store any more")
        root.rename(root.with_name("moved"))
        tab.page.evaluate("dispatchEvent(new Event('cachy-changed'))")
        tab.sees("is gone", ".notice")
    tab.page.evaluate("dispatchEvent(new Event('cachy-changed'))")
    tab.sees("The server has ended")
    tab.close()


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_view_fits_and_is_accessible(
    chromium: Any, address: str, width: int, scheme: str
) -> None:
    tab = Tab(
        chromium, address, viewport={"width": width, "height": 800}, color_scheme=scheme,
        bypass_csp=True,
    )  # fmt: skip
    tab.until("document.querySelector('.row a')")
    names = tab.page.evaluate("[...document.querySelectorAll('.row a')].map(a => a.hash)")
    views = [*VIEWS, names[1], f"{names[5]}/events", f"{names[1]}/versions"]
    for view in views:
        tab.go(view)
        tab.until("!document.body.innerText.includes('Loading')")
        wide = tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, view
        if width == 1400 or view == VIEWS[0]:
            assert inaccessible(tab) == [], view
    paper = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(23, 22, 21)") == (scheme == "dark")
    tab.close()


def test_a_report_needs_no_network(chromium: Any, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(report.of_changes(str(folder / ".cachy"), "HEAD").html, "utf-8")
    tab = Tab(chromium, f"file://{quote(str(file))}", offline=True)
    tab.sees("1 added, 1 re-recorded")
    assert "rm -rf /" in tab.page.locator(".change ins").all_inner_texts()
    tab.page.click("text=Open the entry")
    tab.sees("Clean up the build folder, please.", ".entry h2")
    tab.page.click(".tabs a:has-text('Head')")
    tab.sees('"method": "POST"', ".entry-body")
    tab.page.click("nav a:has-text('Entries')")
    tab.page.fill("#search", "a page")
    tab.until("document.querySelector('.sum').innerText.startsWith('1 entry')")
    tab.page.click("nav a:has-text('Costs')")
    tab.sees("By model")
    assert [url for url in tab.asked if not url.startswith("file:")] == []
    tab.close()
    assert tab.problems == []
