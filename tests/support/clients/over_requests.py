"""requests: a session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests

from clients.base import CHAT, JSON, Client, Response, until_empty


class Requests(Client):
    name = "requests"
    ways = ("content-none", "content-1", "lines", "raw-read", "raw-stream")
    errors = (requests.RequestException,)

    def __init__(self) -> None:
        self.session = requests.Session()

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
        proxies = {"http": proxy, "https": proxy} if proxy else None
        return self.session.request(
            method, url, data=body, headers=headers, timeout=timeout, proxies=proxies
        )

    def open(self, url: str = CHAT, body: Any = None, *, timeout: float = 10) -> Response:
        return self.session.post(url, data=body, headers=JSON, stream=True, timeout=timeout)

    def read(self, response: Response) -> bytes:
        return bytes(response.content)

    def pieces(self, response: Response, way: str) -> Iterator[bytes]:
        if way == "raw-read":
            yield from until_empty(lambda: response.raw.read(1, decode_content=True))
        elif way == "raw-stream":
            yield from response.raw.stream(16, decode_content=True)
        elif way == "lines":
            for line in response.iter_lines(chunk_size=1):
                yield line + b"\n"
        else:
            yield from response.iter_content(None if way == "content-none" else 1)

    def look(self, response: Response) -> tuple[int, str, str, str, list[tuple[str, str]]]:
        pairs = [(name.lower(), value) for name, value in response.raw.headers.items()]
        version = f"HTTP/{response.raw.version / 10}"
        return response.status_code, response.reason, version, response.url, pairs

    def quit(self) -> None:
        self.session.close()
