"""A live response that its reader pulls: what it reads is what came.

    begin() ──▶ feed() … ──▶ ended() ──▶ close()

An empty read means the end there, so nothing is ever held back; and a response that is forgotten
unread lets go of its recording.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import finalize

from cachy.rules import streams

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from cachy.engine.recording import Recording
    from cachy.engine.threads import Threads
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
        self._note(piece)
        if self._recording.may_be_whole:
            self._recording.commit(closing=False)

    def _note(self, piece: bytes) -> None:
        self._recording.feed(piece)
        self._recording.release()
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


class AsyncTap(Tap):
    """What feeds a recording, for async clients. Nothing is written to the disk while a loop runs:
    `settle` is awaited after a read; what is left unread by a function that cannot wait is kept by
    a thread.

    `in_one_piece`: the body is no stream, so it is worth keeping when it came, read or not.
    """

    __slots__ = ("_again", "_left", "_threads", "in_one_piece")

    def __init__(
        self, recording: Recording, threads: Threads, *, in_lines: bool, in_one_piece: bool
    ) -> None:
        super().__init__(recording, in_lines=in_lines)
        self._threads, self.in_one_piece = threads, in_one_piece
        self._again = 0
        self._left: Future[None] | None = None

    def feed(self, piece: bytes) -> None:
        """Note a piece that is passed on."""
        seen = min(self._again, len(piece))
        self._again -= seen
        if len(piece) > seen:
            self._note(piece[seen:] if seen else piece)

    def put_back(self, count: int) -> None:
        """Note that the last `count` bytes were put back: they will be passed on again."""
        self._again += count

    async def settle(self) -> bool:
        """Keep what is whole. Return whether the end was reached."""
        recording = self._recording
        if recording.due() and (self._ended or recording.may_be_whole):
            await self._threads.run(partial(recording.commit, closing=self._ended))
        elif self._ended:
            self.close()
        return self._ended

    def leave(self) -> None:
        """Let go of the response, and have what came of it kept, if it is worth keeping."""
        if self._recording.due():
            self._left = self._threads.start(self.close)
        else:
            self.close()

    async def left(self) -> None:
        """Wait until what `leave` started is done."""
        if self._left is not None:
            import asyncio

            await asyncio.shield(asyncio.wrap_future(self._left))

    def abandon(self) -> None:
        """Let go of a response that was forgotten."""
        self._recording.abandon()


def begin(
    recording: Recording, head: ResponseHead, sent: Sequence[tuple[str, str]], live: Any
) -> Tap | None:
    """Return the tap for the body of a live response; None if it is not recorded. `sent` are all
    the headers that the request had."""
    live.cachy = {"from": "network", "key": recording.key}
    if not recording.begin(head, sent=sent):
        return None
    finalize(live, recording.abandon)
    return Tap(recording, in_lines=_in_lines(head))


def begin_async(
    recording: Recording,
    head: ResponseHead,
    sent: Sequence[tuple[str, str]],
    live: Any,
    threads: Threads,
) -> AsyncTap | None:
    """Like `begin`, for an async client. It is for the client to tell when the response is
    forgotten."""
    live.cachy = {"from": "network", "key": recording.key}
    if not recording.begin(head, sent=sent):
        return None
    kind = next(iter(head.values("content-type")), "")
    in_one_piece = streams.kind(kind) is None
    return AsyncTap(recording, threads, in_lines=_in_lines(head), in_one_piece=in_one_piece)


def _in_lines(head: ResponseHead) -> bool:
    events = any(kind.startswith("text/event-stream") for kind in head.values("content-type"))
    return events and not head.values("content-encoding")
