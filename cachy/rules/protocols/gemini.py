"""Google's Gemini: `generateContent` and interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachy.rules.content import Piece, as_dict, as_dicts, as_text, call_text, text_of
from cachy.rules.protocols import Finish, Protocol, finish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.protocols import Data


def empty(data: Data) -> bool:
    """A prompt blocked for a reason is an answer; no candidate and no reason is a failure."""
    if data.get("candidates"):
        return False
    if blocked := as_dict(data.get("promptFeedback")).get("blockReason"):
        return bool(blocked == "OTHER")
    counted = "totalTokens" in data or "embeddings" in data
    return "usageMetadata" in data and "modelVersion" in data and not counted


def finishes(data: Data) -> Iterator[Finish]:
    return map(finish, as_dicts(data.get("candidates")))


def usage(data: Data) -> tuple[Any, Any]:
    for place in (data, as_dict(data.get("response"))):
        if counts := as_dict(place.get("usageMetadata") or place.get("usage_metadata")):
            return counts.get("promptTokenCount"), counts.get("candidatesTokenCount")
    return None, None


def pieces(data: Data) -> Iterator[Piece]:
    for candidate in as_dicts(data.get("candidates")):
        index = candidate.get("index", 0)
        for part in as_dicts(as_dict(candidate.get("content")).get("parts")):
            if call := as_dict(part.get("functionCall")):
                yield Piece(None, "tool call", call_text(call.get("name"), call.get("args")))
            elif "text" in part:
                kind = "thinking" if part.get("thought") else "assistant"
                yield Piece(index, kind, as_text(part["text"]))
            else:
                yield Piece(index, "assistant", text_of(part))


PROTOCOL = Protocol(
    last_events=frozenset({"interaction.completed", "interaction.complete"}),
    event_prefixes=("interaction.",),
    index_fields=("index",),
    empty=empty,
    finishes=finishes,
    bad_finishes=frozenset({"malformed_function_call", "other"}),
    usage=usage,
    pieces=pieces,
    system_fields=("systemInstruction", "system_instruction"),
    turn_fields=("contents",),
    prompt_fields=("content",),
)
