"""DeepSeek: OpenAI's dialect, with or without /v1, with /beta, and with visible thoughts."""

from __future__ import annotations

from typing import Any

from standin.content import words
from standin.openai import chat_completion, chat_events, dialect
from standin.wire import Answer, Call, json_answer, sse, stream_answer

HOST = "api.deepseek.com"


def answer(call: Call, serial: int) -> Answer | None:
    if call.host != HOST:
        return None
    thinks = call.path.endswith("/chat/completions") and "reason" in call.json().get("model", "")
    found = _think(call.json(), serial) if thinks else dialect(call, serial)
    if found:
        found.headers |= headers(serial)
    return found


def headers(serial: int) -> dict[str, str]:
    """What api.deepseek.com sends along."""
    return {
        "x-ds-trace-id": f"{serial:032x}",
        "set-cookie": f"HWWAFSESID=ds{serial}; path=/\nHWWAFSESTIME={serial}; path=/",
        "server": "CW",
        "vary": "origin, access-control-request-method, access-control-request-headers",
    }


def _think(asked: dict[str, Any], serial: int) -> Answer:
    """A thought before the answer, in a field of its own; and keep-alive comments in streams."""
    thought = f"Thought {serial}: a naïve café will do."
    if not asked.get("stream"):
        whole = chat_completion(asked, serial)
        for choice in whole["choices"]:
            choice["message"]["reasoning_content"] = thought
        return json_answer(whole)
    first, *rest = chat_events(asked, serial)
    thoughts = [_thinking(first, word) for word in words(thought)]
    return stream_answer(sse([": keep-alive", first, *thoughts, *rest, "data: [DONE]"]))


def _thinking(chunk: dict[str, Any], word: str) -> dict[str, Any]:
    delta = {"content": None, "reasoning_content": word}
    return chunk | {"choices": [chunk["choices"][0] | {"delta": delta}]}
