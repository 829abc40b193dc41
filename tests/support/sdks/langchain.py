"""LangChain's community models, by the example of DeepInfra's: requests, and aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import reduce
from importlib import import_module
from operator import add
from types import SimpleNamespace
from typing import Any

from sdks.prompts import PROMPT
from sdks.way import Family, Result


@contextmanager
def _models() -> Iterator[Any]:
    yield SimpleNamespace(invoke=_model().invoke, stream=_model(streaming=True).stream)


@asynccontextmanager
async def _async_models() -> AsyncIterator[Any]:
    yield SimpleNamespace(invoke=_model().ainvoke, stream=_model(streaming=True).astream)
    await import_module("clients.over_aiohttp").connections_closed()


def _model(**options: Any) -> Any:
    model = import_module("langchain_community.chat_models.deepinfra").ChatDeepInfra
    return model(model="meta-llama/Llama-3.3-70B-Instruct", deepinfra_api_token="test", **options)


community = Family(("langchain-community",), _models, _async_models)


def said(message: Any) -> Result:
    return {"text": message.text}


@community.call("chat", said)
def chat(models: Any) -> Any:
    return models.invoke(PROMPT)


@community.call("chat", lambda chunks: said(reduce(add, chunks)), streaming=True)
def chat_stream(models: Any) -> Any:
    return models.stream(PROMPT)
