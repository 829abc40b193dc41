"""Amazon Bedrock's converse, and the names of its older models' fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachy.rules.content import Piece, as_dict, as_dicts, call_text, content_block
from cachy.rules.protocols import Protocol, Tokens, with_cached

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.protocols import Data


def usage(data: Data) -> Tokens:
    """In the body, and in the event `metadata` of a stream."""
    counts = as_dict(data.get("usage"))
    read, written = (counts.get(f"cache{how}InputTokens") for how in ("Read", "Write"))
    sent = with_cached(counts.get("inputTokens"), read, written)
    return Tokens(sent, counts.get("outputTokens"), read, written)


def pieces(data: Data) -> Iterator[Piece]:
    """Content blocks, whole or in pieces."""
    message = as_dict(as_dict(data.get("output")).get("message"))
    for index, block in enumerate(as_dicts(message.get("content"))):
        yield from _block(index, block)
    if "contentBlockIndex" in data:
        yield from _block(
            data["contentBlockIndex"], as_dict(data.get("delta") or data.get("start"))
        )


def _block(index: Any, block: Data) -> Iterator[Piece]:
    yield from content_block(index, block)
    if call := as_dict(block.get("toolUse")):
        yield Piece(index, "tool call", call_text(call.get("name"), call.get("input") or ""))


PROTOCOL = Protocol(
    last_events=frozenset({"messageStop"}),
    event_prefixes=("messageStart", "contentBlock"),
    index_fields=("contentBlockIndex",),
    usage=usage,
    pieces=pieces,
    model_fields=("modelId",),
    system_fields=("system",),
    turn_fields=("messages",),
    prompt_fields=("inputText",),
)
