"""Azure AI's SDK: requests, and aiohttp where it is asynchronous."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sdks.completions import message, tool_call, vector
from sdks.prompts import MESSAGES, PROMPT, TOOLS
from sdks.way import Family, Result

ENDPOINT = "https://example.services.ai.azure.com/models"


def _client(module: str, name: str = "ChatCompletionsClient") -> Any:
    key = import_module("azure.core.credentials").AzureKeyCredential("test")
    return getattr(import_module(module), name)(ENDPOINT, key)


def joined(chunks: list[Any]) -> Result:
    """Some chunks have no text, some no choice."""
    deltas = (choice.delta.content or "" for chunk in chunks for choice in chunk.choices or [])
    return {"id": chunks[0].id, "text": "".join(deltas)}


azure = Family(
    ("azure-ai-inference",),
    lambda: _client("azure.ai.inference"),
    lambda: _client("azure.ai.inference.aio"),
)
azure_vectors = Family(
    ("azure-ai-inference",),
    lambda: _client("azure.ai.inference", "EmbeddingsClient"),
    lambda: _client("azure.ai.inference.aio", "EmbeddingsClient"),
)


@azure.call("chat", message)
def chat(client: Any) -> Any:
    return client.complete(model="gpt-4o", messages=MESSAGES)


@azure.call("chat", joined, streaming=True)
def chat_stream(client: Any) -> Any:
    return client.complete(model="gpt-4o", messages=MESSAGES, stream=True)


@azure.call("tools", tool_call)
def tools(client: Any) -> Any:
    return client.complete({"model": "gpt-4o", "messages": MESSAGES, "tools": TOOLS})


@azure_vectors.call("embeddings", vector)
def embeddings(client: Any) -> Any:
    return client.embed(model="text-embedding-3-small", input=[PROMPT])
