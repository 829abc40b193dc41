"""The request that missed is read whole, and URLs are split where requests are comparable."""

from __future__ import annotations

import pytest
from chats import BASE, LONG, URL, canonical, head

from cachy.explain.distance import outlined_parts
from cachy.explain.request import Address, MissedRequest


def test_a_canonical_request_is_read_in_both_lengths() -> None:
    request = MissedRequest.from_canonical(canonical(BASE, scope="drafts"))
    assert (request.method, request.url) == ("POST", URL)
    assert request.outline["scope"] == request.full["scope"] == "drafts"
    assert request.full["body"]["messages"][3]["content"] == LONG
    assert outlined_parts(request.outline["body"]["messages"][3]["content"])


def test_the_head_of_a_recording_has_only_the_outline() -> None:
    recorded = head(canonical(BASE))
    request = MissedRequest.from_head(recorded)
    assert request.outline is request.full is recorded["request"]
    assert (request.method, request.url) == ("POST", URL)
    assert MissedRequest.from_head({}) == ("", "", {}, {})


@pytest.mark.parametrize(
    ("url", "endpoint", "action", "model"),
    [
        (URL, "/v1/chat/completions", "completions", None),
        (
            "https://g.com/v1beta/models/gemini-2.0-flash:generateContent",
            "/v1beta/models/*:generateContent",
            "*:generateContent",
            "gemini-2.0-flash",
        ),
        (
            "https://x.azure.com/openai/deployments/gpt-4o/chat/completions",
            "/openai/deployments/*/chat/completions",
            "completions",
            "gpt-4o",
        ),
        (
            "https://bedrock.com/model/claude/converse",
            "/model/*/converse",
            "converse",
            "claude",
        ),
        (
            "https://bedrock.com/model/anthropic.claude-v2:0/converse",
            "/model/*/converse",
            "converse",
            "anthropic.claude-v2:0",
        ),
        ("", "", "", None),
    ],
)
def test_the_model_is_no_part_of_the_endpoint(
    url: str, endpoint: str, action: str, model: str | None
) -> None:
    address = Address.from_url(url)
    assert (address.endpoint, address.action, address.model) == (endpoint, action, model)


def test_the_model_and_the_query_are_fields() -> None:
    address = Address.from_url("http://localhost:8000/models/m:go?alt=sse&empty=")
    assert (address.scheme, address.host, address.path) == (
        "http",
        "localhost:8000",
        "/models/m:go",
    )
    assert address.fields == {"model": "m", "query": {"alt": "sse", "empty": ""}}
