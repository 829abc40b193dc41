"""The text of messages and answers, whichever API they come from.

Everything here takes decoded JSON of unknown origin: each function accepts any value, and none
raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def as_list(value: Any) -> list[Any]:
    """Return `value` if it is a list, otherwise an empty list."""
    return value if isinstance(value, list) else []


def as_dict(value: Any) -> dict[str, Any]:
    """Return `value` if it is an object, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def as_dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; an empty list for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return `value` if it is a string, otherwise an empty one."""
    return value if isinstance(value, str) else ""


def compact(value: Any) -> str:
    """Write a value as JSON on one line, readable: `{"city": "Ulm"}`."""
    import json  # costs a millisecond, and no hit needs it

    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str)


def text_of(content: Any) -> str:
    """Return the text of a message's content; other media appear in brackets: `[image]`.

    >>> text_of([{"type": "text", "text": "Look:"}, {"type": "image", "source": {}}])
    'Look:\\n[image]'
    """
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(text_of(item) for item in content)
    if not isinstance(content, dict):
        return "" if content is None else str(content)
    shortened = content.get("…")
    if isinstance(shortened, list) and len(shortened) >= 4 and isinstance(shortened[0], int):
        return f"{shortened[2]} … ({shortened[0]:,} characters) … {shortened[3]}"
    return _text_of_part(content)


def _text_of_part(part: dict[str, Any]) -> str:
    """The text of one part of a message: a text, a tool call or its result, an image."""
    for name in ("text", "thinking", "refusal", "summary"):
        if name in part and not (name == "text" and isinstance(part[name], bool)):
            return text_of(part[name])
    if call := part.get("function") or part.get("functionCall") or part.get("toolUse"):
        return text_of(call) if isinstance(call, dict) else str(call)
    if result := part.get("functionResponse") or part.get("toolResult"):
        return text_of(result)
    if "name" in part and any(name in part for name in ("arguments", "args", "input")):
        arguments = part.get("arguments", part.get("args", part.get("input")))
        return f"{part['name']}({_arguments(arguments)})"
    for name in ("content", "parts", "output", "response"):
        if name in part:
            return text_of(part[name])
    if data := part.get("inlineData") or part.get("inline_data"):
        data = as_dict(data)
        media_type = data.get("mimeType") or data.get("mime_type") or ""
        return f"[{media_type}]"
    kind = str(part.get("type", ""))
    for word in ("image", "audio", "file", "document", "video"):
        if word in kind or word in part:
            return f"[{word}]"
    return compact(part)


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return value
    return text_of(value) if "…" in as_dict(value) else compact(value)


# ---- Pieces of answers ----


class Piece(NamedTuple):
    """A piece of an answer's text. Pieces with the same `slot` and `kind` are joined; a `slot` of
    None stands alone. `kind` is assistant, thinking, tool call or data."""

    slot: Any
    kind: str
    text: str


def joined(pieces: Iterable[Piece]) -> list[tuple[str, str]]:
    """Return kind and text of what the pieces make together, in order of appearance."""
    slots: dict[tuple[str, str], list[str]] = {}
    for slot, kind, text in pieces:
        if text:
            name = f"alone {len(slots)}" if slot is None else str(slot)
            slots.setdefault((name, kind), []).append(text)
    return [(kind, "".join(texts)) for (_, kind), texts in slots.items()]


def call_text(name: Any, arguments: Any) -> str:
    """Write a tool call without its closing parenthesis, because in a stream more arguments may
    follow: `weather({"city": "Ulm"}`."""
    start = f"{name}(" if name else ""
    if isinstance(arguments, str):
        return start + arguments
    return start + (compact(arguments) if arguments else "")


def tool_calls(slot: Any, message: dict[str, Any]) -> Iterator[Piece]:
    """Read the `tool_calls` of a message in the form of chat completions."""
    for position, call in enumerate(as_list(message.get("tool_calls"))):
        call = as_dict(call)
        function = as_dict(call.get("function"))
        text = call_text(function.get("name"), function.get("arguments"))
        yield Piece((slot, call.get("index", position)), "tool call", text)


def content_block(slot: Any, block: dict[str, Any]) -> Iterator[Piece]:
    """Read a content block of Anthropic's messages, or of what resembles them."""
    yield Piece(slot, "thinking", as_text(block.get("thinking")))
    yield Piece(slot, "assistant", as_text(block.get("text")))
    if "partial_json" in block:
        yield Piece(slot, "tool call", as_text(block["partial_json"]))
    if "tool_use" in as_text(block.get("type")):
        # A stream starts with an empty input, and its pieces follow.
        yield Piece(slot, "tool call", call_text(block.get("name"), block.get("input") or ""))
