"""JSON lines."""

from __future__ import annotations

import io
import json

import pytest
from cassettes import URL, answered, asked, only, unclear

from cachy.formats import lines
from cachy.formats.interaction import Interaction
from cachy.rules.message import Request, ResponseHead


def made(body: bytes) -> Interaction:
    return Interaction(
        "line 1",
        Request("POST", URL, [("content-type", "application/json")], asked().encode()),
        ResponseHead(200, [("content-type", "application/json")], client="httpx/0.28"),
        body,
        recorded="2026-03-01T10:00:00Z",
        ms=3.5,
        scope="",
        repeat=0,
    )


@pytest.mark.parametrize("body", [answered().encode(), b"\x00\xff", b""])
def test_writes_what_it_reads(body: bytes) -> None:
    stream = io.StringIO()
    details = {"key": "ab", "method": "POST", "url": URL, "recorded": "2026-03-01T10:00:00Z"}
    lines.write([({**details, "ms": 3.5}, made(body))], stream)
    assert only(lines.read(io.BytesIO(stream.getvalue().encode()))) == made(body)


def test_what_is_no_interaction_is_named_by_its_line() -> None:
    rows = [b"{", b"7", b'{"url": "https://a.b"}', b'{"url": "x", "response": ""}', b"", b"\xff"]
    assert unclear(lines.read(io.BytesIO(b"\n".join(rows)))) == [
        ("line 1", "it is not JSON"),
        ("line 2", "an object without a request"),
        ("line 3", "an object without a response"),
        ("line 4", "a request without a URL"),
        ("line 6", "it is not JSON"),
    ]


def test_a_row_needs_no_more_than_a_request_and_a_response() -> None:
    row = {"url": URL, "response": "{}", "status": 200}
    each = only(lines.read(io.BytesIO(json.dumps(row).encode())))
    assert (each.request.method, each.body, each.scope) == ("GET", b"{}", None)
