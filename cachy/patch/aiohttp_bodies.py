"""The bodies of responses of aiohttp: recorded ones, and live ones on their way."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachy.engine.tap import AsyncTap

LISTENED_TO = ("_read_nowait_chunk", "read", "readany", "readuntil", "readchunk", "set_exception")
"""The methods of a StreamReader through which all bytes go to a reader, and the news of the end."""

_taps: dict[int, AsyncTap] = {}
"""The taps of the readers that are listened to, by id: a reader has no room for more attributes."""


class Recorded:
    """What a recorded response starts from: its connection, and that one's protocol."""

    upgraded = False
    closed = False
    transport = None

    def __init__(self, message: Any, content: Any) -> None:
        self.message, self.content = message, content

    @property
    def protocol(self) -> Recorded:
        return self

    async def read(self) -> tuple[Any, Any]:
        """Return the head of the response, and the reader of its body."""
        return self.message, self.content

    def add_callback(self, callback: Any) -> None:
        """Call it at once: it stops a timer, and this is no connection that may be slow."""
        callback()

    def release(self) -> None:
        """Do nothing, as `close` does."""

    def close(self) -> None: ...


@lru_cache(maxsize=4)
def pieces_reader(base: Any) -> Any:
    """Return the class of a recorded body, in the pieces in which it came."""

    class PiecesReader(base):  # type: ignore[misc]
        def __init__(
            self, pieces: Sequence[bytes], protocol: Any, limit: int, loop: Any, chunked: bool
        ) -> None:
            super().__init__(protocol, limit, loop=loop)
            self._cachy_pieces, self._cachy_chunked = [*reversed(pieces)], chunked
            if len(pieces) < 2:
                self._cachy_next()

        def _cachy_next(self) -> None:
            pieces = self._cachy_pieces
            piece = pieces.pop() if pieces else b""
            if piece and self._cachy_chunked:
                self.begin_http_chunk_receiving()
            self.feed_data(piece)
            if piece and self._cachy_chunked:
                self.end_http_chunk_receiving()
            if not pieces:
                self.feed_eof()

        async def _wait(self, *_: Any) -> None:
            self._cachy_next()

        async def wait_eof(self) -> None:
            while not self.is_eof():
                self._cachy_next()

    PiecesReader.__name__, PiecesReader.__qualname__ = base.__name__, base.__qualname__
    PiecesReader.__module__ = base.__module__
    return PiecesReader


def listen(live: Any, tap: AsyncTap) -> None:
    """Have what is read from a live response fed to its recording."""
    live._cachy_tap = tap
    response: Any = type(live)
    live.__class__ = _listening_response(response)
    reader: Any = type(live.content)
    live.content.__class__ = _listening_reader(reader)
    _taps[id(live.content)] = tap


async def _settled(reader: Any) -> None:
    tap = _taps.get(id(reader))
    if tap is not None:
        if reader.at_eof():
            tap.ended()
        if await tap.settle():
            _taps.pop(id(reader), None)


@lru_cache(maxsize=4)
def _listening_reader(base: Any) -> Any:
    """Return the class that the reader of a live response becomes."""

    class Listening(base):  # type: ignore[misc]
        __slots__ = ()

        def _read_nowait_chunk(self, n: int) -> bytes:
            piece: bytes = super()._read_nowait_chunk(n)
            if (tap := _taps.get(id(self))) is not None:
                tap.feed(piece)
                if self.at_eof():
                    tap.ended()
            return piece

        def unread_data(self, data: bytes) -> None:
            super().unread_data(data)
            if (tap := _taps.get(id(self))) is not None:
                tap.put_back(len(data))

        async def read(self, n: int = -1) -> bytes:
            data: bytes = await super().read(n)
            await _settled(self)
            return data

        async def readany(self) -> bytes:
            data: bytes = await super().readany()
            await _settled(self)
            return data

        async def readuntil(self, *arguments: Any, **options: Any) -> bytes:
            data: bytes = await super().readuntil(*arguments, **options)
            await _settled(self)
            return data

        async def readchunk(self) -> tuple[bytes, bool]:
            data: tuple[bytes, bool] = await super().readchunk()
            await _settled(self)
            return data

        def set_exception(self, *arguments: Any) -> None:  # also when a response is released
            if (tap := _taps.get(id(self))) is not None:
                if self.is_eof() and tap.in_one_piece:
                    while not self.at_eof():
                        self._read_nowait_chunk(-1)
                _taps.pop(id(self), None)
                tap.leave()
            super().set_exception(*arguments)

        def __del__(self) -> None:
            if (tap := _taps.pop(id(self), None)) is not None:
                tap.abandon()

    return _named_as(Listening, base)


@lru_cache(maxsize=16)
def _listening_response(base: Any) -> Any:
    """Return the class that a live response becomes."""

    class Listening(base):  # type: ignore[misc]
        _cachy_tap: AsyncTap

        async def wait_for_close(self) -> None:  # at the end of `async with`
            await super().wait_for_close()
            await self._cachy_tap.left()

    return _named_as(Listening, base)


def _named_as(ours: Any, base: Any) -> Any:
    ours.__name__, ours.__qualname__, ours.__module__ = (
        base.__name__,
        base.__qualname__,
        base.__module__,
    )
    return ours
