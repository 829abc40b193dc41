"""A live response that its reader pulls: what it reads is what came.

    begin() ──▶ feed() … ──▶ ended() ──▶ close()

An empty read means the end there, so nothing is ever held back; and a response that is forgotten
unread lets go of its recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import finalize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachy.engine.recording import Recording
    from cachy.rules.message import ResponseHead


class Tap:
    """What feeds a recording, for sync clients.

    `in_lines`: the body is an event stream, and not encoded. Who reads it by lines leaves at the
    last event's `data:`, before the empty line that ends the event.
    """

    __slots__ = ("_ended", "_in_lines", "_recording", "_tail")

    def __init__(self, recording: Recording, *, in_lines: bool = False) -> None:
        self._recording, self._in_lines = recording, in_lines
        self._tail, self._ended = b"", False

    def feed(self, piece: bytes) -> None:
        """Note a piece, as it came over the wire, before it is passed on."""
        recording = self._recording
        recording.feed(piece)
        recording.release()
        if recording.may_be_whole:
            recording.commit(closing=False)
        self._tail = (self._tail + piece[-3:])[-3:]

    def ended(self) -> None:
        """Note that the end of the body was reached."""
        self._ended = True
        self._recording.ended()

    def close(self) -> None:
        """Keep what came, if it is worth keeping. Idempotent."""
        if self._in_lines and not self._ended:
            self._ended = True
            if self._tail.endswith(b"\n") and not self._tail.endswith((b"\n\n", b"\n\r\n")):
                self._recording.feed(b"\n")
        self._recording.commit()


def begin(
    recording: Recording, head: ResponseHead, sent: Sequence[tuple[str, str]], live: Any
) -> Tap | None:
    """Return the tap for the body of a live response; None if it is not recorded. `sent` are all
    the headers that the request had."""
    live.cachy = {"from": "network", "key": recording.key}
    if not recording.begin(head, sent=sent):
        return None
    finalize(live, recording.abandon)
    events = any(kind.startswith("text/event-stream") for kind in head.values("content-type"))
    return Tap(recording, in_lines=events and not head.values("content-encoding"))
