"""Cohere's SDK, version 2 of its API."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from sdks.prompts import MESSAGES, PROMPT, TOOLS
from sdks.way import Family, Result

MODEL = "command-a-03-2025"

cohere = Family(
    ("cohere",),
    lambda: import_module("cohere").ClientV2(api_key="test"),
    lambda: import_module("cohere").AsyncClientV2(api_key="test"),
)


@cohere.call("chat", lambda response: {"id": response.id, "text": response.message.content[0].text})
def chat(client: Any) -> Any:
    return client.chat(model=MODEL, messages=MESSAGES)


def joined(events: list[Any]) -> Result:
    deltas = (event.delta for event in events if event.type == "content-delta")
    return {
        "id": events[0].id,
        "text": "".join(delta.message.content.text for delta in deltas),
        "end": events[-1].delta.finish_reason,
    }


@cohere.call("chat", joined, streaming=True)
def chat_stream(client: Any) -> Any:
    return client.chat_stream(model=MODEL, messages=MESSAGES)


def tool_call(response: Any) -> Result:
    function = response.message.tool_calls[0].function
    return {"name": function.name, "arguments": json.loads(function.arguments)}


@cohere.call("tools", tool_call)
def tools(client: Any) -> Any:
    return client.chat(model=MODEL, messages=MESSAGES, tools=TOOLS)


@cohere.call("embeddings", lambda response: {"vector": response.embeddings.float_[0]})
def embed(client: Any) -> Any:
    return client.embed(
        model="embed-v4.0",
        texts=[PROMPT],
        input_type="search_query",
        embedding_types=["float"],
    )
