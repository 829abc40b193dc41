"""Voyage AI: embeddings in base64, as its SDK asks for them, and rankings."""

from __future__ import annotations

import struct
from base64 import b64encode

from standin.content import count
from standin.openai import vector
from standin.wire import Answer, Call, json_answer

HOST = "api.voyageai.com"


def answer(call: Call, serial: int) -> Answer | None:
    if call.host != HOST:
        return None
    match call.path:
        case "/v1/embeddings":
            return embed(call, serial)
        case "/v1/rerank":
            return rerank(call, serial)
    return None


def embed(call: Call, serial: int) -> Answer:
    asked = call.json()
    vectors = [_encoded(vector(256, serial, i)) for i in range(len(asked["input"]))]
    data = [
        {"object": "embedding", "embedding": each, "index": index}
        for index, each in enumerate(vectors)
    ]
    spent = {"total_tokens": count(asked["input"]) + serial}
    return json_answer({"object": "list", "data": data, "model": asked["model"], "usage": spent})


def _encoded(values: list[float]) -> str:
    return b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def rerank(call: Call, serial: int) -> Answer:
    asked = call.json()
    scores = [
        {"relevance_score": round(1 / (serial + index + 1), 6), "index": index}
        for index in range(len(asked["documents"]))
    ]
    spent = {"total_tokens": count(asked["documents"])}
    return json_answer({"object": "list", "data": scores, "model": asked["model"], "usage": spent})
