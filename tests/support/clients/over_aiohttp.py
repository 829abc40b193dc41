"""aiohttp: a session on a loop of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import aiohttp

from clients.base import CHAT, JSON, PLAIN, Client, Response, Seen, json_body

TLS = ssl.create_default_context()


class Aiohttp(Client):
    name = "aiohttp"
    ways = ("any", "chunked-1", "chunks", "lines", "readline", "read")
    errors = (aiohttp.ClientError, asyncio.TimeoutError)

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self.session = self.wait(self._make())

    async def _make(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=TLS))

    def wait(self, thing: Awaitable[Any]) -> Any:
        return self._loop.run_until_complete(thing)

    def send(self, *arguments: Any, **options: Any) -> Response:
        return self.wait(self._send(*arguments, **options))

    async def _send(
        self,
        url: str = CHAT,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        method: str = "POST",
        timeout: float = 10,
        proxy: str | None = None,
    ) -> Response:
        response = await self._open(url, body, headers, method, timeout, proxy)
        await response.read()
        return response

    async def _open(
        self,
        url: str,
        body: Any,
        headers: dict[str, str] | None,
        method: str,
        timeout: float,
        proxy: str | None = None,
    ) -> Response:
        if hasattr(body, "__next__"):  # it takes only async ones
            body = _async(body)
        limits = aiohttp.ClientTimeout(sock_read=timeout)
        return await self.session.request(
            method, url, data=body, headers=headers, timeout=limits, proxy=proxy
        )

    def open(self, url: str = CHAT, body: Any = None, *, timeout: float = 10) -> Response:
        return self.wait(self._open(url, body, JSON, "POST", timeout))

    def read(self, response: Response) -> bytes:
        return bytes(self.wait(response.read()))

    def pieces(self, response: Response, way: str) -> Iterator[bytes]:
        content = response.content
        reads: dict[str, Callable[[], Any]] = {
            "any": content.iter_any().__anext__,
            "chunked-1": content.iter_chunked(1).__anext__,
            "chunks": content.iter_chunks().__anext__,
            "lines": content.__aiter__().__anext__,
            "readline": content.readline,
            "read": lambda: content.read(16),
        }
        while True:
            try:
                piece = self.wait(_awaited(reads[way]))
            except StopAsyncIteration:
                return
            except BaseException:
                response.close()
                raise
            if isinstance(piece, tuple):
                piece = piece[0]
            elif not piece:
                return
            yield piece

    def close(self, response: Response) -> None:
        self.wait(response.__aexit__(None, None, None))

    def look(self, response: Response) -> tuple[int, str, str, str, list[tuple[str, str]]]:
        pairs = [(name.lower(), value) for name, value in response.headers.items()]
        version = f"HTTP/{response.version.major}.{response.version.minor}"
        return response.status, response.reason, version, str(response.url), pairs

    def together(self, count: int) -> list[Seen]:
        async def all_of_them() -> list[Response]:
            calls = (self._send(CHAT, json_body(PLAIN), JSON) for _ in range(count))
            return await asyncio.gather(*calls)

        return [self.seen(response) for response in self.wait(all_of_them())]

    def quit(self) -> None:
        self.wait(self.session.close())
        self.wait(connections_closed())
        self._loop.close()


def with_session(use: Callable[[aiohttp.ClientSession], Awaitable[Any]], **options: Any) -> Any:
    """Run a function with a session of aiohttp, and return its result."""

    async def run() -> Any:
        connector = aiohttp.TCPConnector(ssl=TLS)
        async with aiohttp.ClientSession(connector=connector, **options) as session:
            result = await use(session)
        await connections_closed()
        return result

    return asyncio.run(run())


async def connections_closed() -> None:
    """Wait for the connections of this loop, which close on their own after their session."""
    loop: Any = asyncio.get_running_loop()
    for _ in range(100):
        if len(loop._selector.get_map()) < 2:  # one wakes the loop
            return
        await asyncio.sleep(0.01)


async def _awaited(read: Callable[[], Any]) -> Any:
    return await read()


async def _async(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
