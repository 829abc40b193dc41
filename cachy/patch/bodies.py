"""The bodies of requests, as sync clients take them: bytes, text, files and iterables."""

from __future__ import annotations

import io
from typing import Any, NamedTuple


class Body(NamedTuple):
    """A body that was read: `data` as it will be sent, and `again`, what to send in its place."""

    data: bytes
    again: Any


def read_body(body: Any, encoding: str) -> Body | None:
    """Read a request's body, whose text is sent in this encoding; None for what is no body, of
    which the client will complain.

    A file that can be rewound is; anything else that can be read only once is kept, in the pieces
    in which it came, so that its framing stays as it was.
    """
    if body is None:
        return Body(b"", None)
    if isinstance(body, bytes):
        return Body(body, body)
    if isinstance(body, str):
        return Body(_encoded(body, encoding), body)
    if hasattr(body, "read"):
        return _of_file(body, encoding)
    try:
        return Body(bytes(memoryview(body)), body)
    except TypeError:
        pass
    if not hasattr(body, "__iter__"):
        return None
    pieces = list(body)
    again = body if iter(body) is not body else pieces
    return Body(b"".join(_encoded(piece, encoding) for piece in pieces), again)


def _of_file(file: Any, encoding: str) -> Body:
    seekable = getattr(file, "seekable", None)
    at = file.tell() if seekable is not None and seekable() else None
    data = file.read()
    if at is not None:
        file.seek(at)
        again = file
    else:
        again = io.StringIO(data) if isinstance(data, str) else io.BytesIO(data)
    return Body(_encoded(data, encoding), again)


def _encoded(piece: Any, encoding: str) -> bytes:
    return piece.encode(encoding, "replace") if isinstance(piece, str) else bytes(piece)


def header_pairs(headers: Any) -> list[tuple[str, str]]:
    """Return headers, from a mapping whose names and values are text or bytes, in our form."""
    return [(_text(name).lower(), _text(value)) for name, value in headers.items()]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
