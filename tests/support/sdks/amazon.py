"""Amazon Bedrock, through aiobotocore, which goes over aiohttp."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from sdks.prompts import PROMPT
from sdks.way import Family, Result

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
MESSAGES = [{"role": "user", "content": [{"text": PROMPT}]}]
ACCOUNT = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


@asynccontextmanager
async def _client() -> AsyncIterator[Any]:
    session = import_module("aiobotocore.session").get_session()
    place = {"region_name": "us-east-1", "verify": os.environ["SSL_CERT_FILE"]}
    async with session.create_client("bedrock-runtime", **place, **ACCOUNT) as client:
        yield client
    await import_module("clients.over_aiohttp").connections_closed()


amazon = Family(("aiobotocore",), async_client=_client)


def text(answer: Any) -> Result:
    return {"text": answer["output"]["message"]["content"][0]["text"], "usage": answer["usage"]}


@amazon.call("converse", text)
def converse(client: Any) -> Any:
    return client.converse(modelId=MODEL, messages=MESSAGES)


def joined(events: list[Any]) -> Result:
    deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]
    return {"text": "".join(delta["delta"]["text"] for delta in deltas)}


@amazon.call("converse", joined, streaming=True)
async def converse_stream(client: Any) -> AsyncIterator[Any]:
    answer = await client.converse_stream(modelId=MODEL, messages=MESSAGES)
    async for event in answer["stream"]:
        yield event
