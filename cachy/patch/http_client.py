"""Responses of http.client: recorded ones, and live ones on their way.

urllib.request returns them, and those of urllib3 are built on them.
"""

from __future__ import annotations

import io
from functools import lru_cache
from http.client import HTTPMessage, HTTPResponse, responses
from typing import TYPE_CHECKING, Any

from cachy.engine.entries import origin, pieces
from cachy.rules.message import ResponseHead

if TYPE_CHECKING:
    from collections.abc import Callable

    from cachy.engine.tap import Tap
    from cachy.store.entry import Entry

_VERSIONS = {"HTTP/1.0": 10, "HTTP/1.1": 11, "HTTP/2": 20, "HTTP/3": 30}
_NUMBERS = {number: version for version, number in _VERSIONS.items()}
_BODILESS = (204, 304)


class _NoSocket:
    """Stands where users reach for the socket below a response, to set its time-out."""

    def settimeout(self, seconds: float | None) -> None:
        """Do nothing: what was recorded is there."""


class _Recorded(io.BytesIO):
    _sock = _NoSocket()


class _Connection:
    """What an HTTPResponse is made of: something with a file."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Recorded(self._data))


def replayed(found: Entry, method: str) -> HTTPResponse:
    """Return a response over a recorded body. One whose length was not told is in chunks, those in
    which it came."""
    head, body, _ = found
    status = head["status"]
    message = HTTPMessage()
    for name, value in head["headers"]:
        message[name] = value
    length = 0 if status in _BODILESS else _length(message.get("content-length"), body)
    wire = body if length is not None else _chunked(pieces(head, body))
    response: Any = HTTPResponse(_Connection(wire), method=method)  # type: ignore[arg-type]
    # What `begin` would read from a socket.
    response.headers = response.msg = message
    response.code = response.status = status
    response.reason = head.get("reason", responses.get(status, ""))
    response.version = _VERSIONS.get(head.get("http", "HTTP/1.1"), 11)
    response.chunked, response.length = length is None, length
    response.chunk_left = None
    response.will_close = True
    response.cachy = origin(head)
    return response  # type: ignore[no-any-return]


def _length(told: str | None, body: bytes) -> int | None:
    return len(body) if told is not None and told.strip() == str(len(body)) else None


def _chunked(parts: list[bytes]) -> bytes:
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part]
    return b"".join(chunks) + b"0\r\n\r\n"


def head_of(live: Any, client: str) -> ResponseHead:
    """Return the head of a live response of http.client, or of one that is like it."""
    standard = responses.get(live.status, "")
    return ResponseHead(
        live.status,
        [(_latin(name), _latin(value)) for name, value in live.headers.items()],
        client=client,
        http=_NUMBERS.get(live.version, "HTTP/1.1"),
        reason=None if live.reason in (None, standard) else live.reason,
    )


def _latin(text: Any) -> str:
    """Some clients read headers as UTF-8."""
    return text if isinstance(text, str) else str(text, "latin-1")


def tap(live: HTTPResponse, tapped: Tap) -> None:
    """Have what is read from a live response fed to its recording."""
    live._cachy_tap = tapped  # type: ignore[attr-defined]
    live._cachy_reading = False  # type: ignore[attr-defined]
    live.__class__ = _tapped(type(live))


def _reads(name: str) -> Callable[..., Any]:
    """Return a method that feeds what the method of this name reads. They call each other: what
    passes through two of them is fed once."""

    def read(self: Any, *arguments: Any, **options: Any) -> Any:
        original = getattr(super(type(self), self), name)
        if self._cachy_reading:
            return original(*arguments, **options)
        self._cachy_reading = True
        try:
            data = original(*arguments, **options)
        except BaseException:
            self._cachy_tap.close()
            raise
        finally:
            self._cachy_reading = False
        self._cachy_tap.feed(data if isinstance(data, bytes) else bytes(arguments[0][:data]))
        if self.length == 0 or (self.isclosed() and not self.length):
            self._cachy_tap.ended()
            self._cachy_tap.close()
        return data

    return read


@lru_cache(maxsize=16)
def _tapped(base: type) -> Any:
    """Return the class that a live response becomes."""

    def close(self: Any) -> None:
        base.close(self)  # type: ignore[attr-defined]
        self._cachy_tap.close()

    names = ("read", "read1", "readinto", "readline")
    body = {name: _reads(name) for name in names} | {"close": close}
    return type(base.__name__, (base,), body | {"__module__": base.__module__})
