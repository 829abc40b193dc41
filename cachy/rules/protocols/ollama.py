"""Ollama's own chat and generate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachy.rules.content import Piece, as_dict, as_text, tool_calls
from cachy.rules.protocols import Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.protocols import Data


def over(data: Data) -> bool | None:
    """Every line says whether it is the last."""
    done = data.get("done")
    return done if isinstance(done, bool) else None


def usage(data: Data) -> tuple[Any, Any]:
    return data.get("prompt_eval_count"), data.get("eval_count")


def pieces(data: Data) -> Iterator[Piece]:
    message = as_dict(data.get("message"))
    thinking = as_text(message.get("thinking") or data.get("thinking"))
    yield Piece(0, "thinking", thinking)
    yield Piece(0, "assistant", as_text(message.get("content") or data.get("response")))
    if "done" in data:
        for _, kind, text in tool_calls(0, message):
            yield Piece(None, kind, text)  # whole in every line: not joined with those before


PROTOCOL = Protocol(
    end_marks=(b'"done":true',),
    over=over,
    usage=usage,
    pieces=pieces,
    system_fields=("system",),
    turn_fields=("messages",),
    prompt_fields=("prompt",),
)
