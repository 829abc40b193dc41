"""One row for each kind of fault that a recorder can have with real traffic, beside its siblings.

A row of KEYS says whether two requests may share an answer, one of ANSWERS whether an answer is
kept. What shows only in a client stands in tests/patch, tests/engine and tests/system.
"""

from __future__ import annotations

import gzip
import json
import re
import uuid
from typing import Any, NamedTuple

import pytest

from cachy.rules.hosts import Hosts, doms
from cachy.rules.key import NOISE, Noise, Request, canonical, digest, identify
from cachy.rules.verdict import Answer, candidate, flaw

OPENAI = "https://api.openai.com/v1"
CHAT = f"{OPENAI}/chat/completions"
CLAUDE = "https://api.anthropic.com/v1/messages"
GOOGLE = "https://generativelanguage.googleapis.com/v1beta"
GEMINI = f"{GOOGLE}/models/gemini-2.5-flash:generateContent"
GATEWAY = "https://ai-gateway.vercel.sh/v3/ai/language-model"
OWN = "https://llm.example.com/ask"
SAME, OTHER = True, False
KEPT, LEFT = True, False

hosts = Hosts((*doms, "llm.example.com"))


class Ask(NamedTuple):
    """A request as a row gives it."""

    url: str = CHAT
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"
    noise: tuple[Noise, ...] = NOISE

    def request(self) -> Request:
        body = self.body
        sent = body if isinstance(body, bytes) else json.dumps(body or says("hi")).encode()
        return Request(self.method, self.url, list(self.headers), sent)

    @property
    def known(self) -> bool:
        return hosts.route("POST", self.url).known

    def key(self) -> str:
        return digest(canonical(self.request(), noise=self.noise, known=self.known))


def says(text: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


def header(name: str, one: str, other: str, url: str = CHAT) -> tuple[Ask, Ask]:
    return Ask(url, headers=((name, one),)), Ask(url, headers=((name, other),))


def bodies(one: Any, other: Any, url: str = CHAT, **more: Any) -> tuple[Ask, Ask]:
    return Ask(url, one, **more), Ask(url, other, **more)


def called(id_: str) -> dict[str, Any]:
    call = {"id": id_, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": id_, "content": "x"}
    return {"model": "m", "messages": [{"role": "assistant", "tool_calls": [call]}, result]}


def called_gemini(id_: str) -> dict[str, Any]:
    call = {"functionCall": {"id": id_, "name": "f", "args": {}}}
    result = {"functionResponse": {"id": id_, "name": "f", "response": {}}}
    return {"contents": [{"role": "model", "parts": [call]}, {"role": "user", "parts": [result]}]}


def results(*order: str) -> dict[str, Any]:
    calls = [
        {"id": id_, "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for id_ in ("a", "b", "c")
    ]
    turns = [{"role": "tool", "tool_call_id": id_, "content": f"of {id_}"} for id_ in order]
    return {"model": "m", "messages": [{"role": "assistant", "tool_calls": calls}, *turns]}


def schema(*names: str) -> dict[str, Any]:
    properties = {name: {"type": "string"} for name in names}
    return says("?", tools=[{"name": "f", "input_schema": {"properties": properties}}])


def definitions(*names: str) -> dict[str, Any]:
    return says("?", response_format={"schema": {"$defs": {name: {} for name in names}}})


def used(*names: str) -> dict[str, Any]:
    tool = {"type": "tool_use", "id": "t", "name": "f", "input": dict.fromkeys(names, 1)}
    return {"model": "m", "messages": [{"role": "assistant", "content": [tool]}]}


def form(name: str) -> tuple[Ask, Ask]:
    kind = (("content-type", "application/x-www-form-urlencoded"),)
    return (
        Ask(OWN, f"{name}=run-1111".encode(), kind, noise=RUN),
        Ask(OWN, f"{name}=run-2222".encode(), kind, noise=RUN),
    )


RUN = (Noise(b"run-", re.compile(rb"run-\d{4}"), b"run"),)
PLAIN = (("content-type", "text/plain"),)
ZIPPED = (("content-type", "application/json"), ("content-encoding", "gzip"))
HI = json.dumps(says("hi")).encode()
MARK = {"type": "ephemeral"}
BLOCK = {"type": "text", "text": "hi"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}

KEYS: dict[str, list[tuple[tuple[Ask, Ask], bool]]] = {
    "the model stands in a header alone": [
        (header("ai-language-model-id", "a/one", "b/two", GATEWAY), OTHER),
        (header("ai-embedding-model-id", "a/one", "b/two", GATEWAY), OTHER),
        (
            header("x-ms-oai-image-generation-deployment", "one", "two", f"{OPENAI}/responses"),
            OTHER,
        ),
        (header("x-portkey-custom-host", "https://one", "https://two"), OTHER),
        (header("cf-aig-metadata", '{"a":1}', '{"a":2}'), OTHER),
        (header("x-anthropic-beta", "one", "two", "https://openrouter.ai/api/v1/messages"), OTHER),
    ],
    "what decides on added hosts": [
        (header("x-tenant", "alice", "bob", OWN), OTHER),
        (header("accept-language", "de", "fr", OWN), OTHER),
        (header("notion-version", "2022", "2025", OWN), OTHER),
        (header("cookie", "who=alice", "who=bob", OWN), OTHER),
        (header("host", "one.example.com", "two.example.com", OWN), OTHER),
        (header("authorization", "Bearer alice", "Bearer bob", OWN), SAME),
        (header("traceparent", "00-1", "00-2", OWN), SAME),
    ],
    "the usual port": [
        ((Ask("https://llm.example.com:443/ask"), Ask(OWN)), SAME),
        (header("host", "llm.example.com:443", "llm.example.com", OWN), SAME),
        (header("host", "x.example.com:443", "x.example.com", OWN), SAME),
        (header("host", "a:80", "a", "http://llm.example.com/ask"), SAME),
        ((Ask(OWN, headers=(("host", "llm.example.com:443"),)), Ask(OWN)), SAME),
        (header("host", "llm.example.com:80", "llm.example.com", OWN), OTHER),
        ((Ask("https://llm.example.com:8443/ask"), Ask(OWN)), OTHER),
    ],
    "the order of keys that reaches the model": [
        (bodies(schema("a", "b"), schema("b", "a")), OTHER),
        (bodies(definitions("a", "b"), definitions("b", "a")), OTHER),
        (bodies(used("a", "b"), used("b", "a"), CLAUDE), OTHER),
        (bodies({"model": "m", "n": 1}, {"n": 1, "model": "m"}), SAME),
    ],
    "pages, no credentials": [
        ((Ask(f"{OWN}?key=users/1.json"), Ask(f"{OWN}?key=users/2.json")), OTHER),
        ((Ask(f"{OWN}?file_key=a"), Ask(f"{OWN}?file_key=b")), OTHER),
        ((Ask(f"{OWN}?last_evaluated_key=a"), Ask(f"{OWN}?last_evaluated_key=b")), OTHER),
        ((Ask(f"{OWN}?token=So11"), Ask(f"{OWN}?token=So12")), OTHER),
        ((Ask(f"{OWN}?api_key=a"), Ask(f"{OWN}?api_key=b")), SAME),
    ],
    "ids that clients make": [
        (bodies(called(uuid.uuid4().hex), called(uuid.uuid4().hex)), SAME),
        (bodies(called_gemini("pyd_ai_1"), called_gemini("pyd_ai_2"), GEMINI), SAME),
        (bodies(called("call_1"), called("call_2"), OWN), SAME),
        (bodies(says("?", id="a"), says("?", id="b")), OTHER),
    ],
    "results of parallel tools": [
        (bodies(results("a", "b", "c"), results("c", "a", "b")), SAME),
        (bodies(results("a", "b"), results("b", "a"), OWN), SAME),
        (bodies(results("a", "b"), results("a", "c")), OTHER),
        (bodies(results("a", "x", "y"), results("a", "y", "x")), OTHER),
    ],
    "noise of notebooks and temporary files": [
        (bodies(says("/tmp/tmpk3x_9q2v"), says("/tmp/tmpp9x_7q2w")), SAME),
        (bodies(says("Cell In[3], line 1"), says("Cell In[4], line 1")), SAME),
        (bodies(says("/tmp/pytest-of-a/pytest-1/x"), says("/tmp/pytest-of-b/pytest-2/x")), SAME),
        (bodies(says("/tmp/tmp_notes"), says("/tmp/tmp_plans")), OTHER),
    ],
    "noise in every place": [
        (form("a"), SAME),
        (bodies(b"is run-1111", b"is run-2222", OWN, headers=PLAIN, noise=RUN), SAME),
        (bodies(b'{"a":"run-1111"}\n{}', b'{"a":"run-2222"}\n{}', OWN, noise=RUN), SAME),
        ((Ask(f"{OWN}/run-1111", noise=RUN), Ask(f"{OWN}/run-2222", noise=RUN)), SAME),
        ((Ask(f"{OWN}?a=run-1111", noise=RUN), Ask(f"{OWN}?a=run-2222", noise=RUN)), SAME),
        (bodies(gzip.compress(HI, mtime=1), gzip.compress(HI, mtime=2), headers=ZIPPED), SAME),
    ],
    "what says the same": [
        (bodies(says([BLOCK | {"cache_control": MARK}]), says([BLOCK]), CLAUDE), SAME),
        (bodies(says([BLOCK], cache_control=MARK), says([BLOCK]), CLAUDE), SAME),
        (
            bodies(
                {"contents": [], "tool_config": {"function_calling_config": {"mode": "ANY"}}},
                {"contents": [], "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
                GEMINI,
            ),
            SAME,
        ),
        (
            bodies(
                {"messages": [{"role": "assistant", "content": None, "tool_calls": [CALL]}]},
                {"messages": [{"role": "assistant", "tool_calls": [CALL]}]},
            ),
            SAME,
        ),
    ],
    "the method": [
        ((Ask(OWN, b"", method="PUT"), Ask(OWN, b"", method="PATCH")), OTHER),
        ((Ask(OWN, b"", method="HEAD"), Ask(OWN, b"", method="GET")), OTHER),
    ],
}


@pytest.mark.parametrize(
    ("pair", "same"),
    [
        pytest.param(pair, same, id=f"{kind}-{number}")
        for kind, rows in KEYS.items()
        for number, (pair, same) in enumerate(rows)
    ],
)
def test_whether_two_requests_share_an_answer(pair: tuple[Ask, Ask], same: bool) -> None:
    one, other = pair
    assert (one.key() == other.key()) is same


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (f"{OPENAI}/responses", {"model": "m", "conversation": "conv_1", "input": "go on"}),
        ("https://api.mistral.ai/v1/conversations/c1", {"inputs": "go on"}),
        (OWN, {"thread_id": "t1", "message": "go on"}),
    ],
)
def test_a_conversation_that_the_server_keeps(url: str, body: Any) -> None:
    ask = Ask(url, body)
    assert identify(ask.request(), known=ask.known).keeps_state


JSON, SSE, NDJSON = "application/json", "text/event-stream", "application/x-ndjson"


class Reply(NamedTuple):
    """An answer as a row gives it."""

    url: str
    body: Any
    method: str = "POST"
    status: int = 200
    kind: str = JSON
    errors: bool = False


def is_kept(reply: Reply) -> bool:
    route = hosts.route(reply.method, reply.url)
    if not route.cached or not candidate(reply.status, errors=reply.errors):
        return False
    body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
    asked = canonical(Request(reply.method, reply.url, [], b"{}"), known=route.known)
    answer = Answer(reply.status, reply.kind, body, ended=True)
    return flaw(answer, poll=route.poll, known=route.known, file=route.file, asked=asked) is None


def error(url: str, text: str, **more: Any) -> Reply:
    return Reply(url, {"error": {"message": text, **more}}, status=400, errors=True)


def finished(reason: Any, *parts: Any) -> Reply:
    content = {"role": "model", "parts": list(parts or [{"text": "x"}])}
    return Reply(GEMINI, {"candidates": [{"content": content, "finishReason": reason}]})


def answered(message: Any, reason: Any = "stop") -> Reply:
    return Reply(CHAT, {"choices": [{"finish_reason": reason, "message": message}]})


def get(url: str, body: Any, **more: Any) -> Reply:
    return Reply(url, body, "GET", **more)


def stream(body: bytes, url: str = CHAT, kind: str = SSE) -> Reply:
    return Reply(url, body, kind=kind)


LINES = b'{"message":{"content":"a"},"done":false}\n{"message":{"content":"b"},"done":true}\n'
CUT_LINES = LINES.partition(b"\n")[0] + b"\n" + b'{"message":{"content":"b"},"done":false}\n'

DATA: list[Any] = [
    {"mean": 3, "error": 0.12},
    {"status": "expired"},
    {"success": False},
    {"todo": "milk", "done": False},
    {"type": "error", "score": 0.9},
    {"results": [{"ok": True}], "error": "1 of 2 rows rejected"},
    {"choices": []},
]

ANSWERS: dict[str, list[tuple[Reply, bool]]] = {
    "a finish that is a failure": [
        (finished("MALFORMED_FUNCTION_CALL"), LEFT),
        (finished("OTHER"), LEFT),
        (finished("UNEXPECTED_TOOL_CALL"), LEFT),
        (finished(5), LEFT),
        (finished(10), LEFT),
        (finished("STOP"), KEPT),
        (finished(1), KEPT),
        (finished("MAX_TOKENS"), KEPT),
        (finished("SAFETY"), KEPT),
        (answered({"content": "x"}, "error"), LEFT),
    ],
    "no reason to finish": [
        (answered({"content": "x"}, None), LEFT),
        (finished("FINISH_REASON_UNSPECIFIED"), LEFT),
        (finished(0), LEFT),
        (stream(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":null}]}\n\n'), LEFT),
    ],
    "no answer": [
        (Reply(GEMINI, {"usageMetadata": {}}), LEFT),
        (Reply(GEMINI, {"usageMetadata": {}, "modelVersion": "g", "responseId": "r"}), LEFT),
        (Reply(GEMINI, {"promptFeedback": {"blockReason": "OTHER"}}), LEFT),
        (Reply(GEMINI, {"promptFeedback": {"blockReason": "SAFETY"}}), KEPT),
        (
            Reply(GEMINI, {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]}),
            LEFT,
        ),
        (
            Reply(
                GEMINI,
                {"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}]},
            ),
            KEPT,
        ),
        (Reply(f"{GOOGLE}/models/g:countTokens", {"totalTokens": 3}), KEPT),
        (Reply(f"{GOOGLE}/models/g:embedContent", {"embedding": {}, "usageMetadata": {}}), KEPT),
        (answered({"role": "assistant", "content": None}), LEFT),
        (answered({"role": "assistant", "content": None, "refusal": "No."}), KEPT),
        (
            answered({"role": "assistant", "content": None, "tool_calls": [CALL]}, "tool_calls"),
            KEPT,
        ),
        (answered({"role": "assistant", "content": ""}), KEPT),
        (Reply(CHAT, {}, status=202), LEFT),
    ],
    "a stream that was cut, though its connection ended in good order": [
        (stream(b'data: {"choices":[{"index":0,"del'), LEFT),
        (stream(b'data: {"choices":[{"index":0,"del\n\n'), LEFT),
        (stream(b'data: {"text":"a'), LEFT),
        (stream(b'data: {"text":"a', OWN), LEFT),
        (stream(b"data: [1, 2", OWN), LEFT),
        (stream(b'data: {"text":"a"}\n\ndata: {"te', OWN), LEFT),
        (stream(b'{"done":fal', "https://ollama.com/api/chat", NDJSON), LEFT),
        (stream(b'data: {"text":"a"}', OWN), KEPT),
        (stream(b"data: plain text\n\n", OWN), KEPT),
    ],
    "an error about the key, credit or quota": [
        (error(GEMINI, "API key not valid. Please pass a valid API key."), LEFT),
        (error(GEMINI, "API key expired.", status="INVALID_ARGUMENT"), LEFT),
        (error(GEMINI, "User location is not supported for the API use."), LEFT),
        (error("https://api.x.ai/v1/chat/completions", "Incorrect API key provided: xa***."), LEFT),
        (error(CLAUDE, "Your credit balance is too low to access the Anthropic API."), LEFT),
        (error(CLAUDE, "You have reached your specified API usage limits."), LEFT),
        (error(CLAUDE, "This organization has been disabled."), LEFT),
        (error(CHAT, "The model `m` does not exist or you do not have access to it."), LEFT),
        (error("https://dashscope.aliyuncs.com/api/v1/x", "Arrearage"), LEFT),
        (
            error(
                "https://openrouter.ai/api/v1/chat/completions",
                "No endpoints found matching your data policy",
            ),
            LEFT,
        ),
        (error(CHAT, "max_tokens is too large: 99999999"), KEPT),
        (error(CLAUDE, "messages: at least one message is required"), KEPT),
    ],
    "state, taken for an answer": [
        (Reply(f"{GOOGLE}/auth_tokens", {"name": "t"}), LEFT),
        (Reply("https://api.deepgram.com/v1/auth/grant", {"access_token": "t"}), LEFT),
        (Reply("https://openrouter.ai/api/v1/keys", {"key": "t"}), LEFT),
        (Reply("https://api.mistral.ai/v1/agents", {"id": "a"}), LEFT),
        (Reply("https://api.anthropic.com/v1/agents", {"id": "a"}), LEFT),
        (Reply("https://api.cohere.com/v1/connectors", {"id": "a"}), LEFT),
        (Reply("https://openrouter.ai/api/v1/credits/coinbase", {"id": "a"}), LEFT),
        (Reply(f"{OPENAI}/traces/ingest", {}), LEFT),
        (Reply("https://llm.example.com/v1/traces/ingest", {}), LEFT),
        (Reply("https://llm.example.com/v1/traces", {"id": 1}), KEPT),
    ],
    "what jobs have made, and what answers were made from": [
        (get(f"{OPENAI}/videos/v1/content", b"\0\0ftyp", kind="video/mp4"), KEPT),
        (get(f"{GOOGLE}/files/abc:download?alt=media", b"\0\0ftyp", kind="video/mp4"), KEPT),
        (get(f"{OPENAI}/files/file-1/content", b'{"error":{"message":"x"}}', kind=JSON), KEPT),
        (get(f"{OPENAI}/files/file-1/content", b"<html>", kind="text/html"), LEFT),
        (get(f"{OPENAI}/containers/c1/files/f1/content", b"x", kind="text/plain"), LEFT),
        (get(f"{OPENAI}/files/file-1", {"id": "file-1", "status": "processed"}), LEFT),
        (get(f"{OPENAI}/responses/resp_1/input_items", {"object": "list", "data": []}), KEPT),
        (get(f"{OPENAI}/chat/completions/c1/messages", {"object": "list", "data": []}), KEPT),
        (get("https://openrouter.ai/api/v1/generation?id=g", {"data": {"total_cost": 1}}), KEPT),
        (get(f"{OPENAI}/chat/completions/c1", {"object": "chat.completion"}), LEFT),
        (get(f"{OPENAI}/chat/completions", {"object": "list", "data": []}), LEFT),
        (get(f"{OPENAI}/conversations/c1/items", {"object": "list", "data": []}), LEFT),
    ],
    "JSON in lines that is called JSON": [
        (stream(LINES, "https://ollama.com/api/chat", JSON), KEPT),
        (stream(LINES.replace(b"\n", b"\r\n"), "https://ollama.com/api/chat", JSON), KEPT),
        (stream(LINES, OWN, f"{JSON}; charset=utf-8"), KEPT),
        (stream(CUT_LINES, "https://ollama.com/api/chat", JSON), LEFT),
        (stream(LINES[:-5], "https://ollama.com/api/chat", JSON), LEFT),
    ],
    "data of added hosts": [
        *((Reply(OWN, body), KEPT) for body in DATA),
        (stream(b'{"mean":1,"error":0.12}\n{"success":false}\n', OWN, NDJSON), KEPT),
        (stream(b'event: error\ndata: {"level":"error"}\n\ndata: {"msg":"ok"}\n\n', OWN), KEPT),
        (stream(b'data: {"finish_reason":"timeout","lap":3}\n\n', OWN), KEPT),
        (stream(b'event: error\ndata: {"message":"overloaded"}\n\n', OWN), LEFT),
        (stream(b'data: {"error":{"message":"overloaded"}}\n\ndata: {"a":1}\n\n', OWN), LEFT),
        (stream(b'data: {"choices":[{"index":0,"finish_reason":"error"}]}\n\n', OWN), LEFT),
        (Reply(OWN, {"error": {"message": "overloaded"}}), LEFT),
        (Reply(CHAT, {"success": False}), LEFT),
        (Reply(CHAT, {"status": "expired"}), LEFT),
    ],
}


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        pytest.param(reply, kept, id=f"{kind}-{number}")
        for kind, rows in ANSWERS.items()
        for number, (reply, kept) in enumerate(rows)
    ],
)
def test_whether_an_answer_is_kept(reply: Reply, kept: bool) -> None:
    assert is_kept(reply) is kept


def test_each_kind_has_siblings() -> None:
    for kind in (*KEYS, *ANSWERS):
        assert len(KEYS.get(kind) or ANSWERS[kind]) >= 2
