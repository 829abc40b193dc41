"""Amazon Bedrock: boto3, which goes over urllib3, aiobotocore, which goes over aiohttp, and
LangChain's models on boto3, which are asked in a thread where they are asynchronous."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import reduce
from importlib import import_module
from inspect import isawaitable
from operator import add
from types import SimpleNamespace
from typing import Any

from sdks.prompts import PROMPT
from sdks.way import Family, Result

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
MESSAGES = [{"role": "user", "content": [{"text": PROMPT}]}]
CLAUDE = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": PROMPT}],
}
PLACE = {"region_name": "us-east-1"}
ACCOUNT = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


@contextmanager
def _client() -> Iterator[Any]:
    client = import_module("boto3").client("bedrock-runtime", **PLACE, **ACCOUNT, **_trust())
    yield client
    client.close()


@asynccontextmanager
async def _async_client() -> AsyncIterator[Any]:
    session = import_module("aiobotocore.session").get_session()
    async with session.create_client("bedrock-runtime", **PLACE, **ACCOUNT, **_trust()) as client:
        yield client
    await import_module("clients.over_aiohttp").connections_closed()


def _trust() -> dict[str, str]:
    return {"verify": os.environ["SSL_CERT_FILE"]}


def text(answer: Any) -> Result:
    return {"text": answer["output"]["message"]["content"][0]["text"], "usage": answer["usage"]}


def converse(client: Any) -> Any:
    return client.converse(modelId=MODEL, messages=MESSAGES)


def joined(events: list[Any]) -> Result:
    deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]
    return {"text": "".join(delta["delta"]["text"] for delta in deltas)}


def converse_stream(client: Any) -> Any:
    return _pieces(client.converse_stream(modelId=MODEL, messages=MESSAGES), "stream")


def invoked(body: Any) -> Result:
    answer = json.loads(body)
    return {"id": answer["id"], "text": answer["content"][0]["text"]}


def invoke(client: Any) -> Any:
    return _body(client.invoke_model(modelId=MODEL, body=json.dumps(CLAUDE)))


def joined_chunks(events: list[Any]) -> Result:
    said = [json.loads(event["chunk"]["bytes"]) for event in events]
    deltas = [event["delta"]["text"] for event in said if event["type"] == "content_block_delta"]
    return {"text": "".join(deltas)}


def invoke_stream(client: Any) -> Any:
    answer = client.invoke_model_with_response_stream(modelId=MODEL, body=json.dumps(CLAUDE))
    return _pieces(answer, "body")


def _body(answer: Any) -> Any:
    """The body of an answer, or of one to wait for."""

    async def body() -> Any:
        async with (await answer)["body"] as stream:
            return await stream.read()

    return body() if isawaitable(answer) else answer["body"].read()


def _pieces(answer: Any, name: str) -> Any:
    """The events of a stream, or of one to wait for."""

    async def pieces() -> AsyncIterator[Any]:
        async for event in (await answer)[name]:
            yield event

    return pieces() if isawaitable(answer) else answer[name]


boto3 = Family(("boto3",), _client)
aiobotocore = Family(("aiobotocore",), async_client=_async_client)
for family in (boto3, aiobotocore):
    family.call("converse", text)(converse)
    family.call("converse", joined, streaming=True)(converse_stream)
    family.call("invoke_model", invoked)(invoke)
    family.call("invoke_model", joined_chunks, streaming=True)(invoke_stream)


@contextmanager
def _model() -> Iterator[Any]:
    """LangChain makes no client that trusts the stand-in, so it is given one."""
    with _client() as client:
        yield _chat(client)


@asynccontextmanager
async def _async_model() -> AsyncIterator[Any]:
    with _client() as client:
        model = _chat(client)
        yield SimpleNamespace(invoke=model.ainvoke, stream=model.astream)


def _chat(client: Any) -> Any:
    model = import_module("langchain_aws").ChatBedrockConverse
    return model(model=MODEL, client=client, bedrock_client=client)


langchain_aws = Family(("langchain-aws",), _model, _async_model)


def said(message: Any) -> Result:
    return {"text": message.text, "usage": message.usage_metadata}


@langchain_aws.call("chat", said)
def chat(model: Any) -> Any:
    return model.invoke(PROMPT)


@langchain_aws.call("chat", lambda chunks: said(reduce(add, chunks)), streaming=True)
def chat_stream(model: Any) -> Any:
    return model.stream(PROMPT)


amazon = [boto3, aiobotocore, langchain_aws]
