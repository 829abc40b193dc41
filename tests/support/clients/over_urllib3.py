"""urllib3, 1.26 or 2: a manager of pools."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import urllib3

from clients.base import CHAT, JSON, Client, Response, until_empty

TLS = ssl.create_default_context()
IS_2 = not version("urllib3").startswith("1.")


class Urllib3(Client):
    name = "urllib3"
    ways = ("stream", "stream-none", "read", "readinto", "readline", "chunked", "lines") + (
        ("read1", "read1-none") if IS_2 else ()
    )
    errors = (urllib3.exceptions.HTTPError,)

    def __init__(self) -> None:
        self.manager = urllib3.PoolManager(ssl_context=TLS, retries=urllib3.Retry(3, read=0))

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
        options: dict[str, Any] = {"body": body, "headers": headers, "timeout": timeout}
        if proxy is None:
            return self.manager.request(method, url, **options)
        with urllib3.ProxyManager(proxy, ssl_context=TLS) as manager:
            return manager.request(method, url, **options)

    def open(self, url: str = CHAT, body: Any = None, *, timeout: float = 10) -> Response:
        return self.manager.request(
            "POST", url, body=body, headers=JSON, timeout=timeout, preload_content=False
        )

    def read(self, response: Response) -> bytes:
        return bytes(response.data)

    def pieces(self, response: Response, way: str) -> Iterator[bytes]:
        if way == "chunked":
            yield from response.read_chunked()
        elif way == "lines":
            yield from response
        elif way == "readinto":
            buffer = bytearray(1)
            while count := response.readinto(buffer):
                yield bytes(buffer[:count])
        elif way == "readline":
            yield from until_empty(response.readline)
        elif way.startswith("read"):
            size = {"read": 1, "read1": 512, "read1-none": None}[way]
            read = response.read if way == "read" else response.read1
            yield from until_empty(lambda: read(size))
        else:
            yield from response.stream(None if way == "stream-none" else 16)

    def look(self, response: Response) -> tuple[int, str, str, str, list[tuple[str, str]]]:
        pairs = [(name.lower(), value) for name, value in response.headers.items()]
        version = f"HTTP/{response.version / 10}"
        return response.status, response.reason, version, response.geturl(), pairs

    def quit(self) -> None:
        self.manager.clear()
