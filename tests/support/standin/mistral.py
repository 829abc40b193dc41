"""Mistral: OpenAI's chat with bare hex ids, usage on the last chunk, and tool calls that come
whole even in a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from standin.content import count, words
from standin.openai import chat_message, usage, vector
from standin.wire import Answer, Call, json_answer, sse, stream_answer

HOST = "api.mistral.ai"


def answer(call: Call, serial: int) -> Answer | None:
    if call.host != HOST:
        return None
    match call.path:
        case "/v1/chat/completions":
            return chat(call, serial)
        case "/v1/embeddings":
            return embed(call, serial)
    return None


def chat(call: Call, serial: int) -> Answer:
    asked = call.json()
    said, reason = chat_message(asked, serial)
    head = {"id": f"{serial:032x}", "created": 1_726_235_553, "model": asked["model"]}
    spent = {"usage": usage(asked, said)}
    if asked.get("stream"):
        choices = list(_choices(said, reason))
        head |= {"object": "chat.completion.chunk"}
        chunks = [head | {"choices": [choice]} for choice in choices]
        return stream_answer(sse([*chunks[:-1], chunks[-1] | spent, "data: [DONE]"]))
    message = {
        "role": "assistant",
        "content": said["content"] or "",
        "tool_calls": said.get("tool_calls"),
    }
    choice = {"index": 0, "finish_reason": reason, "message": message}
    return json_answer(head | {"object": "chat.completion", "choices": [choice]} | spent)


def _choices(said: dict[str, Any], reason: str) -> Iterator[dict[str, Any]]:
    def choice(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}

    yield choice({"role": "assistant", "content": ""})
    for word in words(said["content"] or ""):
        yield choice({"content": word})
    calls = {"tool_calls": said["tool_calls"]} if "tool_calls" in said else {}
    yield choice({"content": ""} | calls, reason)


def embed(call: Call, serial: int) -> Answer:
    asked = call.json()
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    spent = count(texts)
    return json_answer(
        {
            "id": f"{serial:032x}",
            "object": "list",
            "data": [
                {"object": "embedding", "embedding": vector(256, serial, i), "index": i}
                for i in range(len(texts))
            ],
            "model": asked["model"],
            "usage": {"prompt_tokens": spent, "total_tokens": spent, "completion_tokens": 0},
        }
    )
