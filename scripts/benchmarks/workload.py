"""Requests and answers, numbered: equal numbers are equal bytes, in every process."""

from __future__ import annotations

import base64
import json
import random
from typing import Any, NamedTuple

HOST = "https://api.openai.com"
CHAT_URL = f"{HOST}/v1/chat/completions"
EMBEDDINGS_URL = f"{HOST}/v1/embeddings"
REGION, MODEL = "us-east-1", "amazon.nova-micro"
CONVERSE_URL = f"https://bedrock-runtime.{REGION}.amazonaws.com/model/{MODEL}/converse"
HEADERS = {
    "content-type": "application/json",
    "openai-processing-ms": "412",
    "openai-version": "2020-10-01",
    "x-request-id": "req_9c1f4e4b1e1d4d5f8a7b6c5d4e3f2a1b",
}
SYSTEM = "You are a careful assistant. Answer in plain words, and say what you do not know. " * 4
WORDS = """
    a an the this that every no some one of in on at from with without because while before
    cache store entry branch merge file name key answer question model prompt token stream
    reads writes keeps finds drops merges replays records explains measures costs waits
    quickly slowly safely often never always twice plainly
""".split()  # noqa: SIM905


class Kind(NamedTuple):
    """A kind of call; `size` is that of its answer."""

    name: str
    url: str
    size: int
    content_type: str = "application/json"


JSON = Kind("1.4 KB JSON", CHAT_URL, 1_400)
SSE = Kind("20 KB SSE", CHAT_URL, 20_000, "text/event-stream; charset=utf-8")
CONVERSE = Kind("1.4 KB of Bedrock", CONVERSE_URL, 1_400)
EMBEDDINGS = Kind("600 KB embeddings", EMBEDDINGS_URL, 600_000)
KINDS = {kind.name: kind for kind in (JSON, SSE, EMBEDDINGS, CONVERSE)}


def question(kind: Kind, number: int) -> dict[str, Any]:
    """The JSON of a request."""
    text = f"Question {number}: {_text(random.Random(number), 20)}?"
    if kind is EMBEDDINGS:
        inputs = [f"{text} ({part})" for part in range(_vectors(kind))]
        return {"input": inputs, "model": "text-embedding-3-small", "encoding_format": "base64"}
    if kind is CONVERSE:
        turns = [{"role": "user", "content": [{"text": f"{SYSTEM} {text}"}]}]
        return {"messages": turns}
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    asked: dict[str, Any] = {"model": "gpt-4o", "messages": messages}
    return asked | {"stream": True} if kind is SSE else asked


def payload(kind: Kind, number: int) -> bytes:
    """The body of a request, as httpx writes it."""
    return _dumps(question(kind, number))


def answer(kind: Kind, number: int) -> bytes:
    """The body of its response, as long as the kind says to within a few per cent."""
    dice = random.Random(number)
    if kind is EMBEDDINGS:
        data = [
            {"object": "embedding", "index": index, "embedding": _vector(dice)}
            for index in range(_vectors(kind))
        ]
        return _dumps({"object": "list", "data": data, "model": "text-embedding-3-small"})
    head = {"id": f"chatcmpl-{number:029d}", "created": 1_760_000_000, "model": "gpt-4o"}
    if kind is SSE:
        return b"".join(_events(head, dice, kind.size))
    text = _text(dice, 250)
    if kind is CONVERSE:
        return _dumps(_converse(text[: kind.size - len(_dumps(_converse("")))]))
    completion = head | {
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 90, "completion_tokens": 180, "total_tokens": 270},
    }
    room = kind.size - len(_dumps(completion))
    completion["choices"][0]["message"]["content"] = text[:room]  # type: ignore[index]
    return _dumps(completion)


def _converse(text: str) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 90, "outputTokens": 180, "totalTokens": 270},
        "metrics": {"latencyMs": 412},
    }


def _events(head: dict[str, Any], dice: random.Random, size: int) -> list[bytes]:
    events: list[bytes] = []
    length = 0
    while length < size - 300:
        events.append(_event(head, {"content": dice.choice(WORDS) + " "}, None))
        length += len(events[-1])
    return [*events, _event(head, {}, "stop"), b"data: [DONE]\n\n"]


def _event(head: dict[str, Any], delta: dict[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    chunk = head | {"object": "chat.completion.chunk", "choices": [choice]}
    return b"data: " + _dumps(chunk) + b"\n\n"


def _vector(dice: random.Random) -> str:
    """1,536 floats as the OpenAI SDK asks for them."""
    return base64.b64encode(dice.randbytes(1536 * 4)).decode()


def _vectors(kind: Kind) -> int:
    return kind.size // 8250


def _text(dice: random.Random, words: int) -> str:
    return " ".join(dice.choices(WORDS, k=words))


def _dumps(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
