"""LiteLLM: it makes ids for the tool calls of Gemini and Ollama, which have none."""

from __future__ import annotations

import inspect
import json
from functools import partial
from typing import Any

from sdks.litellm import package
from sdks.way import Way

from frameworks.loop import TOOLS, declare

LOOPS: list[Way] = []
FRAMEWORK = "litellm"

MODELS = {"Gemini 3": "gemini/gemini-3-pro-preview", "Ollama": "ollama_chat/llama3.2"}

TYPES = {"str": "string", "int": "integer"}
SCHEMAS = [
    {
        "type": "function",
        "function": {
            "name": tool.__name__,
            "description": inspect.getdoc(tool),
            "parameters": {
                "type": "object",
                "properties": {
                    name: {"type": TYPES[parameter.annotation]}
                    for name, parameter in inspect.signature(tool).parameters.items()
                },
            },
        },
    }
    for tool in TOOLS
]


def said(question: str, history: Any) -> list[Any]:
    return [*(history or []), {"role": "user", "content": question}]


def results(message: Any) -> list[Any]:
    """The message, and the results of the tools that it calls."""
    tools = {tool.__name__: tool for tool in TOOLS}
    return [
        message,
        *(
            {
                "role": "tool",
                "tool_call_id": call.id,
                "name": call.function.name,
                "content": str(tools[call.function.name](**json.loads(call.function.arguments))),
            }
            for call in message.tool_calls or []
        ),
    ]


for api, model in MODELS.items():
    loop = partial(declare, LOOPS, FRAMEWORK, api, package)
    options: dict[str, Any] = {"model": model, "tools": SCHEMAS, "api_key": "test"}

    @loop()
    def ask(litellm: Any, question: str, history: Any, options: Any = options) -> Any:
        messages = said(question, history)
        while messages[-1]["role"] != "assistant":
            completion = litellm.completion(messages=messages, **options)
            messages += results(completion.choices[0].message)
        return messages[-1].content, messages

    @loop()
    async def ask_async(litellm: Any, question: str, history: Any, options: Any = options) -> Any:
        messages = said(question, history)
        while messages[-1]["role"] != "assistant":
            completion = await litellm.acompletion(messages=messages, **options)
            messages += results(completion.choices[0].message)
        return messages[-1].content, messages

    @loop(streaming=True)
    def stream(litellm: Any, question: str, history: Any, options: Any = options) -> Any:
        messages = said(question, history)
        while messages[-1]["role"] != "assistant":
            chunks = list(litellm.completion(messages=messages, stream=True, **options))
            completion = litellm.stream_chunk_builder(chunks, messages=messages)
            messages += results(completion.choices[0].message)
        return messages[-1].content, messages

    @loop(streaming=True)
    async def stream_async(
        litellm: Any, question: str, history: Any, options: Any = options
    ) -> Any:
        messages = said(question, history)
        while messages[-1]["role"] != "assistant":
            given = await litellm.acompletion(messages=messages, stream=True, **options)
            chunks = [chunk async for chunk in given]
            completion = litellm.stream_chunk_builder(chunks, messages=messages)
            messages += results(completion.choices[0].message)
        return messages[-1].content, messages
