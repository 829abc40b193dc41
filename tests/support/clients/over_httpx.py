"""httpx and httpx2, sync and async."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any, ClassVar

import httpx
import httpx2

from clients.base import CHAT, JSON, Client, Response, Seen

TLS = ssl.create_default_context()


class Httpx(Client):
    name = "httpx"
    ways = ("raw", "bytes")
    library: Any = httpx
    errors: ClassVar[tuple[type[Exception], ...]] = (httpx.TransportError,)

    def __init__(self) -> None:
        self._client = self.library.Client(verify=TLS, follow_redirects=True)

    def send(
        self,
        url: str = CHAT,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        method: str = "POST",
        timeout: float = 10,
        proxy: str | None = None,
    ) -> Response:
        options: dict[str, Any] = {"content": body, "headers": headers, "timeout": timeout}
        if proxy is None:
            return self._client.request(method, url, **options)
        with self.library.Client(verify=TLS, proxy=proxy) as client:
            return client.request(method, url, **options)

    def open(self, url: str = CHAT, body: Any = None, *, timeout: float = 10) -> Response:
        request = self._client.build_request(
            "POST", url, content=body, headers=JSON, timeout=timeout
        )
        return self._client.send(request, stream=True)

    def read(self, response: Response) -> bytes:
        return bytes(response.read())

    def pieces(self, response: Response, way: str) -> Iterator[bytes]:
        yield from getattr(response, f"iter_{way}")()

    def look(self, response: Response) -> tuple[int, str, str, str, list[tuple[str, str]]]:
        pairs = [(name.lower(), value) for name, value in response.headers.multi_items()]
        status, reason = response.status_code, response.reason_phrase
        return status, reason, response.http_version, str(response.url), pairs

    def quit(self) -> None:
        self._client.close()


class Httpx2(Httpx):
    name = "httpx2"
    library = httpx2
    errors = (httpx2.TransportError,)


class HttpxAsync(Httpx):
    name = "httpx-async"

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = self.library.AsyncClient(verify=TLS, follow_redirects=True)

    def wait(self, thing: Any) -> Any:
        return self._loop.run_until_complete(thing)

    def send(self, *arguments: Any, proxy: str | None = None, **options: Any) -> Response:
        return self.wait(self._send(*arguments, proxy=proxy, **options))

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
        options: dict[str, Any] = {"content": body, "headers": headers, "timeout": timeout}
        if proxy is None:
            return await self._client.request(method, url, **options)
        async with self.library.AsyncClient(verify=TLS, proxy=proxy) as client:
            return await client.request(method, url, **options)

    def open(self, *arguments: Any, **options: Any) -> Response:
        return self.wait(super().open(*arguments, **options))

    def read(self, response: Response) -> bytes:
        return bytes(self.wait(response.aread()))

    def pieces(self, response: Response, way: str) -> Iterator[bytes]:
        pieces = getattr(response, f"aiter_{way}")()
        try:
            while True:
                try:
                    piece = self.wait(anext(pieces))
                except StopAsyncIteration:
                    return
                yield piece
        finally:
            self.wait(pieces.aclose())

    def close(self, response: Response) -> None:
        self.wait(response.aclose())

    def together(self, count: int) -> list[Seen]:
        from clients.base import PLAIN, json_body

        async def all_of_them() -> list[Response]:
            calls = (self._send(CHAT, json_body(PLAIN), JSON) for _ in range(count))
            return await asyncio.gather(*calls)

        return [self.seen(response) for response in self.wait(all_of_them())]

    def quit(self) -> None:
        self.wait(self._client.aclose())
        self.wait(self._loop.shutdown_asyncgens())
        self._loop.close()
