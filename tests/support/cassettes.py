"""Interactions in the formats of other tools, small and made up."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from cachy.formats.interaction import Interaction, Unclear

# Imported by name: PyYAML has no types of its own. And at once, because pytester would drop it.
_yaml = import_module("yaml")

URL = "https://api.openai.com/v1/chat/completions"


def asked(text: str = "hi", **more: Any) -> str:
    return json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more})


def answered(text: str = "hello") -> str:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]})


def item(text: str = "hi", answer: Any = None, status: int = 200, **more: Any) -> dict[str, Any]:
    """An interaction as vcrpy keeps it."""
    return {
        "request": {
            "method": "POST",
            "uri": URL,
            "headers": {"Content-Type": ["application/json"], "User-Agent": ["x"]},
            "body": asked(text),
            **more.pop("request", {}),
        },
        "response": {
            "status": {"code": status, "message": "OK" if status == 200 else ""},
            "headers": {
                "Content-Type": ["application/json"],
                "Date": ["Tue, 11 Feb 2025 14:10:40 GMT"],
            },
            "body": {"string": answered() if answer is None else answer},
            **more.pop("response", {}),
        },
        **more,
    }


def as_yaml(*items: dict[str, Any]) -> str:
    return str(_yaml.safe_dump({"interactions": list(items), "version": 1}))


def as_json(*items: dict[str, Any]) -> str:
    return json.dumps({"version": 1, "interactions": list(items)})


def only(found: Any) -> Interaction:
    """The one interaction that was found."""
    (each,) = found
    assert isinstance(each, Interaction), each
    return each


def unclear(found: Any) -> list[tuple[str, str]]:
    """Where something was not understood, and why."""
    return [tuple(each) for each in found if isinstance(each, Unclear)]  # type: ignore[misc]


def stream_of(*texts: str) -> str:
    """A streamed answer of Chat Completions."""
    chunks = [
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]}
        for text in texts
    ]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in [*chunks, end]]
    return "".join([*lines, "data: [DONE]\n\n"])
