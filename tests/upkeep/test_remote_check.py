"""What `cachy remote check` finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos import Chaos
from servers import Web

from cachy import CachyError
from cachy.remote.address import parse
from cachy.upkeep.remote_check import RemoteReport, check


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        yield server


def states(report: RemoteReport) -> dict[str, str]:
    return {each.what: each.state for each in report.findings}


def test_a_folder_has_all(tmp_path: Path) -> None:
    report = check(parse(tmp_path))
    assert set(states(report).values()) <= {"ok", "lacks"}
    assert (report.code, states(report)["write"], states(report)["remove"]) == (0, "ok", "ok")


def test_a_web_server_cannot_be_listed(web: Web) -> None:
    report = check(parse(web.url))
    assert states(report) == {
        "read": "ok",
        "write": "ok",
        "create only once": "ok",
        "replace by tag": "ok",
        "list": "lacks",
        "remove": "lacks",
    }
    assert report.ms > 0
    assert report.code == 0


def test_an_identity_that_may_only_read(web: Web) -> None:
    web.writes = False
    report = check(parse(web.url))
    assert states(report)["write"] == "lacks"
    assert "not allowed: the server answers 405" in report.findings[1].said
    assert report.code == 0


def test_a_liar(web: Web) -> None:
    web.lies = True
    report = check(parse(web.url))
    said = {each.what: each.said for each in report.findings}
    assert "ignores If-None-Match" in said["create only once"]
    assert "ignores If-Match" in said["replace by tag"]


def test_what_cannot_be_read(web: Web) -> None:
    with Chaos(web.port) as chaos:
        chaos.illness = "refuse"
        report = check(parse(web.at(chaos.port)))
        assert report.code == 1
        assert states(report) == {"read": "fails"}
    web.answers = 200, {}, b"<html>Log in</html>"
    (finding,) = check(parse(web.url)).findings
    assert "does a proxy answer in its place" in finding.said


def test_what_cannot_be_opened() -> None:
    with pytest.raises(CachyError, match="is it mounted"):
        check(parse("/nonexistent/share/.cachy"))
