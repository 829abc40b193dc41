"""The bodies of aiohttp's responses: recorded ones, and live ones on their way."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from clients import CHAT, PLAIN, STREAM
from clients.over_aiohttp import with_session
from standin import Answer, Behaviour, Standin

from cachy import disable_cachy, enable_cachy


@pytest.fixture
def session(standin: Standin) -> Iterator[Any]:
    yield enable_cachy(store={})
    disable_cachy()


async def kept(session: Any, count: int = 1) -> None:
    """Wait for what a thread keeps, after a response was released."""
    for _ in range(500):
        if session.stats.recorded >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(session.stats)


@pytest.mark.parametrize("end", ["release", "close", "async with", "nothing"])
def test_ends_of_a_hit(standin: Standin, session: Any, end: str) -> None:
    async def use(client: aiohttp.ClientSession) -> None:
        await (await client.post(CHAT, json=STREAM)).read()
        response = await client.post(CHAT, json=STREAM)
        first = await response.content.readline()
        assert first.startswith(b"data: ")
        if end == "async with":
            async with response:
                pass
        elif end != "nothing":
            getattr(response, end)()
        if end != "nothing":
            assert response.closed
            with pytest.raises(aiohttp.ClientConnectionError):
                await response.content.read()
        response = await client.post(CHAT, json=STREAM)
        await response.content.wait_eof()
        assert response.content.is_eof()
        assert b"[DONE]" in await response.content.readexactly(response.content.total_bytes)

    with_session(use)
    assert len(standin.calls) == 1


def test_a_stream_comes_in_the_pieces_of_its_recording(standin: Standin, session: Any) -> None:
    async def use(client: aiohttp.ClientSession) -> list[list[bytes]]:
        seen = []
        for _ in range(2):
            async with client.post(CHAT, json=STREAM) as response:
                seen.append([piece async for piece in response.content.iter_any()])
                assert await response.content.readany() == b""
        return seen

    with standin.behave(Behaviour(pause=0.02)):
        live, hit = with_session(use)
    assert b"".join(hit) == b"".join(live)
    assert len(hit) > 1
    assert len(standin.calls) == 1


def test_reading_and_putting_back(standin: Standin, session: Any) -> None:
    """A body with parts is read so."""
    text = b"--x\r\nContent-Type: text/plain\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--\r\n"
    answer = {"content-type": "multipart/mixed; boundary=x"}
    standin.behave(Behaviour(answer=Answer(200, answer, text)))

    async def use(client: aiohttp.ClientSession) -> list[Any]:
        seen = []
        for _ in range(2):
            async with client.post(CHAT, json=PLAIN) as response:
                parts = aiohttp.MultipartReader.from_response(response)
                seen.append([await part.read() async for part in parts])  # type: ignore[union-attr]
        return seen

    live, hit = with_session(use)
    assert live == hit == [b"one", b"two"]
    assert len(standin.calls) == 1


def test_what_is_not_decoded_by_the_session(standin: Standin, session: Any) -> None:
    async def use(client: aiohttp.ClientSession) -> tuple[str, bytes, bytes]:
        async with client.post(CHAT, json=PLAIN) as response:
            encoding, body = response.headers["content-encoding"], await response.read()
        async with client.post(CHAT, json=PLAIN) as response:
            return encoding, body, await response.read()

    with standin.behave(Behaviour(encoding="gzip")):
        encoding, live, hit = with_session(use, auto_decompress=False)
    assert encoding == "gzip"
    assert gzip.decompress(live) == hit
    assert session.stats.recorded == 1


@pytest.mark.parametrize("end", ["release", "close"])
def test_a_body_that_nobody_reads(standin: Standin, session: Any, end: str) -> None:
    """Who only wants to know the status has a whole answer, if it came."""

    async def use(client: aiohttp.ClientSession) -> None:
        response = await client.post(CHAT, json=PLAIN)
        await response.content.wait_eof()
        getattr(response, end)()
        await kept(session)
        async with client.post(CHAT, json=PLAIN) as response:
            assert response.status == 200

    with_session(use)
    assert len(standin.calls) == 1


def test_the_body_of_a_response_that_was_dropped(standin: Standin, session: Any) -> None:
    async def use(client: aiohttp.ClientSession) -> None:
        response = await client.post(CHAT, json=PLAIN)
        content = response.content
        await content.wait_eof()
        del response
        assert b'"model"' in await content.read()

    with_session(use)
    assert session.stats.recorded == 1
