"""OpenAI's responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.rules.content import Piece, as_dict, as_dicts, as_text, call_text, text_of
from cachy.rules.protocols import Protocol, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.protocols import Data

_WITH_OUTPUT = ("response.completed", "response.incomplete")


def usage(data: Data) -> Tokens:
    """In the body; in the last event of a stream, inside its response."""
    counts = as_dict(as_dict(data.get("response")).get("usage")) or as_dict(data.get("usage"))
    details = as_dict(counts.get("input_tokens_details"))
    read, written = details.get("cached_tokens"), details.get("cache_write_tokens")
    return Tokens(counts.get("input_tokens"), counts.get("output_tokens"), read, written)


def pieces(data: Data) -> Iterator[Piece]:
    """The items of `output`, in the body or in the event that ends a stream."""
    kind = as_text(data.get("type"))
    body = as_dict(data.get("response")) if kind in _WITH_OUTPUT else data
    if body.get("object") != "response" or kind in ("response.created", "response.in_progress"):
        return
    for index, item in enumerate(as_dicts(body.get("output"))):
        yield _piece(index, item)


def _piece(index: int, item: Data) -> Piece:
    kind = as_text(item.get("type"))
    if kind == "message":
        return Piece(index, "assistant", text_of(item.get("content")))
    if kind == "reasoning":
        return Piece(index, "thinking", text_of(item.get("summary") or item.get("content") or ""))
    if "name" in item:
        arguments = item.get("arguments", item.get("input"))
        return Piece(index, "tool call", call_text(item["name"], arguments))
    action = {"action": item["action"]} if "action" in item else {}
    return Piece(index, "tool call", call_text(kind, action))


PROTOCOL = Protocol(
    last_events=frozenset({"response.completed", "response.incomplete", "response.done"}),
    event_prefixes=("response.",),
    failure_events=frozenset({"response.failed"}),
    index_fields=("output_index", "content_index", "summary_index"),
    usage=usage,
    pieces=pieces,
    system_fields=("instructions",),
    turn_fields=("input",),
    prompt_fields=("input",),
)
