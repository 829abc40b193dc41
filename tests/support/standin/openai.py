"""OpenAI: chat completions, responses, embeddings, audio, models.

`dialect` speaks the same language for the many providers that copied it.
"""

from __future__ import annotations

import base64
import random
import struct
import time
from collections.abc import Iterable, Iterator
from typing import Any

from standin.content import count, due, halves, reply, sample, since_question, words
from standin.wire import Answer, Call, Event, dumps, json_answer, sse, stream_answer

HOST = "api.openai.com"
AZURE = (".openai.azure.com", ".services.ai.azure.com")
WEATHER = {
    "type": "object",
    "properties": {"location": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
}


def answer(call: Call, serial: int) -> Answer | None:
    if call.host != HOST and not call.host.endswith(AZURE):
        return None
    found = dialect(call, serial)
    if found:
        found.headers |= headers(serial)
    return found


def headers(serial: int) -> dict[str, str]:
    """What api.openai.com sends along, cookies and rate limits included."""
    return {
        "x-request-id": f"req_{serial:032x}",
        "openai-organization": "user-c4chy0rganization",
        "openai-processing-ms": str(200 + serial),
        "openai-project": "proj_c4chy",
        "openai-version": "2020-10-01",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-limit-tokens": "200000",
        "x-ratelimit-remaining-requests": str(9999 - serial),
        "x-ratelimit-remaining-tokens": str(199_000 - serial),
        "x-ratelimit-reset-requests": "8.64s",
        "x-ratelimit-reset-tokens": "6ms",
        "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
        "cf-cache-status": "DYNAMIC",
        "cf-ray": f"{serial:016x}-FRA",
        "server": "cloudflare",
        "set-cookie": (
            f"__cf_bm=bm{serial}; path=/; domain=.{HOST}; HttpOnly; Secure\n"
            f"_cfuvid=uv{serial}; path=/; domain=.{HOST}; HttpOnly; Secure"
        ),
    }


def dialect(call: Call, serial: int) -> Answer | None:
    """The answer by path alone, on any host."""
    path = call.path.rstrip("/")
    if call.method == "GET":
        if path.endswith("/models"):
            return models(serial)
        if "/responses/resp_" in path:
            return poll(path, serial)
        return None
    for ending, speak in ROUTES.items():
        if path.endswith(ending):
            return speak(call, serial)
    return None


# Chat completions


def chat(call: Call, serial: int) -> Answer:
    asked = call.json()
    if asked.get("stream"):
        return stream_answer(sse([*chat_events(asked, serial), "data: [DONE]"]))
    return json_answer(chat_completion(asked, serial))


def chat_completion(asked: dict[str, Any], serial: int) -> dict[str, Any]:
    message, reason = chat_message(asked, serial)
    return _head(asked, serial, "chat.completion") | {
        "choices": [
            {"index": i, "message": message, "logprobs": None, "finish_reason": reason}
            for i in range(asked.get("n") or 1)
        ],
        "usage": usage(asked, message),
    }


def chat_events(asked: dict[str, Any], serial: int) -> Iterator[dict[str, Any]]:
    """The chunks of a streamed completion, without the closing `[DONE]`."""
    message, reason = chat_message(asked, serial)
    totals = bool((asked.get("stream_options") or {}).get("include_usage"))
    head = _head(asked, serial, "chat.completion.chunk") | ({"usage": None} if totals else {})

    def chunk(index: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return head | {"choices": [choice], "obfuscation": f"{serial:x}"}

    for index in range(asked.get("n") or 1):
        yield chunk(index, {"role": "assistant", "content": "", "refusal": None})
        for word in words(message["content"] or ""):
            yield chunk(index, {"content": word})
        for place, tool in enumerate(message.get("tool_calls", [])):
            empty = tool["function"] | {"arguments": ""}
            yield chunk(index, {"tool_calls": [tool | {"index": place, "function": empty}]})
            for part in halves(tool["function"]["arguments"]):
                piece = {"index": place, "function": {"arguments": part}}
                yield chunk(index, {"tool_calls": [piece]})
        yield chunk(index, {}, reason)
    if totals:
        yield head | {"choices": [], "usage": usage(asked, message)}


def chat_message(asked: dict[str, Any], serial: int) -> tuple[dict[str, Any], str]:
    """A message and its finish reason: tool calls if tools wait to be called, else text."""
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    message["annotations"] = []
    turns = asked["messages"]
    answered = sum(turn["role"] in ("tool", "function") for turn in since_question(turns))
    tools = [] if asked.get("tool_choice") == "none" else asked.get("tools") or []
    if waiting := due(tools, answered):
        message["tool_calls"] = []
        for place, tool in enumerate(waiting):
            name, arguments = tool_call(tool.get("function") or {}, serial)
            function = {"name": name, "arguments": arguments}
            call = {"id": _call_id(serial, place), "type": "function", "function": function}
            message["tool_calls"].append(call)
        return message, "tool_calls"
    shape = (asked.get("response_format") or {}).get("json_schema", {}).get("schema")
    message["content"] = _text(shape, turns[-1].get("content"), serial)
    return message, "stop"


def _call_id(serial: int, place: int) -> str:
    return f"call_{serial:021x}{place:03x}"


def tool_call(tool: dict[str, Any], serial: int) -> tuple[str, str]:
    """The name and JSON arguments of a call of that tool (of the weather's, if it has no name)."""
    name = tool.get("name") or "get_current_weather"
    return name, dumps(sample(tool.get("parameters") or WEATHER, serial))


def usage(asked: dict[str, Any], said: object) -> dict[str, Any]:
    before, after = count(asked["messages"]), count(said)
    return {
        "prompt_tokens": before,
        "completion_tokens": after,
        "total_tokens": before + after,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _head(asked: dict[str, Any], serial: int, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{serial:029d}",
        "object": kind,
        "created": int(time.time()),
        "model": asked.get("model", "gpt-4o-mini"),
        "service_tier": "default",
        "system_fingerprint": f"fp_{serial:010x}",
    }


# Completions


def complete(call: Call, serial: int) -> Answer:
    asked = call.json()
    text = reply(asked["prompt"], serial)
    head = _head(asked, serial, "text_completion") | {"id": f"cmpl-{serial:029d}"}

    def completion(text: str, finish: str | None) -> dict[str, Any]:
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
        return head | {"choices": [choice]}

    if asked.get("stream"):
        chunks: list[Event] = [completion(word, None) for word in words(text)]
        return stream_answer(sse([*chunks, completion("", "stop"), "data: [DONE]"]))
    spent = usage({"messages": asked["prompt"]}, text)
    return json_answer(completion(text, "stop") | {"usage": spent})


# Responses


def respond(call: Call, serial: int) -> Answer:
    asked = call.json()
    if asked.get("stream"):
        return stream_answer(sse(response_events(asked, serial)))
    if asked.get("background"):
        return json_answer(_response(asked, serial, "queued", []))
    return json_answer(_response(asked, serial, "completed", _items(asked, serial)))


def poll(path: str, serial: int) -> Answer:
    """A background response, still running at the first poll, done when asked again later."""
    made = int(path.rsplit("_", 1)[1], 16)
    if serial < made + 2:
        return json_answer(_response({}, made, "in_progress", []))
    return json_answer(_response({}, made, "completed", _items({}, made)))


def response_events(asked: dict[str, Any], serial: int) -> Iterator[Event]:
    items = _items(asked, serial)
    begun = _response(asked, serial, "in_progress", [])
    steps = [("response.created", {"response": begun})]
    steps += [("response.in_progress", {"response": begun})]
    for place, item in enumerate(items):
        called = item["type"] == "function_call"
        steps += _tool_steps(item, place) if called else _text_steps(item)
    steps += [("response.completed", {"response": _response(asked, serial, "completed", items)})]
    for number, (name, data) in enumerate(steps):
        yield name, {"type": name, "sequence_number": number} | data


def _text_steps(item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    whole = item["content"][0]
    spot = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    started = item | {"status": "in_progress", "content": []}
    return [
        ("response.output_item.added", {"output_index": 0, "item": started}),
        ("response.content_part.added", spot | {"part": whole | {"text": ""}}),
        *(
            ("response.output_text.delta", spot | {"delta": word, "logprobs": []})
            for word in words(whole["text"])
        ),
        ("response.output_text.done", spot | {"text": whole["text"], "logprobs": []}),
        ("response.content_part.done", spot | {"part": whole}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
    ]


def _tool_steps(item: dict[str, Any], place: int) -> list[tuple[str, dict[str, Any]]]:
    spot = {"item_id": item["id"], "output_index": place}
    started = item | {"status": "in_progress", "arguments": ""}
    done = {"name": item["name"], "arguments": item["arguments"]}
    return [
        ("response.output_item.added", {"output_index": place, "item": started}),
        *(
            ("response.function_call_arguments.delta", spot | {"delta": part})
            for part in halves(item["arguments"])
        ),
        ("response.function_call_arguments.done", spot | done),
        ("response.output_item.done", {"output_index": place, "item": item}),
    ]


def _items(asked: dict[str, Any], serial: int) -> list[dict[str, Any]]:
    """The output: function calls if functions wait to be called, else a message."""
    heard = asked.get("input") or ""
    turns = heard if isinstance(heard, list) else [{"role": "user", "content": heard}]
    functions = [tool for tool in asked.get("tools") or [] if tool["type"] == "function"]
    answered = sum(turn.get("type") == "function_call_output" for turn in since_question(turns))
    if waiting := due(functions, answered):
        return [_function_call(tool, serial, place) for place, tool in enumerate(waiting)]
    shape = (asked.get("text") or {}).get("format", {}).get("schema")
    text = _text(shape, turns[-1], serial)
    message = {
        "id": f"msg_{serial:048x}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
    }
    return [message]


def _function_call(tool: dict[str, Any], serial: int, place: int) -> dict[str, Any]:
    name, arguments = tool_call(tool, serial)
    return {
        "id": f"fc_{serial:045x}{place:03x}",
        "type": "function_call",
        "status": "completed",
        "call_id": _call_id(serial, place),
        "name": name,
        "arguments": arguments,
    }


def _response(
    asked: dict[str, Any], serial: int, status: str, output: list[dict[str, Any]]
) -> dict[str, Any]:
    before, after = count(asked.get("input")), count(output)
    spent = {
        "input_tokens": before,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": after,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": before + after,
    }
    return {
        "id": f"resp_{serial:048x}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "background": bool(asked.get("background")),
        "error": None,
        "incomplete_details": None,
        "instructions": asked.get("instructions"),
        "metadata": asked.get("metadata") or {},
        "model": asked.get("model", "gpt-4o-mini"),
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": asked.get("previous_response_id"),
        "store": asked.get("store", True),
        "temperature": asked.get("temperature", 1.0),
        "text": asked.get("text") or {"format": {"type": "text"}},
        "tool_choice": asked.get("tool_choice", "auto"),
        "tools": asked.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": spent if status == "completed" else None,
    }


# Embeddings, audio, models


def embed(call: Call, serial: int) -> Answer:
    asked = call.json()
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    coded = asked.get("encoding_format") == "base64"
    vectors = [vector(asked.get("dimensions") or 256, serial, i) for i in range(len(texts))]
    spent = count(texts)
    return json_answer(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": i, "embedding": _base64(v) if coded else v}
                for i, v in enumerate(vectors)
            ],
            "model": asked.get("model"),
            "usage": {"prompt_tokens": spent, "total_tokens": spent},
        }
    )


def vector(size: int, serial: int, index: int = 0) -> list[float]:
    """Numbers of its own for every call and input."""
    dice = random.Random(f"{serial}/{index}")
    return [round(dice.uniform(-1, 1), 7) for _ in range(size)]


def speak(call: Call, serial: int) -> Answer:
    """Sound, or at least bytes that no text decoder survives."""
    noise = random.Random(serial).randbytes(6000)
    pieces = [b"ID3\x04\x00" + str(serial).encode()]
    pieces += [noise[i : i + 1500] for i in range(0, len(noise), 1500)]
    form = call.json().get("response_format", "mp3")
    return stream_answer(pieces, {"mp3": "audio/mpeg"}.get(form, f"audio/{form}"))


def transcribe(call: Call, serial: int) -> Answer:
    form = call.form()
    text = reply(f"{len(form['file'])} bytes of sound", serial)
    if form.get("stream") == b"true":
        deltas: Iterable[Event] = [
            {"type": "transcript.text.delta", "delta": word} for word in words(text)
        ]
        return stream_answer(sse([*deltas, {"type": "transcript.text.done", "text": text}]))
    if form.get("response_format") == b"text":
        return Answer(200, {"content-type": "text/plain; charset=utf-8"}, f"{text}\n".encode())
    spent = {"type": "tokens", "input_tokens": 14, "output_tokens": count(text)}
    return json_answer({"text": text, "usage": spent | {"total_tokens": 14 + count(text)}})


def models(serial: int) -> Answer:
    names = ["gpt-4o-mini", "gpt-5", "text-embedding-3-small", f"ft:gpt-4o-mini:{serial}"]
    return json_answer(
        {
            "object": "list",
            "data": [
                {"id": name, "object": "model", "created": 1_721_172_741, "owned_by": "system"}
                for name in names
            ],
        }
    )


def _text(shape: dict[str, Any] | None, prompt: object, serial: int) -> str:
    return dumps(sample(shape, serial)) if shape else reply(prompt, serial)


def _base64(numbers: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


ROUTES = {
    "/chat/completions": chat,
    "/completions": complete,
    "/responses": respond,
    "/embeddings": embed,
    "/audio/speech": speak,
    "/audio/transcriptions": transcribe,
}
