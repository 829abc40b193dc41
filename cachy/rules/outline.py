"""The outline: the canonical request, short enough to be stored with the answer.

It is there to explain misses and to show an entry. A store of whole chat histories would be several
times as large, and images would be in it.
"""

from __future__ import annotations

from typing import Any

from cachy.lazy import base64, hashlib, json
from cachy.rules.key import parse_json

LONG = 200
"""A string of more characters than this is outlined."""
_END = 60
_PIECES = 64

Outline = dict[str, Any]
"""`{"headers": {…}, "scope": …, "repeat": …, "body": …}`, each only where there is one. In `body`,
what is long stands as `{"…": [length, digest, start, end, pieces]}`: length in characters, the
first 16 hex digits of the UTF-8 text's sha256, both ends, and 4 base64 digits for each 64th of the
text (at least 64 characters each), so that a later miss can say where a text began to differ."""


def outline(canonical_request: bytes, *, full: bool = False) -> Outline:
    """What of a request is stored in an entry's head, to explain misses and to show the entry."""
    head, _, body = canonical_request.partition(b"\n\n")
    result: Outline = {}
    for line in head.decode().split("\n")[1:]:
        name, _, value = line.partition(": ")
        if name == "cachy-scope":
            result["scope"] = json.loads(value)
        elif name == "cachy-repeat":
            result["repeat"] = int(value)
        else:
            result.setdefault("headers", {})[name] = value
    if not body:
        return result
    try:
        data = parse_json(body)
        result["body"] = data if full else _shorten(data)
    except (ValueError, RecursionError):
        data = _parts(body) if body.startswith(b"--cachy-boundary") else _text_or_bytes(body)
        result["body"] = data if full else _shorten(data)
    return result


def _shorten(data: Any) -> Any:
    if isinstance(data, str):
        return shorten_text(data) if len(data) > LONG else data
    if isinstance(data, dict):
        return {name: _shorten(value) for name, value in data.items()}
    if isinstance(data, list):
        if len(data) > LONG // 4 and all(isinstance(item, int | float) for item in data):
            return shorten_text(json.dumps(data, separators=(",", ":")))
        return [_shorten(item) for item in data]
    return data


def shorten_text(text: str) -> dict[str, list[Any]]:
    """A long text as its length, digest, two ends and the digests of its pieces."""
    data = text.encode("utf-8", "surrogatepass")
    width = piece_width(len(text))
    pieces = "".join(piece(text[i : i + width]) for i in range(0, len(text), width))
    short = hashlib.sha256(data).hexdigest()[:16]
    return {"…": [len(text), short, text[:_END], text[-_END:], pieces]}


def piece(text: str) -> str:
    """The digest of a piece of text: 4 base64 digits."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return base64.b64encode(digest[:3]).decode()


def piece_width(length: int) -> int:
    """How many characters of a text of `length` one piece's digest stands for."""
    return max(64, -(-length // _PIECES))


def _text_or_bytes(body: bytes) -> Any:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()[:16]}


def _parts(body: bytes) -> list[dict[str, Any]]:
    """The parts of a multipart body, each with its headers and its text, or its size and digest."""
    parts = []
    for part in body.split(b"--cachy-boundary")[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        headers = head.decode("utf-8", "replace").replace("\r\n", "; ")
        parts.append({"headers": headers, "content": _text_or_bytes(content)})
    return parts
