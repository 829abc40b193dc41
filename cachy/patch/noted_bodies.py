"""The bodies of requests that are sent in pieces: generators, files, forms with files.

A look-up needs the whole body, and a live call must send the same pieces. So either the pieces are
read ahead, and sent afterwards, or they are noted on their way to the server. More than `LIMIT` is
not held; then the call is not recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachy.store.entry import BODY_LIMIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import ModuleType

LIMIT = BODY_LIMIT
TOO_LONG = f"its request is sent in pieces, and longer than {LIMIT:,} bytes"


class _Noted:
    """What is known of a body. `whole`: all of it was read, and `content` is what it was."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._pieces: list[bytes] = []
        self._rest: Any = None  # what was not read ahead, if some was
        self._length = 0
        self._sent = self.whole = False

    @property
    def content(self) -> bytes:
        """What was read."""
        return b"".join(self._pieces)

    def leave(self) -> None:
        """Note that it counts as sent, and let go of it."""
        self._sent, self._pieces = True, []

    def _fits(self, piece: bytes) -> bool:
        """Note a piece. Tell whether all so far is short enough to be held."""
        self._pieces.append(piece)
        self._length += len(piece)
        return self._length <= LIMIT

    def _take(self) -> list[bytes]:
        """Return what was read ahead, to be sent now."""
        pieces, self._pieces = self._pieces, []
        self._sent = True
        return pieces


def noted_stream(httpx: ModuleType) -> Any:
    """Return the class of a request's body that is noted before, or while, it is sent."""

    class NotedStream(_Noted, httpx.SyncByteStream, httpx.AsyncByteStream):  # type: ignore[misc,name-defined]
        def fill(self) -> None:
            """Read ahead, to the end or the limit."""
            self._rest = iter(self._stream)
            for piece in self._rest:
                if not self._fits(piece):
                    return
            self.whole = True

        async def afill(self) -> None:
            """Read ahead, to the end or the limit."""
            self._rest = self._stream.__aiter__()
            async for piece in self._rest:
                if not self._fits(piece):
                    return
            self.whole = True

        def __iter__(self) -> Iterator[bytes]:
            if self._sent:  # once more, which not every body allows
                yield from self._stream
            elif self._rest is not None:
                yield from self._take()
                if not self.whole:
                    yield from self._rest
            else:
                self._sent = True
                for piece in self._stream:
                    if not self._fits(piece):
                        self._pieces = []
                    yield piece
                self.whole = self._length <= LIMIT

        async def __aiter__(self) -> AsyncIterator[bytes]:
            if self._sent:
                async for piece in self._stream:
                    yield piece
            elif self._rest is not None:
                for piece in self._take():
                    yield piece
                if not self.whole:
                    async for piece in self._rest:
                        yield piece
            else:
                self._sent = True
                async for piece in self._stream:
                    if not self._fits(piece):
                        self._pieces = []
                    yield piece
                self.whole = self._length <= LIMIT

    return NotedStream
