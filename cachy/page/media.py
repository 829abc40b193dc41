"""Images and sound in an entry, told by their first bytes: never by what the entry says they are.

SVG is not among them, for it can hold scripts.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.page.reading import is_large
from cachy.upkeep.transcript import events_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.store.entry import Entry

MOST = 24
"""Images and sounds of one entry that are shown."""
_SHORTEST = 64  # characters of base64
_MOST_VALUES = 200_000
_START = 24  # bytes that tell what something is


class Medium(NamedTuple):
    """An image or a sound. `kind` is its media type; `where` says which of request, answer, body
    has it; `data` its bytes, in base64 unless it is the body."""

    kind: str
    where: str
    data: str | bytes

    def content(self) -> bytes:
        """Return its bytes."""
        return self.data if isinstance(self.data, bytes) else _decoded(self.data)

    @property
    def size(self) -> int:
        """The number of its bytes."""
        return len(self.data) if isinstance(self.data, bytes) else len(self.data) * 3 // 4


def media_of(entry: Entry) -> list[Medium]:
    """Return the images and sounds in an entry, at most `MOST`."""
    if kind := sniff(entry.body[:_START]):
        return [Medium(kind, "body", entry.body)]
    found = list[Medium]()
    answer = _quoted(entry.body) if is_large(entry) else _strings(list(events_of(entry)))
    request = _strings([entry.head.get("request")])
    for where, texts in (("request", request), ("answer", answer)):
        for text in texts:
            if (kind := sniff(_start(text))) and len(found) < MOST:
                found.append(Medium(kind, where, text))
    return found


def sniff(start: bytes) -> str:
    """Return the media type of what begins so; empty if it is none that is shown.

    >>> sniff(b"\\x89PNG\\r\\n\\x1a\\n"), sniff(b"<svg xmlns=")
    ('image/png', '')
    """
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    if start[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(start[8:12], "")
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        return "image/avif" if brand == b"avif" else "audio/mp4" if brand in _SOUND else ""
    if len(start) > 2 and start[0] == 0xFF and start[1] in (0xFB, 0xF3, 0xF2):
        return "audio/mpeg"
    return ""


_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
_SOUND = (b"M4A ", b"isom", b"mp42", b"iso5", b"dash")


_IN_QUOTES = re.compile(rb'"((?:data:[\w/.+-]{1,80};base64,)?[A-Za-z0-9+/]{64,}={0,2})"')


def _quoted(body: bytes) -> Iterator[str]:
    """Yield what is in base64 in a large body: decoded, its JSON could take many times its size."""
    for match in _IN_QUOTES.finditer(body):
        yield match[1].decode()


def _strings(values: list[Any]) -> Iterator[str]:
    """Yield the long strings in decoded JSON. Not recursive: it may be nested deep."""
    stack, seen = list(reversed(values)), 0
    while stack and seen < _MOST_VALUES:
        value = stack.pop()
        seen += 1
        if isinstance(value, str):
            if len(value) >= _SHORTEST:
                yield value
        elif isinstance(value, dict):
            stack += reversed(value.values())
        elif isinstance(value, list):
            stack += reversed(value)


def _base64_in(text: str) -> str:
    """Return what is in base64 in a data URL, or the text itself."""
    return text.partition(",")[2] if text.startswith("data:") else text


def _start(text: str) -> bytes:
    try:
        return base64.b64decode(_base64_in(text[:200])[:32].encode(), validate=True)
    except (ValueError, binascii.Error):
        return b""


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(_base64_in(text).encode("ascii", "replace"))
    except (ValueError, binascii.Error):
        return b""
