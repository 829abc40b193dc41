"""Mistral's SDK: one client with a pair of methods for each call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from sdks.completions import joined, message, tool_call, vector
from sdks.prompts import MESSAGES, PROMPT, TOOLS
from sdks.way import Family, Result

MODEL = "mistral-small-latest"


@contextmanager
def sync() -> Iterator[SimpleNamespace]:
    with import_module("mistralai.client").Mistral(api_key="test") as client:
        yield SimpleNamespace(
            complete=client.chat.complete,
            stream=client.chat.stream,
            embed=client.embeddings.create,
        )


@asynccontextmanager
async def asynchronous() -> AsyncIterator[SimpleNamespace]:
    async with import_module("mistralai.client").Mistral(api_key="test") as client:
        yield SimpleNamespace(
            complete=client.chat.complete_async,
            stream=client.chat.stream_async,
            embed=client.embeddings.create_async,
        )


mistral = Family(("mistralai 3",), sync, asynchronous)


@mistral.call("chat", message)
def chat(client: Any) -> Any:
    return client.complete(model=MODEL, messages=MESSAGES)


def joined_events(events: list[Any]) -> Result:
    return joined([event.data for event in events])


@mistral.call("chat", joined_events, streaming=True)
def chat_stream(client: Any) -> Any:
    return client.stream(model=MODEL, messages=MESSAGES)


@mistral.call("tools", tool_call)
def tools(client: Any) -> Any:
    return client.complete(model=MODEL, messages=MESSAGES, tools=TOOLS)


@mistral.call("embeddings", vector)
def embeddings(client: Any) -> Any:
    return client.embed(model="mistral-embed", inputs=[PROMPT])
