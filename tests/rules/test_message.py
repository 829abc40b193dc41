"""The words that adapters and importers speak."""

from __future__ import annotations

from cachy.rules import key
from cachy.rules.message import Hop, Request, ResponseHead


def test_header_is_the_first_of_its_name() -> None:
    request = Request("GET", "https://a.example", [("a", "1"), ("b", "2"), ("a", "3")], b"")
    assert (request.header("a"), request.header("b"), request.header("c")) == ("1", "2", "")


def test_a_request_is_the_same_wherever_it_is_imported_from() -> None:
    assert key.Request is Request


def test_a_response_head_says_only_what_is_unusual() -> None:
    head = ResponseHead(200, [("content-type", "text/plain")])
    assert (head.http, head.reason, head.redirects, head.client) == ("HTTP/1.1", None, (), "")
    hop = Hop(307, "https://b.example/", "POST", "https://a.example/")
    assert head._replace(redirects=(hop,)).redirects[0].location == "https://b.example/"
