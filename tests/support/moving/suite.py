"""Forty tests with cassettes, as teams have them. They run under pytest-recording, and after
`cachy import` under cachy, without a change.

Each test writes down what it was answered when it is recorded, and later wants the very same.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

ANSWERS = Path(__file__).parent / "answers"
CHAT = "https://api.openai.com/v1/chat/completions"
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model/claude"

pytestmark = pytest.mark.vcr


def chat(text: str, **options: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **options}


def turn(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"text": text}]}]}


def post(url: str, body: dict[str, Any]) -> str:
    headers = {"authorization": "Bearer " + "sk-" + "secret" * 8}
    answer = httpx.post(url, json=body, headers=headers, verify=False, timeout=30)
    return answer.raise_for_status().content.decode("latin-1")


async def apost(url: str, body: dict[str, Any]) -> str:
    async with httpx.AsyncClient(verify=False, timeout=30) as client:
        answer = await client.post(url, json=body)
        return answer.raise_for_status().content.decode("latin-1")


def stream(url: str, body: dict[str, Any]) -> str:
    with (
        httpx.Client(verify=False, timeout=30) as client,
        client.stream("POST", url, json=body) as answer,
    ):
        return b"".join(answer.iter_bytes()).decode("latin-1")


@pytest.fixture
def same(request: pytest.FixtureRequest) -> Any:
    """Compares an answer with the one when it was recorded."""

    def check(*answers: str) -> None:
        path = ANSWERS / f"{request.node.name.encode().hex()}.json"
        if os.environ.get("MOVING_RECORDS"):
            ANSWERS.mkdir(exist_ok=True)
            path.write_text(json.dumps(answers), "utf-8")
        assert list(answers) == json.loads(path.read_text("utf-8"))

    return check


@pytest.mark.parametrize("number", range(8))
def test_plain(number: int, same: Any) -> None:
    same(post(CHAT, chat(f"Describe {number}")))


@pytest.mark.parametrize("number", range(8))
def test_async(number: int, same: Any) -> None:
    same(asyncio.run(apost(CHAT, chat(f"Describe {number}"))))


@pytest.mark.parametrize("number", range(8))
def test_stream(number: int, same: Any) -> None:
    same(stream(CHAT, chat(f"Tell of {number}", stream=True)))


@pytest.mark.parametrize("kind", ["converse", "converse-stream"])
@pytest.mark.parametrize("number", range(2))
def test_bedrock(number: int, kind: str, same: Any) -> None:
    same(stream(f"{BEDROCK}/{kind}", turn(f"Say {number}")))


@pytest.mark.parametrize("number", range(4))
def test_asked_again(number: int, same: Any) -> None:
    same(*[post(CHAT, chat("Surprise me")) for _ in range(number + 2)])


class TestInAClass:
    @pytest.mark.parametrize("who", ["ada/lovelace", "a b", "ä", "x?y"])
    def test_same_question(self, who: str, same: Any) -> None:
        same(post(CHAT, chat("Who are you?")))


@pytest.mark.default_cassette("shared.yaml")
def test_named_cassette(same: Any) -> None:
    same(post(CHAT, chat("Who are you?")))


@pytest.mark.block_network
def test_counted(vcr: Any, same: Any) -> None:
    same(post(CHAT, chat("Count me")))
    assert vcr.play_count == (0 if os.environ.get("MOVING_RECORDS") else 1)


def test_error(same: Any) -> None:
    answer = httpx.get("https://api.openai.com/v1/models/none", verify=False)
    same(str(answer.status_code), answer.text)


def test_tools(same: Any) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "weather", "parameters": parameters}}
    same(post(CHAT, chat("Weather?", tools=[tool])))
