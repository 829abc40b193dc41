"""OpenAI's chat completions and completions, and what is compatible with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.rules.content import Piece, as_dict, as_dicts, as_text, text_of, tool_calls
from cachy.rules.protocols import Finish, Protocol, Tokens, finish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.protocols import Data


def failed(data: Data) -> bool:
    """OpenRouter reports errors in the choice."""
    for choice in as_dicts(data.get("choices")):  # noqa: SIM110 - it runs for each event
        if choice.get("error"):
            return True
    return False


def empty(data: Data) -> bool:
    """Some gateways answer with no choices when their upstream fails, or with one that says
    nothing and stopped by itself."""
    if "choices" not in data:
        return False
    choices = as_dicts(data["choices"])
    return not data["choices"] or (bool(choices) and all(map(_is_silent, choices)))


def _is_silent(choice: Data) -> bool:
    message = choice.get("message")
    if choice.get("finish_reason") != "stop" or not isinstance(message, dict):
        return False
    said = {name for name, value in message.items() if value not in (None, [], {})}
    return message.get("content", "") is None and said <= {"role"}


def finishes(data: Data) -> Iterator[Finish]:
    return map(finish, as_dicts(data.get("choices")))


def pending(data: Data) -> bool | None:
    """With `include_usage`, each chunk has `usage: null`, and a last one has the numbers."""
    if "usage" in data and data.get("object") == "chat.completion.chunk":
        return not data["usage"]
    return None


def usage(data: Data) -> Tokens:
    """In the body or a last chunk; Groq writes it elsewhere in a chunk, too."""
    counts = as_dict(data.get("usage")) or as_dict(as_dict(data.get("x_groq")).get("usage"))
    details = as_dict(counts.get("prompt_tokens_details"))
    read = details.get("cached_tokens") or counts.get("prompt_cache_hit_tokens")  # DeepSeek
    generated, written = counts.get("completion_tokens"), details.get("cache_write_tokens")
    return Tokens(counts.get("prompt_tokens"), generated, read, written)


def pieces(data: Data) -> Iterator[Piece]:
    """Choices, whole (`message`) or in pieces (`delta`); `text` in legacy completions."""
    for choice in as_dicts(data.get("choices")):
        index = choice.get("index", 0)
        message = as_dict(choice.get("delta") or choice.get("message"))
        thinking = as_text(message.get("reasoning_content")) or as_text(message.get("reasoning"))
        yield Piece(index, "thinking", thinking)
        text = as_text(choice.get("text")) + text_of(message.get("content"))
        yield Piece(index, "assistant", text)
        yield Piece(index, "assistant", as_text(message.get("refusal")))
        yield from tool_calls(index, message)


PROTOCOL = Protocol(
    end_marks=(b"[DONE]",),
    pending=pending,
    index_fields=("index",),
    failed=failed,
    empty=empty,
    finishes=finishes,
    bad_finishes=frozenset(
        {
            "error",  # OpenRouter, Mistral
            "insufficient_system_resource",  # DeepSeek
            "network_error",  # Z.ai
            "abort",  # vLLM, SGLang
        }
    ),
    usage=usage,
    pieces=pieces,
    turn_fields=("messages",),
    prompt_fields=("prompt",),
)
