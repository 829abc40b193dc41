"""Entries in every protocol: what the stand-in servers of the tests answer, and bodies and headers
made from the fields that providers send. All values are made up, always the same ones."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from unittest import mock

from standin import (
    Answer,
    Call,
    anthropic,
    bedrock,
    cohere,
    compatible,
    deepseek,
    gemini,
    huggingface,
    mistral,
    ollama,
    openai,
)
from standin.bedrock import frame as event_frame
from standin.behaviour import failure
from standin.wire import Provider

from cachy.store.entry import json_bytes
from dictionary import answers, headers, requests
from dictionary.values import BEGAN, Values

SEED = 1
TURNS = 40
"""How often each kind is drawn."""
CLIENTS = ("httpx/0.28.1", "httpx/0.28.1", "httpx2/2.16.2")


class Kind(NamedTuple):
    """A kind of call: where it goes, its request, its headers, its answer, the kind of stream."""

    url: str
    request: list[str]
    headers: str
    answer: list[str]
    stream: str | None = None


V1 = "https://api.openai.com/v1"
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/models/«gemini»"
VERTEX = (
    "https://us-central1-aiplatform.googleapis.com/v1/projects/my-project/locations/us-central1"
    "/publishers/google/models/«gemini»"
)
AZURE = "https://my-resource.openai.azure.com/openai/deployments/«openai»"
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.«claude»-v1:0"
COPIES = (
    ("https://api.deepseek.com/chat/completions", headers.DEEPSEEK),
    ("https://api.groq.com/openai/v1/chat/completions", headers.GROQ),
    ("https://api.mistral.ai/v1/chat/completions", headers.MISTRAL),
    ("https://openrouter.ai/api/v1/chat/completions", headers.OPENROUTER),
    ("https://api.x.ai/v1/chat/completions", headers.XAI),
    ("https://api.perplexity.ai/chat/completions", headers.XAI),
    ("https://api.together.xyz/v1/chat/completions", headers.TOGETHER),
    ("https://api.z.ai/api/paas/v4/chat/completions", headers.BARE),
)
CHATS = [answers.CHAT, answers.CHAT, answers.CHAT_TOOLS]
KINDS = [
    Kind(f"{V1}/chat/completions", requests.CHAT, headers.OPENAI, CHATS),
    Kind(f"{V1}/chat/completions", requests.CHAT, headers.OPENAI_SORTED, CHATS),
    Kind(f"{V1}/chat/completions", requests.CHAT, headers.OPENAI, answers.CHAT_EVENTS[:6], "sse"),
    Kind(f"{V1}/responses", requests.RESPONSES, headers.OPENAI, answers.RESPONSES),
    Kind(f"{V1}/responses", requests.RESPONSES, headers.OPENAI, answers.RESPONSES),
    Kind(f"{V1}/responses", requests.RESPONSES, headers.OPENAI, answers.RESPONSE_EVENTS, "sse"),
    Kind(f"{V1}/embeddings", requests.EMBEDDINGS, headers.OPENAI, answers.EMBEDDINGS[:1]),
    Kind(f"{V1}/completions", requests.OLLAMA[1:], headers.OPENAI_SORTED, answers.COMPLETIONS),
    Kind(f"{V1}/models", ["null"], headers.OPENAI, answers.MODELS),
    Kind(
        "https://api.anthropic.com/v1/messages",
        requests.MESSAGES,
        headers.ANTHROPIC,
        answers.MESSAGES,
    ),
    Kind(
        "https://api.anthropic.com/v1/messages?beta=true",
        requests.MESSAGES,
        headers.ANTHROPIC,
        answers.MESSAGE_EVENTS,
        "sse",
    ),
    Kind(
        "https://api.anthropic.com/v1/messages", requests.MESSAGES, headers.BARE, answers.MESSAGES
    ),
    *(
        Kind(f"{base}:generateContent", requests.GEMINI, headers.GEMINI, answers.GEMINI)
        for base in (GOOGLE, GOOGLE, VERTEX)
    ),
    *(
        Kind(
            f"{base}:streamGenerateContent?alt=sse",
            requests.GEMINI,
            headers.GEMINI_STREAM,
            answers.GEMINI_EVENTS,
            "sse",
        )
        for base in (GOOGLE, VERTEX)
    ),
    Kind(f"{GOOGLE}:embedContent", requests.EMBEDDINGS, headers.GEMINI, answers.EMBEDDINGS[1:2]),
    *(
        Kind(
            f"{AZURE}/chat/completions?api-version=2024-12-01-preview",
            requests.CHAT,
            headers.AZURE,
            answer,
            stream,
        )
        for answer, stream in (
            ([answers.CHAT_SORTED], None),
            ([answers.CHAT_SORTED], None),
            (answers.CHAT_EVENTS[:6], "sse"),
        )
    ),
    Kind(f"{BEDROCK}/converse", requests.CONVERSE, headers.BEDROCK, answers.CONVERSE[:2]),
    Kind(f"{BEDROCK}/converse", requests.CONVERSE, headers.BEDROCK, answers.CONVERSE[:2]),
    Kind(f"{BEDROCK}/invoke", requests.MESSAGES, headers.BEDROCK, answers.CONVERSE[2:]),
    Kind("https://api.cohere.com/v2/chat", requests.CHAT, headers.COHERE, answers.COHERE),
    Kind(
        "https://api.cohere.com/v2/embed",
        requests.EMBEDDINGS,
        headers.COHERE,
        answers.EMBEDDINGS[2:],
    ),
    Kind("http://localhost:11434/api/chat", requests.OLLAMA, headers.OLLAMA, answers.OLLAMA),
    Kind(
        "http://localhost:11434/api/chat",
        requests.OLLAMA,
        headers.OLLAMA,
        answers.OLLAMA_LINES,
        "ndjson",
    ),
    Kind("https://ollama.com/v1/chat/completions", requests.CHAT, headers.GOOGLE_FRONT, CHATS),
    Kind(
        "https://router.huggingface.co/v1/chat/completions",
        requests.CHAT,
        headers.HUGGING_FACE,
        answers.CHAT_COPIES,
    ),
    Kind(
        "https://my-gateway.example.com/v1/chat/completions",
        requests.CHAT,
        headers.PLAIN,
        answers.CHAT_COPIES,
    ),
    *(
        Kind(url, requests.CHAT, head, [answers.CHAT_COPIES[at]])
        for at, (url, head) in enumerate(COPIES)
    ),
    *(Kind(url, requests.CHAT, head, answers.CHAT_EVENTS, "sse") for url, head in COPIES),
]


def frames() -> Iterator[bytes]:
    """What is compressed of each sample: head, request and body, as in an entry."""
    dice = random.Random(SEED)
    for turn in range(TURNS):
        for kind in KINDS:
            yield _made_up(kind, dice)
        yield from _stood_in(turn, dice)


# ---- Made up ----


def _made_up(kind: Kind, dice: random.Random) -> bytes:
    values = Values(dice)
    status = 200 if dice.random() > 0.03 else 400
    if status == 400:
        body = values.fill(dice.choice(answers.ERRORS)).encode()
    elif kind.stream:
        body = _stream(kind, values)
    else:
        body = _whole(kind, values, dice)
    pairs = [line.split(": ", 1) for line in values.fill(kind.headers).splitlines()]
    if kind.stream == "sse":
        pairs = [
            [n, "text/event-stream; charset=utf-8" if n == "content-type" else v] for n, v in pairs
        ]
    if dice.random() < 0.3:  # some front ends sort them, some leave most of them out
        pairs = sorted(pairs) if dice.random() < 0.5 else pairs[:2]
    return _frame(
        values.fill(kind.url),
        pairs,
        values.fill(dice.choice(kind.request)),
        body,
        dice,
        kind.stream,
        status,
    )


def _whole(kind: Kind, values: Values, dice: random.Random) -> bytes:
    text = values.fill(dice.choice(kind.answer).strip())
    indented = kind.headers in (headers.OPENAI, headers.OPENAI_SORTED, headers.GEMINI)
    if not indented or dice.random() < 0.3:
        return text.encode()
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False).encode()


def _stream(kind: Kind, values: Values) -> bytes:
    if kind.stream == "ndjson":
        lines = [values.fill(line.strip()) for line in kind.answer * 2]
        return "\n".join([*lines, values.fill(answers.OLLAMA[0].strip()), ""]).encode()
    events = []
    for template in kind.answer:
        for _ in range(3 if "«piece»" in template else 1):
            text = values.fill(template.replace("\n", ""))
            name = re.match(r'\{"type":"([a-z_.]+)"', text)
            events.append((f"event: {name[1]}\n" if name else "") + f"data: {text}\n\n")
    if kind.answer[0].startswith('{"id"'):
        events.append("data: [DONE]\n\n")
    ends = "\r\n" if kind.answer is answers.GEMINI_EVENTS else "\n"
    return "".join(events).replace("\n", ends).encode()


def _frame(
    url: str,
    pairs: list[list[str]],
    request: str,
    body: bytes,
    dice: random.Random,
    stream: str | None = None,
    status: int = 200,
) -> bytes:
    values = Values(dice)
    model = re.search(r'"model":"([^"]+)"', request) or re.search(r"models?/([^/:]+)", url)
    head: dict[str, Any] = {
        "cachy": 1,
        "key": dice.randbytes(32).hex(),
        "recorded": values.iso(),
        "nonce": dice.randbytes(4).hex(),
        "method": "GET" if request == "null" else "POST",
        "url": url,
        "status": status,
        "headers": pairs,
        "client": dice.choice(CLIENTS),
        "ms": round(dice.uniform(200, 5000), 1),
        "model": model[1] if model else None,
        "stream": stream,
        "usage": {"input": dice.randrange(8, 900), "output": dice.randrange(3, 300)},
    }
    if dice.random() < 0.3:
        head["http"] = "HTTP/2"
    if dice.random() < 0.1:
        head["usage"] = None
    if stream:
        head["times"] = [[dice.randrange(30, 400), dice.randrange(0, 60)] for _ in range(6)]
    outline = "{}" if request == "null" else f'{{"body":{request}}}'
    if "anthropic.com" in url:
        outline = '{"headers":{"anthropic-version":"2023-06-01"},' + outline[1:]
    return b"%b\n%b\n%b" % (json_bytes(head), outline.encode(), body)


# ---- From the stand-in ----

TOOL = {
    "name": "get_weather",
    "description": "Get the current weather in a given location.",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["location"],
    },
}
SCHEMA = {"input_schema": TOOL["parameters"]}


def _calls(prompt: str) -> Iterator[tuple[Provider, str, str, dict[str, Any]]]:
    """Requests in each protocol: provider, host, path, and body."""
    turn = {"messages": [{"role": "user", "content": prompt}]}
    tools = {"tools": [{"type": "function", "function": TOOL}]}
    for provider, host, path, model in (
        (openai.answer, "api.openai.com", "/v1/chat/completions", "gpt-4o"),
        (mistral.answer, "api.mistral.ai", "/v1/chat/completions", "mistral-small-latest"),
        (deepseek.answer, "api.deepseek.com", "/chat/completions", "deepseek-reasoner"),
        (compatible.answer, "openrouter.ai", "/api/v1/chat/completions", "openai/gpt-5"),
        (compatible.answer, "api.groq.com", "/openai/v1/chat/completions", "llama-3.3-70b"),
        (huggingface.answer, "router.huggingface.co", "/v1/chat/completions", "gpt-oss-20b"),
        (cohere.answer, "api.cohere.com", "/v2/chat", "command-a-03-2025"),
        (ollama.answer, "localhost", "/api/chat", "llama3.2"),
    ):
        for more in ({"stream": False}, {"stream": True}, tools, tools | {"stream": True}):
            yield provider, host, path, {"model": model} | turn | more
    claude = {"model": "claude-sonnet-4-5", "max_tokens": 1024} | turn
    own = {"tools": [{"name": TOOL["name"], "description": TOOL["description"]} | SCHEMA]}
    search = {"tools": [{"type": anthropic.SEARCH, "name": "web_search"}]}
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    for extra in ({}, own, search, thinking):
        for stream in (False, True):
            asked = claude | extra | {"stream": stream}
            yield anthropic.answer, anthropic.HOST, "/v1/messages", asked
    contents: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
    declared: dict[str, Any] = {"tools": [{"functionDeclarations": [TOOL]}]}
    base = "/v1beta/models/gemini-2.5-flash"
    for asked in (contents, contents | declared):
        for method in (":generateContent", ":streamGenerateContent?alt=sse", ":countTokens"):
            yield gemini.answer, gemini.HOST, base + method, asked
    content: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": prompt}]}]}
    spec = {"name": TOOL["name"], "inputSchema": {"json": TOOL["parameters"]}}
    for asked in (content, content | {"toolConfig": {"tools": [{"toolSpec": spec}]}}):
        for path in ("converse", "converse-stream"):
            host = "bedrock-runtime.us-east-1.amazonaws.com"
            yield bedrock.answer, host, f"/model/amazon.nova-lite-v1:0/{path}", asked
    respond = {"model": "gpt-5-mini", "input": prompt}
    for more in ({}, {"tools": [{"type": "function"} | TOOL]}):
        for stream in (False, True):
            asked = respond | more | {"stream": stream}
            yield openai.answer, openai.HOST, "/v1/responses", asked
    embed = {"model": "text-embedding-3-small", "input": [prompt], "dimensions": 8}
    yield openai.answer, openai.HOST, "/v1/embeddings", embed
    yield ollama.answer, "localhost", "/api/embed", {"model": "llama3.2", "input": prompt}


def _stood_in(turn: int, dice: random.Random) -> Iterator[bytes]:
    values = Values(dice)
    for number, (provider, host, target, asked) in enumerate(_calls(values.fill("«prompt»"))):
        path, _, query = target.partition("?")
        call = Call("POST", host, path, query, {}, json.dumps(asked).encode())
        serial = 100 * turn + number
        with mock.patch("time.time", return_value=BEGAN.timestamp() + 1000 * serial):
            answer = provider(call, serial) or failure(call, serial, 400)
        kind = answer.headers["content-type"]
        stream = (
            "sse"
            if "event-stream" in kind
            else "aws-eventstream"
            if "amazon" in kind
            else "ndjson"
            if "ndjson" in kind
            else None
        )
        request = json.dumps(asked, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        body = _at_one_time(_bytes(answer))
        pairs = [[name, value] for name, value in answer.headers.items() if "cookie" not in name]
        yield _frame(f"https://{host}{target}", pairs, request, body, dice, stream)
    text = values.fill("«text»")
    for name in ("messageStart", "contentBlockDelta", "contentBlockStop", "messageStop"):
        body = event_frame(name, {"contentBlockIndex": 0, "delta": {"text": text}})
        yield _frame("https://bedrock-runtime.eu-west-1.amazonaws.com/", [], "null", body, dice)


def _bytes(answer: Answer) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)


def _at_one_time(body: bytes) -> bytes:
    """The body with the times of the clock replaced: the samples are the same on any day."""
    return re.sub(
        rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", b"2026-01-05T12:00:00.123456Z", body
    )
