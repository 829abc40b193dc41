"""The model of a request, and the tokens of an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from standin.bedrock import frame

from cachy.rules.usage import model_of, usage_of
from cachy.rules.verdict import Answer

OPENAI = "https://api.openai.com/v1"

SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"
NDJSON = "application/x-ndjson"
AWS = "application/vnd.amazon.eventstream"


def sse(*events: Any) -> bytes:
    texts = [event if isinstance(event, str) else f"data: {json.dumps(event)}" for event in events]
    return "".join(f"{text}\n\n" for text in texts).encode()


@pytest.mark.parametrize(
    ("url", "body", "model"),
    [
        (f"{OPENAI}/responses", {"model": "gpt-4o"}, "gpt-4o"),
        ("https://h/v1beta/models/gemini-2.0-flash:generateContent", {}, "gemini-2.0-flash"),
        ("https://h/openai/deployments/mine/chat/completions", None, "mine"),
        ("https://h/model/anthropic.claude-v2%3A0/converse", {}, "anthropic.claude-v2:0"),
        ("https://h/x", {"model": 7}, None),
        ("https://h/x", {"modelId": "amazon.nova"}, "amazon.nova"),
        ("https://h/x", {"model": None, "modelId": 7}, None),
        ("https://h/x", "text", None),
    ],
)
def test_models(url: str, body: Any, model: str | None) -> None:
    assert model_of(url, body) == model


@pytest.mark.parametrize(
    ("kind", "body", "usage"),
    [
        (JSON, {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}, (3, 4)),
        (JSON, {"usage": {"input_tokens": 3, "output_tokens": 4}}, (3, 4)),
        (JSON, {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4}}, (3, 4)),
        (JSON, {"usage": {"tokens": {"input_tokens": 3, "output_tokens": 4}}}, (3, 4)),
        (JSON, {"prompt_eval_count": 3, "eval_count": 4}, (3, 4)),
        (JSON, {"usage": {"inputTokens": 3, "outputTokens": 4}}, (3, 4)),
    ],
)
def test_usage(kind: str, body: Any, usage: tuple[int, int]) -> None:
    answer = Answer(200, kind, json.dumps(body).encode(), ended=True)
    assert usage_of(answer) == dict(zip(("input", "output"), usage, strict=True))


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        # OpenAI and those like it count what was in the cache among the input.
        (
            {"usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}},
            {"input": 9, "cache_read": 4},
        ),
        (
            {"usage": {"prompt_tokens": 9, "prompt_cache_hit_tokens": 4}},
            {"input": 9, "cache_read": 4},
        ),
        (
            {"usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}}},
            {"input": 9, "cache_read": 4},
        ),
        # Anthropic and Bedrock do not.
        (
            {"usage": {"input_tokens": 2, "cache_read_input_tokens": 4}},
            {"input": 6, "cache_read": 4},
        ),
        (
            {"usage": {"input_tokens": 2, "cache_creation_input_tokens": 7}},
            {"input": 9, "cache_write": 7},
        ),
        (
            {"usage": {"inputTokens": 2, "cacheReadInputTokens": 4, "cacheWriteInputTokens": 3}},
            {"input": 9, "cache_read": 4, "cache_write": 3},
        ),
        ({"usage": {"input_tokens": 2, "cache_read_input_tokens": 0}}, {"input": 2}),
        # Gemini counts apart what was thought, and what its tools gave it.
        (
            {"usageMetadata": {"promptTokenCount": 3, "toolUsePromptTokenCount": 2}},
            {"input": 5},
        ),
        (
            {"usageMetadata": {"candidatesTokenCount": 3, "thoughtsTokenCount": 20}},
            {"output": 23},
        ),
        (
            {"interaction": {"usage": {"total_input_tokens": 3, "total_thought_tokens": 20}}},
            {"input": 3, "output": 20},
        ),
        ({"x_groq": {"usage": {"prompt_tokens": 3}}}, {"input": 3}),
        ({"meta": {"tokens": {"input_tokens": 3}}}, {"input": 3}),
        ({"meta": {"billed_units": {"input_tokens": 3}}}, {"input": 3}),
        ({"usage": {"total_tokens": 3}}, {"input": 3}),
    ],
)
def test_usage_of_caches_and_thoughts(body: Any, usage: dict[str, int]) -> None:
    assert usage_of(Answer(200, JSON, json.dumps(body).encode(), True)) == usage


def test_usage_of_streams() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 1}}}
    stop = {"type": "message_stop"}
    cached = {"input_tokens": 3, "cache_read_input_tokens": 90, "output_tokens": 1}
    rest = {"type": "message_delta", "usage": {"input_tokens": 3, "output_tokens": 9}}
    with_cache = sse({"type": "message_start", "message": {"usage": cached}}, rest, stop)
    wanted = {"input": 93, "output": 9, "cache_read": 90}
    assert usage_of(Answer(200, SSE, with_cache, True)) == wanted
    delta = {"type": "message_delta", "usage": {"output_tokens": 9}}
    assert usage_of(Answer(200, SSE, sse(start, delta, stop), True)) == {"input": 3, "output": 9}
    ollama = b'{"done":false}\n{"done":true,"prompt_eval_count":3,"eval_count":9}'
    assert usage_of(Answer(200, NDJSON, ollama, True)) == {"input": 3, "output": 9}
    assert usage_of(Answer(200, "audio/mpeg", b"\xff", True)) is None
    assert usage_of(Answer(200, SSE, sse("data: x"), True)) is None


def test_usage_of_amazons_streams() -> None:
    usage = {"inputTokens": 3, "outputTokens": 9, "totalTokens": 12}
    body = frame("messageStart", {"role": "assistant"}) + frame("metadata", {"usage": usage})
    assert usage_of(Answer(200, AWS, body, True)) == {"input": 3, "output": 9}


@pytest.mark.parametrize("count", ["3", None, [3], {}, 1e300])
def test_only_numbers_are_counts(count: Any) -> None:
    body = json.dumps({"usage": {"prompt_tokens": count, "completion_tokens": 4}}).encode()
    assert usage_of(Answer(200, JSON, body, True)) == {"output": 4}
