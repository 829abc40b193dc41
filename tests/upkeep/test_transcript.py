"""Every API's requests and answers read as a chat, streamed or not; what is unknown is shown."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachy.rules.outline import shorten_text
from cachy.store.entry import Entry
from cachy.upkeep.transcript import Turn, answered, asked, first_words, readable

CALL = 'weather({"city": "Ulm"})'
SAID = [("thinking", "Hm, rain."), ("assistant", "It rains.")]


def entry(body: Any, stream: str | None = None, kind: str = "application/json") -> Entry:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = {"status": 200, "ms": 1, "stream": stream, "headers": [["content-type", kind]]}
    return Entry(head, data)


def sse(*events: Any) -> Entry:
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return entry(body + b"data: [DONE]\n\n", "sse", "text/event-stream")


def ndjson(*events: Any) -> Entry:
    return entry(b"\n".join(json.dumps(event).encode() for event in events), "ndjson")


def aws(*events: Any) -> Entry:
    frames = b""
    for event in events:
        payload = json.dumps(event).encode()
        start = struct.pack(">II", len(payload) + 16, 0)
        start += struct.pack(">I", zlib.crc32(start))
        frames += start + payload + struct.pack(">I", zlib.crc32(start + payload))
    return entry(frames, "aws-eventstream", "application/vnd.amazon.eventstream")


def delta(**fields: Any) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": fields}]}


def gemini(*parts: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}}]}


ARGUMENTS = '{"city": "Ulm"}'
FUNCTION = {"name": "weather", "arguments": ARGUMENTS}
TOOL_USE = {"type": "tool_use", "id": "t", "name": "weather", "input": {"city": "Ulm"}}
ANTHROPIC = [{"type": "thinking", "thinking": "Hm, rain."}, {"type": "text", "text": "It rains."}]
OUTPUT = [
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm, rain."}]},
    {"type": "message", "content": [{"type": "output_text", "text": "It rains."}]},
    {"type": "function_call", **FUNCTION},
]


def block(index: int, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": fields}


def cohere(kind: str, index: int, **message: Any) -> dict[str, Any]:
    return {"type": kind, "index": index, "delta": {"message": message}}


START = {"type": "content_block_start", "index": 2, "content_block": {**TOOL_USE, "input": {}}}
ANSWERS = {
    "openai": entry(
        {
            "object": "chat.completion",
            "choices": [
                {
                    "message": {
                        "role": "assistant",
                        "reasoning_content": "Hm, rain.",
                        "content": "It rains.",
                        "tool_calls": [{"id": "c", "type": "function", "function": FUNCTION}],
                    }
                }
            ],
        }
    ),
    "openai stream": sse(
        delta(role="assistant", content=""),
        delta(reasoning="Hm, "),
        delta(reasoning="rain."),
        delta(content="It "),
        delta(content="rains."),
        delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "weather"}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ARGUMENTS[:5]}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ARGUMENTS[5:]}}]),
        {"object": "chat.completion.chunk", "choices": [], "usage": {}},
    ),
    "responses": entry({"object": "response", "output": OUTPUT}),
    "responses stream": sse(
        {"type": "response.created", "response": {"object": "response", "output": []}},
        {"type": "response.output_text.delta", "delta": "It rains."},
        {"type": "response.completed", "response": {"object": "response", "output": OUTPUT}},
    ),
    "anthropic": entry({"type": "message", "role": "assistant", "content": [*ANTHROPIC, TOOL_USE]}),
    "anthropic stream": sse(
        {"type": "message_start", "message": {"role": "assistant", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}},
        block(0, type="thinking_delta", thinking="Hm, rain."),
        block(0, type="signature_delta", signature="abc="),
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        block(1, type="text_delta", text="It "),
        block(1, type="text_delta", text="rains."),
        START,
        block(2, type="input_json_delta", partial_json=ARGUMENTS[:7]),
        block(2, type="input_json_delta", partial_json=ARGUMENTS[7:]),
        {"type": "message_stop"},
    ),
    "gemini": entry(
        gemini(
            {"text": "Hm, rain.", "thought": True},
            {"text": "It rains."},
            {"functionCall": {"name": "weather", "args": {"city": "Ulm"}}},
        )
    ),
    "gemini array": entry(
        [
            gemini({"text": "Hm, rain.", "thought": True}),
            gemini({"text": "It "}),
            gemini({"text": "rains."}),
            gemini({"functionCall": {"name": "weather", "args": {"city": "Ulm"}}}),
        ],
        "json-array",
    ),
    "ollama": ndjson(
        {"message": {"role": "assistant", "content": "", "thinking": "Hm, rain."}},
        {"message": {"role": "assistant", "content": "It "}},
        {"message": {"role": "assistant", "content": "rains."}},
        {
            "message": {
                "content": "",
                "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Ulm"}}}],
            },
            "done": True,
        },
    ),
    "cohere": entry(
        {
            "message": {
                "role": "assistant",
                "content": ANTHROPIC,
                "tool_calls": [{"id": "c", "function": FUNCTION}],
            }
        }
    ),
    "cohere stream": sse(
        {"type": "message-start", "delta": {"message": {"role": "assistant"}}},
        cohere("content-delta", 0, content={"thinking": "Hm, rain."}),
        cohere("content-delta", 1, content={"text": "It "}),
        cohere("content-delta", 1, content={"text": "rains."}),
        cohere("tool-call-start", 0, tool_calls={"function": {"name": "weather"}}),
        cohere("tool-call-delta", 0, tool_calls={"function": {"arguments": ARGUMENTS}}),
    ),
    "bedrock": entry(
        {
            "output": {
                "message": {
                    "content": [
                        {"thinking": "Hm, rain."},
                        {"text": "It rains."},
                        {"toolUse": {"name": "weather", "input": {"city": "Ulm"}}},
                    ]
                }
            }
        }
    ),
    "bedrock stream": aws(
        {"contentBlockIndex": 0, "delta": {"thinking": "Hm, rain."}},
        {"contentBlockIndex": 1, "delta": {"text": "It "}},
        {"contentBlockIndex": 1, "delta": {"text": "rains."}},
        {"contentBlockIndex": 2, "start": {"toolUse": {"name": "weather"}}},
        {"contentBlockIndex": 2, "delta": {"toolUse": {"input": ARGUMENTS}}},
    ),
    "bedrock anthropic": aws(
        *(
            {"bytes": base64.b64encode(json.dumps(event).encode()).decode()}
            for event in (
                block(0, thinking="Hm, rain."),
                block(1, text="It rains."),
                START,
                block(2, partial_json=ARGUMENTS),
            )
        )
    ),
}


@pytest.mark.parametrize("api", ANSWERS)
def test_answers(api: str) -> None:
    assert [tuple(turn) for turn in answered(ANSWERS[api])] == [*SAID, ("tool call", CALL)]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"data": [{"embedding": [0.5] * 8}] * 3}, "[3 vectors, 8 numbers each]"),
        ({"data": [{"embedding": "A" * 32}]}, "[1 vectors, 6 numbers each]"),
        ({"embeddings": {"float": [[0.5] * 4] * 2}}, "[2 vectors, 4 numbers each]"),
        ({"embedding": {"values": [0.5] * 5}}, "[1 vectors, 5 numbers each]"),
        ({"data": [{"b64_json": "A" * 4000}]}, "[image, 3,000 bytes]"),
        ({"text": "Spoken words"}, "Spoken words"),
        ({"choices": [{"text": "Completed"}]}, "Completed"),
        ({"response": "Generated", "done": True}, "Generated"),
        ({"totalTokens": 31}, '{\n  "totalTokens": 31\n}'),
        (b"plain text", "plain text"),
        (b"\xff\xfb\x90\x00", "[audio/mpeg, 4 bytes]"),
        (b"", ""),
    ],
)
def test_other_answers(body: Any, shown: str) -> None:
    kind = "audio/mpeg" if isinstance(body, bytes) else "application/json"
    (turn,) = answered(entry(body, kind=kind))
    assert turn.text == shown


LONG = shorten_text("start " + "x" * 400 + " end")
REQUESTS: list[tuple[Any, list[Turn]]] = [
    (
        {
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Rain?"}]},
                {"role": "assistant", "content": [TOOL_USE]},
                {"role": "user", "content": [{"type": "tool_result", "content": "wet"}]},
            ],
        },
        [
            Turn("system", "Be brief."),
            Turn("user", "[image]\nRain?"),
            Turn("assistant", CALL),
            Turn("user", "wet"),
        ],
    ),
    (
        {
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "assistant", "content": None, "tool_calls": [{"function": FUNCTION}]},
                {"role": "tool", "content": "wet"},
            ]
        },
        [Turn("developer", "Be brief."), Turn("assistant", CALL), Turn("tool", "wet")],
    ),
    (
        {
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "Rain?"}]},
                {"type": "function_call", **FUNCTION},
                {"type": "function_call_output", "output": "wet"},
            ],
        },
        [
            Turn("system", "Be brief."),
            Turn("user", "Rain?"),
            Turn("function call", CALL),
            Turn("function call output", "wet"),
        ],
    ),
    (
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {
                    "role": "user",
                    "parts": [{"text": "Rain?"}, {"inlineData": {"mimeType": "image/png"}}],
                }
            ],
        },
        [Turn("system", "Be brief."), Turn("user", "Rain?\n[image/png]")],
    ),
    ({"input": ["one", "two"]}, [Turn("user", "one\ntwo")]),
    ({"prompt": "A cat"}, [Turn("user", "A cat")]),
    ({"n": 1}, [Turn("request", '{"n": 1}')]),
    ("text", [Turn("request", "text")]),
    (
        [{"headers": 'Content-Disposition: form-data; name="model"', "content": "whisper-1"}],
        [Turn("model", "whisper-1")],
    ),
]


@pytest.mark.parametrize(("body", "turns"), REQUESTS)
def test_requests(body: Any, turns: list[Turn]) -> None:
    assert asked({"request": {"body": body}}) == turns


def test_long_texts_show_their_ends() -> None:
    (turn,) = asked({"request": {"body": {"messages": [{"role": "user", "content": LONG}]}}})
    assert turn.text.startswith("start xxx")
    assert turn.text.endswith("xxx end")
    assert "(410 characters)" in turn.text


def test_first_words_are_the_users_last() -> None:
    messages = [{"role": "user", "content": "one"}, {"role": "user", "content": "two\n" * 50}]
    messages.append({"role": "assistant", "content": "three"})
    words = first_words({"request": {"body": {"messages": messages}}}, 20)
    assert words == "two two two two two…"
    assert first_words({}) == ""


def test_readable_is_the_chat_first_and_the_headers_last() -> None:
    said = ANSWERS["openai"]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Rain?"}]
    chat = Entry({**said.head, "request": {"body": {"messages": messages}}}, said.body)
    names = ("system\n  Be", "user\n  Rain?", "→ thinking\n", "→ assistant\n  It rains.\n",
             "→ tool call\n", "→ body\n{", "head\n{", "headers\ncontent-type: ")  # fmt: skip
    text = readable(chat)
    assert text.startswith(names[0])
    places = [text.index(name) for name in names]
    assert places == sorted(places)
    assert "headers" not in text[: places[-1]]
    assert text.count("\n\n\n") == 0


def test_readable_of_other_answers() -> None:
    text = readable(entry({"answer": "café"}))
    assert text.startswith('→ body\n{\n  "answer": "café"\n}\n\nhead\n{\n  "status": 200')
    assert "[audio/mpeg, 4 bytes]" in readable(entry(b"\xff\xfb\x90\x00", kind="audio/mpeg"))


NAMES = re.findall(
    r"\S+",
    "messages content parts choices delta message text type candidates output data embedding image "
    "embeddings tool_calls function name arguments input role … index toolUse contentBlockIndex "
    "inlineData summary object functionCall",
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(ANY_JSON, st.sampled_from([None, "sse", "ndjson", "json-array", "aws-eventstream"]))
def test_nothing_raises(data: Any, stream: str | None) -> None:
    body = json.dumps(data).encode()
    answered(entry(b"data: " + body + b"\n\n" if stream == "sse" else body, stream))
    first_words({"request": {"body": data}})
    first_words({"request": data})
