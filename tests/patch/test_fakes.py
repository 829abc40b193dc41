"""Fakes stay fakes: calls that reach no provider are neither recorded nor answered."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp
import httpx
import httpx2
import pook
import pytest
import requests
import requests_cache
import requests_mock
import responses
import respx
import urllib3
import vcr
from pytest_httpx import HTTPXMock
from standin import Standin

from cachy import Session, disable_cachy, enable_cachy

URL = "https://api.openai.com/v1/chat/completions"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
FAKE = b'{"fake": true}'
TLS = ssl.create_default_context()

LIBRARIES = pytest.mark.parametrize(
    "library", [httpx, httpx2], ids=lambda library: library.__name__
)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    yield enable_cachy(cache_dir=tmp_path)
    disable_cachy()


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": FAKE})


def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [FAKE]


def mock(library: Any) -> Any:
    return library.MockTransport(lambda request: library.Response(200, content=FAKE))


def wsgi(library: Any) -> Any:
    return library.WSGITransport(app=wsgi_app)


def asgi(library: Any) -> Any:
    return library.ASGITransport(app=asgi_app)


def post(library: Any, transport: Any = None) -> bytes:
    options = {} if transport is None else {"transport": transport}
    with library.Client(**options) as client:
        return bytes(client.post(URL, json=BODY).content)


def apost(library: Any, transport: Any = None) -> bytes:
    options = {} if transport is None else {"transport": transport}

    async def main() -> bytes:
        async with library.AsyncClient(**options) as client:
            return bytes((await client.post(URL, json=BODY)).content)

    return asyncio.run(main())


@LIBRARIES
@pytest.mark.parametrize(
    ("transport", "send"), [(mock, post), (mock, apost), (wsgi, post), (asgi, apost)]
)
def test_transports_of_the_library(
    transport: Callable[[Any], Any], send: Callable[..., bytes], library: Any, session: Session
) -> None:
    assert send(library, transport(library)) == FAKE
    assert session.stats.misses == session.stats.hits == session.stats.recorded == 0


@pytest.mark.parametrize("send", [post, apost])
def test_respx(send: Callable[..., bytes], session: Session) -> None:
    with respx.mock:
        respx.post(URL).respond(200, content=FAKE)
        assert send(httpx) == FAKE
    assert session.stats.misses == session.stats.recorded == 0


@pytest.mark.parametrize("send", [post, apost])
def test_pytest_httpx(send: Callable[..., bytes], session: Session, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(content=FAKE)
    assert send(httpx) == FAKE
    assert session.stats.misses == session.stats.recorded == 0


def test_a_mock_is_not_answered_from_the_store(session: Session, standin: Standin) -> None:
    real = post(httpx)
    with respx.mock:
        respx.post(URL).respond(200, content=FAKE)
        assert post(httpx) == FAKE
    assert post(httpx) == real
    assert len(standin.calls) == 1


@LIBRARIES
def test_when_asked_for_they_are_cached(library: Any, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path, fakes=True)
    try:
        assert post(library, mock(library)) == post(library, mock(library)) == FAKE
    finally:
        disable_cachy()
    assert (session.stats.recorded, session.stats.hits) == (1, 1)


class Wrapping(httpx.HTTPTransport):
    """A transport of somebody's own, over the real one."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return super().handle_request(request)


def test_a_transport_of_ones_own_is_no_fake(session: Session, standin: Standin) -> None:
    assert post(httpx, Wrapping()) == post(httpx, Wrapping())
    assert len(standin.calls) == 1


# ---- requests, urllib3, urllib.request ----

Fake = Callable[[], AbstractContextManager[Any]]


@contextmanager
def of_responses() -> Iterator[None]:
    with responses.RequestsMock() as mock:
        mock.post(URL, body=FAKE)
        yield


@contextmanager
def of_requests_mock() -> Iterator[None]:
    with requests_mock.Mocker() as mock:
        mock.post(URL, content=FAKE)
        yield


@contextmanager
def of_pook() -> Iterator[None]:
    pook.on()
    try:
        pook.post(URL).persist().reply(200).body(FAKE)
        yield
    finally:
        pook.off()


def ask_requests() -> bytes:
    with requests.Session() as session:
        return session.post(URL, json=BODY, timeout=5).content


def ask_urllib3() -> bytes:
    with urllib3.PoolManager(retries=False, ssl_context=TLS) as manager:
        body, headers = json.dumps(BODY).encode(), {"content-type": "application/json"}
        return manager.request("POST", URL, body=body, headers=headers).data


def ask_urllib() -> bytes:
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(URL, json.dumps(BODY).encode(), headers)
    with urllib.request.urlopen(request) as response:
        return bytes(response.read())


def ask_aiohttp() -> bytes:
    async def ask() -> bytes:
        connector = aiohttp.TCPConnector(ssl=TLS)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post(URL, json=BODY) as response,
        ):
            return await response.read()

    return asyncio.run(ask())


class _Autospecced:
    """Replaces `_request` as aioresponses does, which does not work with current versions."""

    async def __call__(self, session: Any, method: str, url: Any, **options: Any) -> Any:
        return self

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def read(self) -> bytes:
        return FAKE


@contextmanager
def of_autospec() -> Iterator[None]:
    fake = _Autospecced()
    patched = "aiohttp.client.ClientSession._request"
    with patch(patched, side_effect=fake.__call__, autospec=True):
        yield


FAKES: dict[str, tuple[Fake, Callable[..., bytes]]] = {
    "responses": (of_responses, ask_requests),
    "requests-mock": (of_requests_mock, ask_requests),
    "pook-requests": (of_pook, ask_requests),
    "pook-urllib3": (of_pook, ask_urllib3),
    "pook-urllib": (of_pook, ask_urllib),
    "autospec-aiohttp": (of_autospec, ask_aiohttp),
}


@pytest.mark.parametrize("mode", ["auto", "replay"])
@pytest.mark.parametrize("first", ["cachy", "fake"])
@pytest.mark.parametrize(("fake", "ask"), FAKES.values(), ids=FAKES)
def test_fakes_of_sync_clients(
    fake: Fake, ask: Any, first: str, mode: str, standin: Standin, tmp_path: Path
) -> None:
    try:
        if first == "cachy":
            session = enable_cachy(cache_dir=tmp_path, mode=mode)
            with fake():
                assert [ask(), ask()] == [FAKE] * 2
        else:
            with fake():
                session = enable_cachy(cache_dir=tmp_path, mode=mode)
                assert [ask(), ask()] == [FAKE] * 2
        assert session.stats.misses == session.stats.hits == session.stats.recorded == 0
        assert standin.calls == []
    finally:
        disable_cachy()
    session = enable_cachy(cache_dir=tmp_path)
    assert ask() == ask() != FAKE
    disable_cachy()
    assert len(standin.calls) == session.stats.recorded == 1


WITH_HTTPRETTY = """
import sys, urllib.request
import httpretty, requests, urllib3
from cachy import enable_cachy

URL = "http://api.openai.com/v1/chat/completions"
first, mode, folder = sys.argv[1:]
if first == "cachy":
    session = enable_cachy(cache_dir=folder, mode=mode)
with httpretty.enabled(allow_net_connect=False):
    httpretty.register_uri(httpretty.POST, URL, body=b'{"fake": true}')
    if first == "fake":
        session = enable_cachy(cache_dir=folder, mode=mode)
    for _ in range(2):
        if urllib3.__version__ < "2":  # newer ones it cannot read
            assert requests.post(URL, json={"model": "m"}).json() == {"fake": True}
        assert urllib.request.urlopen(URL, b"{}").read() == b'{"fake": true}'
assert session.stats.misses == session.stats.hits == session.stats.recorded == 0
"""


@pytest.mark.parametrize("mode", ["auto", "replay"])
@pytest.mark.parametrize("first", ["cachy", "fake"])
def test_httpretty(first: str, mode: str, tmp_path: Path) -> None:
    """In a process of its own: it puts functions of `socket` back as they were when it was
    imported."""
    code = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", WITH_HTTPRETTY]
    subprocess.run([*code, first, mode, str(tmp_path)], check=True)


@pytest.mark.parametrize("first", ["cachy", "fake"])
@pytest.mark.parametrize("ask", [ask_requests, ask_urllib3, ask_urllib, ask_aiohttp])
def test_vcrpy(ask: Any, first: str, standin: Standin, tmp_path: Path) -> None:
    """It records, and replays; its recordings are not cachy's."""
    cassette = str(tmp_path / "cassette.yaml")

    def run(mode: str) -> bytes:
        if first == "cachy":
            enable_cachy(cache_dir=tmp_path, mode=mode)
            with vcr.use_cassette(cassette):
                return bytes(ask())
        with vcr.use_cassette(cassette):
            enable_cachy(cache_dir=tmp_path, mode=mode)
            return bytes(ask())

    try:
        recorded = run("auto")
        assert run("auto") == run("replay") == recorded
        assert len(standin.calls) == 1
        assert [*tmp_path.rglob("*.entry")] == []
    finally:
        disable_cachy()


def test_requests_cache_over_cachy(session: Session, standin: Standin) -> None:
    """What it has is its own; what it asks for is recorded."""
    methods = ("GET", "POST")
    seen = set()
    for _ in range(2):
        with requests_cache.CachedSession(backend="memory", allowable_methods=methods) as cached:
            seen |= {cached.post(URL, json=BODY).content for _ in range(2)}
    assert len(seen) == len(standin.calls) == 1
    assert (session.stats.recorded, session.stats.hits) == (1, 1)
