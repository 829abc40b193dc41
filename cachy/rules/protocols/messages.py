"""Anthropic's messages, at Anthropic, on Bedrock and on Vertex AI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.rules.content import Piece, as_dict, as_list, as_text, content_block
from cachy.rules.protocols import Protocol, Tokens, with_cached

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.protocols import Data


def usage(data: Data) -> Tokens:
    """In the body and in `message_delta`; in `message_start`, inside its message."""
    counts = as_dict(data.get("usage")) or as_dict(as_dict(data.get("message")).get("usage"))
    read, written = (counts.get(f"cache_{how}_input_tokens") for how in ("read", "creation"))
    sent = with_cached(counts.get("input_tokens"), read, written)
    return Tokens(sent, counts.get("output_tokens"), read, written)


def pieces(data: Data) -> Iterator[Piece]:
    """Content blocks, whole or in pieces."""
    if not data.get("choices") and data.get("object") != "response":
        for index, block in enumerate(as_list(data.get("content"))):
            yield from content_block(index, as_dict(block))
    if as_text(data.get("type")) in ("content_block_start", "content_block_delta"):
        block = as_dict(data.get("content_block") or data.get("delta"))
        yield from content_block(data.get("index"), block)


PROTOCOL = Protocol(
    last_events=frozenset({"message_stop"}),
    event_prefixes=("message_", "content_block_"),
    failure_events=frozenset({"error"}),
    # litellm reads no further than the event with the stop reason.
    before_last=rb'"message_delta".*"stop_reason":\s*"',
    index_fields=("index",),
    usage=usage,
    pieces=pieces,
    system_fields=("system",),
    turn_fields=("messages",),
)
