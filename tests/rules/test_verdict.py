"""Which answers are worth recording: in doubt they are not."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standin import Answer as StandinAnswer
from standin import Behaviour, Standin

from cachy import cachy, doms
from cachy.rules import streams
from cachy.rules.usage import model_of, usage_of
from cachy.rules.verdict import REPEATABLE_ERRORS, Answer, candidate, flaw

OPENAI = "https://api.openai.com/v1"

SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"
NDJSON = "application/x-ndjson"
AWS = "application/vnd.amazon.eventstream"


def sse(*events: Any, end: str = "\n", done: bool = False) -> bytes:
    texts = [event if isinstance(event, str) else f"data: {json.dumps(event)}" for event in events]
    texts += ["data: [DONE]"] * done
    return "".join(f"{text}\n\n" for text in texts).replace("\n", end).encode()


def chat(finish: str | None = None, index: int = 0) -> dict[str, Any]:
    choice = {"index": index, "delta": {"content": "é"}, "finish_reason": finish}
    return {"object": "chat.completion.chunk", "choices": [choice]}


def legacy(finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "text": "é", "finish_reason": finish}
    return {"object": "text_completion", "choices": [choice]}


def snowflake() -> dict[str, Any]:
    """Its chunks never tell why they end."""
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}}]}


def gemini(finish: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": "é"}]}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})]}


START = {"type": "message_start", "message": {}}
STOP = {"type": "message_stop"}
PING = 'event: ping\ndata: {"type": "ping"}'
USAGE = {"object": "chat.completion.chunk", "choices": [], "usage": {"prompt_tokens": 1}}
ERROR = {"error": {"message": "Overloaded", "code": 529}}


def cohere_end(reason: str) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": reason}}


def frame(name: str, kind: str = ":event-type", payload: bytes = b'{"p":"abc"}') -> bytes:
    head = struct.pack("B", len(kind)) + kind.encode() + struct.pack(">BH", 7, len(name))
    head += name.encode()
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


AWS_WHOLE = [frame(name) for name in ("messageStart", "contentBlockDelta", "messageStop")]

WHOLE = {
    "chat": (SSE, sse(chat(), chat("stop"), done=True)),
    "chat-usage": (SSE, sse(chat(), chat("stop"), USAGE, done=True)),
    "chat-crlf": (SSE, sse(chat(), chat("stop"), done=True, end="\r\n")),
    "chat-cr": (SSE, sse(chat(), chat("stop"), done=True, end="\r")),
    "chat-finish": (SSE, sse(chat(), chat("stop"))),
    "chat-comments": (SSE, sse(": OPENROUTER PROCESSING", chat(), ": x", chat("stop"), done=True)),
    "chat-no-space": (SSE, sse(chat(), chat("stop"), done=True).replace(b"data: ", b"data:")),
    "chat-called-json": (JSON, sse(chat(), chat("stop"), done=True)),
    "chat-called-nothing": ("", sse(chat(), chat("stop"), done=True)),
    "anthropic": (SSE, sse(START, PING, f"event: message_stop\ndata: {json.dumps(STOP)}")),
    "responses": (SSE, sse({"type": "response.created"}, {"type": "response.completed"})),
    "responses-short": (SSE, sse({"type": "response.created"}, {"type": "response.incomplete"})),
    "gemini": (SSE, sse(gemini(), gemini("STOP"), end="\r\n")),
    "cohere": (SSE, sse({"type": "message-start"}, {"type": "message-end"})),
    "ollama": (NDJSON, b'{"done":false}\n{"done":true}\n'),
    "json-array": (JSON, json.dumps([gemini(), gemini("STOP")]).encode()),
    "bedrock": (AWS, b"".join(AWS_WHOLE)),
    "bedrock-metadata": (AWS, b"".join(AWS_WHOLE) + frame("metadata")),
}
"""Streams that hold their protocol's last event."""


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "left"])
@pytest.mark.parametrize(("kind", "body"), WHOLE.values(), ids=WHOLE)
def test_a_stream_with_its_last_event_is_whole(kind: str, body: bytes, ended: bool) -> None:
    assert flaw(Answer(200, kind, body, ended)) is None


CUT = {
    "nothing": (SSE, b""),
    "half-a-line": (SSE, sse(chat()) + b'data: {"obj'),
    "chat": (SSE, sse(chat(), chat())),
    "anthropic": (SSE, sse(START, PING)),
    "anthropic-delta": (SSE, sse(START, {"type": "message_delta", "delta": {"stop_reason": "x"}})),
    "responses": (SSE, sse({"type": "response.created"}, {"type": "response.in_progress"})),
    "gemini": (SSE, sse(gemini(), gemini())),
    "cohere": (SSE, sse({"type": "message-start"}, {"type": "content-delta"})),
    "done-said-in-a-text": (SSE, sse(chat() | {"x": "data: [DONE]"})),
    "two-choices": (SSE, sse(chat("stop", 0), chat(None, 1))),
    "chat-done-unfinished": (SSE, sse(chat(), chat(), done=True)),
    "legacy-done-unfinished": (SSE, sse(legacy(), legacy(), done=True)),
    "anthropic-middle": (SSE, sse({"type": "content_block_delta", "index": 0})),
    "anthropic-late": (SSE, sse({"type": "message_delta", "delta": {"stop_reason": "x"}})),
    "anthropic-done": (SSE, sse(START, {"type": "content_block_stop"}, done=True)),
    "responses-middle": (SSE, sse({"type": "response.output_text.delta", "delta": "é"})),
    "cohere-middle": (SSE, sse({"type": "content-delta"})),
    "cohere-1": (NDJSON, b'{"event_type":"text-generation","is_finished":false}\n'),
    "transcript": (SSE, sse({"type": "transcript.text.delta"})),
    "bedrock-closed": (AWS, AWS_WHOLE[0] + AWS_WHOLE[1]),
    "ollama": (NDJSON, b'{"done":false}\n{"done":false}\n'),
    "ollama-half-a-line": (NDJSON, b'{"done":false}\n{"done":tr'),
    "json-array": (JSON, json.dumps([gemini(), gemini()]).encode()[:-1]),
    "json-array-closed": (JSON, json.dumps([gemini(), gemini()]).encode()),
    "bedrock": (AWS, AWS_WHOLE[0] + AWS_WHOLE[1][:-1]),
}
"""Streams that lack it, of protocols that have one, and what was cut in the middle."""


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "left"])
@pytest.mark.parametrize(
    ("kind", "body"), [CUT[name] for name in CUT if name != "nothing"], ids=[*CUT][1:]
)
def test_a_stream_without_its_last_event_is_not(kind: str, body: bytes, ended: bool) -> None:
    assert "incomplete" in str(flaw(Answer(200, kind, body, ended)))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(SSE, b"", id="nothing"),
        pytest.param(SSE, sse({"text": "a"}), id="events"),
        pytest.param(SSE, sse(chat("stop") | {"usage": None}), id="chat-before-its-usage"),
        pytest.param(SSE, sse(gemini("STOP")) + b"data: {", id="half-a-line-after"),
        pytest.param(NDJSON, b"", id="ndjson-nothing"),
        pytest.param(NDJSON, b'{"a":1}\n', id="ndjson"),
        pytest.param(AWS, AWS_WHOLE[0], id="bedrock"),
        pytest.param(AWS, b"", id="bedrock-nothing"),
        pytest.param(JSON, b'{"a":1}', id="json"),
        pytest.param("audio/mpeg", b"\xff\xfb", id="audio"),
        pytest.param("text/plain", b"a transcript", id="text"),
        pytest.param("", b"", id="empty"),
    ],
)
def test_what_was_left_before_its_end_is_not_kept(kind: str, body: bytes) -> None:
    assert "incomplete" in str(flaw(Answer(200, kind, body, ended=False)))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(SSE, sse({"text": "a"}, {"text": "b"}), id="no-last-event"),
        pytest.param(SSE, sse({"completion": "a", "stop_reason": None}), id="old-anthropic"),
        pytest.param(SSE, sse({"token": {"text": "a"}}), id="hugging-face"),
        pytest.param(SSE, sse(chat(), chat("stop")), id="perplexity"),
        pytest.param(SSE, sse("data: plain text", ": a comment"), id="no-json"),
        pytest.param(SSE, sse("event: a\ndata: 1\ndata: 2"), id="lines"),
        pytest.param(SSE, sse(snowflake(), snowflake(), USAGE, done=True), id="snowflake"),
        pytest.param(SSE, sse(chat("stop"), chat(None, 1), done=True), id="one-choice-unfinished"),
        pytest.param(SSE, sse(legacy(), legacy("length"), done=True), id="legacy-completion"),
        pytest.param(SSE, sse(PING, {"text": "a"}), id="ping-and-text"),
        pytest.param(NDJSON, b'{"a":1}\n{"a":2}', id="ndjson"),
        pytest.param(AWS, frame("chunk"), id="bedrock-invoke"),
        pytest.param(JSON, b'{"a":1}', id="json"),
        pytest.param(JSON, b"[]", id="list"),
        pytest.param(JSON, b'{"success":true,"errors":[],"result":{}}', id="cloudflare"),
        pytest.param(JSON, b'{"base_resp":{"status_code":0,"status_msg":"success"}}', id="minimax"),
        pytest.param(JSON, b'{"choices":[{"finish_reason":"stop","error":null}]}', id="no-error"),
        pytest.param(JSON, b'{"choices":[{"finish_reason":""}]}', id="no-reason"),
        pytest.param(JSON, b'{"finish_reason":"MAX_TOKENS"}', id="cohere-short"),
        pytest.param(JSON, b'{"error":null,"status":"completed"}', id="no-error"),
        pytest.param(JSON, b'{"loss":NaN}', id="nan"),
        pytest.param("", b"", id="empty-200"),
        pytest.param("text/plain", b"", id="empty-text"),
        pytest.param("audio/mpeg", b"\xff\xfb", id="audio"),
        pytest.param("text/plain", b"event: a transcript", id="text"),
        pytest.param("image/png", b"\x89PNG", id="image"),
    ],
)
def test_what_ended_well_is_kept(kind: str, body: bytes) -> None:
    assert flaw(Answer(200, kind, body, ended=True)) is None


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "left"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(SSE, sse(chat(), ERROR), id="chat"),
        pytest.param(SSE, sse(chat(), chat("error") | ERROR, done=True), id="openrouter"),
        pytest.param(SSE, sse(chat(), ERROR, chat("stop"), done=True), id="before-the-end"),
        pytest.param(SSE, sse(START, "event: error\ndata: {}"), id="event-name"),
        pytest.param(SSE, sse(START, "event:error\ndata: oops", STOP), id="event-name-no-space"),
        pytest.param(SSE, sse(START, "event: error\ndata: x", end="\r\n"), id="event-name-crlf"),
        pytest.param(SSE, sse(START, {"type": "error", "error": {}}), id="anthropic"),
        pytest.param(SSE, sse({"type": "response.failed"}), id="responses"),
        pytest.param(SSE, sse(gemini(), ERROR), id="gemini"),
        pytest.param(NDJSON, b'{"done":false}\n{"error":"out of memory"}\n', id="ollama"),
        pytest.param(JSON, json.dumps([gemini(), ERROR]).encode(), id="json-array"),
        pytest.param(SSE, sse(chat("error"), done=True), id="openrouter-finish"),
        pytest.param(SSE, sse(chat("insufficient_system_resource"), done=True), id="deepseek"),
        pytest.param(SSE, sse({"base_resp": {"status_code": 1008}}), id="minimax"),
        pytest.param(
            SSE,
            sse({"type": "message-start"}, cohere_end("ERROR"), done=True),
            id="cohere",
        ),
        pytest.param(SSE, sse(cohere_end("ERROR_TOXIC")), id="cohere-toxic"),
        pytest.param(
            NDJSON,
            b'{"event_type":"stream-end","is_finished":true,"finish_reason":"ERROR"}\n',
            id="cohere-1",
        ),
        pytest.param(AWS, AWS_WHOLE[0] + frame("throttlingException", ":exception-type"), id="aws"),
    ],
)
def test_a_stream_with_an_error_is_not_kept(kind: str, body: bytes, ended: bool) -> None:
    assert "error" in str(flaw(Answer(200, kind, body, ended)))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(ERROR, id="object"),
        pytest.param({"error": "overloaded"}, id="text"),
        pytest.param([ERROR], id="gemini-list"),
        pytest.param({"type": "error"}, id="anthropic"),
        pytest.param({"status": "failed", "error": None}, id="failed-response"),
        pytest.param({"status": "Canceled"}, id="cancelled-operation"),
        pytest.param({"state": "JOB_STATE_FAILED"}, id="failed-job"),
        pytest.param({"choices": [{"error": {"code": 502}, "finish_reason": None}]}, id="choice"),
        pytest.param({"choices": [{"finish_reason": "error"}]}, id="openrouter"),
        pytest.param({"finish_reason": "ERROR", "message": {}}, id="cohere"),
        pytest.param({"finish_reason": "ERROR_TOXIC"}, id="cohere-toxic"),
        pytest.param({"success": False, "errors": [{"code": 7009}]}, id="cloudflare"),
        pytest.param({"base_resp": {"status_code": 1008}, "choices": [{}]}, id="minimax"),
    ],
)
def test_an_error_under_200_is_not_kept(body: Any) -> None:
    assert "error" in str(flaw(Answer(200, JSON, json.dumps(body).encode(), ended=True)))


@pytest.mark.parametrize(
    "body", [b"null", b" null\n", b'{"choices":null}', b'{"choices":[],"usage":{}}']
)
def test_json_without_an_answer_is_not_kept(body: bytes) -> None:
    assert "no answer" in str(flaw(Answer(200, JSON, body, ended=True)))


@pytest.mark.parametrize("body", [b"", b"\n", b"  \r\n"])
@pytest.mark.parametrize("kind", [JSON, "application/json; charset=utf-8", "Application/JSON"])
@pytest.mark.parametrize("status", [200, 201, 202])
def test_empty_json_is_not_kept(status: int, kind: str, body: bytes) -> None:
    assert "empty" in str(flaw(Answer(status, kind, body, ended=True)))


@pytest.mark.parametrize("status", [204, 205])
def test_what_has_no_body_by_its_status_is_kept(status: int) -> None:
    assert flaw(Answer(status, JSON, b"", ended=True)) is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\n\n", id="blank"),
        pytest.param(sse(": OPENROUTER PROCESSING", ": x"), id="comments"),
        pytest.param(sse(PING, PING), id="pings"),
        pytest.param(sse("event: ping\ndata: {}"), id="pings-by-name"),
        pytest.param(sse("event: message_start"), id="names"),
        pytest.param(sse("data:", "data: "), id="empty-data"),
        pytest.param(sse(done=True), id="done-alone"),
        pytest.param(sse(PING, done=True), id="ping-and-done"),
    ],
)
def test_a_stream_that_says_nothing_is_not_kept(body: bytes) -> None:
    assert "no event" in str(flaw(Answer(200, SSE, body, ended=True)))
    assert flaw(Answer(200, SSE, body, ended=False))


@pytest.mark.parametrize("kind", [NDJSON, AWS])
def test_other_streams_that_say_nothing_are_not_kept(kind: str) -> None:
    assert "no event" in str(flaw(Answer(200, kind, b"", ended=True)))


@pytest.mark.parametrize("kind", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"])
def test_a_web_page_is_no_answer_of_an_api(kind: str) -> None:
    page = Answer(200, kind, b"<html>Sign in to the guest network</html>", ended=True)
    assert "web page" in str(flaw(page))
    assert "web page" in str(flaw(page, poll=True))
    assert flaw(page, known=False) is None
    assert flaw(page, known=False) is None


@pytest.mark.parametrize("body", [b'{"a":', b'{"a":1', b"{", b'{"a":1}}', b"<html>"])
def test_broken_json_is_not_kept(body: bytes) -> None:
    assert "broken" in str(flaw(Answer(200, JSON, body, ended=True)))


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"status": "completed"}, True),
        ({"status": "SUCCEEDED"}, True),
        ({"state": "JOB_STATE_SUCCEEDED"}, True),
        ({"done": True, "response": {}}, True),
        ({"state": "STATE_SUCCEEDED"}, True),
        ({"state": "BATCH_STATE_SUCCEEDED"}, True),
        ({"status": "not_ready"}, False),
        ({"status": "not_done"}, False),
        ({"status": "partially_completed"}, False),
        ({"state": "JOB_STATE_PARTIALLY_SUCCEEDED"}, False),
        ({"status": "in_progress"}, False),
        ({"status": "queued"}, False),
        ({"status": "running", "progress": 99}, False),
        ({"state": "PROCESSING"}, False),
        ({"done": False}, False),
        ({"status": "failed"}, False),
        ({"done": True, "error": {"code": 3}}, False),
        ({"object": "list", "data": []}, False),
        ({"status": 200}, False),
        ([], False),
    ],
)
def test_polls_are_kept_when_they_have_ended(body: Any, kept: bool) -> None:
    found = flaw(Answer(200, JSON, json.dumps(body).encode(), ended=True), poll=True)
    assert (found is None) is kept


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"status": "running"}, False),
        ({"status": "in_progress"}, False),
        ({"status": "In Progress"}, False),
        ({"status": "pending"}, False),
        ({"state": "QUEUED"}, False),
        ({"state": "JOB_STATE_RUNNING"}, False),
        ({"status": "processing", "progress": 99}, False),
        ({"status": "not_ready"}, False),
        ({"status": "partially_completed"}, False),
        ({"done": False, "todo": "milk"}, True),
        ({"name": "operations/1", "done": False, "response": None}, False),
        ({"status": "failed"}, True),
        ({"status": "expired"}, True),
        ({"success": False}, True),
        ({"error": 0.12}, True),
        ({"error": {"message": "overloaded"}}, False),
        ({"error": "overloaded"}, False),
        (None, True),
        ({"status": "completed"}, True),
        ({"status": "active"}, True),
        ({"status": "not_found"}, True),
        ({"status": 200}, True),
        ({"done": True}, True),
        ({"data": []}, True),
        ([{"status": "running"}], True),
        ("running", True),
    ],
)
def test_answers_of_added_hosts_are_kept_unless_they_go_on(body: Any, kept: bool) -> None:
    answer = Answer(200, JSON, json.dumps(body).encode(), ended=True)
    assert (flaw(answer, known=False) is None) is kept
    assert flaw(Answer(202, JSON, answer.body, ended=True), known=False)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}, "error"),
        ({"candidates": [{"finishReason": "OTHER"}]}, "error"),
        ({"usageMetadata": {}, "modelVersion": "gemini-2.5-flash"}, "no answer"),
        ({"promptFeedback": {"blockReason": "OTHER"}}, "no answer"),
        ({"choices": [{"finish_reason": None, "message": {}}]}, "reason to finish"),
        ({"status": "queued", "id": "resp_1"}, "still running"),
        ({"output": {"task_status": "RUNNING"}}, "still running"),
    ],
)
def test_what_is_not_an_answer_yet_is_not_kept(body: Any, said: str) -> None:
    found = flaw(Answer(200, JSON, json.dumps(body).encode(), ended=True))
    assert said in str(found)


@pytest.mark.parametrize(
    "body",
    [
        {"output": {"task_status": "SUCCEEDED"}},  # DashScope
        {"task_status": "SUCCESS", "video_result": []},  # Z.ai
        {"status": "COMPLETED", "response": {}},  # Perplexity
        {"choices": [{"finish_reason": "stop"}]},  # xAI
    ],
)
def test_finished_jobs_are_kept(body: Any) -> None:
    assert flaw(Answer(200, JSON, json.dumps(body).encode(), ended=True), poll=True) is None


@pytest.mark.parametrize("said", ["API key not valid", "Your credit balance is too low"])
def test_errors_about_an_account_are_not_kept(said: str) -> None:
    body = json.dumps({"error": {"message": said}}).encode()
    assert "this account" in str(flaw(Answer(400, JSON, body, ended=True)))
    assert flaw(Answer(400, JSON, b'{"error":{"message":"max_tokens"}}', ended=True)) is None


def test_a_stream_with_a_broken_event_is_not_kept() -> None:
    whole = b'data: {"a": 1}\n\n'
    assert "incomplete" in str(flaw(Answer(200, SSE, whole + b'data: {"a', ended=True)))
    assert "decoded" in str(flaw(Answer(200, SSE, b'data: {"a\n\n' + whole, ended=True)))


@pytest.mark.parametrize("kind", [JSON, "video/mp4", ""])
def test_other_gets_are_not_kept(kind: str) -> None:
    assert flaw(Answer(200, kind, b"", ended=True), poll=True)


@pytest.mark.parametrize(
    ("method", "url", "answered", "kept"),
    [
        ("GET", "https://llm.example.com/jobs/1", (200, JSON, b'{"status":"running"}'), False),
        ("GET", "https://llm.example.com/jobs/1", (200, JSON, b'{"status":"completed"}'), True),
        ("GET", "https://llm.example.com/jobs/1", (206, JSON, b'{"status":"completed"}'), False),
        ("POST", "https://llm.example.com/jobs", (200, JSON, b'{"status":"running"}'), False),
        ("POST", "https://llm.example.com/page", (200, "text/html", b"<html>"), True),
        ("POST", f"{OPENAI}/responses", (200, "text/html", b"<html>"), False),
        ("GET", f"{OPENAI}/responses/r", (200, JSON, b'{"status":"in_progress"}'), False),
        ("GET", f"{OPENAI}/responses/r", (200, JSON, b'{"status":"completed"}'), True),
    ],
)
def test_a_recording_knows_what_was_asked_of_whom(
    standin: Standin,
    tmp_path: Path,
    method: str,
    url: str,
    answered: tuple[int, str, bytes],
    kept: bool,
) -> None:
    status, kind, body = answered
    standin.behave(Behaviour(answer=StandinAnswer(status, {"content-type": kind}, body)))
    with (
        cachy(cache_dir=tmp_path, doms=(*doms, "llm.example.com")) as session,
        httpx.Client() as client,
    ):
        for _ in range(2):
            assert client.request(method, url).content == body
    assert session.stats.recorded == kept
    assert len(standin.calls) == 2 - kept


def test_statuses() -> None:
    assert all(map(candidate, (200, 201, 204, 205, 299)))
    assert all(map(candidate, (301, 302, 303, 307, 308)))
    assert not any(map(candidate, (101, 206, 300, 304, 400, 401, 404, 429, 500, 529)))
    assert {status for status in range(400, 600) if candidate(status, errors=True)} == {
        *REPEATABLE_ERRORS
    }
    assert not {401, 403, 408, 409, 425, 429} & REPEATABLE_ERRORS


@pytest.mark.parametrize("ended", [True, False])
def test_errors_are_kept_if_they_came_whole(ended: bool) -> None:
    assert (flaw(Answer(400, JSON, json.dumps(ERROR).encode(), ended)) is None) is ended


@given(
    st.sampled_from([SSE, JSON, NDJSON, AWS, "", "audio/mpeg"]),
    st.binary(max_size=80)
    | st.sampled_from([body for _, body in (*WHOLE.values(), *CUT.values())]).flatmap(
        lambda body: st.integers(0, len(body)).map(lambda at: body[:at])
    ),
    st.booleans(),
    st.booleans(),
)
def test_any_body_gets_a_verdict(kind: str, body: bytes, ended: bool, poll: bool) -> None:
    answer = Answer(200, kind, body, ended)
    assert flaw(answer, poll=poll) is None or flaw(answer, poll=poll)
    usage_of(answer)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0, 1) | st.text("ab"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "candidates", "usage", "message", "type", "error", "status", "tokens"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(json_values, st.sampled_from([SSE, JSON, NDJSON]), st.booleans())
def test_any_json_gets_a_verdict(data: Any, kind: str, poll: bool) -> None:
    body = sse(data) if kind == SSE else json.dumps(data).encode()
    answer = Answer(200, kind, body, ended=True)
    flaw(answer, poll=poll)
    usage_of(answer)
    model_of("https://a.b/", data)


@given(st.sampled_from([*WHOLE]), st.data())
def test_no_true_prefix_that_lacks_the_last_event_is_whole(name: str, data: st.DataObject) -> None:
    kind, body = WHOLE[name]
    last = max(
        body.rfind(mark) for mark in (b"stop", b"STOP", b"Stop", b"omplete", b"-end", b"true")
    )
    at = data.draw(st.integers(0, last - 1))
    assert flaw(Answer(200, kind, body[:at], ended=False))


# ---- What cannot be decoded ----


def test_what_is_nested_deep_is_kept_if_it_is_whole() -> None:
    deep = b'{"a":' * 1000 + b"1" + b"}" * 1000
    assert flaw(Answer(200, JSON, deep, ended=True)) is None
    assert flaw(Answer(200, SSE, b"data: " + deep + b"\n\n", ended=True)) is None
    assert flaw(Answer(200, JSON, deep[:-1], ended=True))  # which of the two depends on Python
    assert "too deep" in str(flaw(Answer(200, JSON, b"[" * 100_000 + b"]" * 100_000, ended=True)))


def test_an_answer_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the verdict, for its usage, and for whoever reads its events."""
    calls = []

    def decode(kind: str | None, body: bytes) -> list[streams.Event]:
        calls.append(body)
        return decode_once(kind, body)

    decode_once = streams.decode
    monkeypatch.setattr(streams, "decode", decode)
    for kind, body in (*WHOLE.values(), (JSON, b'{"usage":{"prompt_tokens":3}}')):
        calls.clear()
        answer = Answer(200, kind, body, ended=True)
        assert flaw(answer) is None
        usage_of(answer)
        assert answer.events is answer.events
        assert calls == [body]


# ---- Amazon's streams are judged like all others ----


def wrapped(event: Any) -> bytes:
    coded = base64.b64encode(json.dumps(event).encode()).decode()
    return frame("chunk", payload=json.dumps({"bytes": coded, "p": "abc"}).encode())


def test_a_models_own_events_inside_of_amazons() -> None:
    whole = wrapped(START) + wrapped(STOP)
    assert flaw(Answer(200, AWS, whole, ended=True)) is None
    assert flaw(Answer(200, AWS, whole, ended=False)) is None
    assert "incomplete" in str(flaw(Answer(200, AWS, wrapped(START), ended=True)))
    assert "error" in str(flaw(Answer(200, AWS, wrapped(START) + wrapped(ERROR), ended=True)))
    unknown = wrapped({"completion": "a"})
    assert flaw(Answer(200, AWS, unknown, ended=True)) is None
    assert "incomplete" in str(flaw(Answer(200, AWS, unknown, ended=False)))


@pytest.mark.parametrize("name", ["response.failed", "error"])
def test_a_failure_that_only_its_name_tells(name: str) -> None:
    body = sse(f"event: {name}\ndata: {{}}")
    assert "error" in str(flaw(Answer(200, SSE, body, ended=True)))
