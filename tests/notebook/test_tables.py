"""What the magics show."""

from __future__ import annotations

from typing import Any

from cachy import Session, prices
from cachy.engine.money import saved
from cachy.notebook.tables import Status

Shell = Any


def test_status(shell: Shell, session: Session) -> None:
    shell("ask(), ask(), ask('more')")
    status = shell("%cachy")
    assert dict(status.rows) == {
        "mode": "auto",
        "store": ".cachy",
        "hits": "1",
        "misses": "2",
        "recorded": "2",
        "saved": f"{session.stats.tokens_saved} tokens, {session.stats.seconds_saved:.1f} s"
        + (f", {saved(session.cache)}" if prices.installed() else ""),
    }
    assert session.stats.tokens_saved > 10
    assert "hits      1\nmisses    2\n" in repr(status)
    html = status._repr_html_()
    assert html.count("<tr>") == len(status.rows)
    assert '<td style="text-align:left;padding:.15em .6em;vertical-align:top">.cachy</td>' in html
    shell("ask()")
    assert dict(status.rows)["hits"] == "1"  # as it was when asked for


def test_status_of_nothing(shell: Shell) -> None:
    assert "enable_cachy()" in repr(shell("%cachy"))


def test_status_shows_what_was_not_kept(shell: Shell, session: Session) -> None:
    session.stats.skipped["its status is <500>"] += 2
    assert ("not kept", "2: its status is <500>") in Status(session).rows
    assert "&lt;500&gt;" in Status(session)._repr_html_()


def test_status_shows_what_went_past(shell: Shell, session: Session) -> None:
    session.stats.bypassed["api.x.ai by grpc"] += 2
    assert ("bypassed", "2: api.x.ai by grpc") in Status(session).rows
