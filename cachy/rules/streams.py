"""Streams of events: server-sent events, NDJSON, JSON arrays and Amazon's binary frames.

    kind(content_type, body)    which of them a body is, if any
    decode(kind, body)          its events
    Watch                       notices the end of a stream in its chunks as they pass

Decoding never raises: bodies may be cut anywhere, and stores may hold what anyone committed. What
cannot be decoded is an `Event` with a `defect`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.lazy import base64, lazy_pattern, orjson
from cachy.rules import protocols

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 200
"""Events that are nested deeper are not decoded: readers may recurse."""

INVALID = "not valid JSON"
DEEP = f"nested more than {MAX_DEPTH} levels deep"


class Event(NamedTuple):
    """One event of a stream, or a whole body that is not a stream.

    `data` is its JSON, decoded; None with a `defect`, which says why it could not be, and `raw`,
    the bytes. `name` is what the stream calls it: the `event:` of server-sent events, Amazon's
    `:event-type`. `failed`: the stream itself calls it an error. `complete`: its end was there.
    `coded`: its JSON came in base64, so it cannot be read in the body.
    """

    data: Any = None
    name: str = ""
    defect: str = ""
    raw: bytes = b""
    failed: bool = False
    complete: bool = True
    coded: bool = False

    @property
    def type(self) -> str:
        """The type that its data gives, or its name; empty if it has neither."""
        if isinstance(self.data, dict):
            kind = self.data.get("type") or self.data.get("event_type")
            if isinstance(kind, str):
                return kind
        return self.name


# ---- Kinds ----

_NDJSON = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/stream+json",
)


def kind(content_type: str, body: bytes = b"") -> str | None:
    """Return `sse`, `ndjson`, `json-array`, `aws-eventstream`, or None for a body in one piece.

    >>> kind("text/event-stream; charset=utf-8")
    'sse'
    """
    media = content_type.partition(";")[0].strip().lower()
    # Some servers send event streams as JSON, and some proxies drop the content type.
    if media == "text/event-stream":
        return "sse"
    if body.startswith((b"data:", b"event:")) and (
        not media.startswith("text/") or b"data:" in body
    ):
        return "sse"
    if media in _NDJSON:
        return "ndjson"
    if media == "application/vnd.amazon.eventstream" or (not media and b":event-type" in body[:64]):
        return "aws-eventstream"
    # Gemini streams a JSON array of chunks unless the URL has `alt=sse`.
    if media == "application/json" and body[:1] == b"[" and b'"candidates"' in body:
        return "json-array"
    # Vertex AI and some gateways send JSON lines as JSON.
    if media == "application/json" and body[:1] == b"{":
        return "ndjson" if b"}\n{" in body or b"}\r\n{" in body else None
    return None


def begins_lines(start: bytes) -> bool:
    """Return whether a body that is called JSON begins with a line of JSON, as NDJSON does.

    >>> begins_lines(b'{"done": false}\\n'), begins_lines(b'{\\n  "done": false')
    (True, False)
    """
    line, end, _ = start.partition(b"\n")
    return bool(end) and line.startswith(b"{") and line.rstrip().endswith(b"}")


# ---- Decoding ----


def decode(kind: str | None, body: bytes) -> list[Event]:
    """Decode a body into its events; one that is not a stream (`kind` is None) into one event.

    Where the body was cut in the middle of an event, the last event is not `complete`.

    >>> [event.data for event in decode("ndjson", b'{"done": false}\\n{"done": true}\\n')]
    [{'done': False}, {'done': True}]
    """
    decoder = _DECODERS.get(kind) if isinstance(kind, str) else None
    return [_event(body)] if decoder is None else list(decoder(body))


def _event(raw: bytes, name: str = "", *, failed: bool = False) -> Event:
    """An event with this JSON, or with its defect."""
    try:
        data = orjson.loads(raw)
    except ValueError:
        return Event(name=name, defect=INVALID, raw=raw, failed=failed)
    if _is_deep(data, raw):
        return Event(name=name, defect=DEEP, raw=raw, failed=failed)
    return Event(data, name, failed=failed)


def _is_deep(data: Any, raw: bytes) -> bool:
    """Whether decoded JSON has more than `MAX_DEPTH` levels."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return False
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


_LINE_END = lazy_pattern(rb"\r\n|\r|\n")
_EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")


def _sse(body: bytes) -> Iterator[Event]:
    """The events of WHATWG HTML, 9.2.6; also those with a name and no data."""
    blocks = list(_blocks(body))
    for number, (name, lines) in enumerate(blocks, start=1):
        text = name.decode("utf-8", "replace")
        event = _event(b"\n".join(lines).strip(), text, failed=name == b"error")
        last = number == len(blocks)
        yield event._replace(complete=False) if last and not body.endswith(_EVENT_ENDS) else event
    if not blocks and body and not body.endswith(_EVENT_ENDS):
        yield Event(defect=INVALID, complete=False)


def _blocks(body: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    """Name and data lines of each event that has a name or data that is not blank."""
    name, lines = b"", list[bytes]()
    for line in (*_LINE_END.split(body), b""):
        if line.startswith(b"data:"):
            lines.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif not line:
            if name or any(map(bytes.strip, lines)):
                yield name, lines
            name, lines = b"", []


def _ndjson(body: bytes) -> Iterator[Event]:
    lines = [line for line in _LINE_END.split(body) if line.strip()]
    for number, line in enumerate(lines, start=1):
        event = _event(line)
        cut = number == len(lines) and event.data is None and event.defect != DEEP
        yield event._replace(complete=False) if cut else event


def _json_array(body: bytes) -> Iterator[Event]:
    whole = _event(body)
    if isinstance(whole.data, list):
        yield from map(Event, whole.data)
    else:
        yield whole._replace(complete=whole.defect == DEEP)


def _aws_eventstream(body: bytes) -> Iterator[Event]:
    """Frames: total length, header length, checksum, headers, payload, checksum."""
    at = 0
    while at + 16 <= len(body):
        length, size = (int.from_bytes(body[at + i : at + i + 4], "big") for i in (0, 4))
        if length < 16 or at + length > len(body):
            break
        frame = body[at : at + length]
        headers = dict(_aws_headers(frame[12 : 12 + size]))
        failed = (
            b":exception-type" in headers
            or b":error-code" in headers
            or headers.get(b":message-type") in (b"exception", b"error")
        )
        name = headers.get(b":event-type", b"").decode("utf-8", "replace")
        yield _unwrapped(_event(frame[12 + size : -4], name, failed=failed))
        at += length
    if at != len(body):
        yield Event(defect=INVALID, raw=body[at:], complete=False)


_AWS_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""The sizes of header values by their type: booleans, integers, a time, a UUID."""


def _aws_headers(headers: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and values. Stops where the block is malformed."""
    at = 0
    while at < len(headers):
        start = at + 1 + headers[at]
        name, kind = headers[at + 1 : start], headers[start : start + 1]
        if not kind:
            return
        at = start + 1
        if kind[0] in (6, 7):  # bytes and strings: a length first
            size = int.from_bytes(headers[at : at + 2], "big")
            at += 2
        elif kind[0] in _AWS_SIZES:
            size = _AWS_SIZES[kind[0]]
        else:
            return
        yield name, headers[at : at + size]
        at += size


def _unwrapped(event: Event) -> Event:
    """A model's own events come from Bedrock in base64: `{"bytes": "…", "p": "padding"}`."""
    data = event.data
    if not isinstance(data, dict) or not {"bytes"} <= data.keys() <= {"bytes", "p"}:
        return event
    try:
        raw = base64.b64decode(data["bytes"])
    except (ValueError, TypeError):
        return event
    return _event(raw, event.name, failed=event.failed)._replace(coded=True)


_DECODERS = {
    "sse": _sse,
    "ndjson": _ndjson,
    "json-array": _json_array,
    "aws-eventstream": _aws_eventstream,
}


# ---- Noticing the end ----


class Watch:
    """Look for the end of a stream in its chunks as they pass, for the price of a few searches.

    Some clients (litellm) stop reading a stream without closing it, so its end must be noticed as
    it passes.
    """

    def __init__(self) -> None:
        known = protocols.known()
        self._last, self._before_last = known.end_marks, known.before_last
        self._event = b""  # what came since the end of the last event

    def see(self, chunk: bytes) -> str:
        """Return `last` if the stream may be over with this chunk, `last but one` if one more event
        is due, otherwise an empty string."""
        seen = self._event + chunk
        if not seen.endswith((*_EVENT_ENDS, b"}\n")):
            # Long events (whole answers, images) come in many chunks: keep only what can matter.
            if len(seen) > 65536:
                seen = seen[:4096] + seen[-4096:]
            self._event = seen
            return ""
        self._event = b""
        if any(mark in seen for mark in self._last):
            return "last"
        return "last but one" if self._before_last.search(seen) else ""
