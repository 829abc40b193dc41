"""A tap records what a reader pulls, and holds nothing back."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from cachy.engine.cache import Cache, Missing
from cachy.engine.events import Events, Log
from cachy.engine.recording import Recording
from cachy.engine.tap import AsyncTap, Tap, begin, begin_async
from cachy.rules.message import Request, ResponseHead
from cachy.settings import check
from cachy.store.mapping import MappingStore

CHAT = "https://api.openai.com/v1/chat/completions"
JSON = ("content-type", "application/json")
SSE = ("content-type", "text/event-stream; charset=utf-8")
CHUNK = b'data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n'
WHOLE = b'{"choices":[{"message":{"content":"Hi!"},"finish_reason":"stop"}]}'


class Live:
    """Stands for a response."""


class Rig:
    """A cache, and the tap of a call that it records."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self.cache = Cache(MappingStore({}), check({}), Events(Log()))
        request = Request("POST", CHAT, [JSON], b'{"model":"m","messages":[]}')
        route = self.cache.route("POST", CHAT)
        assert route is not None
        missing = self.cache.lookup(request, route)
        assert isinstance(missing, Missing)
        self.recording: Recording = self.cache.record(missing, None)
        self.live: Any = Live()
        tap = begin(self.recording, ResponseHead(200, headers), [], self.live)
        assert tap is not None
        self.tap: Tap = tap

    @property
    def recorded(self) -> int:
        return self.cache.stats.recorded


def test_the_end_makes_it_whole() -> None:
    rig = Rig(JSON)
    rig.tap.feed(b'{"choices":[{"message":{"content":"Hi!"},')
    rig.tap.feed(b'"finish_reason":"stop"}]}')
    assert rig.recorded == 0
    rig.tap.ended()
    rig.tap.close()
    rig.tap.close()
    assert rig.recorded == 1
    assert rig.live.cachy == {"from": "network", "key": rig.recording.key}


def test_a_stream_is_kept_at_its_last_event() -> None:
    rig = Rig(SSE)
    rig.tap.feed(CHUNK)
    rig.tap.feed(b"data: [DONE]\n")
    assert rig.recorded == 0
    rig.tap.feed(b"\n")
    assert rig.recorded == 1


def test_nothing_is_held_back() -> None:
    """Neither is it fed twice when the last event comes."""
    rig = Rig(SSE)
    for event in (b"message_start", b"message_delta", b"message_stop"):
        reason = b',"delta":{"stop_reason":"end_turn"}' if event == b"message_delta" else b""
        rig.tap.feed(b'data: {"type":"' + event + b'"' + reason + b"}\n\n")
        assert rig.recording.release() == b""
    rig.tap.close()
    assert rig.recorded == 1


@pytest.mark.parametrize(
    ("last", "headers", "kept"),
    [
        (b"data: [DONE]\n", [SSE], 1),
        (b"data: [DONE]\r\n", [SSE], 1),
        (b"data: [DONE]", [SSE], 0),
        (b'data: {"choices":[]}\n', [SSE], 0),
    ],
)
def test_left_at_the_line_of_the_last_event(last: bytes, headers: Any, kept: int) -> None:
    rig = Rig(*headers)
    rig.tap.feed(CHUNK if kept else CHUNK.replace(b'"stop"', b"null"))
    for number in range(len(last)):  # as one who reads byte by byte
        rig.tap.feed(last[number : number + 1])
    rig.tap.close()
    assert rig.recorded == kept


def test_a_response_that_is_forgotten_lets_go() -> None:
    rig = Rig(JSON)
    rig.tap.feed(b"{")
    rig.live = None
    gc.collect()
    assert sum(rig.cache.stats.skipped.values()) == 1


# ---- For async clients ----


class AsyncRig(Rig):
    """A cache, and the tap of a call of an async client that it records."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        super().__init__(*headers)
        cache = Cache(MappingStore({}), check({}), Events(Log()))
        request = Request("POST", CHAT, [JSON], b'{"model":"m","messages":[]}')
        route = cache.route("POST", CHAT)
        assert route is not None
        missing = cache.lookup(request, route)
        assert isinstance(missing, Missing)
        self.cache, self.recording = cache, cache.record(missing, None)
        head = ResponseHead(200, headers)
        tap = begin_async(self.recording, head, [], self.live, cache.threads)
        assert tap is not None
        self.async_tap: AsyncTap = tap


def test_what_is_settled_is_kept() -> None:
    async def run() -> None:
        rig = AsyncRig(JSON)
        assert rig.async_tap.in_one_piece
        rig.async_tap.feed(WHOLE)
        assert not await rig.async_tap.settle()
        assert rig.recorded == 0
        rig.async_tap.ended()
        assert await rig.async_tap.settle()
        assert rig.recorded == 1

    asyncio.run(run())


def test_a_stream_is_settled_at_its_last_event() -> None:
    async def run() -> None:
        rig = AsyncRig(SSE)
        assert not rig.async_tap.in_one_piece
        rig.async_tap.feed(CHUNK + b"data: [DONE]\n\n")
        assert rig.recorded == 0  # nothing is written while the loop runs
        assert not await rig.async_tap.settle()
        assert rig.recorded == 1

    asyncio.run(run())


def test_what_is_put_back_is_fed_once() -> None:
    async def run() -> None:
        rig = AsyncRig(JSON)
        rig.async_tap.feed(WHOLE[:20])
        rig.async_tap.put_back(5)
        rig.async_tap.feed(WHOLE[15:18])
        rig.async_tap.feed(WHOLE[18:])
        rig.async_tap.ended()
        await rig.async_tap.settle()
        assert rig.recorded == 1

    asyncio.run(run())


def test_what_is_left_is_kept_by_a_thread() -> None:
    async def run() -> None:
        rig = AsyncRig(SSE)
        rig.async_tap.feed(CHUNK + b"data: [DONE]\n")
        rig.async_tap.leave()
        await rig.async_tap.left()
        assert rig.recorded == 1

    asyncio.run(run())
