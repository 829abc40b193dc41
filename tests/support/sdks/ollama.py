"""Ollama's SDK, which calls a server on this machine in plain HTTP."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sdks.prompts import MESSAGES, PROMPT, TOOLS
from sdks.way import Family, Result

MODEL = "llama3.2"

ollama = Family(
    ("ollama",),
    lambda: import_module("ollama").Client(),
    lambda: import_module("ollama").AsyncClient(),
)


def text(response: Any) -> Result:
    return {"at": response.created_at, "text": response.message.content}


@ollama.call("chat", text)
def chat(client: Any) -> Any:
    return client.chat(model=MODEL, messages=MESSAGES)


def joined(chunks: list[Any]) -> Result:
    return {
        "at": chunks[-1].created_at,
        "text": "".join(chunk.message.content or "" for chunk in chunks),
        "end": chunks[-1].done_reason,
    }


@ollama.call("chat", joined, streaming=True)
def chat_stream(client: Any) -> Any:
    return client.chat(model=MODEL, messages=MESSAGES, stream=True)


def tool_call(response: Any) -> Result:
    function = response.message.tool_calls[0].function
    return {"name": function.name, "arguments": dict(function.arguments)}


@ollama.call("tools", tool_call)
def tools(client: Any) -> Any:
    return client.chat(model=MODEL, messages=MESSAGES, tools=TOOLS)


@ollama.call("embeddings", lambda response: {"vector": list(response.embeddings[0])})
def embed(client: Any) -> Any:
    return client.embed(model="nomic-embed-text", input=PROMPT)
