"""Which response headers are kept."""

from __future__ import annotations

from cachy.rules.headers import kept_headers

JSON = "application/json"


def test_headers_are_kept_by_an_allow_list() -> None:
    kept = {
        "Content-Type": JSON,
        "content-length": "12",
        "date": "Mon, 23 Nov 2026 06:30:00 GMT",
        "x-request-id": "req_1",
        "request-id": "req_1",
        "openai-model": "gpt-4o",
        "openai-processing-ms": "12",
        "openai-version": "2020-10-01",
        "x-ratelimit-remaining-tokens": "9",
        "anthropic-ratelimit-requests-limit": "9",
        "retry-after": "1",
        "x-amzn-requestid": "1",
        "x-amzn-bedrock-input-token-count": "3",
    }
    dropped = {
        "Set-Cookie": "a=b",
        "set-cookie2": "a=b",
        "content-encoding": "gzip",
        "transfer-encoding": "chunked",
        "connection": "keep-alive",
        "openai-organization": "org",
        "openai-project": "proj",
        "anthropic-organization-id": "id",
        "server": "cloudflare",
        "cf-ray": "1",
        "alt-svc": "h3",
        "www-authenticate": "Basic",
        "x-api-key": "sk",
        "strict-transport-security": "max-age=1",
        "vary": "Origin",
    }
    found = kept_headers([*(kept | dropped).items()])
    assert found == [(name.lower(), value) for name, value in kept.items()]


def test_headers_that_the_user_asked_for() -> None:
    headers = [("X-Mine", "1"), ("Set-Cookie", "a=b"), ("openai-organization", "org")]
    extra = frozenset({"x-mine", "set-cookie", "openai-organization"})
    assert kept_headers(headers, extra) == [("x-mine", "1")]


def test_length_goes_with_the_encoding() -> None:
    headers = [("content-length", "12"), ("content-type", JSON)]
    assert kept_headers(headers, encoded=True) == [("content-type", JSON)]


def test_a_header_may_come_twice() -> None:
    headers = [("link", "</a>"), ("link", "</b>")]
    assert kept_headers(headers) == headers
