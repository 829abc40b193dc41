"""LiteLLM: one function for every provider, at the provider's own address."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from importlib import import_module
from typing import Any

from sdks.completions import joined, joined_tool_call, message, nameless, tool_call
from sdks.prompts import MESSAGES, TOOLS, WEB_SEARCH
from sdks.way import Family, Result

CLAUDE = "claude-sonnet-4-20250514"
MODELS = (CLAUDE, "gpt-4o", "gemini/gemini-2.0-flash", "deepseek/deepseek-chat")


def package() -> Any:
    """The package, kept from fetching its price list when it is imported."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    return import_module("litellm")


@asynccontextmanager
async def asynchronous() -> AsyncIterator[Any]:
    litellm = package()
    try:
        yield litellm.acompletion
    finally:
        await litellm.close_litellm_async_clients()


litellm = Family(("litellm",), lambda: nullcontext(package().completion), asynchronous)


def complete(completion: Any, model: str, **options: Any) -> Any:
    return completion(model=model, messages=MESSAGES, api_key="test", **options)


def text(completion: Any) -> Result:
    return nameless(message(completion))


def joined_text(chunks: list[Any]) -> Result:
    return nameless(joined(chunks))


for model in MODELS:
    litellm.call(model, text)(partial(complete, model=model))
    litellm.call(model, joined_text, streaming=True)(partial(complete, model=model, stream=True))


@litellm.call("tools", tool_call)
def tools(completion: Any) -> Any:
    return complete(completion, CLAUDE, tools=TOOLS)


@litellm.call("tools", joined_tool_call, streaming=True)
def tools_stream(completion: Any) -> Any:
    return complete(completion, CLAUDE, tools=TOOLS, stream=True)


def quoted(completion: Any) -> Result:
    fields = completion.choices[0].message.provider_specific_fields
    sources = [source for group in fields["citations"] for source in group]
    cited = [[source["url"], source["cited_text"]] for source in sources]
    return text(completion) | {"cited": cited}


@litellm.call("citations", quoted)
def citations(completion: Any) -> Any:
    return complete(completion, CLAUDE, tools=[WEB_SEARCH])
