"""Alibaba's DashScope: Qwen in a protocol of its own; events with an id, a name and a comment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from standin.content import count, reply, words
from standin.wire import Answer, Call, dumps, json_answer, stream_answer

HOST = "dashscope.aliyuncs.com"
PATH = "/api/v1/services/aigc/text-generation/generation"


def answer(call: Call, serial: int) -> Answer | None:
    if call.host != HOST or call.path != PATH:
        return None
    asked = call.json()
    said = reply(asked["input"]["messages"][-1], serial)
    if call.headers.get("x-dashscope-sse") != "enable":
        return json_answer(whole(asked, serial, said, "stop"))
    pieces = [
        f"id:{number}\nevent:result\n:HTTP_STATUS/200\ndata:{dumps(event)}\n\n".encode()
        for number, event in enumerate(events(asked, serial, said), 1)
    ]
    return stream_answer(pieces, "text/event-stream;charset=UTF-8")


def events(asked: dict[str, Any], serial: int, said: str) -> Iterator[dict[str, Any]]:
    for word in words(said):
        yield whole(asked, serial, word, "null")
    yield whole(asked, serial, "", "stop")


def whole(asked: dict[str, Any], serial: int, text: str, finish: str) -> dict[str, Any]:
    choice = {"message": {"content": text, "role": "assistant"}, "finish_reason": finish}
    before, after = count(asked["input"]), count(text)
    return {
        "output": {"choices": [choice]},
        "usage": {"input_tokens": before, "output_tokens": after, "total_tokens": before + after},
        "request_id": f"{serial:08x}-0cac-9e00-8000-000000000000",
    }
