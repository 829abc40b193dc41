"""CACHY_LOG, `logging` and `response.extensions`: what happened to each request."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from standin import Standin

from cachy import CacheMiss, CachyWarning, ConfigError, cachy
from cachy.engine.events import VARIABLE

URL = "https://api.openai.com/v1/chat/completions"
ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
OTHER: dict[str, Any] = {**ASKED, "temperature": 0.5}


@pytest.fixture(autouse=True)
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the store of this repository, which explanations would mention."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "calls.jsonl"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def post(url: str = URL, json: Any = ASKED, **options: Any) -> httpx.Response:
    with httpx.Client(**options) as client:
        return client.post(url, json=json)


def test_one_line_a_request(standin: Standin, tmp_path: Path, log: Path) -> None:
    with cachy(cache_dir=tmp_path):
        post()
        post()
        post(json=OTHER)
    miss, recorded, hit, explained, _ = lines(log)
    assert [line["event"] for line in (miss, recorded, hit)] == ["miss", "recorded", "hit"]
    for line in (miss, recorded, hit):
        assert (line["method"], line["url"], line["model"]) == ("POST", URL, "gpt-4o")
        assert line["key"] == miss["key"]
        assert len(line["key"]) == 32
        assert line["us"] > 0
        assert line["time"].endswith("Z")
    assert miss["reason"].startswith("there is no store at")
    assert "reason" not in hit
    assert explained["reason"].endswith("; + temperature: 0.5")


def test_what_is_left_alone_refused_and_not_kept(
    standin: Standin, tmp_path: Path, log: Path
) -> None:
    fake = httpx.MockTransport(lambda request: httpx.Response(200))
    files = "https://api.openai.com/v1/files?api_key=secret"
    with cachy(cache_dir=tmp_path):
        post("https://example.com/?token=secret1A2b3C4d5E6f7G8h")
        post(files)
        post(transport=fake)
        post("https://api.openai.com/v1/unknown")
    with cachy("off", cache_dir=tmp_path):
        post()
    with cachy("replay", cache_dir=tmp_path), pytest.raises(CacheMiss):
        post(files)
    with cachy("replay", cache_dir=tmp_path), pytest.raises(CacheMiss):
        post()
    assert [(line["event"], line.get("reason", "").partition(":")[0]) for line in lines(log)] == [
        ("passed through", "not one of the hosts"),
        ("passed through", "this endpoint keeps state on the server"),
        ("passed through", "its transport is a fake"),
        ("miss", f"there is no store at {tmp_path / '.cachy'} yet"),
        ("not kept", "its status is 404"),
        ("passed through", "the mode is off"),
        ("refused", "this endpoint keeps state on the server, so no recording can exist"),
        ("miss", f"there is no store at {tmp_path / '.cachy'} yet"),
    ]
    assert "secret" not in log.read_text()


def test_to_stderr(
    standin: Standin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    with cachy(cache_dir=tmp_path):
        post()
    told = capsys.readouterr()
    assert [json.loads(line)["event"] for line in told.err.splitlines()] == ["miss", "recorded"]
    assert told.out == ""


@pytest.mark.parametrize("value", ["", "0", "off"])
def test_nothing_by_default(
    value: str,
    standin: Standin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with cachy(cache_dir=tmp_path):
        post()
    assert capsys.readouterr() == ("", "")


def test_a_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "no" / "where"))
    with pytest.raises(ConfigError, match="CACHY_LOG"), cachy(cache_dir=tmp_path):
        pass


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete a folder that is in use")
def test_a_file_in_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "calls.jsonl")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ConfigError, match="CACHY_LOG"), cachy(cache_dir=tmp_path):
        pass


def test_a_log_that_goes_away_breaks_no_call(standin: Standin, tmp_path: Path, log: Path) -> None:
    with cachy(cache_dir=tmp_path):
        log.unlink()
        log.mkdir()
        assert post().status_code == 200


def test_through_logging(
    standin: Standin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "cachy"), cachy(cache_dir=tmp_path):
        post()
        post()
    told = [(record.levelname, record.name, record.message) for record in caplog.records]
    reason = f"there is no store at {tmp_path / '.cachy'} yet"
    assert [one for one in told if one[1].startswith("cachy")] == [
        ("INFO", "cachy.requests", f"miss: POST {URL}: {reason}"),
        ("INFO", "cachy.requests", f"recorded: POST {URL}"),
        ("DEBUG", "cachy.requests", f"hit: POST {URL}"),
    ]


def test_reasons_are_looked_for_only_where_somebody_asks(
    standin: Standin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "cachy"), cachy(cache_dir=tmp_path):
        post()
    assert f"miss: POST {URL}" in caplog.messages


def test_no_handler_is_installed() -> None:
    script = (
        "import logging, cachy; cachy.enable_cachy(store={});"
        "loggers = [logging.getLogger(n) for n in (None, 'cachy', 'cachy.requests')];"
        "assert not any(logger.handlers for logger in loggers)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_response_tells_where_it_came_from(
    library: Any, standin: Standin, tmp_path: Path
) -> None:
    with cachy(cache_dir=tmp_path), library.Client() as client:
        live, replayed = (client.post(URL, json=ASKED) for _ in range(2))
        unknown = client.post("https://api.openai.com/v1/unknown", json={})
        elsewhere = client.get("https://example.com/")
    [entry] = tmp_path.glob(".cachy/??/*.entry")
    key = entry.name[:32]
    assert live.extensions["cachy"] == {"from": "network", "key": key}
    told = replayed.extensions["cachy"]
    assert (told["from"], told["key"]) == ("store", key)
    assert told["recorded"].startswith("20")
    assert unknown.extensions["cachy"]["from"] == "network"
    assert "cachy" not in elsewhere.extensions


def test_a_warning_points_at_the_program(standin: Standin, tmp_path: Path) -> None:
    """And not at cachy, a client or an SDK."""
    with (
        cachy(cache_dir=tmp_path) as session,
        pytest.warns(CachyWarning, match="in vain") as caught,
        httpx.Client(
            event_hooks={"request": [lambda request: session.cache.warn("in vain")]}
        ) as it,
    ):
        it.post(URL, json=ASKED)
    assert caught[0].filename == __file__
