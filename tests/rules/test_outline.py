"""The outline: short, and enough to tell what differs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from canned import BODY, CHAT, multipart
from hypothesis import given
from hypothesis import strategies as st

from cachy.rules.key import Request, canonical
from cachy.rules.outline import LONG, outline, piece_width, shorten_text


def outlined(body: bytes, *headers: tuple[str, str], scope: str = "", full: bool = False) -> Any:
    return outline(canonical(Request("POST", CHAT, headers, body), scope=scope), full=full)


def test_of_a_short_request_is_the_request() -> None:
    assert outlined(BODY, ("openai-beta", "x"), scope="s\n") == {
        "headers": {"openai-beta": "x"},
        "scope": "s\n",
        "body": json.loads(BODY),
    }


def test_of_nothing() -> None:
    assert outlined(b"") == {}


def test_shortens_long_strings_and_only_them() -> None:
    text = "".join(chr(0x4E00 + i) for i in range(5000))
    body = json.dumps({"messages": [{"content": text}, {"content": "x" * LONG}]}).encode()
    long, short = outlined(body)["body"]["messages"]
    length, short_digest, start, end, pieces = long["content"]["…"]
    assert (length, start, end) == (5000, text[:60], text[-60:])
    assert re.fullmatch("[0-9a-f]{16}", short_digest)
    assert len(pieces) == 4 * -(-5000 // piece_width(5000))
    assert short == {"content": "x" * LONG}
    assert outlined(body, full=True)["body"] == json.loads(body)


@given(st.integers(LONG + 1, 30_000), st.data())
def test_pieces_tell_where_a_text_began_to_differ(length: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, length - 1))
    text = "ab" * (length // 2) + "a" * (length % 2)
    other = text[:at] + "X" + text[at + 1 :]
    *_, one = shorten_text(text)["…"]
    *_, two = shorten_text(other)["…"]
    assert len(one) <= 4 * 64 or length <= 64 * 64
    differing = [i for i in range(0, len(one), 4) if one[i : i + 4] != two[i : i + 4]]
    assert differing == [4 * (at // piece_width(length))]


@pytest.mark.parametrize(
    "numbers",
    [pytest.param([0.5, 1] * 30, id="floats"), pytest.param(list(range(60)), id="tokens")],
)
def test_shortens_lists_of_numbers(numbers: list[float]) -> None:
    shape = outlined(json.dumps({"input": numbers}).encode())["body"]["input"]
    assert shape["…"][0] == len(json.dumps(numbers, separators=(",", ":")))
    short = numbers[:50]
    assert outlined(json.dumps({"input": short}).encode())["body"]["input"] == short


def test_of_text_and_bytes() -> None:
    assert outlined("naïve".encode())["body"] == "naïve"
    assert len(json.dumps(outlined(b"a" * 10_000))) < 1000
    audio = outlined(b"\xff\xfb\x90" * 1000)["body"]
    assert (audio["bytes"], len(audio["sha256"])) == (3000, 16)


def test_of_a_form() -> None:
    body, kind = multipart("0cc175b9c0f1b6a831c399e269772661")
    assert outlined(body, kind)["body"] == [
        {"headers": 'Content-Disposition: form-data; name="model"', "content": "whisper"},
        {
            "headers": 'Content-Disposition: form-data; name="file"; filename="a.mp3"; '
            "Content-Type: audio/mpeg",
            "content": "sound",
        },
    ]


def test_keeps_images_out() -> None:
    body = json.dumps({"image": {"url": "data:image/png;base64," + "iVBORw0K" * 100_000}})
    assert len(json.dumps(outlined(body.encode()))) < 1000


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("depth", [100, 900])
def test_of_what_is_deep(depth: int, full: bool) -> None:
    body = b'{"a":' * depth + b"1" + b"}" * depth
    assert outlined(body, full=full)["body"]
