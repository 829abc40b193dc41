"""pydantic-ai: it makes ids for the tool calls of Gemini, which have none."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from sdks.way import Way

from frameworks.loop import TOOLS, declare

LOOPS: list[Way] = []
FRAMEWORK = "pydantic-ai-slim"

MODELS = {
    "Gemini 3": ("google", "GoogleModel", "gemini-3-pro-preview", "Google"),
    "Chat Completions": ("openai", "OpenAIChatModel", "gpt-4o", "OpenAI"),
    "Responses": ("openai", "OpenAIResponsesModel", "gpt-5", "OpenAI"),
}


def agent(module: str, model: str, name: str, provider: str) -> Any:
    models = import_module(f"pydantic_ai.models.{module}")
    providers = import_module(f"pydantic_ai.providers.{module}")
    made = getattr(providers, f"{provider}Provider")(api_key="test")
    return import_module("pydantic_ai").Agent(
        getattr(models, model)(name, provider=made), tools=TOOLS
    )


for api, model in MODELS.items():
    loop = partial(declare, LOOPS, FRAMEWORK, api, partial(agent, *model))

    @loop()
    def ask(agent: Any, question: str, history: Any) -> Any:
        result = agent.run_sync(question, message_history=history)
        return result.output, result.all_messages()

    @loop()
    async def ask_async(agent: Any, question: str, history: Any) -> Any:
        result = await agent.run(question, message_history=history)
        return result.output, result.all_messages()

    @loop(streaming=True)
    def stream(agent: Any, question: str, history: Any) -> Any:
        result = agent.run_stream_sync(question, message_history=history)
        text = "".join(result.stream_text(delta=True))
        return text, result.all_messages()

    @loop(streaming=True)
    async def stream_async(agent: Any, question: str, history: Any) -> Any:
        async with agent.run_stream(question, message_history=history) as result:
            text = "".join([piece async for piece in result.stream_text(delta=True)])
        return text, result.all_messages()
