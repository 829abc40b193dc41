"""dspy, with a transport of its own. Its streams go through LiteLLM, which has rows of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from typing import Any

from sdks.litellm import package
from sdks.prompts import PROMPT
from sdks.way import Family


@contextmanager
def _model() -> Iterator[Any]:
    model = _lm()
    yield model
    model.close()


@asynccontextmanager
async def _async_model() -> AsyncIterator[Any]:
    model = _lm()
    yield model.acall
    await model.aclose()


def _lm() -> Any:
    package()  # which dspy imports
    return import_module("dspy").LM("openai/gpt-4o-mini", api_key="test", cache=False)


dspy = Family(("dspy",), _model, _async_model)


@dspy.call("chat", lambda answers: {"text": answers[0]})
def chat(model: Any) -> Any:
    return model(PROMPT)
