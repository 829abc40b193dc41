"""The server: its socket, its files, its answers."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest
import shown
from serving import Serve

from cachy.errors import ConfigError
from cachy.page.server import listen


def test_it_listens_on_this_machine_alone_and_on_no_port_that_is_in_use() -> None:
    listener = listen(0)
    address, port = listener.getsockname()
    assert address == "127.0.0.1"
    with pytest.raises(ConfigError, match=f"port {port} is in use: name another one with --port"):
        listen(port)
    listener.close()


def test_answers_are_json_and_errors_are_sentences(root: Path, serve: Serve) -> None:
    shown.fill(root)
    page = serve(root)
    with httpx.Client(trust_env=False, follow_redirects=True) as client:
        assert client.get(page.address).headers["content-type"] == "text/html; charset=utf-8"
        base = page.address.partition("/?")[0]
        assert client.get(f"{base}/page.css").headers["content-type"].startswith("text/css")
        assert client.get(f"{base}/favicon.ico").status_code == 204
        assert client.get(f"{base}/api/rows").json()["total"] == 13
        bad = client.get(f"{base}/api/entry", params={"name": "../x"})
        assert (bad.status_code, "is not the name" in bad.json()["error"]) == (400, True)
        assert client.get(f"{base}/api/nothing").status_code == 404
        assert client.get(f"{base}/static/page.js").status_code == 404
        assert client.get(f"{base}/body/nothing").status_code == 404
        headers = {"origin": base, "x-cachy": "1"}
        long = client.post(f"{base}/api/forget", content=b"x" * 100_000, headers=headers)
        assert long.status_code == 413
        undo = client.post(f"{base}/api/undo", content=b"{}", headers=headers)
        assert (undo.status_code, "nothing to undo" in undo.json()["error"]) == (400, True)


def test_a_server_that_stops_frees_its_port(root: Path, serve: Serve) -> None:
    page = serve(root)
    port = int(page.address.split(":")[2].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port), 5):
        pass
    page.stop()
