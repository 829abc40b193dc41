"""Responses of http.client over recorded bodies."""

from __future__ import annotations

from typing import Any

import pytest

from cachy.patch.http_client import head_of, replayed
from cachy.store.entry import Entry

BODY = b"one\ntwo\nthree"


def entry(body: bytes = BODY, *, status: int = 200, **fields: Any) -> Entry:
    head = {"key": "0" * 64, "status": status, "headers": [["x-a", "1"], ["x-a", "2"]], "ms": 1.0}
    return Entry(head | fields, body)


LENGTH = [["content-length", str(len(BODY))]]
KINDS = {
    "chunks": {"times": [[4, 1], [4, 2], [5, 3]]},
    "one-chunk": {},
    "length": {"headers": LENGTH},
    "length-of-another-body": {"headers": [["content-length", "7"]]},
}


@pytest.mark.parametrize("fields", KINDS.values(), ids=KINDS)
def test_every_way_to_read(fields: Any) -> None:
    def made() -> Any:
        return replayed(entry(**fields), "POST")

    assert made().read() == BODY
    assert [*made()] == made().readlines() == [b"one\n", b"two\n", b"three"]
    assert made().peek(3)[:3] == b"one"
    for read in ("read", "read1"):
        response = made()
        pieces = [*iter(lambda: getattr(response, read)(2), b"")]  # noqa: B023
        assert b"".join(pieces) == BODY
        assert response.isclosed() or read == "read1"  # as http.client itself, in Python 3.11
    buffer = bytearray(100)
    assert buffer[: made().readinto(buffer)] == BODY


def test_chunks_are_those_that_came() -> None:
    response = replayed(entry(times=[[4, 1], [4, 2], [5, 3]]), "POST")
    assert [response.read1() for _ in range(3)] == [b"one\n", b"two\n", b"three"]


def test_what_else_it_tells() -> None:
    response: Any = replayed(entry(status=201, reason="Fine", http="HTTP/1.0"), "POST")
    assert (response.status, response.code, response.reason) == (201, 201, "Fine")
    assert response.version == 10
    assert response.getheader("X-A") == "1, 2"
    assert response.headers.get_all("x-a") == ["1", "2"]
    assert response.cachy["from"] == "store"
    head = head_of(response, "x/1")
    assert (head.status, head.http, head.reason, head.client) == (201, "HTTP/1.0", "Fine", "x/1")
    assert head.headers == [("x-a", "1"), ("x-a", "2")]


def test_a_usual_reason_is_none() -> None:
    assert head_of(replayed(entry(), "POST"), "").reason is None


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body(status: int) -> None:
    response = replayed(entry(b"", status=status), "POST")
    assert response.read() == b""
    assert response.isclosed()
