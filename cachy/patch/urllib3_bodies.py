"""The bodies of live responses of urllib3, recorded on their way."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cachy.engine.recording import Recording
    from cachy.engine.tap import Tap

LISTENED_TO = ("_fp_read", "_handle_chunk", "_update_chunk_length")
"""The methods of a response through which all bytes come, encoded as they are on the wire."""


def keep_whole(live: Any, recording: Recording, *, decoded: bool) -> None:
    """Record a body that was read already."""
    if live.length_remaining:
        recording.abandon("it is shorter than its content-length")
    elif decoded and live._decoder is not None:
        recording.feed_decoded(live.data)
    else:
        recording.feed(live.data or b"")
        recording.ended()
    recording.commit()


def listen(live: Any, tap: Tap) -> None:
    """Have what is read from a live response fed to its recording."""
    live._cachy_tap = tap
    live.__class__ = _listening(type(live))  # type: ignore[arg-type]


@lru_cache(maxsize=16)
def _listening(base: Any) -> Any:
    """Return the class that a live response becomes, so that its recording is fed."""

    class Listening(base):  # type: ignore[misc]
        _cachy_tap: Tap

        def _fp_read(self, amt: int | None = None, **options: Any) -> Any:
            data = super()._fp_read(amt, **options)
            self._cachy_tap.feed(data)
            left = self.length_remaining
            if left == len(data) or (left is None and self.isclosed()):
                self._cachy_tap.ended()
            return data

        def _update_chunk_length(self) -> None:
            super()._update_chunk_length()
            if self.chunk_left == 0:
                self._cachy_tap.ended()

        def _handle_chunk(self, amt: int | None) -> Any:
            data = super()._handle_chunk(amt)
            self._cachy_tap.feed(data)
            return data

        def release_conn(self) -> None:  # also at the end of the body, and when reading fails
            super().release_conn()
            self._cachy_tap.close()

        def close(self) -> None:
            super().close()
            self._cachy_tap.close()

    Listening.__name__, Listening.__qualname__ = base.__name__, base.__qualname__
    Listening.__module__ = base.__module__
    return Listening
