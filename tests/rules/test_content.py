"""The text of a message, whichever API it comes from."""

from __future__ import annotations

from typing import Any

import pytest

from cachy.rules.content import Piece, call_text, content_block, text_of, tool_calls

FUNCTION = {"name": "weather", "arguments": '{"city": "Ulm"}'}
CALL = 'weather({"city": "Ulm"})'


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Rain?", "Rain?"),
        (None, ""),
        (7, "7"),
        ([{"type": "text", "text": "a"}, "b"], "a\nb"),
        ({"type": "input_text", "text": "a"}, "a"),
        ({"thinking": "Hm"}, "Hm"),
        ({"refusal": "No"}, "No"),
        ({"function": FUNCTION}, CALL),
        ({"functionCall": {"name": "weather", "args": {"city": "Ulm"}}}, CALL),
        ({"toolUse": {"name": "weather", "input": {"city": "Ulm"}}}, CALL),
        ({"toolUse": "weather"}, "weather"),
        ({"functionResponse": {"response": "wet"}}, "wet"),
        ({"toolResult": {"content": [{"text": "wet"}]}}, "wet"),
        ({"parts": [{"text": "a"}]}, "a"),
        ({"inlineData": {"mimeType": "image/png", "data": "…"}}, "[image/png]"),
        ({"inline_data": "x"}, "[]"),
        ({"type": "image_url", "image_url": {}}, "[image]"),
        ({"document": {}}, "[document]"),
        ({"text": True, "n": 1}, '{"text": true, "n": 1}'),
        ({"…": [1234, "hash", "start", "end"]}, "start … (1,234 characters) … end"),
        ({"…": [1]}, '{"…": [1]}'),
    ],
)
def test_texts(content: Any, text: str) -> None:
    assert text_of(content) == text


def test_a_call_stays_open() -> None:
    assert call_text("weather", {"city": "Ulm"}) == CALL[:-1]
    assert call_text("weather", None) == "weather("
    assert call_text(None, '"Ulm"}') == '"Ulm"}'


def test_pieces_of_messages() -> None:
    calls = {"tool_calls": [{"function": FUNCTION}, 7, {"index": 5, "function": FUNCTION}]}
    assert list(tool_calls(0, calls)) == [
        Piece((0, 0), "tool call", CALL[:-1]),
        Piece((0, 1), "tool call", ""),
        Piece((0, 5), "tool call", CALL[:-1]),
    ]
    block = {"type": "tool_use", "name": "weather", "input": {"city": "Ulm"}}
    assert Piece(3, "tool call", CALL[:-1]) in list(content_block(3, block))
    assert Piece(3, "assistant", "a") in list(content_block(3, {"text": "a"}))
    assert Piece(3, "tool call", "{") in list(content_block(3, {"partial_json": "{"}))
