"""What travels: the `Call` a client made and the `Answer` a provider gives.

A provider is a module of this package with `def answer(call, serial) -> Answer | None`
(None: not its endpoint). Modules are found by their names; there is no list to edit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qs

EventStream = "text/event-stream; charset=utf-8"
Event = dict[str, Any] | tuple[str, dict[str, Any]] | str


@dataclass(frozen=True)
class Call:
    """One request as it reached the server."""

    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def asks(self, name: str) -> str:
        """The query parameter `name`, or an empty string."""
        return parse_qs(self.query).get(name, [""])[0]

    def form(self) -> dict[str, bytes]:
        """The fields of a multipart body."""
        head = f"Content-Type: {self.headers.get('content-type', '')}\r\n\r\n".encode()
        parts: list[Message] = BytesParser().parsebytes(head + self.body).get_payload()  # type: ignore[assignment]
        return {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)  # type: ignore[misc]
            for part in parts
        }


@dataclass
class Answer:
    """One response. A list as body is a stream: its pieces are sent one by one, chunked.

    A header value of several lines is sent as several headers (two cookies, say). The body is
    sent as it is, whatever content encoding the headers claim; lengths are the server's affair.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | list[bytes] = b""


Provider = Callable[[Call, int], Answer | None]


def dumps(value: object) -> str:
    """JSON as providers write it: compact, and no escapes for what is not ASCII."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def encode(value: object) -> bytes:
    return dumps(value).encode()


def json_answer(value: object, status: int = 200, **headers: str) -> Answer:
    """A plain JSON answer; `x_request_id="…"` becomes the header `x-request-id`."""
    return Answer(status, _named("application/json", headers), encode(value))


def stream_answer(pieces: list[bytes], content_type: str = EventStream, **headers: str) -> Answer:
    """A streamed answer, an event stream by default."""
    return Answer(200, _named(content_type, headers), pieces)


def sse(events: Iterable[Event]) -> list[bytes]:
    """One piece per event: data alone, a (name, data) pair, or a raw line (a comment, `[DONE]`)."""
    return [_event(event) for event in events]


def ndjson(values: Iterable[object]) -> list[bytes]:
    """One piece per line of newline-delimited JSON."""
    return [encode(value) + b"\n" for value in values]


def _event(event: Event) -> bytes:
    if isinstance(event, str):
        return f"{event}\n\n".encode()
    if isinstance(event, tuple):
        name, data = event
        return f"event: {name}\n".encode() + b"data: " + encode(data) + b"\n\n"
    return b"data: " + encode(event) + b"\n\n"


def _named(content_type: str, headers: dict[str, str]) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"content-type": content_type} | named
