"""Google's SDK, whose async client leaves httpx2 for aiohttp wherever that is installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sdks.prompts import PROMPT, WEATHER
from sdks.way import Family, Result

MODEL = "gemini-2.0-flash"

google = Family(
    ("google-genai 3",),
    lambda: import_module("google.genai").Client(api_key="test"),
    lambda: import_module("google.genai").Client(api_key="test").aio,
)


def text(response: Any) -> Result:
    return {"id": response.response_id, "text": response.text}


@google.call("chat", text)
def generate(client: Any) -> Any:
    return client.models.generate_content(model=MODEL, contents=PROMPT)


def joined(chunks: list[Any]) -> Result:
    return {
        "id": chunks[-1].response_id,
        "text": "".join(chunk.text or "" for chunk in chunks),
    }


@google.call("chat", joined, streaming=True)
def generate_stream(client: Any) -> Any:
    return client.models.generate_content_stream(model=MODEL, contents=PROMPT)


def function_call(response: Any) -> Result:
    call = response.function_calls[0]
    return {"name": call.name, "arguments": call.args}


@google.call("tools", function_call)
def tools(client: Any) -> Any:
    return client.models.generate_content(
        model=MODEL,
        contents=PROMPT,
        config={"tools": [{"function_declarations": [WEATHER]}]},
    )


@google.call("embeddings", lambda response: {"vector": response.embeddings[0].values})
def embed(client: Any) -> Any:
    return client.models.embed_content(model="gemini-embedding-001", contents=PROMPT)
