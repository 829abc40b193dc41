"""Groq's SDK, the shape of OpenAI's on httpx."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sdks.completions import joined, message, tool_call
from sdks.prompts import MESSAGES, TOOLS
from sdks.way import Family

MODEL = "llama-3.3-70b-versatile"

groq = Family(
    ("groq",),
    lambda: import_module("groq").Groq(api_key="test"),
    lambda: import_module("groq").AsyncGroq(api_key="test"),
)


@groq.call("chat", message)
def chat(client: Any) -> Any:
    return client.chat.completions.create(model=MODEL, messages=MESSAGES)


@groq.call("chat", joined, streaming=True)
def chat_stream(client: Any) -> Any:
    return client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)


@groq.call("tools", tool_call)
def tools(client: Any) -> Any:
    return client.chat.completions.create(model=MODEL, messages=MESSAGES, tools=TOOLS)
