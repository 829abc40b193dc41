"""Image generation and edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.rules.content import Piece, as_dicts, as_text
from cachy.rules.protocols import Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.protocols import Data


def pieces(data: Data) -> Iterator[Piece]:
    """A line for each image: its size, or its address."""
    for index, item in enumerate(as_dicts(data.get("data"))):
        if coded := as_text(item.get("b64_json")):
            yield Piece(index, "data", f"[image, {_size(coded):,} bytes]")
        elif address := as_text(item.get("url")):
            yield Piece(index, "data", f"[image, {address}]")
    coded = as_text(data.get("b64_json"))
    if coded and as_text(data.get("type")).endswith(".completed"):
        yield Piece(0, "data", f"[image, {_size(coded):,} bytes]")


def _size(coded: str) -> int:
    """The number of bytes in base64."""
    return len(coded) * 3 // 4


PROTOCOL = Protocol(
    last_events=frozenset({"image_generation.completed", "image_edit.completed"}),
    event_prefixes=("image_generation.", "image_edit."),
    pieces=pieces,
    prompt_fields=("prompt",),
)
