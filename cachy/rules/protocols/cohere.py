"""Cohere's chat, versions 1 and 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachy.rules.content import (
    Piece,
    as_dict,
    as_dicts,
    as_text,
    call_text,
    content_block,
    tool_calls,
)
from cachy.rules.protocols import Finish, Protocol, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.protocols import Data


def over(data: Data) -> bool | None:
    """Version 1 says in every line whether it is the last."""
    finished = data.get("is_finished")
    return finished if isinstance(finished, bool) else None


def finishes(data: Data) -> Iterator[Finish]:
    """In the body, or inside the last event of a stream: `delta` in version 2, `response` in 1."""
    for place in (data, data.get("delta"), data.get("response")):
        if isinstance(place, dict) and (reason := place.get("finish_reason")):
            yield Finish(None, str(reason), True)


def usage(data: Data) -> Tokens:
    """In `usage`, in version 1 in `meta`; of an embedding only what is charged is told."""
    for place in (data, as_dict(data.get("delta")), as_dict(data.get("response"))):
        for told in (as_dict(place.get("usage")), as_dict(place.get("meta"))):
            if counts := as_dict(told.get("tokens")) or as_dict(told.get("billed_units")):
                read = told.get("cached_tokens")
                return Tokens(counts.get("input_tokens"), counts.get("output_tokens"), read)
    return Tokens(None, None)


def pieces(data: Data) -> Iterator[Piece]:
    kind = as_text(data.get("type"))
    if kind in ("content-delta", "tool-call-start", "tool-call-delta"):
        yield from _delta(data.get("index", 0), as_dict(as_dict(data.get("delta")).get("message")))
    elif not data.get("choices") and "done" not in data:  # not a chat completion, not Ollama
        message = as_dict(data.get("message"))
        for index, block in enumerate(as_dicts(message.get("content"))):
            yield from content_block(index, block)
        yield from tool_calls("tool", message)
    if data.get("event_type") == "text-generation" or "generation_id" in data:
        yield Piece(0, "assistant", as_text(data.get("text")))  # version 1


def _delta(index: Any, message: Data) -> Iterator[Piece]:
    block = as_dict(message.get("content"))
    yield Piece(index, "assistant", as_text(block.get("text")))
    yield Piece(index, "thinking", as_text(block.get("thinking")))
    if call := as_dict(message.get("tool_calls")):  # one, in spite of its name
        function = as_dict(call.get("function"))
        text = call_text(function.get("name"), function.get("arguments", ""))
        yield Piece(index, "tool call", text)


PROTOCOL = Protocol(
    last_events=frozenset({"message-end", "stream-end"}),
    event_prefixes=("message-", "content-", "stream-start"),
    over=over,
    index_fields=("index",),
    finishes=finishes,
    bad_finishes=frozenset({"error", "error_toxic", "error_limit", "timeout", "user_cancel"}),
    usage=usage,
    pieces=pieces,
    turn_fields=("chat_history", "messages"),
    prompt_fields=("message", "query", "texts"),
)
