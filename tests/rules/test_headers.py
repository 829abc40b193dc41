"""Which response headers are kept."""

from __future__ import annotations

import pytest

from cachy.rules.headers import kept_headers

JSON = "application/json"


KEPT = sorted(
    """
    content-type content-length content-language content-disposition date age etag
    last-modified expires cache-control vary server via link location operation-location
    retry-after allow accept-ranges x-request-id request-id openai-model openai-processing-ms
    openai-version x-ratelimit-limit-requests x-ratelimit-remaining-tokens
    anthropic-ratelimit-requests-limit anthropic-ratelimit-tokens-reset x-amzn-requestid
    x-amzn-bedrock-input-token-count x-amz-cf-id x-ms-region apim-request-id cf-ray
    cf-cache-status x-next-page x-total-count x-page-token x-continuation-token
    x-correlation-id mcp-session-id x-goog-upload-status x-envoy-upstream-service-time
    strict-transport-security x-content-type-options access-control-allow-origin x-groq-region
    x-compute-time x-served-by x-should-retry deprecation sunset x-vercel-id x-model-id
    x-powered-by content-security-policy
    """.split()  # noqa: SIM905
)
DROPPED = sorted(
    """
    set-cookie set-cookie2 cookie connection keep-alive proxy-authenticate te trailer
    transfer-encoding upgrade alt-svc content-encoding www-authenticate authorization
    x-api-key x-auth-token x-session-token x-amz-security-token x-csrf-token x-signature
    x-amz-credential openai-organization openai-project anthropic-organization-id
    x-goog-project-id x-account-id x-workspace-id x-tenant-id x-ms-subscription-id
    x-customer-id x-user-id x-user-email x-client-secret x-access-key x-jwt
    """.split()  # noqa: SIM905
)


@pytest.mark.parametrize("name", KEPT)
def test_headers_are_kept(name: str) -> None:
    assert kept_headers([(name.title(), "1")]) == [(name, "1")]


@pytest.mark.parametrize("name", DROPPED)
def test_headers_that_are_never_stored(name: str) -> None:
    assert kept_headers([(name.title(), "1")]) == []


def test_headers_that_the_user_asked_for() -> None:
    headers = [("X-Mine-Token", "1"), ("Set-Cookie", "a=b"), ("openai-organization", "org")]
    extra = frozenset({"x-mine-token", "set-cookie", "openai-organization"})
    assert kept_headers(headers) == []
    assert kept_headers(headers, extra) == [("x-mine-token", "1")]


def test_length_goes_with_the_encoding() -> None:
    headers = [("content-length", "12"), ("content-type", JSON)]
    assert kept_headers(headers, encoded=True) == [("content-type", JSON)]


def test_a_header_may_come_twice() -> None:
    headers = [("link", "</a>"), ("link", "</b>")]
    assert kept_headers(headers) == headers
