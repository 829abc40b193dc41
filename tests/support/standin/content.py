"""What the make-believe models say: always different, never pure ASCII, valid where asked; or what
a script says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

_scripted: dict[str, str] = {}


@contextmanager
def scripted(answers: Mapping[str, str]) -> Iterator[None]:
    """Within the block, answer these prompts so, as a model would."""
    _scripted.update(answers)
    try:
        yield
    finally:
        for prompt in answers:
            _scripted.pop(prompt, None)


def reply(prompt: object, serial: int) -> str:
    """The text of answer number `serial`; the multi-byte letters make byte splits bite."""
    if said(prompt) in _scripted:
        return _scripted[said(prompt)]
    return f"Answer {serial} to “{said(prompt)[:80]}”: naïve café, 東京 ☕ and {serial} 🎈."


def said(prompt: object) -> str:
    """The plain text of a prompt, whichever way a provider nests it."""
    match prompt:
        case str():
            return prompt
        case list():
            return " ".join(filter(None, map(said, prompt)))
        case {"text": text} | {"content": text} | {"parts": text}:
            return said(text)
    return ""


def words(text: str) -> list[str]:
    """The text as the pieces a model would stream."""
    return re.findall(r"\s*\S+", text)


def halves(text: str) -> list[str]:
    """The text in two, as arguments of tools are streamed."""
    return [text[: len(text) // 2], text[len(text) // 2 :]]


def count(text: object) -> int:
    """About as many tokens as the text would have."""
    return 1 + len(str(text)) // 4


def due(tools: list[Any], answered: int) -> list[Any]:
    """The tools to call next, when so many calls have their results: all but the last at once,
    then the last by itself, then none."""
    if not answered:
        return tools[:-1] or tools
    return tools[-1:] if answered < len(tools) else []


def since_question(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The turns after the last one of the user, newest first."""
    return list(takewhile(lambda turn: turn.get("role") != "user", reversed(turns)))


def sample(schema: dict[str, Any], serial: int) -> Any:
    """A value that fits a JSON schema and carries the serial in its texts and numbers."""
    return _sample(schema, schema.get("$defs", {}), serial)


def _sample(schema: dict[str, Any], defs: dict[str, Any], serial: int) -> Any:
    match schema:
        case {"$ref": str(ref)}:
            return _sample(defs[ref.rsplit("/", 1)[-1]], defs, serial)
        case {"enum": [first, *_]} | {"const": first}:
            return first
        case {"anyOf": [first, *_]} | {"allOf": [first, *_]}:
            return _sample(first, defs, serial)
    match str(schema.get("type", "object")).lower():
        case "string":
            return f"Zürich {serial}"
        case "integer" | "number":
            return serial
        case "boolean":
            return True
        case "array":
            return [_sample(schema.get("items", {"type": "string"}), defs, serial)]
        case "null":
            return None
    properties: dict[str, Any] = schema.get("properties", {})
    return {name: _sample(part, defs, serial) for name, part in properties.items()}
