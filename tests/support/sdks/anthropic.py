"""Anthropic's SDK."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sdks.prompts import MESSAGES, WEATHER, WEB_SEARCH
from sdks.way import Family, Result

MODEL = "claude-sonnet-5"
TOOL = {
    "name": WEATHER["name"],
    "description": WEATHER["description"],
    "input_schema": WEATHER["parameters"],
}

anthropic = Family(
    ("anthropic 2",),
    lambda: import_module("anthropic").Anthropic(api_key="test"),
    lambda: import_module("anthropic").AsyncAnthropic(api_key="test"),
)


def text(message: Any) -> Result:
    parts = (block.text for block in message.content if block.type == "text")
    return {"id": message.id, "text": "".join(parts)}


@anthropic.call("chat", text)
def chat(client: Any) -> Any:
    return client.messages.create(model=MODEL, max_tokens=100, messages=MESSAGES)


def text_of_events(events: list[Any]) -> Result:
    deltas = (event.delta for event in events if event.type == "content_block_delta")
    return {
        "id": events[0].message.id,
        "text": "".join(delta.text for delta in deltas if delta.type == "text_delta"),
    }


@anthropic.call("chat", text_of_events, streaming=True)
def chat_stream(client: Any) -> Any:
    return client.messages.create(model=MODEL, max_tokens=100, messages=MESSAGES, stream=True)


def helped(events: list[Any]) -> Result:
    pieces = "".join(event.text for event in events if event.type == "text")
    return text(events[-1].message) | {"pieces": pieces}


@anthropic.stream("stream helper", helped)
def chat_helper(client: Any) -> Any:
    return client.messages.stream(model=MODEL, max_tokens=100, messages=MESSAGES)


def tool_use(message: Any) -> Result:
    block = next(block for block in message.content if block.type == "tool_use")
    return {"name": block.name, "arguments": block.input}


@anthropic.call("tools", tool_use)
def tools(client: Any) -> Any:
    return client.messages.create(model=MODEL, max_tokens=100, messages=MESSAGES, tools=[TOOL])


@anthropic.stream("tools", lambda events: tool_use(events[-1].message))
def tools_helper(client: Any) -> Any:
    return client.messages.stream(model=MODEL, max_tokens=100, messages=MESSAGES, tools=[TOOL])


def cited(message: Any) -> Result:
    blocks = (block for block in message.content if block.type == "text")
    sources = [source for block in blocks for source in block.citations or []]
    return text(message) | {"cited": [[source.url, source.cited_text] for source in sources]}


@anthropic.call("citations", cited)
def citations(client: Any) -> Any:
    return client.messages.create(
        model=MODEL, max_tokens=100, messages=MESSAGES, tools=[WEB_SEARCH]
    )


@anthropic.stream("citations", lambda events: cited(events[-1].message))
def citations_helper(client: Any) -> Any:
    return client.messages.stream(
        model=MODEL, max_tokens=100, messages=MESSAGES, tools=[WEB_SEARCH]
    )
