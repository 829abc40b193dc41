"""No SDK at all: HTTP libraries as scripts use them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from importlib import import_module
from typing import Any

from sdks.prompts import MESSAGES
from sdks.way import Family, Result

URL = "https://api.openai.com/v1/chat/completions"
HEADERS = {"authorization": "Bearer none", "content-type": "application/json"}

Ask = Callable[[dict[str, Any]], Iterable[bytes]]
"""From a body to the lines of its answer."""


@contextmanager
def _requests() -> Iterator[Ask]:
    with import_module("requests").Session() as session:

        def ask(body: dict[str, Any]) -> Iterable[bytes]:
            response = session.post(URL, json=body, headers=HEADERS, stream="stream" in body)
            response.raise_for_status()
            lines: Iterable[bytes] = response.iter_lines()
            return lines

        yield ask


@contextmanager
def _urllib3() -> Iterator[Ask]:
    urllib3 = import_module("urllib3")
    with urllib3.PoolManager() as manager:

        def ask(body: dict[str, Any]) -> Iterable[bytes]:
            data = json.dumps(body).encode()
            streaming = "stream" in body
            response = manager.request(
                "POST", URL, body=data, headers=HEADERS, preload_content=not streaming
            )
            if not streaming:
                return [response.data]
            return (line for piece in response.stream() for line in piece.splitlines())

        yield ask


@contextmanager
def _urllib() -> Iterator[Ask]:
    request = import_module("urllib.request")

    def ask(body: dict[str, Any]) -> Iterable[bytes]:
        data = json.dumps(body).encode()
        with closing(request.urlopen(request.Request(URL, data, HEADERS))) as response:
            yield from response

    yield ask


@asynccontextmanager
async def _aiohttp() -> AsyncIterator[Callable[[dict[str, Any]], Any]]:
    closed = import_module("clients.over_aiohttp").connections_closed
    async with import_module("aiohttp").ClientSession() as session:

        async def ask(body: dict[str, Any]) -> list[bytes]:
            async with session.post(URL, json=body, headers=HEADERS) as response:
                response.raise_for_status()
                return [await response.read()]

        async def lines(body: dict[str, Any]) -> AsyncIterator[bytes]:
            async with session.post(URL, json=body, headers=HEADERS) as response:
                async for line in response.content:
                    yield line

        yield lambda body: lines(body) if "stream" in body else ask(body)
    await closed()


def whole(lines: Iterable[bytes]) -> Result:
    answer = json.loads(b"".join(lines))
    return {"id": answer["id"], "text": answer["choices"][0]["message"]["content"]}


def joined(lines: list[bytes]) -> Result:
    events = [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    text = "".join(delta.get("content") or "" for delta in deltas)
    return {"id": events[0]["id"], "text": text}


def chat(ask: Ask) -> Iterable[bytes]:
    return ask({"model": "gpt-4o", "messages": MESSAGES})


def chat_stream(ask: Ask) -> Iterable[bytes]:
    return ask({"model": "gpt-4o", "messages": MESSAGES, "stream": True})


CLIENTS = {"requests": _requests, "urllib3": _urllib3, "urllib.request": _urllib}
plain = [Family((name,), client) for name, client in CLIENTS.items()]
plain.append(Family(("aiohttp",), async_client=_aiohttp))
for family in plain:
    family.call("chat", whole)(chat)
    family.call("chat", joined, streaming=True)(chat_stream)
