"""The words that adapters and importers speak."""

from __future__ import annotations

from cachy.rules import key
from cachy.rules.message import Request, ResponseHead


def test_header_is_the_first_of_its_name() -> None:
    request = Request("GET", "https://a.example", [("a", "1"), ("b", "2"), ("a", "3")], b"")
    assert (request.header("a"), request.header("b"), request.header("c")) == ("1", "2", "")


def test_a_request_is_the_same_wherever_it_is_imported_from() -> None:
    assert key.Request is Request


def test_a_response_head_says_only_what_is_unusual() -> None:
    head = ResponseHead(200, [("content-type", "text/plain")])
    assert (head.http, head.reason, head.client) == ("HTTP/1.1", None, "")


def test_the_values_of_a_header_of_a_response() -> None:
    head = ResponseHead(200, [("Vary", "a"), ("x", "b"), ("vary", "c")])
    assert (head.values("vary"), head.values("etag")) == (["a", "c"], [])
