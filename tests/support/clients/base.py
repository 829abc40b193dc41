"""What the battery asks of a client, in plain values."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any, ClassVar, NamedTuple

CHAT = "https://api.openai.com/v1/chat/completions"
HELLO: Any = [{"role": "user", "content": "Hello"}]
PLAIN: dict[str, Any] = {"model": "gpt-4o", "messages": HELLO}
STREAM = PLAIN | {"stream": True}
JSON = {"content-type": "application/json"}

Response = Any  # of any library

_NEVER_STORED = {
    *("set-cookie", "content-encoding", "transfer-encoding", "connection", "alt-svc"),
    *("openai-organization", "openai-project"),
}


def json_body(value: Any) -> bytes:
    return json.dumps(value).encode()


class Seen(NamedTuple):
    """What a caller sees of a response, but for what is never stored."""

    status: int
    reason: str
    version: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes


class Client:
    """One client of one library. `ways` are its ways to read a body piece by piece, `errors` what
    it raises when a connection breaks or is silent for too long, `encodings` those that it decodes
    by itself; `reads_whole`: a usual call reads the whole body before it returns."""

    name: ClassVar[str]
    ways: ClassVar[tuple[str, ...]]
    errors: ClassVar[tuple[type[Exception], ...]]
    encodings: ClassVar[tuple[str, ...]] = ("gzip", "deflate", "br", "zstd")
    reads_whole: ClassVar[bool] = True

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
        """Make a call in the usual way, the body read by the library where it does that."""
        raise NotImplementedError

    def open(self, url: str = CHAT, body: Any = None, *, timeout: float = 10) -> Response:
        """Make a call whose body is still to come."""
        raise NotImplementedError

    def read(self, response: Response) -> bytes:
        """The whole body, decoded if the library does that."""
        raise NotImplementedError

    def pieces(self, response: Response, way: str) -> Iterator[bytes]:
        """The body in pieces, each as soon as it is there."""
        raise NotImplementedError

    def close(self, response: Response) -> None:
        """Leave a response."""
        response.close()

    def look(self, response: Response) -> tuple[int, str, str, str, list[tuple[str, str]]]:
        """Status, reason, version, URL and headers."""
        raise NotImplementedError

    def quit(self) -> None:
        """Close the client."""

    # What follows from these

    def seen(self, response: Response) -> Seen:
        """Read a response, and return all of it."""
        status, reason, version, url, pairs = self.look(response)
        body = self.read(response)
        encoding = dict(pairs).get("content-encoding")
        gone = _NEVER_STORED | ({"content-length"} if encoding else set())
        headers = [(name, value) for name, value in pairs if name not in gone]
        if encoding and encoding not in self.encodings:
            body = _decoded(body, encoding)
        return Seen(status, reason, version, url, headers, body)

    def post(self, asked: Any = PLAIN, url: str = CHAT, **options: Any) -> Seen:
        """Send JSON, and return all of the response."""
        return self.seen(self.send(url, json_body(asked), JSON, **options))

    def stream(self, asked: Any = STREAM, url: str = CHAT, **options: Any) -> Response:
        """Send JSON, and return the response, unread."""
        return self.open(url, json_body(asked), **options)

    def whole(self, response: Response, way: str) -> bytes:
        """All pieces, put together."""
        return b"".join(self.pieces(response, way))

    def together(self, count: int) -> list[Seen]:
        """The same call several times at once."""
        seen: list[Seen] = []
        threads = [Thread(target=lambda: seen.append(self.post())) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return seen


def _decoded(body: bytes, encoding: str) -> bytes:
    assert encoding in ("gzip", "deflate")
    return zlib.decompress(body, 47)


def until_empty(read: Callable[[], bytes]) -> Iterator[bytes]:
    """What a function gives, until it gives nothing."""
    return iter(read, b"")
