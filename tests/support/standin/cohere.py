"""Cohere v2: named and typed events, a plan before a tool call, embeddings by type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from standin.content import count, halves, reply, words
from standin.openai import tool_call, vector
from standin.wire import Answer, Call, Event, json_answer, sse, stream_answer

HOST = "api.cohere.com"


def answer(call: Call, serial: int) -> Answer | None:
    if call.host != HOST:
        return None
    match call.path:
        case "/v2/chat":
            return chat(call, serial)
        case "/v2/embed":
            return embed(call, serial)
    return None


def chat(call: Call, serial: int) -> Answer:
    asked = call.json()
    said, reason = _message(asked, serial)
    tokens = {"input_tokens": count(asked["messages"]), "output_tokens": count(said)}
    ending = {
        "finish_reason": reason,
        "usage": {"billed_units": tokens, "tokens": tokens, "cached_tokens": 0},
    }
    if asked.get("stream"):
        return stream_answer(sse(_events(_id(serial), said, ending)), "text/event-stream")
    return json_answer({"id": _id(serial), "message": said} | ending)


def _message(asked: dict[str, Any], serial: int) -> tuple[dict[str, Any], str]:
    """A message and its finish reason: a tool call if tools wait to be called, else text."""
    last = asked["messages"][-1]
    if not asked.get("tools") or last["role"] == "tool":
        text = {"type": "text", "text": reply(last, serial)}
        return {"role": "assistant", "content": [text]}, "COMPLETE"
    name, arguments = tool_call(asked["tools"][0]["function"], serial)
    function = {"name": name, "arguments": arguments}
    call = {"id": f"{name}_{serial:012d}", "type": "function", "function": function}
    plan = f"I will call the tool {name}."
    return {"role": "assistant", "tool_plan": plan, "tool_calls": [call]}, "TOOL_CALL"


def _events(name: str, said: dict[str, Any], ending: dict[str, Any]) -> Iterator[Event]:
    empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield _event("message-start", id=name, delta={"message": empty})
    for word in words(said.get("tool_plan", "")):
        yield _delta("tool-plan-delta", {"tool_plan": word})
    for index, part in enumerate(said.get("content", [])):
        yield _delta("content-start", {"content": part | {"text": ""}}, index=index)
        for word in words(part["text"]):
            yield _delta("content-delta", {"content": {"text": word}}, index=index)
        yield _event("content-end", index=index)
    for index, call in enumerate(said.get("tool_calls", [])):
        empty = call | {"function": call["function"] | {"arguments": ""}}
        yield _delta("tool-call-start", {"tool_calls": empty}, index=index)
        for half in halves(call["function"]["arguments"]):
            more = {"function": {"arguments": half}}
            yield _delta("tool-call-delta", {"tool_calls": more}, index=index)
        yield _event("tool-call-end", index=index)
    yield _event("message-end", delta=ending)
    yield "data: [DONE]"


def _delta(kind: str, message: dict[str, Any], **data: Any) -> Event:
    return _event(kind, **data, delta={"message": message})


def _event(kind: str, **data: Any) -> Event:
    return kind, {"type": kind} | data


def embed(call: Call, serial: int) -> Answer:
    asked = call.json()
    spent = {"input_tokens": count(asked["texts"])}
    vectors = [vector(256, serial, i) for i in range(len(asked["texts"]))]
    return json_answer(
        {
            "id": _id(serial),
            "texts": asked["texts"],
            "embeddings": {"float": vectors},
            "meta": {"api_version": {"version": "2"}, "billed_units": spent},
            "response_type": "embeddings_by_type",
        }
    )


def _id(serial: int) -> str:
    return f"1f774166-0ca9-4885-8622-{serial:012x}"
