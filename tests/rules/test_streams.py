"""Streams of every kind are decoded once, and nothing in them raises."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standin.bedrock import frame

from cachy.rules import streams
from cachy.rules.streams import DEEP, INVALID, MAX_DEPTH, Event, Watch, decode

SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"
NDJSON = "application/x-ndjson"
AWS = "application/vnd.amazon.eventstream"
KINDS = ["sse", "ndjson", "json-array", "aws-eventstream", None, "unknown"]


def data_of(kind: str | None, body: bytes) -> list[Any]:
    return [event.data for event in decode(kind, body)]


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    ("content_type", "body", "kind"),
    [
        (SSE, b"", "sse"),
        ("TEXT/Event-Stream", b"", "sse"),
        (JSON, b"data: {}", "sse"),
        ("", b"event: a\n", "sse"),
        (NDJSON, b"", "ndjson"),
        ("application/jsonl", b"", "ndjson"),
        (AWS, b"", "aws-eventstream"),
        ("", frame("messageStart", {}), "aws-eventstream"),
        ("application/json; charset=UTF-8", b'[{"candidates":[]}]', "json-array"),
        (JSON, b"[1]", None),
        (JSON, b'{"candidates":[]}', None),
        ("text/plain", b"hello", None),
        ("text/plain", b"event: a transcript", None),
        ("text/plain", b"event: a\ndata: {}\n\n", "sse"),
        ("audio/mpeg", b"\xff", None),
        ("", b"", None),
    ],
)
def test_kinds_of_streams(content_type: str, body: bytes, kind: str | None) -> None:
    assert streams.kind(content_type, body) == kind


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_server_sent_events(end: bytes) -> None:
    body = b': comment\nevent: a\ndata: {"n":\ndata:1}\nid: 7\n\ndata: 2\n\n'
    assert decode("sse", body.replace(b"\n", end)) == [Event({"n": 1}, "a"), Event(2)]


def test_server_sent_events_without_json() -> None:
    events = decode("sse", b"data: text\n\ndata: \n\nevent: x\n\ndata: [DONE]\n\n")
    assert [(event.name, event.defect, event.raw) for event in events] == [
        ("", INVALID, b"text"),
        ("x", INVALID, b""),
        ("", INVALID, b"[DONE]"),
    ]
    assert all(event.data is None and event.complete for event in events)


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        (b"data: 1\n\n", True),
        (b"data: 1\r\n\r\n", True),
        (b"data: 1\n", False),
        (b"data: 1", False),
        (b"data: 1\n\ndat", False),
        (b"dat", False),
    ],
)
def test_a_server_sent_event_ends_with_a_blank_line(body: bytes, complete: bool) -> None:
    assert decode("sse", body)[-1].complete is complete


def test_an_event_named_error_has_failed() -> None:
    events = decode("sse", b"event:error\ndata: {}\n\nevent: errors\ndata: {}\n\n")
    assert [event.failed for event in events] == [True, False]
    assert decode("sse", b"event: error\n\n")[0].failed


def test_lines_of_json() -> None:
    assert data_of("ndjson", b'{"a":1}\n\r\n 2\n') == [{"a": 1}, 2]
    events = decode("ndjson", b'{"a":\n{"a":1}\n{"a":')
    assert [(event.data, event.defect, event.complete) for event in events] == [
        (None, INVALID, True),
        ({"a": 1}, "", True),
        (None, INVALID, False),
    ]


def test_arrays_of_events() -> None:
    assert data_of("json-array", b'[{"a":1},2]') == [{"a": 1}, 2]
    for body in (b'[{"a":1},', b'{"a":1}', b""):
        (event,) = decode("json-array", body)
        assert not event.complete


def test_a_body_in_one_piece_is_one_event() -> None:
    assert decode(None, b"[1, 2]") == [Event([1, 2])]
    assert decode(None, b"text") == [Event(defect=INVALID, raw=b"text")]


def test_amazons_frames() -> None:
    body = frame("messageStart", {"role": "assistant"}) + frame("contentBlockDelta", {"n": 1})
    events = decode("aws-eventstream", body)
    assert [(event.name, event.type, event.data) for event in events] == [
        ("messageStart", "messageStart", {"role": "assistant", "p": "abcdefgh"}),
        ("contentBlockDelta", "contentBlockDelta", {"n": 1, "p": "abcdefgh"}),
    ]
    for end in range(1, len(body)):
        *_, last = decode("aws-eventstream", body[:end])
        assert last.complete is (end == len(frame("messageStart", {"role": "assistant"})))


@pytest.mark.parametrize("header", [":exception-type", ":error-code", ":message-type=exception"])
def test_amazons_exceptions_have_failed(header: str) -> None:
    name, _, value = header.partition("=")
    assert decode("aws-eventstream", raw_frame(b"{}", {name: value or "x"}))[0].failed
    assert not decode("aws-eventstream", raw_frame(b"{}", {":other": "exception"}))[0].failed


def raw_frame(payload: bytes, headers: dict[str, str] | None = None) -> bytes:
    """A frame with any payload; its checksums are not read."""
    head = b"".join(
        bytes((len(name),)) + name.encode() + b"\x07" + len(value).to_bytes(2, "big")
        + value.encode()
        for name, value in (headers or {}).items()
    )  # fmt: skip
    size = 16 + len(head) + len(payload)
    return b"%b%b\0\0\0\0%b%b\0\0\0\0" % (
        size.to_bytes(4, "big"), len(head).to_bytes(4, "big"), head, payload,
    )  # fmt: skip


def test_amazons_headers_of_every_type() -> None:
    values = [b"\0", b"\1", b"\2a", b"\3ab", b"\4abcd", b"\5abcdefgh", b"\6\0\2ab", b"\x08abcdefgh"]
    values.append(b"\x09" + b"u" * 16)
    head = b"".join(b"\1h" + value for value in values) + b"\x0b:event-type\x07\0\4name"
    size = 16 + len(head) + 2
    body = (
        size.to_bytes(4, "big") + len(head).to_bytes(4, "big") + bytes(4) + head + b"{}" + bytes(4)
    )
    assert decode("aws-eventstream", body) == [Event({}, "name")]


@pytest.mark.parametrize(
    ("payload", "data", "defect", "coded"),
    [
        (b'{"bytes":"%b"}' % b64encode(b'{"a":1}'), {"a": 1}, "", True),
        (b'{"bytes":"%b","p":"abc"}' % b64encode(b'{"a":1}'), {"a": 1}, "", True),
        (b'{"bytes":"%b"}' % b64encode(b"text"), None, INVALID, True),
        (b'{"bytes":"%b"}' % b64encode(nested(1000)), None, DEEP, True),
        (b'{"bytes":"a"}', {"bytes": "a"}, "", False),
        (b'{"bytes":"\xc3\xa9"}', {"bytes": "é"}, "", False),
        (b'{"bytes":7}', {"bytes": 7}, "", False),
        (b'{"bytes":"YQ==","more":1}', {"bytes": "YQ==", "more": 1}, "", False),
        (b'{"bytes":"', None, INVALID, False),
        (b'{"bytes":"YQ==', None, INVALID, False),
        (b"", None, INVALID, False),
    ],
)
def test_amazons_payloads_in_base64(payload: bytes, data: Any, defect: str, coded: bool) -> None:
    (event,) = decode("aws-eventstream", raw_frame(payload))
    assert (event.data, event.defect, event.coded) == (data, defect, coded)


@pytest.mark.parametrize(
    ("depth", "defect"),
    [(MAX_DEPTH, ""), (MAX_DEPTH + 1, DEEP), (1000, DEEP), (100_000, INVALID)],
)
@pytest.mark.parametrize("kind", ["sse", "ndjson", "aws-eventstream", None])
def test_what_is_nested_deep_is_not_decoded(kind: str | None, depth: int, defect: str) -> None:
    body = nested(depth)
    wrapped = {"sse": b"data: %b\n\n" % body, "aws-eventstream": raw_frame(body)}
    (event,) = decode(kind, wrapped.get(str(kind), body))
    assert event.defect == defect
    assert event.raw == (body if defect else b"")


@pytest.mark.parametrize("data", [[[1.5, "a"]] * 1000, "[" * 1000])
def test_many_brackets_are_not_deep(data: Any) -> None:
    (event,) = decode(None, json.dumps(data).encode())
    assert not event.defect


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (Event({"type": "a", "event_type": "b"}, "c"), "a"),
        (Event({"event_type": "b"}, "c"), "b"),
        (Event({"type": 7}, "c"), "c"),
        (Event([], "c"), "c"),
        (Event(), ""),
    ],
)
def test_types_of_events(event: Event, kind: str) -> None:
    assert event.type == kind


@given(st.sampled_from(KINDS), st.binary(max_size=200))
def test_any_bytes_are_decoded(kind: str | None, body: bytes) -> None:
    for event in decode(kind, body):
        assert event.data is None or not event.defect


@given(st.integers(0, 60), st.binary(min_size=1, max_size=4))
def test_any_damage_to_a_frame_is_decoded(at: int, damage: bytes) -> None:
    body = frame("chunk", {"bytes": b64encode(b'{"a":1}').decode()})
    decode("aws-eventstream", body[:at] + damage + body[at + len(damage) :])


# ---- Watch ----


@pytest.mark.parametrize(
    ("chunk", "sign"),
    [
        (b"data: [DONE]\n\n", "last"),
        (b'data: {"type":"message_stop"}\n\n', "last"),
        (b'data: {"type":"response.completed"}\r\n\r\n', "last"),
        (b'{"done":true}\n', "last"),
        (b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n', "last but one"),
        (b'data: {"type":"message_delta","delta":{"stop_reason":null}}\n\n', ""),
        (b'data: {"choices":[]}\n\n', ""),
        (b"data: [DONE]", ""),
    ],
)
def test_the_end_is_noticed(chunk: bytes, sign: str) -> None:
    assert Watch().see(chunk) == sign


def test_the_end_is_noticed_in_pieces() -> None:
    watch = Watch()
    body = b'data: {"a":1}\n\ndata: [DONE]\n\n'
    assert [watch.see(body[at : at + 1]) for at in range(len(body))][-1] == "last"


def test_a_long_event_is_not_held() -> None:
    watch = Watch()
    assert not watch.see(b'data: {"type":"response.completed","image":"')
    for _ in range(20):
        watch.see(b"A" * 65536)
    assert watch.see(b'"}\n\n') == "last"
