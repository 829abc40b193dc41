"""Speech to text and text to speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.rules.content import Piece, as_text
from cachy.rules.protocols import Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.protocols import Data


def pieces(data: Data) -> Iterator[Piece]:
    """A transcription: `text`, or the events of its stream."""
    kind = as_text(data.get("type"))
    if kind == "transcript.text.delta":
        yield Piece(0, "assistant", as_text(data.get("delta")))
    elif "text" in data and not kind and "generation_id" not in data:  # which Cohere has
        yield Piece(0, "assistant", as_text(data["text"]))


PROTOCOL = Protocol(
    last_events=frozenset({"transcript.text.done", "speech.audio.done"}),
    event_prefixes=("transcript.", "speech."),
    pieces=pieces,
    prompt_fields=("input", "text"),
)
