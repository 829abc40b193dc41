"""Frameworks that ask Gemini through Google's SDK; async over aiohttp, where that is installed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from sdks.google import MODEL
from sdks.prompts import PROMPT
from sdks.way import Family, Result


@contextmanager
def _llm() -> Iterator[Any]:
    llm = _llama_index()
    yield SimpleNamespace(complete=llm.complete, stream=llm.stream_complete)


@asynccontextmanager
async def _async_llm() -> AsyncIterator[Any]:
    llm = _llama_index()
    yield SimpleNamespace(complete=llm.acomplete, stream=llm.astream_complete)
    await llm._client.aio.aclose()
    await import_module("clients.over_aiohttp").connections_closed()


def _llama_index() -> Any:
    llm = import_module("llama_index.llms.google_genai").GoogleGenAI
    return llm(MODEL, api_key="test", max_tokens=100, context_window=1000)


llama_index = Family(("llama-index-llms-google-genai",), _llm, _async_llm)


@llama_index.call("chat", lambda answer: {"text": answer.text})
def complete(llm: Any) -> Any:
    return llm.complete(PROMPT)


@llama_index.call("chat", lambda answers: {"text": answers[-1].text}, streaming=True)
def complete_stream(llm: Any) -> Any:
    return llm.stream(PROMPT)


@asynccontextmanager
async def _agent() -> AsyncIterator[Any]:
    """From a way of streaming to the events of an agent, which is asked once."""
    with patch.dict(os.environ, GOOGLE_API_KEY="test"):
        model = import_module("google.adk.models").Gemini(model=MODEL)
        async with _asked(model) as ask:
            yield ask
        await model.api_client.aio.aclose()
    await import_module("clients.over_aiohttp").connections_closed()


@asynccontextmanager
async def _asked(model: Any) -> AsyncIterator[Any]:
    agents = import_module("google.adk.agents")
    agent = agents.LlmAgent(name="assistant", model=model, instruction="Be brief.")
    runner = import_module("google.adk.runners").InMemoryRunner(agent)
    session = await runner.session_service.create_session(app_name=runner.app_name, user_id="u")
    message = import_module("google.genai.types").UserContent(PROMPT)
    config = import_module("google.adk.agents.run_config")

    def ask(mode: str) -> Any:
        return runner.run_async(
            user_id="u",
            session_id=session.id,
            new_message=message,
            run_config=config.RunConfig(streaming_mode=config.StreamingMode[mode]),
        )

    yield ask
    await runner.close()


adk = Family(("google-adk",), async_client=_agent)


def said(events: list[Any]) -> Result:
    return {"text": "".join(part.text for event in events for part in event.content.parts)}


@adk.call("agent", said)
async def agent(ask: Any) -> Any:
    return [event async for event in ask("NONE")]


@adk.call("agent", said, streaming=True)
def agent_stream(ask: Any) -> Any:
    return ask("SSE")
