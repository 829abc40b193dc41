"""ui and report."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import shown
from commands import call, refused

from cachy.cli import page


def test_report_writes_one_file(folder: Path) -> None:
    shown.repository(folder)
    said = call("report", "--html", "out.html", "--diff", "HEAD").stdout
    assert said.startswith("out.html: 2 entries, ")
    assert "rm -rf /" in Path("out.html").read_text("utf-8")
    assert "6 entries" in call("report", "--html", "n.html", "--notebook", "report.ipynb").stdout
    assert "entries" in call("report", "--html", "s.html", "--since", "30d").stdout


def test_report_says_what_is_wrong(root: Path) -> None:
    assert "give one of" in refused("report", "--html", "x.html")
    assert "give one of" in refused("report", "--html", "x", "--since", "1d", "--notebook", "x")
    assert "no run" in refused("report", "--html", "x.html", "--since", "last-run")
    assert "no session of" in refused("report", "--html", "x.html", "--notebook", "x.ipynb")
    assert "not in a git repository" in refused("report", "--html", "x.html", "--diff", "HEAD")
    assert not Path("x.html").exists()
    assert "no/x.html" in refused("report", "--html", "no/x.html", "--since", "1d", code=1)


def test_ui_says_what_is_wrong(folder: Path) -> None:
    pytest.importorskip("starlette", reason="the extra `ui` is not installed here")
    assert "there is no store" in refused("ui", "--no-open")
    (folder / ".cachy").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "is in use" in refused("ui", "--no-open", "--port", port)
    assert "not in a git repository" in refused("ui", "--no-open", "--diff", "HEAD")


def test_ui_without_its_extra_says_what_to_install(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "starlette", None)
    assert "pip install 'cachy-store[ui]'" in refused("ui")


def test_without_a_browser_one_is_told_to_open_the_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    page._open("http://127.0.0.1:1/")
    assert "open the address yourself" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send to a process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ui_serves_until_it_is_ended(root: Path, tmp_path: Path, number: int) -> None:
    (root / "local").write_text("here no index can be")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    httpx = pytest.importorskip("httpx")
    pytest.importorskip("starlette", reason="the extra `ui` is not installed here")
    environment = {**os.environ, "BROWSER": "true", "TMPDIR": str(temporary)}
    command = [sys.executable, "-u", "-m", "cachy", "ui"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        with httpx.Client(trust_env=False, follow_redirects=True) as client:
            assert "<title>cachy</title>" in client.get(address).text
            assert list(temporary.glob("cachy-page-*"))
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
        assert "Traceback" not in said
        assert "Ctrl-C ends it" in said
    assert process.returncode == 0
    assert not list(temporary.glob("cachy-page-*"))
