"""Ollama on this machine: lines of JSON, and streamed by default."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from standin.content import count, due, reply, sample, since_question, words
from standin.openai import dialect, vector
from standin.wire import Answer, Call, dumps, json_answer, ndjson, stream_answer

HOSTS = ("localhost", "127.0.0.1", "[::1]", "ollama.com")


def answer(call: Call, serial: int) -> Answer | None:
    if call.host not in HOSTS:
        return None
    match call.path:
        case "/api/chat" | "/api/generate":
            return generate(call, serial)
        case "/api/embed":
            return embed(call, serial)
        case "/api/tags":
            return json_answer({"models": [_model("llama3.2"), _model(f"mine-{serial}")]})
        case "/api/show":
            return json_answer({"template": "{{ .Prompt }}", "capabilities": ["tools"]})
        case "/api/version":
            return json_answer({"version": f"0.12.{serial}"})
    return dialect(call, serial)


def generate(call: Call, serial: int) -> Answer:
    asked = call.json()
    lines = list(_lines(asked, call.path == "/api/chat", serial))
    if asked.get("stream", True):
        return stream_answer(ndjson(lines), "application/x-ndjson")
    return json_answer(lines[-1])


def _lines(asked: dict[str, Any], chat: bool, serial: int) -> Iterator[dict[str, Any]]:
    """What a stream sends; its last line is all there is when not streaming."""
    streaming = asked.get("stream", True)
    text, calls = _said(asked, chat, serial)
    if streaming:
        for word in words(text):
            yield _line(asked, serial) | _speech(chat, word, [])
        if calls:
            yield _line(asked, serial) | _speech(chat, "", calls)
    last = _speech(chat, "", []) if streaming else _speech(chat, text, calls)
    yield (
        _line(asked, serial)
        | last
        | {
            "done": True,
            "done_reason": "stop",
            "total_duration": 1_000_000 + serial,
            "load_duration": 1000,
            "prompt_eval_count": count(asked),
            "prompt_eval_duration": 1000,
            "eval_count": count(text),
            "eval_duration": 1000,
        }
    )


def _said(asked: dict[str, Any], chat: bool, serial: int) -> tuple[str, list[dict[str, Any]]]:
    turns = asked["messages"] if chat else [{"role": "user", "content": asked.get("prompt")}]
    answered = sum(turn["role"] == "tool" for turn in since_question(turns))
    if waiting := due(asked.get("tools") or [], answered):
        functions = [tool["function"] for tool in waiting]
        return "", [{"function": _call(function, serial)} for function in functions]
    if isinstance(asked.get("format"), dict):
        return dumps(sample(asked["format"], serial)), []
    return reply(turns[-1], serial), []


def _call(function: dict[str, Any], serial: int) -> dict[str, Any]:
    """A call of a function, without an id, as Ollama makes it."""
    arguments = sample(function.get("parameters") or {}, serial)
    return {"name": function["name"], "arguments": arguments}


def _speech(chat: bool, text: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    if not chat:
        return {"response": text}
    message = {"role": "assistant", "content": text}
    return {"message": message | ({"tool_calls": calls} if calls else {})}


def _line(asked: dict[str, Any], serial: int) -> dict[str, Any]:
    """The time is all that tells Ollama's answers apart: its nanoseconds carry the serial."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return {"model": asked["model"], "created_at": f"{now}.{serial:06d}Z", "done": False}


def embed(call: Call, serial: int) -> Answer:
    asked = call.json()
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    vectors = [vector(64, serial, i) for i in range(len(texts))]
    spent = {"total_duration": 1000 + serial, "load_duration": 10, "prompt_eval_count": 5}
    return json_answer({"model": asked["model"], "embeddings": vectors} | spent)


def _model(name: str) -> dict[str, Any]:
    return {
        "name": f"{name}:latest",
        "model": f"{name}:latest",
        "modified_at": "2026-10-01T12:00:00.123456789+02:00",
        "size": 2_019_393_189,
        "digest": "a80c4f17acd5",
        "details": {"format": "gguf", "family": "llama", "parameter_size": "3.2B"},
    }
