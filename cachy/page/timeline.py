"""The events of a stream on a time axis: what came, and when.

The head has when pieces of the body came, as bytes and milliseconds; an event came with the piece
that has its last byte.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.engine.secret_search import masked
from cachy.page.reading import turns_of
from cachy.rules import protocols, streams
from cachy.upkeep.transcript import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.store.entry import Entry

MOST = 1000
"""Events that are listed."""
_LONGEST = 2000
_LARGEST = 8 * 2**20
_BLOCK_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE_END = re.compile(rb"\r\n|\n|\r")


class TimedEvent(NamedTuple):
    """An event: its `ms` since the call began, or None where that was not noted; its `type`, the
    `text` that it adds to the answer, and itself as JSON."""

    ms: float | None
    type: str
    text: str
    json: str


def timeline(entry: Entry) -> dict[str, Any]:
    """Return the events of a stream, and how many there are: at most `MOST` are listed."""
    kind = entry.head.get("stream")
    if not isinstance(kind, str) or len(entry.body) > _LARGEST:
        large = len(entry.body) > _LARGEST
        return {"events": [], "total": 0, "ms": entry.head["ms"], "large": large}
    when, secret = _clock(entry.head), _with_credentials(entry)
    listed, total = list[dict[str, Any]](), 0
    for end, event in _events(kind, entry.body):
        total += 1
        if total <= MOST:
            listed.append(_timed(when(end), event, secret)._asdict())
    return {"events": listed, "total": total, "ms": entry.head["ms"]}


def _with_credentials(entry: Entry) -> str:
    """Return the answer if it holds credentials, which events have in pieces; else nothing."""
    answer = "\n".join(turn.text for turn in turns_of(entry))
    return answer if masked(answer) != answer else ""


def _timed(ms: float | None, event: streams.Event, secret: str) -> TimedEvent:
    data = event.data
    if event.data is None:
        raw = event.raw[:_LONGEST].decode("utf-8", "replace")
        return TimedEvent(ms, event.type or event.defect, "", masked(raw, of=secret))
    pieces = protocols.known().pieces(data) if isinstance(data, dict) else ()
    text = "".join(piece.text for piece in pieces)
    shown = (masked(each[:_LONGEST], of=secret) for each in (text, to_json(data)))
    return TimedEvent(ms, event.type, *shown)


def _clock(head: dict[str, Any]) -> Any:
    """Return a function that tells when the byte before an offset came."""
    pairs = head.get("times")
    try:
        sizes = list(accumulate(int(size) for size, _ in pairs or ()))
        times = list(accumulate(float(ms) for _, ms in pairs or ()))
    except (TypeError, ValueError):
        sizes, times = [], []

    def when(end: int) -> float | None:
        if not sizes:
            return None
        return times[min(bisect_left(sizes, end), len(times) - 1)]

    return when


def _events(kind: str, body: bytes) -> Iterator[tuple[int, streams.Event]]:
    """Yield the events, each with the offset of its end."""
    at = 0
    for end in _ends(kind, body):
        for event in streams.decode(kind, body[at:end]):
            yield end, event
        at = end


def _ends(kind: str, body: bytes) -> Iterator[int]:
    """Yield the offsets at which parts of the body end that can be decoded by themselves."""
    if kind == "aws-eventstream":
        at = 0
        while at + 4 <= len(body):
            length = int.from_bytes(body[at : at + 4], "big")
            if length < 16 or at + length > len(body):
                break
            at += length
            yield at
        if at < len(body):
            yield len(body)
        return
    separator = {"sse": _BLOCK_END, "ndjson": _LINE_END}.get(kind)
    last = 0
    for match in separator.finditer(body) if separator is not None else ():
        last = match.end()
        yield last
    if last < len(body):
        yield len(body)
