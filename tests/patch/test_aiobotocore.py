"""aiobotocore's Bedrock, over aiohttp and over httpx."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.httpxsession import HttpxSession
from aiobotocore.session import get_session
from clients.over_aiohttp import connections_closed
from standin import Behaviour, Standin, json_answer

from cachy import CacheMiss, disable_cachy, enable_cachy

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
INVOKED = Behaviour(1, answer=json_answer({"content": [{"type": "text", "text": "Hi"}]}))
ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(autouse=True)
def account(standin: Standin, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ACCOUNT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CA_BUNDLE", os.environ["SSL_CERT_FILE"])
    yield
    disable_cachy()


async def ask(kind: Any, text: str = "Hello") -> list[Any]:
    config = AioConfig(http_session_cls=kind, retries={"max_attempts": 3})
    messages = [{"role": "user", "content": [{"text": text}]}]
    body = json.dumps(
        {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": text}],
        }
    )
    session = get_session()
    async with session.create_client("bedrock-runtime", "us-east-1", config=config) as client:
        invoked = await client.invoke_model(modelId=MODEL, body=body)
        async with invoked["body"] as stream:
            whole = json.loads(await stream.read())
        answer = await client.converse(modelId=MODEL, messages=messages)
        events = []
        if kind is AIOHTTPSession:  # over httpx it cannot read event streams
            streamed = await client.converse_stream(modelId=MODEL, messages=messages)
            events = [event async for event in streamed["stream"]]
    await connections_closed()
    return [whole, answer["output"], answer["usage"], events]


@pytest.mark.parametrize("kind", [AIOHTTPSession, HttpxSession])
def test_bedrock(kind: Any, standin: Standin, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    standin.behave(INVOKED)
    live = asyncio.run(ask(kind))
    count = len(standin.calls)
    assert count == session.stats.recorded == (3 if kind is AIOHTTPSession else 2)
    enable_cachy(cache_dir=tmp_path, mode="replay")
    standin.refuse = True
    assert asyncio.run(ask(kind)) == live
    if kind is AIOHTTPSession:
        invoked, output, usage, _ = live
        assert asyncio.run(ask(HttpxSession)) == [invoked, output, usage, []]
    assert len(standin.calls) == count


@pytest.mark.parametrize("kind", [AIOHTTPSession, HttpxSession])
def test_a_miss_is_raised_and_not_retried(kind: Any, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    standin.behave(INVOKED)
    asyncio.run(ask(kind))
    count = len(standin.calls)
    enable_cachy(cache_dir=tmp_path, mode="replay")
    with pytest.raises(CacheMiss, match="no prompt like this"):
        asyncio.run(ask(kind, "Bye"))
    assert len(standin.calls) == count


def test_its_patch_is_undone() -> None:
    before = [vars(kind)["send"] for kind in (AIOHTTPSession, HttpxSession)]
    enable_cachy(store={})
    assert [vars(kind)["send"] for kind in (AIOHTTPSession, HttpxSession)] != before
    disable_cachy()
    assert [vars(kind)["send"] for kind in (AIOHTTPSession, HttpxSession)] == before
