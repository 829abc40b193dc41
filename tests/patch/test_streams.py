"""The streams of httpx: recorded pieces, and live ones that are listened to."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import httpx2
import pytest

from cachy.patch.streams import pieces_stream

PIECES = [b"one, ", b"two, ", b"three"]
HEAD = {"times": [[len(piece), 1] for piece in PIECES]}


@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
def test_recorded_pieces_come_as_they_were_cut(library: Any) -> None:
    stream = pieces_stream(library)(HEAD, b"".join(PIECES))
    assert list(stream) == PIECES
    assert list(stream) == PIECES

    async def read() -> list[bytes]:
        return [piece async for piece in stream]

    assert asyncio.run(read()) == PIECES
    assert isinstance(stream, library.SyncByteStream)
    assert isinstance(stream, library.AsyncByteStream)
