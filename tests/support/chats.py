"""Requests of a chat API, ways to edit them, and the heads of their recordings."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import orjson

from cachy.rules import key as keys
from cachy.rules.key import Request
from cachy.rules.outline import outline

Edit = Callable[[dict[str, Any]], object]

URL = "https://api.openai.com/v1/chat/completions"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:generateContent"
NEWER_GEMINI = GEMINI.replace("2.0", "2.5")
WORDS = [f"word{number}" for number in range(2000)]
LONG = " ".join(random.Random(1).choices(WORDS, k=1300))[:10_000]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}

BASE: dict[str, Any] = {
    "model": "gpt-4o",
    "temperature": 0.7,
    "stop": [1, 2, 3],
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Describe it in 3 words"},
        {"role": "assistant", "content": "Blue, round, small."},
        {"role": "user", "content": LONG},
    ],
    "tools": [
        {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}},
        {"type": "function", "function": {"name": "stocks", "parameters": {"type": "object"}}},
    ],
}


def canonical(
    body: Any,
    url: str = URL,
    headers: dict[str, str] | None = None,
    scope: str = "",
    repeat: int = 0,
) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request("POST", url, list((headers or {}).items()), data)
    made = keys.canonical(request, scope=scope)
    return keys.numbered(made, repeat) if repeat else made


def recorded(request: bytes, *, full: bool = False) -> tuple[bytes, bytes]:
    """Return the two lines of JSON in the entry of a request."""
    fields = head(request, full=full)
    outlined = orjson.dumps(fields.pop("request"))
    return orjson.dumps(fields), outlined


def head(request: bytes, *, full: bool = False) -> dict[str, Any]:
    """The head of a recording of this request."""
    method, _, url = request.partition(b"\n")[0].decode().partition(" ")
    return {
        "cachy": 1,
        "key": keys.digest(request),
        "recorded": "2026-11-02T10:00:00Z",
        "method": method,
        "url": url,
        "request": outline(request, full=full),
    }


def edited(edit: Edit) -> bytes:
    """The canonical request of BASE after an edit."""
    body = copy.deepcopy(BASE)
    edit(body)
    return canonical(body)


def put(*path: Any) -> Edit:
    """An edit that puts the last of these where the others lead."""
    *way, name, value = path

    def edit(body: Any) -> None:
        for step in way:
            body = body[step]
        body[name] = value

    return edit


HI = {"role": "user", "content": "Hi"}
MIDDLE = f"{LONG[:5000]}INSERTED{LONG[5000:]}"

EDITS: dict[str, Edit] = {
    "prompt": put("messages", 1, "content", "Describe it in 4 words"),
    "model": put("model", "gpt-4.1"),
    "field added": put("seed", 7),
    "field added within": put("tools", 0, "function", "strict", True),
    "two fields added": lambda body: body.update(seed=7, store=False),
    "field removed": lambda body: body.pop("temperature"),
    "field retyped": put("temperature", "0.7"),
    "text to parts": put(
        "messages", 1, "content", [{"type": "text", "text": "Describe it in 3 words"}]
    ),
    "number in a list": put("stop", 2, 4),
    "message inserted": lambda body: body["messages"].insert(1, dict(HI)),
    "message appended": lambda body: body["messages"].append(dict(HI)),
    "message removed": lambda body: body["messages"].pop(0),
    "messages swapped": lambda body: body["messages"].insert(0, body["messages"].pop(1)),
    "message inserted, another edited": lambda body: (
        put("messages", 1, "content", "Describe it in 4 words")(body),
        body["messages"].insert(1, dict(HI)),
    ),
    "message moved, another added": lambda body: (
        body["messages"].insert(0, body["messages"].pop(2)),
        body["messages"].append(dict(HI)),
    ),
    "tool renamed": put("tools", 0, "function", "name", "get_weather"),
    "tool removed": lambda body: body["tools"].pop(1),
    "middle of 10 KB": put("messages", 3, "content", MIDDLE),
    "start of 10 KB": put("messages", 3, "content", f"Well, {LONG}"),
    "end of 10 KB": put("messages", 3, "content", f"{LONG}."),
    "many": lambda body: body.update({f"option_{number:02}": number for number in range(20)}),
    "nothing": lambda body: None,
}
"""What is done to BASE, by name."""
