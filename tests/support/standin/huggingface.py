"""Hugging Face: the router speaks OpenAI's dialect; a TGI endpoint behind it sends empty ids,
writes `data:` without a space, and ends a stream with nothing but its end."""

from __future__ import annotations

from standin.openai import chat_completion, chat_events, dialect
from standin.wire import Answer, Call, encode, json_answer, stream_answer

HOST = "router.huggingface.co"


def answer(call: Call, serial: int) -> Answer | None:
    if call.host != HOST:
        return None
    if not call.path.startswith("/hf-inference/"):
        return dialect(call, serial)
    if call.path.endswith("/v1/chat/completions"):
        return generate(call, serial)
    return None


def generate(call: Call, serial: int) -> Answer:
    asked, nameless = call.json(), {"id": ""}
    if not asked.get("stream"):
        return json_answer(chat_completion(asked, serial) | nameless)
    chunks = (chunk | nameless for chunk in chat_events(asked, serial))
    return stream_answer([b"data:" + encode(chunk) + b"\n\n" for chunk in chunks])
