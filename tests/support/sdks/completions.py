"""Reading chat completions, in the shape that OpenAI gave them and many SDKs share."""

from __future__ import annotations

import json
from typing import Any

from sdks.way import Result


def message(completion: Any) -> Result:
    return {"id": completion.id, "text": completion.choices[0].message.content}


def joined(chunks: list[Any]) -> Result:
    deltas = (choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    return {"id": chunks[0].id, "text": "".join(deltas)}


def nameless(result: Result) -> Result:
    """A result without its id: TGI leaves it empty, LiteLLM makes up another for each run."""
    return {"text": result["text"]}


def tool_call(completion: Any) -> Result:
    function = completion.choices[0].message.tool_calls[0].function
    return {"name": function.name, "arguments": json.loads(function.arguments)}


def joined_tool_call(chunks: list[Any]) -> Result:
    functions = [
        call.function
        for chunk in chunks
        for choice in chunk.choices
        for call in choice.delta.tool_calls or []
    ]
    arguments = "".join(function.arguments or "" for function in functions)
    return {"name": functions[0].name, "arguments": json.loads(arguments)}


def vector(embeddings: Any) -> Result:
    return {"vector": embeddings.data[0].embedding}
