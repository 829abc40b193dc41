"""Embeddings, in the forms of OpenAI, Cohere, Gemini and Ollama."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachy.rules.content import Piece, as_dict, as_dicts, as_list
from cachy.rules.protocols import Protocol, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.protocols import Data


def usage(data: Data) -> Tokens:
    """Where only their sum is told, as Voyage does, all of it was read."""
    counts = as_dict(data.get("usage"))
    return Tokens(counts.get("total_tokens") if len(counts) == 1 else None, None)


def pieces(data: Data) -> Iterator[Piece]:
    """One line for all vectors: their number and size."""
    if vectors := _vectors(data):
        size = _dimensions(vectors[0])
        yield Piece(0, "data", f"[{len(vectors)} vectors, {size} numbers each]")


def _vectors(data: Data) -> list[Any]:
    items = as_dicts(data.get("data"))
    if vectors := [item["embedding"] for item in items if "embedding" in item]:
        return vectors
    several = data.get("embeddings")
    if isinstance(several, dict):  # Cohere: by their type
        return as_list(next(iter(several.values()), []))
    if isinstance(several, list):
        return several
    return [data["embedding"]] if "embedding" in data else []


def _dimensions(vector: Any) -> int:
    if isinstance(vector, dict):
        vector = vector.get("values")
    if isinstance(vector, str):  # base64 of 32-bit floats
        return len(vector) * 3 // 16
    return len(as_list(vector))


PROTOCOL = Protocol(usage=usage, pieces=pieces, prompt_fields=("input", "content", "texts"))
