"""Fakes stay fakes: calls that reach no provider are neither recorded nor answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import respx
from pytest_httpx import HTTPXMock
from standin import Standin

from cachy import Session, disable_cachy, enable_cachy

URL = "https://api.openai.com/v1/chat/completions"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
FAKE = b'{"fake": true}'

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
