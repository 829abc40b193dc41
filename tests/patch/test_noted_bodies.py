"""Requests whose bodies are sent in pieces go out as without cachy."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest

from cachy import CacheMiss, disable_cachy, enable_cachy
from cachy.patch import noted_bodies

PIECES = [b'{"model": "m", ', b'"prompt": ', b'"Hello"}']


class Server:
    """Tells when a request begins, and which chunks it has."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.requests: list[list[bytes]] = []
        requests, begun = self.requests, self.begun

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                begun.set()
                chunks: list[bytes] = []
                if self.headers["transfer-encoding"] == "chunked":
                    while size := int(self.rfile.readline() or b"0", 16):
                        chunks.append(self.rfile.read(size))
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    chunks.append(self.rfile.read(int(self.headers["content-length"])))
                requests.append(chunks)
                body = json.dumps({"length": sum(map(len, chunks))}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # a test has closed its client
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.place = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.place}/v1/speech"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    disable_cachy()
    server.close()


Send = Callable[..., Any]


@pytest.fixture(params=["httpx", "httpx2", "httpx async", "httpx2 async"])
def send(request: pytest.FixtureRequest) -> Send:
    """Send a body from a generator, which calls `before` with the number of each piece."""
    name, _, colour = request.param.partition(" ")
    library: ModuleType = {"httpx": httpx, "httpx2": httpx2}[name]

    def pieces(before: Callable[[int], object]) -> Iterator[bytes]:
        for number, piece in enumerate(PIECES):
            before(number)
            yield piece

    async def pieces_later(before: Callable[[int], object]) -> AsyncIterator[bytes]:
        for piece in pieces(before):
            await asyncio.sleep(0)
            yield piece

    async def post(url: str, before: Callable[[int], object], times: int) -> Any:
        async with library.AsyncClient() as client:
            made = client.build_request("POST", url, content=pieces_later(before))
            for _ in range(times):
                answer = await client.send(made)
            return answer.json()

    def do(url: str, before: Callable[[int], object] = id, times: int = 1) -> Any:
        if colour:
            return asyncio.run(post(url, before, times))
        with library.Client() as client:
            made = client.build_request("POST", url, content=pieces(before))
            for _ in range(times):
                answer = client.send(made)
            return answer.json()

    return do


@pytest.mark.parametrize("mode", [None, "auto", "refresh"])
def test_the_connection_is_made_before_the_body_is_read(
    server: Server, send: Send, tmp_path: Path, mode: str | None
) -> None:
    if mode is not None:
        enable_cachy(cache_dir=tmp_path / "store", doms=(server.place,), mode=mode)

    def before(number: int) -> None:
        assert server.begun.wait(5), f"piece {number} is read before the request begins"

    assert send(server.url, before) == {"length": 33}
    assert server.requests == [PIECES]
    if mode is not None:
        enable_cachy(cache_dir=tmp_path / "store", doms=(server.place,), mode="replay")
        assert send(server.url) == {"length": 33}
        assert len(server.requests) == 1


def test_what_is_looked_up_is_sent_in_its_pieces(
    server: Server, send: Send, tmp_path: Path
) -> None:
    enable_cachy(cache_dir=tmp_path / "store", doms=(server.place,))
    httpx.post(server.url, content=b"another")
    assert send(server.url) == send(server.url) == {"length": 33}
    assert server.requests[1:] == [PIECES]
    assert httpx.post(server.url, content=b"".join(PIECES)).json() == {"length": 33}
    assert len(server.requests) == 2  # the same key, however it is sent


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("mode", ["auto", "refresh", "replay"])
def test_an_exception_of_the_body_is_the_users(
    server: Server, send: Send, tmp_path: Path, mode: str, recorded: bool
) -> None:
    if recorded:
        enable_cachy(cache_dir=tmp_path / "store", doms=(server.place,))
        httpx.post(server.url, content=b"another")
    enable_cachy(cache_dir=tmp_path / "store", doms=(server.place,), mode=mode)

    def fail(number: int) -> None:
        if number == 1:
            raise LookupError("the microphone is gone")

    with pytest.raises(LookupError, match="the microphone is gone"):
        send(server.url, fail)
    if mode != "replay":
        assert send(server.url) == {"length": 33}


@pytest.mark.parametrize("recorded", [False, True])
def test_what_is_too_long_to_be_held_is_sent_and_not_recorded(
    server: Server, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    session = enable_cachy(cache_dir=tmp_path / "store", doms=(server.place,))
    if recorded:
        httpx.post(server.url, content=b"another")
        server.requests.clear()
    monkeypatch.setattr(noted_bodies, "LIMIT", 20)
    assert send(server.url) == send(server.url) == {"length": 33}
    assert server.requests == [PIECES] * 2
    assert session.stats.recorded == recorded
    assert [*session.stats.skipped] == [noted_bodies.TOO_LONG]
    enable_cachy(cache_dir=tmp_path / "store", doms=(server.place,), mode="replay")
    with pytest.raises(CacheMiss, match="sent in pieces"):
        send(server.url)


@pytest.mark.parametrize("enabled", [False, True])
def test_a_generator_can_be_sent_once(
    server: Server, send: Send, tmp_path: Path, enabled: bool
) -> None:
    if enabled:
        enable_cachy(cache_dir=tmp_path / "store", doms=(server.place,))
    for _ in range(1 + enabled):  # the second time the first is answered from the store
        with pytest.raises((httpx.StreamConsumed, httpx2.StreamConsumed)):
            send(server.url, times=2)
    assert [chunks for chunks in server.requests if chunks] == [PIECES]


def test_a_form_with_files_can_be_sent_again(server: Server, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path / "store", doms=(server.place,))
    files = {"file": ("a.mp3", b"\xff\xfbsound", "audio/mpeg")}
    with httpx.Client() as client:
        made = client.build_request("POST", server.url, files=files)
        first, again = client.send(made), client.send(made)
    assert first.json() == again.json()
    assert len(server.requests) == 1
