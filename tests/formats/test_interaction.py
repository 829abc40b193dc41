"""What files have in common: headers, bodies, times."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest

from cachy.formats.interaction import NotUnderstood, as_bytes, date_of, pairs, settled, utc


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"A": ["1", "2"], "b": "3"}, [("A", "1"), ("A", "2"), ("b", "3")]),
        ([["a", "1"], ["a", "2"]], [("a", "1"), ("a", "2")]),
        ([{"name": "a", "value": "1"}, {"name": ":path", "value": "/"}], [("a", "1")]),
        ({"a": [b"\xe4"], "n": 7, "none": None, "deep": [["x"]]}, [("a", "ä"), ("n", "7")]),
        ([["a"], 7, {"name": "a"}], []),
        (None, []),
        ("text", []),
    ],
)
def test_headers_are_pairs_whatever_form_they_have(headers: Any, expected: Any) -> None:
    assert pairs(headers) == expected


RAW = zlib.compressobj(wbits=-15)
DEFLATED = RAW.compress(b"{}") + RAW.flush()


@pytest.mark.parametrize(
    ("encoding", "body", "kept"),
    [
        ("gzip", gzip.compress(b"{}", mtime=0), True),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-9], True),  # cut: that is for the verdict to say
        ("gzip", b"{}", False),
        ("deflate", DEFLATED, True),
        ("deflate", b'{"a": 1}', False),
        ("zstd", b"(\xb5/\xfd rest", True),
        ("br", b"data: {}\n\n", False),
        ("unknown", b"bytes", True),
    ],
)
def test_an_encoding_is_believed_where_the_body_has_it(
    encoding: str, body: bytes, kept: bool
) -> None:
    headers = [("Content-Encoding", encoding), ("Content-Length", "7"), ("a", "b")]
    expected = [("Content-Encoding", encoding)] if kept else []
    assert settled(headers, body) == [*expected, ("a", "b")]


def test_a_length_is_believed_where_it_is_true() -> None:
    assert settled([("content-length", "2")], b"{}") == [("content-length", "2")]
    assert settled([("content-length", "3")], b"{}") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00Z"),
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
        ("Tue, 11 Feb 2025 14:10:40 GMT", "2025-02-11T14:10:40Z"),
        ("2026-03-01T12:00:00", ""),
        ("0001-01-01T00:00:00+14:00", ""),
        ("yesterday", ""),
        (None, ""),
    ],
)
def test_a_time_is_utc_or_nothing(text: Any, expected: str) -> None:
    assert utc(text) == expected
    assert date_of([("Date", text or "")]) == expected


def test_bytes_of_a_text() -> None:
    assert as_bytes("ä") == "ä".encode()
    assert as_bytes("\udcff") == b"\xff"  # a byte that was no UTF-8
    assert as_bytes("\ud83d") == b"\xed\xa0\xbd"
    with pytest.raises(NotUnderstood):
        as_bytes(["x"])
