"""Hugging Face's SDK: through its router, and to an endpoint that is named by its address.

Both spare the look-up of the model on the Hub. Version 1 sends through httpx, version 2
through httpx2.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sdks.completions import joined, message, nameless, tool_call
from sdks.prompts import MESSAGES, TOOLS
from sdks.way import Family

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
ENDPOINT = f"https://router.huggingface.co/hf-inference/models/{MODEL}"

huggingface = Family(
    ("huggingface_hub 1", "huggingface_hub 2"),
    lambda: import_module("huggingface_hub").InferenceClient(api_key="hf_test"),
    lambda: import_module("huggingface_hub").AsyncInferenceClient(api_key="hf_test"),
)


@huggingface.call("chat", message)
def chat(client: Any) -> Any:
    return client.chat_completion(MESSAGES, model=MODEL)


@huggingface.call("chat", joined, streaming=True)
def chat_stream(client: Any) -> Any:
    return client.chat_completion(MESSAGES, model=MODEL, stream=True)


@huggingface.call("endpoint", lambda completion: nameless(message(completion)))
def endpoint(client: Any) -> Any:
    return client.chat_completion(MESSAGES, model=ENDPOINT)


@huggingface.call("endpoint", lambda chunks: nameless(joined(chunks)), streaming=True)
def endpoint_stream(client: Any) -> Any:
    return client.chat_completion(MESSAGES, model=ENDPOINT, stream=True)


@huggingface.call("tools", tool_call)
def tools(client: Any) -> Any:
    return client.chat_completion(MESSAGES, model=MODEL, tools=TOOLS)
