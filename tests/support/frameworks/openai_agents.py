"""OpenAI's Agents SDK: async inside. The traces that it sends are no calls of a model: left out."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from sdks.way import Way

from frameworks.loop import TOOLS, declare

LOOPS: list[Way] = []
FRAMEWORK = "openai-agents"

MODELS = {
    "Responses": ("OpenAIResponsesModel", "gpt-5"),
    "Chat Completions": ("OpenAIChatCompletionsModel", "gpt-4o"),
}


def agent(model: str, name: str) -> Any:
    agents = import_module("agents")
    agents.set_tracing_disabled(True)
    client = import_module("openai").AsyncOpenAI(api_key="test")
    return agents.Agent(
        name="Guide",
        instructions="Be brief.",
        model=getattr(agents, model)(name, client),
        tools=[agents.function_tool(tool) for tool in TOOLS],
    )


def said(question: str, history: Any) -> Any:
    return [*(history or []), {"role": "user", "content": question}]


for api, model in MODELS.items():
    loop = partial(declare, LOOPS, FRAMEWORK, api, partial(agent, *model))

    @loop()
    def ask(agent: Any, question: str, history: Any) -> Any:
        result = import_module("agents").Runner.run_sync(agent, said(question, history))
        return result.final_output, result.to_input_list()

    @loop()
    async def ask_async(agent: Any, question: str, history: Any) -> Any:
        result = await import_module("agents").Runner.run(agent, said(question, history))
        return result.final_output, result.to_input_list()

    @loop(streaming=True)
    async def stream_async(agent: Any, question: str, history: Any) -> Any:
        result = import_module("agents").Runner.run_streamed(agent, said(question, history))
        events = [event async for event in result.stream_events()]
        return events and result.final_output, result.to_input_list()
