"""Forty credentials in forty places: none of them reaches a file that git sees."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import string
import struct
import subprocess
import sys
import time
import warnings
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import httpx2
import pytest
from standin import Answer, Behaviour, Standin, json_answer, ndjson, redirect, sse, stream_answer
from standin.bedrock import frame

import cachy
from cachy.engine import secret_search, secrets
from cachy.errors import CachyWarning
from cachy.rules import streams
from cachy.rules.hosts import doms
from cachy.rules.key import Request, canonical
from cachy.store import entry as codec
from cachy.store.base import Where
from cachy.store.folder import DirStore
from cachy.store.layout import FOLDER
from cachy.store.names import SUFFIX, unseal
from cachy.upkeep.check import check

HOST = "llm.example.com"
CHAT = f"https://{HOST}/v1/chat/completions"
_random = random.Random(4)


def letters(count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Random ones: with a digit in the middle, so that none is taken for a word by chance."""
    chosen = _random.choices(alphabet, k=count)
    chosen[count // 2] = "7"
    return "".join(chosen)


def opaque() -> str:
    """A key of no known shape."""
    return letters(40)


HEX = "0123456789abcdef"
DIGITS_AND_CAPITALS = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Plant:
    """A call with a secret in it somewhere."""

    place: str
    secret: str
    public: bool
    """Whether the recording can be committed all the same: the secret was left out of it."""
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""
    user: str = ""
    path: str = "/v1/chat/completions"
    body: Any = None
    content: bytes | None = None
    answer: Answer | None = None
    options: dict[str, Any] = field(default_factory=dict)
    hop: Answer | None = None


def chat(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **fields}


def says(text: str, *, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    message = {"role": "assistant", "content": text}
    data = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return json_answer(data, status, **(headers or {}))


def spoken(text: str, size: int = 3) -> list[str]:
    """A text in pieces, as models stream it."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def header(name: str, template: str = "{}", secret: str = "") -> Plant:
    secret = secret or opaque()
    return Plant(f"request header {name}", secret, True, headers={name: template.format(secret)})


def asked(place: str, secret: str, template: str = "my key is {}.", **more: Any) -> Plant:
    return Plant(f"prompt: {place}", secret, False, body=chat(template.format(secret)), **more)


def answered(place: str, secret: str, template: str = "Sure: `{}`", **more: Any) -> Plant:
    return Plant(f"answer: {place}", secret, False, answer=says(template.format(secret)), **more)


def streamed(place: str, secret: str, make: Callable[[list[str]], Answer]) -> Plant:
    return Plant(f"stream: {place}", secret, False, answer=make(spoken(f"It is {secret} then.")))


def openai_stream(pieces: list[str]) -> Answer:
    events: list[Any] = [
        {"id": "c", "choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces
    ]
    end = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return stream_answer(sse([*events, end, "data: [DONE]"]))


def responses_stream(pieces: list[str]) -> Answer:
    """Two outputs at once, whose contents have the same number."""
    kind = "response.output_text.delta"
    events = [
        (kind, {"type": kind, "output_index": output, "content_index": 0, "delta": text})
        for piece in pieces
        for output, text in ((0, piece), (1, "and "))
    ]
    end = "response.completed"
    return stream_answer(sse([*events, (end, {"type": end, "response": {"status": "completed"}})]))


def anthropic_stream(pieces: list[str]) -> Answer:
    def delta(index: int, piece: str) -> tuple[str, dict[str, Any]]:
        kind = "content_block_delta"
        text = {"type": "text_delta", "text": piece}
        return kind, {"type": kind, "index": index, "delta": text}

    # Two blocks at once: pieces of another text stand between those of the secret.
    events = [delta(index, text) for piece in pieces for index, text in ((0, piece), (1, "and "))]
    return stream_answer(sse([*events, ("message_stop", {"type": "message_stop"})]))


def ollama_stream(pieces: list[str]) -> Answer:
    lines: list[Any] = [{"message": {"content": piece}, "done": False} for piece in pieces]
    return stream_answer(ndjson([*lines, {"done": True}]), "application/x-ndjson")


def gemini_stream(pieces: list[str]) -> Answer:
    events: list[Any] = [
        {"candidates": [{"content": {"parts": [{"text": piece}]}}]} for piece in pieces
    ]
    events.append({"candidates": [{"finishReason": "STOP"}]})
    return Answer(200, {"content-type": "application/json"}, json.dumps(events).encode())


def bedrock_stream(pieces: list[str]) -> Answer:
    events = [frame("contentBlockDelta", {"delta": {"text": piece}}) for piece in pieces]
    kind = "application/vnd.amazon.eventstream"
    return stream_answer([*events, frame("messageStop", {"stopReason": "end_turn"})], kind)


def invoked_stream(pieces: list[str]) -> Answer:
    chunks = (json.dumps({"completion": piece}).encode() for piece in pieces)
    events = [frame("chunk", {"bytes": b64encode(chunk).decode()}) for chunk in chunks]
    return stream_answer([*events, frame("messageStop", {})], "application/vnd.amazon.eventstream")


def echoes() -> Iterator[Plant]:
    """What a provider answers with what it was sent, of no shape that anybody knows."""
    for place, name, template in (
        ("bearer", "authorization", "Bearer {}"),
        ("api key", "api-key", "{}"),
        ("cookie", "cookie", "a=b; session={}"),
        ("organisation", "openai-organization", "{}"),
    ):
        secret = opaque()
        yield answered(f"echo of the {place}", secret, headers={name: template.format(secret)})
    password = opaque()
    basic = b64encode(f"me:{password}".encode()).decode()
    yield answered("echo of a password", password, headers={"authorization": f"Basic {basic}"})
    for place, spell in (
        ("slashes escaped", lambda text: json.dumps(text)[1:-1].replace("/", "\\/")),
        ("signs escaped", lambda text: text.replace("+", "\\u002B").replace("/", "\\u002f")),
        ("quoted for a URL", lambda text: quote(text, safe="")),
        ("base64", lambda text: b64encode(f"me:{text}".encode()).decode()),
        ("base64 for URLs", lambda text: urlsafe_b64encode(f"key={text}&".encode()).decode()),
    ):
        secret = f"{letters(20)}/{letters(10)}+{letters(10)}"
        text = json.dumps({"detail": "you sent SECRET"}).replace("SECRET", spell(secret))
        reply = Answer(200, {"content-type": "application/json"}, text.encode())
        headers = {"authorization": f"Bearer {secret}"}
        yield Plant(f"echo: {place}", secret, False, headers=headers, answer=reply)
    for name in ("hapikey", "x-jwt", "x-functions-key", "x-app-pass", "x-session-id"):
        yield answered(f"echo of {name}", secret := opaque(), headers={name: secret})
    secret = opaque()
    yield answered("echo of the key in the query", secret, query=f"key={secret}")
    secret = opaque()
    sent = {"x-api-key": secret}
    refusal = json_answer({"error": {"message": f"{secret} may not"}}, 404)
    yield Plant("error that echoes", secret, False, headers=sent, answer=refusal)
    secret = opaque()
    yield Plant(
        "response header that echoes", secret, True,
        headers={"x-api-key": secret}, answer=says("ok", headers={"x-request-id": f"for-{secret}"}),
    )  # fmt: skip
    secret = opaque()
    yield replace(streamed("echo", secret, openai_stream), headers={"x-goog-api-key": secret})


def plants() -> list[Plant]:
    signature, token = letters(64, HEX), letters(200)
    proven = "AWS4-HMAC-SHA256 Credential=AKIA{}/20261123/us-east-1/bedrock/aws4_request, "
    pem = "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----"
    jwt = f"eyJhbGciOiJIUzI1NiJ9.eyJ{letters(30)}.{letters(43)}"
    long = "lorem ipsum " * 100
    return [
        # Credentials that requests carry: left out
        header("authorization", "Bearer {}"),
        header("authorization", "Basic {}"),
        header("authorization", proven.format("AKIA234567") + "Signature={}", signature),
        header("authorization", proven + "Signature=1", letters(16, DIGITS_AND_CAPITALS)),
        *map(header, ("x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key")),
        *map(header, ("x-amz-security-token", "openai-organization", "openai-project")),
        header("cookie", "session={}; theme=dark"),
        header("proxy-authorization", "Bearer {}"),
        *(
            Plant(f"query parameter {name}", secret := opaque(), True, query=f"{name}={secret}")
            for name in ("key", "api_key", "access_token", "sig", "X-Amz-Signature",
                         "X-Amz-Credential", "X-Amz-Security-Token", "subscription-key",
                         "api_token", "private_token", "hapikey", "app_key", "secret_key", "pass",
                         "subscription_key", "x-api-token", "oauth_token", "user_token",
                         "jwt_token", "ApiToken", "privateKey", "token", "auth")
        ),
        Plant("query parameter of any name", secret := f"sk-{letters(48)}", True,
              query=f"q={secret}"),
        Plant("user", secret := opaque(), True, user=f"{secret}@"),
        Plant("password", secret := opaque(), True, user=f"me:{secret}@"),
        Plant("path", secret := f"xai-{letters(80)}", True, path=f"/{secret}/v1/chat/completions"),
        # … and that responses carry
        *(
            Plant(f"response header {name}", secret := opaque(), True,
                  answer=says("ok", headers={name: f"id={secret}; Secure"}),
                  options={"hdrs": [name]})
            for name in ("set-cookie", "openai-organization", "x-ratelimit-key", "x-auth-token")
        ),
        Plant("response header location", secret := opaque(), True,
              answer=says("ok", status=201, headers={
                  "location": f"https://{HOST}/v1/x?sig={secret}%2B7&v=1"})),
        Plant("redirect: query", secret := opaque(), True,
              hop=redirect(f"{CHAT}?key={secret}").answer),  # type: ignore[arg-type]
        Plant("redirect: user", secret := opaque(), True,
              hop=redirect(f"https://me:{secret}@{HOST}/v1/chat/completions").answer),  # type: ignore[arg-type]
        *(
            Plant(f"response header {name}", secret := opaque(), True,
                  answer=says("ok", headers={name: template.format(secret)}))
            for name, template in (
                ("operation-location", f"https://{HOST}/v1/x?v=1&token={{}}"),
                ("link", f"<https://{HOST}/v1/x?p=2&sig={{}}>; rel=next"),
            )
        ),
        Plant("response header location: user", secret := opaque(), True,
              answer=says("ok", headers={"location": f"https://me:{secret}@{HOST}/v1/x"})),
        *echoes(),
        # What people ask
        asked("an Anthropic key", f"sk-ant-api03-{letters(93)}AA"),
        asked("an OpenAI key in code", f"sk-proj-{letters(120)}", 'client = OpenAI(api_key="{}")'),
        asked("on a line of its own", f"ghp_{letters(36)}", "set this:\n{}\nthen run"),
        asked("after an umlaut", f"hf_{letters(34)}", "Schlüssel:ä{}"),
        asked("in the middle, which the outline leaves out", f"gsk_{letters(52)}",
              long + "{} " + long),
        asked("cut by the outline", f"sk-or-v1-{letters(64, HEX)}", "x" * 40 + " {}" + long),
        asked("kept in full", f"AIza{letters(35)}", long + "{} " + long,
              options={"requests": "full"}),
        asked("a private key", "\n".join(letters(64) for _ in range(8)), pem),
        asked("a connection string", f"{letters(86)}==", "AccountName=x;AccountKey={};Suffix=y"),
        asked("a URL with a password", letters(20), "psql postgres://app:{}@db.internal/app"),
        asked("a curl command", opaque(), "curl -H 'Authorization: Bearer {}' https://x"),
        asked("an environment file", opaque(), "DB_PASSWORD={}\nDEBUG=1"),
        Plant("tool's token", secret := opaque(), False, body=chat(
            "hi", tools=[{"type": "mcp", "server_url": "https://x", "authorization": secret}])),
        Plant("uploaded file", secret := f"npm_{letters(36)}", False,
              headers={"content-type": "multipart/form-data; boundary=b123"},
              content=f'--b123\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
                      f"//registry/:_authToken={secret}\r\n--b123--\r\n".encode()),
        Plant("prompt that is not kept", secret := f"dop_v1_{letters(64, HEX)}", True,
              body=chat(f"my key is {secret}"), options={"requests": "none"}),
        # What models and providers answer
        answered("an AWS key", f"AKIA{letters(16, DIGITS_AND_CAPITALS)}"),
        answered("a JSON web token", jwt),
        answered("a Slack webhook", f"T0{letters(8)}/B0{letters(8)}/{letters(24)}",
                 "https://hooks.slack.com/services/{}"),
        answered("a signed link", signature, "https://s3/x?X-Amz-Signature={}&X-Amz-Expires=60"),
        answered("a session token", token, "https://s3/x?X-Amz-Security-Token={}"),
        answered("an organisation", f"org-{letters(24)}"),
        answered("an AWS account", "8" + letters(11, string.digits), "arn:aws:iam::{}:role/x"),
        *(
            streamed(make.__name__, f"glpat-{letters(20)}", make)
            for make in (openai_stream, responses_stream, anthropic_stream, ollama_stream,
                         gemini_stream, bedrock_stream, invoked_stream)
        ),
    ]  # fmt: skip


PLANTS = plants()


def call(plant: Plant, client: Any, standin: Standin, number: int) -> None:
    body = chat(f"question {number}") if plant.body is None else plant.body
    content = json.dumps(body).encode() if plant.content is None else plant.content
    url = f"https://{plant.user}{HOST}{plant.path}?{plant.query}&number={number}"
    headers = {"content-type": "application/json"} | plant.headers
    request = client.build_request("POST", url, content=content, headers=headers)
    with standin.behave(Behaviour(answer=plant.answer or says("fine"))):
        if plant.hop is not None:
            standin.behave(Behaviour(1, answer=plant.hop))
        client.send(request, follow_redirects=True)


@pytest.fixture(scope="module")
def planted(providers: Standin, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A repository whose store has a recording of each call; and what was warned of, each."""
    folder = tmp_path_factory.mktemp("planted")
    warned = []
    for number, plant in enumerate(PLANTS):
        client: Any = (httpx, httpx2)[number % 2].Client()
        options = {"errors": True} | plant.options
        with (
            client,
            warnings.catch_warnings(record=True) as caught,
            cachy.cachy(cache_dir=folder, doms=(*doms, HOST), **options) as session,
        ):
            warnings.simplefilter("always")
            call(plant, client, providers, number)
        assert session.stats.recorded == 1, (plant.place, session.stats.skipped)
        warned.append(" ".join(str(warning.message) for warning in caught))
    providers.reset()
    return folder, warned


def decoded(folder: Path) -> dict[str, bytes]:
    """All that git would see, and what it stands for."""
    found = {}
    for path in (folder / FOLDER).rglob("*"):
        if path.is_file() and "local" not in path.relative_to(folder / FOLDER).parts:
            data = path.read_bytes()
            if path.suffix == SUFFIX:
                frame = unseal(path.stem, data)
                entry = codec.loads(frame)
                data += json.dumps(entry.head, ensure_ascii=False).encode() + entry.body + frame
            found[str(path)] = data + str(path).encode()
    return found


def spellings(secret: str) -> set[bytes]:
    """A secret as it is, and in the ways that JSON and base64 spell it."""
    basic = b64encode(f"me:{secret}".encode())
    return {secret.encode(), json.dumps(secret)[1:-1].encode(), basic, secret[:24].encode()}


def test_forty_secrets_in_forty_places() -> None:
    assert len({plant.place for plant in PLANTS}) >= 40
    assert len({plant.secret for plant in PLANTS}) >= 40


def test_nothing_reaches_a_file_that_git_sees(planted: tuple[Path, list[str]]) -> None:
    files = decoded(planted[0])
    assert sum(name.endswith(SUFFIX) for name in files) == sum(p.public for p in PLANTS)
    for plant in PLANTS:
        for spelling in spellings(plant.secret):
            assert not any(spelling in data for data in files.values()), plant.place


def test_nothing_reaches_git(planted: tuple[Path, list[str]]) -> None:
    folder = planted[0]

    def git(*args: str) -> bytes:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *args]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout

    git("init", "-q")
    (folder / ".gitattributes").write_text(f"{FOLDER}/** -text diff=cachy\n")
    # All that `cachy cat` can show, in a third of its time.
    show = "import sys; from cachy.store.folder import read_entry; print(read_entry(sys.argv[1]))"
    git("config", "diff.cachy.textconv", f"{shlex.quote(sys.executable)} -c '{show}'")
    git("add", "-A")
    git("commit", "-qm", "recordings")
    told = git("log", "-p", "--textconv", "--text")
    assert told.count(b"diff --git") > sum(plant.public for plant in PLANTS)
    assert told.count(b"question ") >= 10  # so it was decoded
    for plant in PLANTS:
        assert not any(spelling in told for spelling in spellings(plant.secret)), plant.place


def test_the_private_stay_here(planted: tuple[Path, list[str]]) -> None:
    entries = list((planted[0] / FOLDER / "local" / "entries").rglob("*.entry"))
    assert len(entries) == sum(not plant.public for plant in PLANTS)


def test_one_warning_that_names_kind_and_field(planted: tuple[Path, list[str]]) -> None:
    for plant, warned in zip(PLANTS, planted[1], strict=True):
        assert plant.secret[:12] not in warned, plant.place
        assert warned.count("looks like a") == (not plant.public), (plant.place, warned)
        assert plant.public or re.search(", in (answer|request|head)", warned), plant.place


def test_tells_the_path_of_the_field() -> None:
    key = f"sk-ant-api03-{letters(93)}AA"
    body = chat("hi")
    body["messages"].append({"role": "user", "content": [{"type": "text", "text": f"x\n{key}"}]})
    (finding,) = secret_search.find(json.dumps(body), "request")
    assert finding == ("an Anthropic key", "request.messages[1].content[0].text")
    assert str(finding) == "an Anthropic key, in request.messages[1].content[0].text"
    assert secret_search.find(f"no JSON: {key}".encode(), "answer") == [
        ("an Anthropic key", "answer")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "set OPENAI_API_KEY=sk-your-key-here and go",
        'client = OpenAI(api_key="sk-...")',
        "sk-ant-api03-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "AKIAIOSFODNN7EXAMPLE and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        'api_key = os.environ["OPENAI_API_KEY"]',
        "a risk-averse-investor-1-strategy-for-2026-and-beyond",
        "postgres://user:password@localhost/db and https://example.com:8080/@me",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/x",
        '{"usage":{"prompt_tokens":12},"logprobs":[{"token":"hello"}],"system_fingerprint":"fp_44709d6fcb"}',
        '{"id":"chatcmpl-AbC123dEf456GhI789","call_id":"call_AbCdEf0123456789AbCdEf01"}',
        '{"type":"string","description":"The password of the user","name":"password"}',
        '{"nextPageToken":"Ch5tb2RlbHMvZ2VtaW5pLTEuNS1wcm8tbGF0ZXN0"}',
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYD",
        "org-chart-for-the-marketing-team proj_management_2026_overview",
        "Basic understanding of token economics: key performance indicators",
    ],
)
def test_is_silent_about_what_is_none(text: str) -> None:
    assert secret_search.find(text, "prompt") == []


def test_keys_of_no_meaning_are_not_looked_for() -> None:
    def of(*headers: tuple[str, str], url: str = CHAT) -> frozenset[bytes]:
        return secrets.credentials(Request("POST", url, headers, b""))

    assert of(("authorization", "Bearer any"), ("api-key", "ollama")) == frozenset()
    assert of(("user-agent", letters(40)), ("x-stainless-lang", letters(40))) == frozenset()
    signed = (
        "AWS4-HMAC-SHA256 Credential=AKIA2345/20261123/us-east-1, SignedHeaders=host, Signature=ab1"
    )
    assert b"AKIA2345" in of(("authorization", signed))
    assert b"AWS4-HMAC-SHA256" not in of(("authorization", signed))
    assert of(url="https://me:pass%40word1@x/?key=key12345&q=question1") == {
        b"pass@word1",
        b"key12345",
    }


def test_a_mapping_gets_nothing_private(standin: Standin) -> None:
    store: dict[str, bytes] = {}
    secret = f"sk-proj-{letters(120)}"
    with (
        pytest.warns(CachyWarning, match="an OpenAI key, in request.messages.*is not kept"),
        cachy.cachy(store=store) as session,
    ):
        reply = httpx.post("https://api.openai.com/v1/chat/completions", json=chat(secret))
    assert reply.status_code == 200
    assert (store, session.stats.recorded) == ({}, 0)


def test_a_private_recording_is_replayed(standin: Standin, tmp_path: Path) -> None:
    url, body = "https://api.openai.com/v1/chat/completions", chat(f"ghp_{letters(36)}")
    with pytest.warns(CachyWarning, match="stays on this machine"), cachy.cachy(cache_dir=tmp_path):
        live = httpx.post(url, json=body)
    with cachy.cachy("replay", cache_dir=tmp_path):
        assert httpx.post(url, json=body).content == live.content


def test_an_entry_is_searched_without_its_request(tmp_path: Path) -> None:
    """As `cachy check` does: the outline shows what is short, the answer is whole."""
    secret = f"xai-{letters(80)}"
    request = Request("POST", CHAT, (), json.dumps(chat(f"key {secret}")).encode())
    head: dict[str, Any] = {
        "cachy": 1, "key": "ab" * 32, "status": 200, "headers": [["content-type", "text/plain"]],
        "ms": 1, "request": cachy_outline(request),
    }  # fmt: skip
    found = secrets.in_entry(codec.Entry(head, b"fine"))
    assert found == [("an xAI key", "request.body.messages[0].content")]


def cachy_outline(request: Request) -> dict[str, Any]:
    from cachy.rules.outline import outline

    return outline(canonical(request))


@pytest.mark.timing
def test_searching_costs_no_more_than_a_millisecond() -> None:
    """A typical recording; the fastest of many runs, since other processes slow some down."""
    words = " ".join(letters(5, string.ascii_lowercase) for _ in range(400))
    request = Request("POST", CHAT, (("authorization", f"Bearer {opaque()}"),), b"")
    asked = canonical(request._replace(body=json.dumps(chat(words)).encode()))
    head: dict[str, Any] = {"headers": [], "request": {}, "stream": None}
    entry = codec.Entry(head, json.dumps({"choices": [{"message": {"content": words}}]}).encode())
    secrets.in_recording(entry, asked, request)

    def once() -> float:
        started = time.thread_time()
        assert not secrets.in_recording(entry, asked, request)
        return time.thread_time() - started

    assert 4500 < len(asked) + len(entry.body) < 6000
    assert min(once() for _ in range(50)) < 0.001


def test_importing_cachy_does_not_import_it() -> None:
    code = (
        "import sys, cachy; cachy.enable_cachy(); sys.exit('cachy.engine.secrets' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"CACHY_MODE": "off"})


@pytest.mark.parametrize("ignore", [b"# /local/\n", b"/local/\n!/local/\n", b"/local/\r\n"])
def test_nothing_private_under_another_gitignore(ignore: bytes, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / ".gitignore").write_bytes(ignore)
    with pytest.raises(OSError, match="may not ignore /local/"):
        DirStore(tmp_path / FOLDER).put("ab" * 16, b"frame", 1, private=True)
    assert not list(tmp_path.rglob("*.entry"))


@pytest.mark.parametrize(
    ("target", "secret"),
    [
        ("https://{host}/v1/other?X-Amz-Signature={secret}&X-Amz-Expires=60", letters(64, HEX)),
        ("https://{host}/v1/other?token={secret}", opaque()),
        ("/v1/other?sig={secret}", opaque()),
        ("https://me:{secret}@{host}/v1/other", opaque()),
        ("/v1/xai-{secret}", letters(80)),
        ("/bot12345678:AA{secret}/x", letters(33)),
    ],
)
@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_redirect_with_a_credential_is_not_kept(
    target: str, secret: str, library: Any, standin: Standin, tmp_path: Path
) -> None:
    """Live each time, it leads to where it leads today; replayed, it is an honest miss."""
    to = target.format(host=HOST, secret=secret)
    for expected in ("first", "second"):
        standin.behave(Behaviour(1, answer=says(expected)))
        standin.behave(redirect(to))
        called = len(standin.calls)
        with cachy.cachy(cache_dir=tmp_path, doms=(HOST,)) as session:
            reply = library.post(CHAT, json=chat("hi"), follow_redirects=True)
        assert session.stats.skipped["its location holds a credential"] == 1
        assert len(standin.calls) >= called + 1
        assert expected in reply.text or len(standin.calls) == called + 1
        assert secret in str(reply.history[0].headers["location"])
    for path in tmp_path.rglob("*.entry"):
        entry = codec.loads(unseal(path.stem, path.read_bytes()))
        assert secret not in json.dumps(entry.head) + entry.body.decode()
    with cachy.cachy("replay", cache_dir=tmp_path, doms=(HOST,)):
        called = len(standin.calls)
        with pytest.raises(cachy.CacheMiss):
            library.post(CHAT, json=chat("hi"), follow_redirects=True)
        assert len(standin.calls) == called


@pytest.mark.parametrize("target", ["/v1/other?page_token={}", "/v1/other?k=v", "/v1/other/{}"])
def test_other_redirects_replay(target: str, standin: Standin, tmp_path: Path) -> None:
    standin.behave(Behaviour(answer=says("there")))
    standin.behave(redirect(target.format("a1b2c3d4-page-2")))
    with cachy.cachy(cache_dir=tmp_path, doms=(HOST,)) as session:
        live = httpx.post(CHAT, json=chat("hi"), follow_redirects=True)
    assert session.stats.recorded == 2
    with cachy.cachy("replay", cache_dir=tmp_path, doms=(HOST,)):
        replayed = httpx.post(CHAT, json=chat("hi"), follow_redirects=True)
    assert replayed.content == live.content
    assert replayed.url == live.url
    assert not list((tmp_path / FOLDER / "local").rglob("*.entry"))


@pytest.mark.parametrize("streamed", [False, True])
def test_an_echoed_prompt_cache_key_can_be_shared(
    streamed: bool, standin: Standin, tmp_path: Path
) -> None:
    url, key = "https://api.openai.com/v1/responses", letters(32, HEX)
    done = {"id": "resp_1", "status": "completed", "prompt_cache_key": key, "output": []}
    kind = "response.completed"
    events = sse([(kind, {"type": kind, "response": done})])
    standin.behave(Behaviour(answer=stream_answer(events) if streamed else json_answer(done)))
    ask = {"model": "gpt-4o", "input": "hi", "prompt_cache_key": key, "stream": streamed}
    with warnings.catch_warnings(), cachy.cachy(cache_dir=tmp_path) as session:
        warnings.simplefilter("error")
        httpx.post(url, json=ask)
    assert session.stats.recorded == 1
    (path,) = tmp_path.rglob("*.entry")
    assert "local" not in path.parts


def test_addresses_of_other_pages_are_none() -> None:
    head: dict[str, Any] = {
        "status": 200,
        "headers": [
            ["location", f"https://{HOST}/v1/x?page_token={opaque()}&api-version=1"],
            ["link", f"<https://{HOST}/v1/x?page=2>; rel=next"],
        ],
    }
    request = Request("POST", CHAT, (), b"{}")
    assert secrets.in_recording(codec.Entry(head, b"{}"), canonical(request), request) == []


def test_store_of_its_own(tmp_path: Path) -> None:
    store = DirStore(tmp_path / FOLDER)
    kept = store.put("ab" * 16, codec.dumps(codec.Entry({}, b"")), 1, private=True)
    assert kept.where is Where.PRIVATE


# ---- Nothing in an entry raises ----


def raw_frame(payload: bytes) -> bytes:
    """A frame of Amazon's event stream with any payload, without headers."""
    start = struct.pack(">II", 16 + len(payload), 0)
    start += struct.pack(">I", zlib.crc32(start))
    return start + payload + struct.pack(">I", zlib.crc32(start + payload))


AWS = "application/vnd.amazon.eventstream"
SSE = "text/event-stream"
DEEP = b'{"a":' * 1000 + b"1" + b"}" * 1000
HOSTILE = {
    "no JSON in bytes": (AWS, raw_frame(b'{"bytes":"')),
    "no base64 in bytes": (AWS, raw_frame(b'{"bytes":"a"}')),
    "bytes of no text": (AWS, raw_frame(b'{"bytes":"","x":1}') + raw_frame(b'{"bytes":7}')),
    "a deep frame": (AWS, raw_frame(DEEP)),
    "a deep frame in base64": (AWS, raw_frame(b'{"bytes":"%b"}' % b64encode(DEEP))),
    "a deep event": (SSE, b"data: " + DEEP + b"\n\n"),
    "a deep line": ("application/x-ndjson", DEEP + b"\n"),
    "a deep array": ("application/json", b'[{"candidates":[' + DEEP + b"]}]"),
    "a deep body": ("application/json", DEEP),
    "a body too deep for any parser": ("text/plain", b"[" * 100_000),
}
"""Bodies of entries that are sound, and that readers could stumble over."""


def hostile_entry(name: str, kind: str, more: bytes = b"") -> codec.Entry:
    media, body = HOSTILE[name]
    head: dict[str, Any] = {
        "cachy": 1, "key": "ab" * 32, "status": 200, "headers": [["content-type", media]],
        "ms": 1, "stream": kind or streams.kind(media, body),
    }  # fmt: skip
    return codec.Entry(head, body + more)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("secret", [b"", b" ghp_x7Kd93mQpL2vR8sTn4Wz6YbNcHe3XaJtGu5F"])
def test_hostile_entries_are_searched(name: str, secret: bytes) -> None:
    for kind in ("", "sse", "ndjson", "json-array", "aws-eventstream", "unknown"):
        found = secrets.in_entry(hostile_entry(name, kind, secret))
        assert {finding.kind for finding in found} == ({"a GitHub token"} if secret else set())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_entries_are_checked(name: str, tmp_path: Path) -> None:
    """`cachy check` calls them sound, as `fsck` does."""
    store = DirStore(tmp_path / FOLDER)
    store.put("ab" * 16, codec.dumps(hostile_entry(name, "")), 1)
    report = check(str(tmp_path / FOLDER), secrets=secrets.in_entry)
    assert (report.checked, report.flaws) == (1, [])


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.filterwarnings("error")
def test_hostile_answers_are_recorded(name: str, standin: Standin, tmp_path: Path) -> None:
    media, body = HOSTILE[name]
    standin.behave(Behaviour(answer=Answer(200, {"content-type": media}, body)))
    url = "https://api.openai.com/v1/chat/completions"
    with cachy.cachy(cache_dir=tmp_path) as session:
        assert httpx.post(url, json=chat("hi")).content == body
    assert session.stats.recorded == 1
    with cachy.cachy("replay", cache_dir=tmp_path):
        assert httpx.post(url, json=chat("hi")).content == body


def test_a_secret_in_base64_of_one_event() -> None:
    """It cannot be read in the body, and it does not come in pieces."""
    secret = f"ghp_{letters(36)}"
    payload = json.dumps({"completion": f"It is {secret}."}).encode()
    body = raw_frame(b'{"bytes":"%b","p":"abc"}' % b64encode(payload))
    head: dict[str, Any] = {"headers": [["content-type", AWS]], "stream": "aws-eventstream"}
    assert secrets.in_entry(codec.Entry(head, body)) == [("a GitHub token", "answer.completion")]


def test_events_that_were_decoded_are_not_decoded_again() -> None:
    secret = f"ghp_{letters(36)}"
    events = [streams.Event({"delta": piece}) for piece in spoken(f"It is {secret}.")]
    request = Request("POST", CHAT, (), b"{}")
    entry = codec.Entry({"headers": [], "stream": "sse"}, b"")
    found = secrets.in_recording(entry, canonical(request), request, events=events)
    assert found == [("a GitHub token", "answer.delta")]


# ---- What cannot hold text ----

NOISE = random.Random(1).randbytes(300_000)
KEY_TEXT = b"aws_access_key_id: AKIA" + b"Q3R7M2KD9XWT5ZLB"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(NOISE, id="compressed"),
        pytest.param(
            b"".join(int(random.Random(i).gauss(0, 2000)).to_bytes(2, "little", signed=True)
                     for i in range(100_000)), id="16-bit-sound",
        ),
    ],
)  # fmt: skip
def test_sound_and_compressed_data_are_not_searched(data: bytes) -> None:
    assert len(secret_search._text_in(data)) < len(data) // 5


def test_what_a_request_was_sent_with_is_found_anywhere() -> None:
    own = b"\xff\x00short"
    assert secret_search.find(NOISE + own + NOISE, "answer", [own])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(KEY_TEXT + NOISE, id="first"),
        pytest.param(NOISE + KEY_TEXT, id="last"),
        pytest.param(NOISE + b"\0" + KEY_TEXT[-20:] + b"\0" + NOISE, id="key"),
        pytest.param(NOISE + b"\0" + KEY_TEXT + b"\0" + NOISE, id="line"),
        *(
            pytest.param(NOISE[: 2**18 - cut] + KEY_TEXT + b"\0" + NOISE, id=f"block-{cut}")
            for cut in (0, 1, 19, 30, len(KEY_TEXT) - 1, len(KEY_TEXT))
        ),
        pytest.param(
            NOISE + b"A file. " * 2000 + KEY_TEXT + b" The end. " * 2000 + NOISE, id="file"
        ),
        pytest.param(b"\0" * 99_999 + b"A file. " * 2000 + KEY_TEXT + b"\0" * 9000, id="archive"),
        pytest.param("你好，世界。".encode() * 9000 + KEY_TEXT, id="chinese"),
        pytest.param("Grüße ".encode("latin-1") * 20_000 + KEY_TEXT, id="latin-1"),
        pytest.param("\x1b[1mrot\x1b[0m é ".encode() * 9000 + KEY_TEXT, id="terminal"),
    ],
)
def test_texts_among_other_bytes_are_searched(data: bytes) -> None:
    assert [str(found) for found in secret_search.find(data, "answer")] == [
        "an AWS access key id, in answer"
    ]
