"""The bodies of responses of httpx and httpx2: recorded ones, and live ones on their way."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from cachy.engine.entries import pieces

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import ModuleType

    from cachy.engine.recording import Recording
    from cachy.engine.threads import Threads


def pieces_stream(httpx: ModuleType) -> Any:
    """Return the class of a recorded body, in the pieces in which it came."""

    class PiecesStream(httpx.SyncByteStream, httpx.AsyncByteStream):  # type: ignore[misc,name-defined]
        def __init__(self, head: dict[str, Any], body: bytes) -> None:
            self._head, self._body = head, body

        def __iter__(self) -> Iterator[bytes]:
            yield from pieces(self._head, self._body)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for piece in pieces(self._head, self._body):
                yield piece

    return PiecesStream


def tapped_stream(httpx: ModuleType) -> Any:
    """Return the class of the body of a live response, recorded on its way to the caller."""

    class TappedStream(httpx.SyncByteStream, httpx.AsyncByteStream):  # type: ignore[misc,name-defined]
        def __init__(self, stream: Any, recording: Recording, threads: Threads) -> None:
            self._stream, self._recording, self._threads = stream, recording, threads
            self.response: Any = None  # a weak reference

        def __iter__(self) -> Iterator[bytes]:
            recording = self._recording
            try:
                for piece in self._stream:
                    passing = recording.feed(piece)
                    if recording.may_be_whole:
                        recording.commit(closing=False)
                    if passing:
                        yield passing
            except Exception:
                if held := recording.release():
                    yield held
                raise
            if held := recording.ended():
                yield held

        async def __aiter__(self) -> AsyncIterator[bytes]:
            recording = self._recording
            try:
                async for piece in self._stream:
                    passing = recording.feed(piece)
                    if recording.may_be_whole:
                        await self._threads.run(partial(recording.commit, closing=False))
                    if passing:
                        yield passing
            except Exception:
                if held := recording.release():
                    yield held
                raise
            if held := recording.ended():
                yield held

        def close(self) -> None:
            try:
                self._stream.close()
            finally:
                self._set_elapsed()
                self._recording.commit()

        async def aclose(self) -> None:
            try:
                await self._stream.aclose()
            finally:
                self._set_elapsed()
                if self._recording.due():
                    await self._threads.run(self._recording.commit)

        def _set_elapsed(self) -> None:
            if (response := self.response()) is not None:
                response.elapsed = timedelta(0, self._recording.ms() / 1000)

    return TappedStream
