"""dspy with its own transport, over the real library."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients import CHAT, PLAIN, STREAM, json_body
from standin import Behaviour, Standin

from cachy import CacheMiss, disable_cachy, enable_cachy

dspy = pytest.importorskip("dspy")
transports = pytest.importorskip("dspy._vendor.lm15.transports")

JSON = [("Content-Type", "application/json")]


@pytest.fixture(autouse=True)
def _leave_nothing(standin: Standin) -> Iterator[None]:
    yield
    disable_cachy()


def request(body: Any) -> Any:
    return transports.TransportRequest("POST", CHAT, JSON, json_body(body))


def seen(response: Any, chunks: list[bytes]) -> tuple[Any, ...]:
    kept = [pair for pair in response.headers if pair[0].lower() in ("content-type", "date")]
    return response.status, response.reason, response.http_version, kept, chunks


def sync(body: Any) -> Any:
    with transports.StdlibTransport() as transport, transport.stream(request(body)) as response:
        return seen(response, list(response))


def async_(body: Any) -> Any:
    async def call() -> Any:
        async with (
            transports.StdlibAsyncTransport() as transport,
            transport.stream(request(body)) as response,
        ):
            return seen(response, [chunk async for chunk in response])

    return asyncio.run(call())


each_way = pytest.mark.parametrize("way", [sync, async_])
each_body = pytest.mark.parametrize("body", [PLAIN, STREAM], ids=["plain", "stream"])


def told(result: Any) -> Any:
    """All of it, but how the body was cut."""
    return *result[:1], *[name.lower() for name, _ in result[3]], b"".join(result[4])


@each_way
@each_body
def test_recorded_and_replayed(
    way: Callable[[Any], Any], body: Any, standin: Standin, tmp_path: Path
) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    recorded = way(body)
    assert session.stats.recorded == 1
    standin.refuse = True
    enable_cachy(cache_dir=tmp_path, mode="replay")
    for other in (sync, async_):
        assert told(other(body)) == told(recorded)
    # Under the same key as everywhere.
    assert httpx.post(CHAT, json=body).content == b"".join(recorded[4])
    assert len(standin.calls) == 1
    assert not session.stats.bypassed


@each_way
def test_a_miss_sends_nothing(way: Callable[[Any], Any], standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path, mode="replay")
    with pytest.raises(CacheMiss):
        way(PLAIN)
    assert standin.calls == []


@each_way
def test_a_cut_stream_is_not_kept(
    way: Callable[[Any], Any], standin: Standin, tmp_path: Path
) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    with (
        standin.behave(Behaviour(cut_after_pieces=1)),
        pytest.raises(transports.TransportError),
    ):
        way(STREAM)
    assert session.stats.recorded == 0


def test_a_stream_that_is_left(standin: Standin, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    transport = transports.StdlibTransport()
    with standin.behave(Behaviour(pause=0.05)), transport.stream(request(STREAM)) as response:
        next(iter(response))
    transport.close()
    assert session.stats.recorded == 0


@pytest.mark.parametrize("way", ["call", "acall"])
def test_dspy_itself(way: str, standin: Standin, tmp_path: Path) -> None:
    def ask() -> Any:
        model = dspy.LM("openai/gpt-4o", api_key="none", cache=False)
        if way == "call":
            return model("Hello")
        return asyncio.run(model.acall("Hello"))

    session = enable_cachy(cache_dir=tmp_path)
    recorded = ask()
    assert session.stats.recorded == 1
    assert not session.stats.bypassed
    standin.refuse = True
    session = enable_cachy(cache_dir=tmp_path, mode="replay")
    assert ask() == recorded
    assert session.stats.hits == 1
    # It also asks for prices, elsewhere.
    assert [call.host for call in standin.calls].count("api.openai.com") == 1
