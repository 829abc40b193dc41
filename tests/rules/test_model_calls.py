"""Which requests are to a model, on a host that nobody knows."""

from __future__ import annotations

import pytest

from cachy.rules.model_calls import asks_model, may_ask_model

SURE = (
    "/v1/chat/completions",
    "/openai/deployments/gpt-4o/chat/completions",
    "/v1beta/models/gemini-3-flash:generateContent",
    "/v1beta/models/gemini-3-flash:streamGenerateContent",
    "/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict",
    "/model/anthropic.claude/converse-stream",
    "/model/anthropic.claude/invoke",
)
BY_BODY = {
    "/v1/responses": b'{"input":"Hi","model":"m"}',
    "/v1/messages": b'{"model":"m","messages":[]}',
    "/v1/completions": b'{"model":"m","prompt":"Hi"}',
    "/v1/embeddings": b'{"model":"m","input":["a"]}',
    "/api/chat": b'{"model":"m","messages":[]}',
    "/api/generate": b'{"model":"m","prompt":"Hi"}',
    "/v2/rerank": b'{"model":"m","query":"a"}',
}
OTHERS = ("/", "/v1/users", "/chat/completions/history", "/v1/messages/7", "/generateContent")


@pytest.mark.parametrize("path", SURE)
def test_paths_that_are_a_models_alone(path: str) -> None:
    assert may_ask_model("POST", path)
    assert asks_model(path, None)
    assert not may_ask_model("GET", path)


@pytest.mark.parametrize("path", BY_BODY)
def test_paths_that_others_have_too(path: str) -> None:
    assert may_ask_model("POST", path)
    assert asks_model(path, BY_BODY[path])
    for body in (None, b"", b"to=1&text=Hi", b'{"text":"Hi"}', b'{"model":"T","wheels":4}'):
        assert not asks_model(path, body)


@pytest.mark.parametrize("path", OTHERS)
def test_other_paths(path: str) -> None:
    assert not may_ask_model("POST", path)
