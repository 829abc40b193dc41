"""The page in a real browser against hostile entries, other sites, other ports and rebinding."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
import pytest
import shown
from browser import Tab, browser
from many import add, make_entry
from serving import serving

from cachy.page import report
from cachy.store import journal
from cachy.store.names import key_of

EVIL = "evil.example"
MARKUP = (
    "<img src=x onerror=hacked()><script>hacked()</script><svg onload=hacked()>"
    "</script><a href='javascript:hacked()'>x</a>{{7*7}}${hacked()}"
)
TURNED = "\u202egnp.exe\u202c \u2066\u202e txet"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser, which finds evil.example on this machine."""
    with browser(f"--host-resolver-rules=MAP {EVIL} 127.0.0.1") as started:
        yield started


def deep(levels: int) -> Any:
    value: Any = MARKUP
    for _ in range(levels):
        value = {"<b>": [value]}
    return value


def hostile() -> list[Any]:
    """Entries that have markup in every field, and what else may go wrong."""
    request = {
        "model": MARKUP,
        "messages": [
            {"role": MARKUP, "content": MARKUP + TURNED},
            {"role": "user", "content": {"constructor": "x", "__proto__": {"type": MARKUP}}},
            {"role": "tool", "content": deep(60)},
        ],
    }
    calls = [(MARKUP, {"x": MARKUP}), ("f", "__proto__")]
    answer = shown.completion(MARKUP + TURNED, calls)
    answer["citations"] = [
        {"url": "javascript:hacked()", "title": MARKUP},
        {"url": "data:text/html,<script>hacked()</script>", "title": "data"},
    ]
    answer["image"] = "PHN2ZyBvbmxvYWQ9J2hhY2tlZCgpJz4" * 8
    first = shown.entry(request, answer, method=MARKUP, client=MARKUP, recorded=MARKUP)
    events = b"event: <script>hacked()</script>\ndata: %s\n\n" % orjson.dumps({"type": MARKUP})
    second = shown.entry({"model": "m", "prompt": MARKUP}, events, stream="sse", times=[[1, 1]])
    html = [["content-type", "text/html"]]
    third = shown.entry(
        {"prompt": "fake"}, b"\x89PNG\r\n\x1a\n<script>hacked()</script>", headers=html
    )
    fourth = make_entry(4, prompt="deep")._replace(body=b"[" * 5000 + b"]" * 5000)
    return [first, second, third, fourth]


def visit(tab: Tab, names: list[str]) -> None:
    """Look at every view of these entries."""
    for name in names:
        for view in ("chat", "events", "versions", "head", "body", "why"):
            tab.go(f"#/e/{name}/{view}")
            tab.until("document.querySelector('.entry h2, .entry .notice')")
            tab.until("!document.querySelector('.entry').innerText.includes('Loading')")
            assert "This cannot be shown" not in tab.text()


def test_nothing_that_an_entry_holds_is_run(chromium: Any, tmp_path: Path) -> None:
    root = tmp_path / ".cachy"
    paths = [add(root, entry, shown.NOW + n) for n, entry in enumerate(hostile())]
    keys = tuple(key_of(path.name) for path in paths)
    note = journal.Note("x", MARKUP, "", shown.NOW - 9, shown.NOW + 9, 1, 4, 4, 1.0, keys)
    journal.write(str(root), note)
    with serving(root) as page:
        tab = Tab(chromium, page.address)
        tab.until("document.querySelectorAll('.row a').length === 4")
        visit(tab, [path.stem for path in paths])
        tab.go(f"#/e/{paths[0].stem}/chat")
        tab.sees("<script>hacked()</script>", ".chat")
        assert tab.page.locator(".sources a").count() == 0
        assert tab.page.locator("figure").count() == 0
        tab.go(f"#/compare/{paths[0].stem}/{paths[1].stem}")
        tab.sees("What was asked")
        for view in ("#/misses", "#/costs", "#/?text=hacked", "#/e/%", "#/e/<b>/%%", "#/%F0"):
            tab.go(view)
            tab.until("!document.body.innerText.includes('Loading')")
        base = page.address.partition("/?")[0]
        assert all(url.startswith((base, "data:")) for url in tab.asked)
        problems = [each for each in tab.problems if "Failed to load resource" not in each]
        assert problems == []
        tab.close()


def test_a_report_runs_nothing_either(chromium: Any, tmp_path: Path) -> None:
    root = tmp_path / ".cachy"
    paths = [add(root, entry, shown.NOW + n) for n, entry in enumerate(hostile())]
    keys = tuple(key_of(path.name) for path in paths)
    journal.write(
        str(root), journal.Note("x", MARKUP, "", shown.NOW, shown.NOW + 9, 1, 4, 4, 1.0, keys)
    )
    file = tmp_path / "report.html"
    file.write_text(report.since(str(root), 0).html, "utf-8")
    tab = Tab(chromium, f"file://{quote(str(file))}")
    tab.until("document.querySelectorAll('.row a').length === 4")
    visit(tab, [path.stem for path in paths])
    tab.close()
    assert [url for url in tab.asked if not url.startswith(("file:", "data:"))] == []
    assert tab.problems == []


def test_text_that_turns_around_is_held_in_its_place(chromium: Any, tmp_path: Path) -> None:
    prompt = f"{TURNED} end"
    add(tmp_path / ".cachy", make_entry(1, prompt=prompt), shown.NOW)
    with serving(tmp_path / ".cachy") as page:
        tab = Tab(chromium, page.address)
        tab.until("document.querySelector('.row a')")
        kinds = tab.page.evaluate(
            "[...document.querySelectorAll('.row .said > *, .row .model > *')]"
            ".map(e => getComputedStyle(e).unicodeBidi)"
        )
        assert set(kinds) == {"isolate"}
        tab.page.click(".row a")
        tab.until("document.querySelector('.turn .text')")
        kinds = tab.page.evaluate(
            "[...document.querySelectorAll('.turn .text')]"
            ".map(e => getComputedStyle(e).unicodeBidi)"
        )
        assert set(kinds) <= {"isolate", "plaintext", "isolate-override"}
        tab.close()


def test_a_body_of_60_mb_and_many_levels_is_cut(chromium: Any, tmp_path: Path) -> None:
    root = tmp_path / ".cachy"
    large = make_entry(1, prompt="large")._replace(body=b'{"a": "' + b"word " * 12_000_000 + b'"}')
    add(root, large, shown.NOW)
    with serving(root) as page:
        tab = Tab(chromium, page.address)
        tab.until("document.querySelector('.row a')")
        tab.page.click(".row a")
        tab.sees("only its beginning is shown", ".entry")
        tab.page.click(".tabs a:has-text('Body')")
        tab.sees("Only the beginning is shown", ".entry-body")
        assert len(tab.text()) < 2_000_000
        tab.close()
    assert tab.problems == []


# ---- Other sites ----


class _Evil(BaseHTTPRequestHandler):
    """A site that tries to reach the page. What it could read, it puts into its title."""

    target = name = ""

    def do_GET(self) -> None:
        body = ATTACK.replace("TARGET", self.target).replace("NAME", self.name).encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


ATTACK = """<!doctype html><title>trying</title><body><iframe src="TARGET/"></iframe>
<form id=f method=post action="TARGET/api/undo" enctype="text/plain" target=i><input name=x></form>
<iframe name=i></iframe><script src="TARGET/page.js"></script>
<script>
const body = '{"names": ["NAME"]}';
const tries = [
  ["rows", {}],
  ["rows", {mode: "no-cors"}],
  ["forget", {method: "POST", mode: "no-cors", body}],
  ["forget", {method: "POST", headers: {"x-cachy": "1"}, body}],
].map(([what, how]) => fetch("TARGET/api/" + what, {credentials: "include", ...how}))
 .map(answer => answer.then(r => r.text()));
f.submit();
Promise.allSettled(tries).then(all => {
  document.title = "done:" + all.map(one => one.value || "").join("") + ("htmPreact" in window);
});
</script>"""


@pytest.mark.parametrize("other", ["127.0.0.1", "localhost", EVIL])
def test_another_site_reads_and_changes_nothing(chromium: Any, tmp_path: Path, other: str) -> None:
    path = add(tmp_path / ".cachy", make_entry(1, prompt="private words"), shown.NOW)
    with serving(tmp_path / ".cachy") as page:
        target = page.address.partition("/?")[0]
        handler = type("Evil", (_Evil,), {"target": target, "name": path.stem})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
            threading.Thread(target=site.serve_forever, daemon=True).start()
            tab = Tab(chromium, page.address)
            tab.until("document.querySelector('.row a')")
            tab.page.goto(f"http://{other}:{site.server_address[1]}/")
            title = tab.until("document.title.startsWith('done:') && document.title")
            assert title == "done:false"
            assert not any("private words" in frame.content() for frame in tab.page.frames)
            assert path.exists()
            tab.close()
            site.shutdown()


def test_rebinding_gets_nothing(chromium: Any, tmp_path: Path) -> None:
    add(tmp_path / ".cachy", make_entry(1, prompt="private words"), shown.NOW)
    with serving(tmp_path / ".cachy") as page:
        parts = urlsplit(page.address)
        tab = Tab(chromium, f"http://{EVIL}:{parts.port}/?{parts.query}")
        assert "answers for 127.0.0.1 only" in tab.text()
        assert tab.context.cookies() == []
        tab.close()
