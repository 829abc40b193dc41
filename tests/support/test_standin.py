"""The stand-in must be as good as a provider, and as bad as the worst of them."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import openai
import pytest
from standin import (
    Answer,
    Behaviour,
    Call,
    Event,
    NetworkReachedError,
    Standin,
    empty,
    error,
    error_event,
    error_object,
    redirect,
    sse,
    stream_answer,
)

CHAT = "https://api.openai.com/v1/chat/completions"
HELLO: Any = [{"role": "user", "content": "Hello"}]
STREAM = {"model": "gpt-4o-mini", "messages": HELLO, "stream": True}
EVENTS: list[Event] = [
    ": a comment",
    *({"text": f"{i} café 東京 🎈"} for i in range(5)),
    "data: [DONE]",
]
STREAMED = stream_answer(sse(EVENTS))
WHOLE = b"".join(sse(EVENTS))
PLAIN = Answer(200, {"content-type": "text/plain; charset=utf-8"}, WHOLE)


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin() as standin, standin.reach():
        yield standin


@pytest.fixture(params=["httpx", "httpx2"])
def http(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param)


def skip_unless_read(http: Any, encoding: str) -> None:
    """Which encodings a client reads depends on what is installed beside it."""
    with http.Client() as client:
        if encoding not in f"{client.headers['accept-encoding']}, identity":
            pytest.skip(f"{http.__name__} does not read {encoding} here")


# Clients, without a base URL or certificates of their own


def test_openai(standin: Standin) -> None:
    with openai.OpenAI(api_key="any") as client:
        plain = client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
        chunks = client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        vector = client.embeddings.create(model="text-embedding-3-small", input="x").data[0]
        heard = client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", b"sound"))
    assert "Answer 1 " in str(plain.choices[0].message.content)
    assert "Answer 2 " in text
    assert all(-1 <= number <= 1 for number in vector.embedding)
    assert "5 bytes" in heard.text
    assert standin.calls[2].json()["encoding_format"] == "base64"


def test_openai_async(standin: Standin) -> None:
    async def chat() -> str:
        async with openai.AsyncOpenAI(api_key="any") as client:
            plain = await client.chat.completions.create(model="gpt-5", messages=HELLO)
            chunks = await client.chat.completions.create(
                model="gpt-5", messages=HELLO, stream=True
            )
            text = [chunk.choices[0].delta.content or "" async for chunk in chunks]
            return f"{plain.choices[0].message.content} {''.join(text)}"

    said = asyncio.run(chat())
    assert "Answer 1 " in said
    assert "Answer 2 " in said


def test_openai_calls_a_tool_then_uses_its_result(standin: Standin) -> None:
    tool: Any = {"type": "function", "function": {"name": "get_current_weather"}}
    with openai.OpenAI(api_key="any") as client:
        ask = client.chat.completions.create
        asked: Any = ask(model="gpt-5", messages=HELLO, tools=[tool]).choices[0]
        answer: Any = {
            "role": "tool",
            "content": "rain",
            "tool_call_id": asked.message.tool_calls[0].id,
        }
        answered: Any = ask(model="gpt-5", messages=[*HELLO, answer], tools=[tool]).choices[0]
    assert asked.finish_reason == "tool_calls"
    assert asked.message.tool_calls[0].function.name == "get_current_weather"
    assert "rain" in answered.message.content


def test_openai_responses(standin: Standin) -> None:
    with openai.OpenAI(api_key="any") as client:
        plain = client.responses.create(model="gpt-5", input="Hello")
        with client.responses.stream(model="gpt-5", input="Hello") as stream:
            streamed = stream.get_final_response()
        job = client.responses.create(model="gpt-5", input="Hello", background=True)
        polls = [client.responses.retrieve(job.id).status for _ in range(2)]
    assert "Answer 1 " in plain.output_text
    assert "Answer 2 " in streamed.output_text
    assert [job.status, *polls] == ["queued", "in_progress", "completed"]


def test_anthropic(standin: Standin) -> None:
    anthropic = pytest.importorskip("anthropic")
    asked: Any = {"model": "claude-of-tomorrow", "max_tokens": 99, "messages": HELLO}
    search = [{"type": "web_search_20250305", "name": "web_search"}]
    with anthropic.Anthropic(api_key="any") as client:
        plain = client.messages.create(**asked)
        with client.messages.stream(**asked, tools=search) as stream:
            kinds = {event.type for event in stream}
            found = stream.get_final_message()
    assert "Answer 1 " in plain.content[0].text
    assert {"message_start", "content_block_delta", "citation", "message_stop"} <= kinds
    assert [block.type for block in found.content] == [
        "text",
        "server_tool_use",
        "web_search_tool_result",
        "text",
    ]
    assert found.content[-1].citations[0].url == "https://example.com/2"


def test_gemini(standin: Standin) -> None:
    genai = pytest.importorskip("google.genai")
    asked = {"model": "gemini-2.5-flash", "contents": "Hello"}
    with genai.Client(api_key="any") as client:
        plain = client.models.generate_content(**asked)
        chunks = client.models.generate_content_stream(**asked)
        streamed = "".join(chunk.text for chunk in chunks)
        vectors = client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"])
    assert "Answer 1 " in plain.text
    assert "Answer 2 " in streamed
    assert len(vectors.embeddings) == 2


def test_gemini_async(standin: Standin) -> None:
    genai = pytest.importorskip("google.genai")
    asked = {"model": "gemini-2.5-flash", "contents": "Hello"}

    async def chat() -> list[str]:
        with genai.Client(api_key="any") as sync:
            async with sync.aio as client:
                plain = await client.models.generate_content(**asked)
                chunks = await client.models.generate_content_stream(**asked)
                return [plain.text, "".join([chunk.text async for chunk in chunks])]

    plain, streamed = asyncio.run(chat())
    assert "Answer 1 " in plain
    assert "Answer 2 " in streamed


def test_gemini_streams_an_array_unless_asked_for_events(standin: Standin) -> None:
    url = "https://generativelanguage.googleapis.com/v1beta/models/gemini:streamGenerateContent"
    chunks = httpx.post(url, json={"contents": [{"parts": [{"text": "Hello"}]}]}).json()
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def test_ollama(standin: Standin) -> None:
    ollama = pytest.importorskip("ollama")
    with ollama.Client() as client:
        plain = client.chat("llama3.2", HELLO)
        streamed = [line.message.content for line in client.chat("llama3.2", HELLO, stream=True)]
    assert "Answer 1 " in plain.message.content
    assert "Answer 2 " in "".join(streamed)


def test_bedrock_frames_have_the_right_checksums(standin: Standin) -> None:
    url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/claude%3A0/converse-stream"
    asked = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
    body = httpx.post(url, json=asked).content
    frames = 0
    while body:
        length, _, check = struct.unpack(">III", body[:12])
        assert check == zlib.crc32(body[:8])
        assert struct.unpack(">I", body[length - 4 : length])[0] == zlib.crc32(body[: length - 4])
        body = body[length:]
        frames += 1
    assert frames > 4


@pytest.mark.parametrize(
    "url", ["https://openrouter.ai/api/v1", "https://api.perplexity.ai", "https://api.deepseek.com"]
)
def test_compatible(standin: Standin, url: str) -> None:
    with openai.OpenAI(api_key="any", base_url=url) as client:
        chunks = client.chat.completions.create(
            model="deepseek-reasoner", messages=HELLO, stream=True
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert "Answer 1 " in text


@pytest.mark.parametrize("model", ["openai/gpt-4o", "anthropic/claude-of-tomorrow", "gemini/pro"])
@pytest.mark.filterwarnings("ignore")
def test_litellm(standin: Standin, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = pytest.importorskip("litellm")
    asked = {"model": model, "messages": HELLO, "api_key": "any"}

    async def chat() -> list[str]:
        plain = await litellm.acompletion(**asked)
        chunks = await litellm.acompletion(**asked, stream=True)
        text = [chunk.choices[0].delta.content or "" async for chunk in chunks]
        await litellm.close_litellm_async_clients()
        return [plain.choices[0].message.content, "".join(text)]

    said = [litellm.completion(**asked).choices[0].message.content, *asyncio.run(chat())]
    # litellm may make calls of its own meanwhile, so the numbers need not be 1, 2 and 3.
    assert len({re.findall(r"Answer \d+ ", text)[0] for text in said}) == 3


def test_aiohttp(standin: Standin) -> None:
    aiohttp = pytest.importorskip("aiohttp")

    async def get(url: str) -> Any:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status

    assert asyncio.run(get("https://api.openai.com/v1/models")) == 200
    assert asyncio.run(get("http://127.0.0.1:11434/api/tags")) == 200
    with pytest.raises(NetworkReachedError, match="reach the network"):
        asyncio.run(get("https://9.9.9.9/"))


def test_requests(standin: Standin) -> None:
    requests = pytest.importorskip("requests")
    assert requests.get("https://api.openai.com/v1/models", timeout=5).status_code == 200


def test_a_client_made_earlier_trusts_the_certificates_too(http: Any) -> None:
    with http.Client() as client, Standin() as standin, standin.reach():
        assert client.get("https://api.openai.com/v1/models").status_code == 200


def test_bare_http(standin: Standin, http: Any) -> None:
    async def get() -> Any:
        async with http.AsyncClient() as client:
            await client.get("http://localhost:11434/api/tags")
            return await client.get("https://any.openai.azure.com/openai/models?api-version=1")

    with http.Client() as client:
        client.post(CHAT, content=iter([b'{"messages":', b'[{"role":"user"}]}']))
        client.get("http://127.0.0.1:11434/api/tags")
    response = asyncio.run(get())
    assert len(response.headers.get_list("set-cookie")) == 2
    assert standin.calls[0].json() == {"messages": [{"role": "user"}]}
    assert [call.host for call in standin.calls][1:] == [
        "127.0.0.1",
        "localhost",
        "any.openai.azure.com",
    ]
    assert standin.calls[-1].query == "api-version=1"


def test_equal_calls_get_different_answers(standin: Standin) -> None:
    bodies = {httpx.post(CHAT, json=STREAM).content for _ in range(3)}
    standin.reset()
    bodies.add(httpx.post(CHAT, json=STREAM).content)
    assert len(bodies) == 4
    assert len(standin.calls) == 1


# Behaviours


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity"])
@pytest.mark.parametrize("answer", [STREAMED, PLAIN], ids=["streamed", "plain"])
def test_encodings(standin: Standin, http: Any, encoding: str, answer: Answer) -> None:
    skip_unless_read(http, encoding)
    standin.behave(Behaviour(answer=answer, encoding=encoding))
    response = http.get(CHAT)
    assert response.headers["content-encoding"] == encoding
    assert response.content == WHOLE


@pytest.mark.parametrize("answer", [STREAMED, PLAIN], ids=["streamed", "plain"])
@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_splits_at_any_byte(standin: Standin, answer: Answer, encoding: str | None) -> None:
    coded = Behaviour(answer=answer, encoding=encoding)
    ways = [*(replace(coded, split=size) for size in (1, 2, 3, 5, 7)), replace(coded, scatter=8)]
    with httpx.Client() as client:
        for way in ways:
            with standin.behave(way):
                assert client.get(CHAT).content == WHOLE


def test_split_pieces_arrive_as_they_are_sent(standin: Standin) -> None:
    standin.behave(Behaviour(answer=STREAMED, split=30, pause=0.005))
    with httpx.stream("GET", CHAT) as response:
        assert next(response.iter_raw()) == WHOLE[:30]


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate", "br", "zstd"])
def test_the_first_piece_arrives_before_the_last_is_sent(
    standin: Standin, http: Any, encoding: str
) -> None:
    skip_unless_read(http, encoding)
    gate = threading.Event()
    standin.behave(Behaviour(answer=STREAMED, encoding=encoding, gate=gate))
    with http.stream("GET", CHAT) as response:
        pieces = response.iter_bytes()
        assert next(pieces) == sse(EVENTS)[0]
        gate.set()
        assert b"".join(pieces) == b"".join(sse(EVENTS)[1:])


def test_delay_and_pause(standin: Standin) -> None:
    standin.behave(Behaviour(answer=STREAMED, delay=0.05, pause=0.01))
    begun = time.monotonic()
    with httpx.stream("GET", CHAT) as response:
        assert time.monotonic() - begun >= 0.05
        assert response.read() == WHOLE
    assert time.monotonic() - begun >= 0.05 + 0.01 * (len(EVENTS) - 1)


def test_crlf(standin: Standin) -> None:
    standin.behave(Behaviour(answer=STREAMED, crlf=True))
    assert httpx.get(CHAT).content == WHOLE.replace(b"\n", b"\r\n")


@pytest.mark.parametrize("answer", [STREAMED, PLAIN], ids=["streamed", "plain"])
@pytest.mark.parametrize("cut", [0, 1, 17, len(WHOLE) - 1])
def test_cut_after_bytes(standin: Standin, http: Any, answer: Answer, cut: int) -> None:
    standin.behave(Behaviour(answer=answer, cut_after=cut))
    received: list[bytes] = []
    call = http.stream("GET", CHAT)
    with call as response, pytest.raises(http.RemoteProtocolError):
        received.extend(response.iter_raw())
    assert b"".join(received) == WHOLE[:cut]


def test_cut_after_pieces(standin: Standin, http: Any) -> None:
    standin.behave(Behaviour(answer=STREAMED, cut_after_pieces=2))
    with pytest.raises(http.RemoteProtocolError):
        http.get(CHAT)


def test_ends_early_yet_properly(standin: Standin) -> None:
    standin.behave(Behaviour(answer=STREAMED, end_after_pieces=2))
    assert httpx.get(CHAT).content == b"".join(sse(EVENTS)[:2])


def test_misstated_length(standin: Standin) -> None:
    standin.behave(Behaviour(answer=PLAIN, misstate_length=10))
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(CHAT)
    with standin.behave(Behaviour(answer=PLAIN, misstate_length=-10)):
        assert httpx.get(CHAT).content == WHOLE[:-10]


def test_hang(standin: Standin) -> None:
    with standin.behave(Behaviour(hang=True)), pytest.raises(httpx.ReadTimeout):
        httpx.get(CHAT, timeout=0.05)
    assert len(standin.calls) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 529])
def test_errors_are_raised_by_sdks(standin: Standin, status: int) -> None:
    standin.behave(error(status))
    client = openai.OpenAI(api_key="any", max_retries=0)
    with client, pytest.raises(openai.APIStatusError) as raised:
        client.models.list()
    assert raised.value.status_code == status


def test_an_error_that_passes_is_retried(standin: Standin) -> None:
    standin.behave(error(429, times=2))
    with openai.OpenAI(api_key="any") as client:
        assert client.models.list().data
    assert len(standin.calls) == 3


def test_errors_amid_success(standin: Standin) -> None:
    with standin.behave(error_object()):
        response = httpx.post(CHAT, json=STREAM)
        assert (response.status_code, list(response.json())) == (200, ["error"])
    standin.behave(error_event(after=2))
    with openai.OpenAI(api_key="any") as client, pytest.raises(openai.APIError, match="Overloaded"):
        list(client.chat.completions.create(model="gpt-5", messages=HELLO, stream=True))


@pytest.mark.parametrize("host", ["", "https://api.groq.com"])
def test_redirect(standin: Standin, host: str) -> None:
    standin.behave(redirect(f"{host}/v1/models", 308))
    response = httpx.get(CHAT, follow_redirects=True)
    assert response.json()["object"] == "list"
    assert [call.path for call in standin.calls] == ["/v1/chat/completions", "/v1/models"]


@pytest.mark.parametrize("status", [200, 204])
def test_empty(standin: Standin, status: int) -> None:
    standin.behave(empty(status))
    response = httpx.get(CHAT)
    assert (response.status_code, response.content) == (status, b"")


def test_a_behaviour_may_answer_by_itself(standin: Standin) -> None:
    def echo(call: Call, serial: int) -> Answer:
        return Answer(201, {"x-serial": str(serial)}, call.body)

    standin.behave(Behaviour(answer=echo))
    response = httpx.post("https://no.such.provider/", content=b"hi")
    assert (response.status_code, response.headers["x-serial"]) == (201, "1")
    assert response.content == b"hi"


def test_behaviours_act_on_the_calls_they_are_for(standin: Standin) -> None:
    standin.behave(Behaviour(when=lambda call: call.method == "DELETE", answer=Answer(410)))
    with standin.behave(error(500, times=1)):
        statuses = [httpx.get("https://api.openai.com/v1/models").status_code for _ in "ab"]
    assert statuses == [500, 200]
    assert httpx.delete("https://api.openai.com/v1/models").status_code == 410
    standin.reset()
    assert httpx.delete("https://api.openai.com/v1/models").status_code == 404


# Nothing leaves, nothing is left


def test_refuse(standin: Standin) -> None:
    standin.refuse = True
    standin.behave(error(400))
    with openai.OpenAI(api_key="any") as client, pytest.raises(openai.APIStatusError) as raised:
        client.models.list()
    assert raised.value.status_code == 599
    assert len(standin.calls) == 1


def test_no_call_reaches_the_network(standin: Standin, http: Any) -> None:
    with pytest.raises(NetworkReachedError, match="reach the network"):
        http.get("https://9.9.9.9/")
    with socket.socket() as opened, pytest.raises(NetworkReachedError, match=r"9\.9\.9\.9 port 80"):
        opened.connect_ex(("9.9.9.9", 80))


def test_reach_restores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    before = socket.getaddrinfo, dict(vars(socket.socket)), dict(os.environ)
    threads = set(threading.enumerate())
    with Standin() as standin, standin.reach():
        assert httpx.get("https://api.openai.com/v1/models").status_code == 200
        assert os.path.isfile(os.environ["SSL_CERT_FILE"])
    assert (socket.getaddrinfo, dict(vars(socket.socket)), dict(os.environ)) == before
    assert set(threading.enumerate()) <= threads


def test_stopping_hangs_up_on_clients_that_wait() -> None:
    with httpx.Client() as client, Standin() as standin, standin.reach():
        client.get("https://api.openai.com/v1/models")
        standin.behave(Behaviour(answer=STREAMED, gate=threading.Event()))
        with client.stream("GET", CHAT) as response:
            pieces = response.iter_raw()
            next(pieces)
