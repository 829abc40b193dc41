"""Alibaba's SDK for Qwen: requests, and aiohttp where it is asynchronous."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from importlib import import_module
from typing import Any

from sdks.prompts import MESSAGES
from sdks.way import Family, Result


@asynccontextmanager
async def _asynchronous() -> AsyncIterator[Any]:
    try:
        yield import_module("dashscope.aigc.generation").AioGeneration
    finally:
        await import_module("dashscope").close_shared_aio_session()
    await import_module("clients.over_aiohttp").connections_closed()


dashscope = Family(
    ("dashscope",),
    lambda: nullcontext(import_module("dashscope").Generation),
    _asynchronous,
)


def text(answer: Any) -> Result:
    return {"id": answer.request_id, "text": answer.output.choices[0].message.content}


def joined(pieces: list[Any]) -> Result:
    texts = [piece.output.choices[0].message.content for piece in pieces]
    return {"id": pieces[-1].request_id, "text": "".join(texts)}


def ask(generation: Any, **options: Any) -> Any:
    return generation.call(
        "qwen-plus", messages=MESSAGES, api_key="test", result_format="message", **options
    )


@dashscope.call("chat", text)
def chat(generation: Any) -> Any:
    return ask(generation)


@dashscope.call("chat", joined, streaming=True)
def chat_stream(generation: Any) -> Any:
    return ask(generation, stream=True, incremental_output=True)
