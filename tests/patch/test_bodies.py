"""The bodies of requests: what is sent stays as it was."""

from __future__ import annotations

import array
import io
from typing import Any

import pytest

from cachy.patch.bodies import header_pairs, read_body


class Pipe:
    """A file that cannot be rewound."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def read(self, size: int = -1) -> Any:
        data, self._data = self._data, self._data[:0]
        return data


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (None, b""),
        (b"a", b"a"),
        ("é", "é".encode()),
        (bytearray(b"a"), b"a"),
        (memoryview(b"a"), b"a"),
        (array.array("B", b"ab"), b"ab"),
        ([b"a", "é"], b"a\xc3\xa9"),
        (io.BytesIO(b"abc"), b"abc"),
        (io.StringIO("é"), "é".encode()),
    ],
)
def test_what_can_be_sent_again_is_sent_itself(body: Any, data: bytes) -> None:
    for _ in range(2):
        read = read_body(body, "utf-8")
        assert read is not None
        assert read.data == data
        assert read.again is body


def test_a_file_is_read_from_where_it_stands() -> None:
    file = io.BytesIO(b"headbody")
    file.seek(4)
    read = read_body(file, "utf-8")
    assert read is not None
    assert read.data == file.read() == b"body"


@pytest.mark.parametrize("data", [b"abc", "aé"])
def test_a_pipe_is_replaced_by_a_file(data: Any) -> None:
    read = read_body(Pipe(data), "utf-8")
    assert read is not None
    assert read.again.read() == data


def test_a_generator_keeps_its_pieces() -> None:
    read = read_body(iter([b"a", b"b"]), "utf-8")
    assert read == (b"ab", [b"a", b"b"])


def test_what_is_no_body_is_left_to_the_client() -> None:
    assert read_body(7, "utf-8") is None


def test_text_in_an_encoding_that_cannot_hold_it() -> None:
    """The client will complain."""
    read = read_body("☃", "latin-1")
    assert read is not None
    assert read.again == "☃"


def test_headers_of_bytes_and_text() -> None:
    assert header_pairs({b"X-A": b"\xe9", "X-B": 7}) == [("x-a", "é"), ("x-b", "7")]
