"""OpenAI's SDK: version 2 sends through httpx, version 3 through httpx2."""

from __future__ import annotations

import json
from hashlib import sha256
from importlib import import_module
from typing import Any

from sdks.completions import joined, joined_tool_call, message, tool_call, vector
from sdks.prompts import MESSAGES, PROMPT, TOOLS
from sdks.way import Family, Result

MODEL = "gpt-4o-mini"
SOUND = ("question.wav", b"RIFF\x24\x00\x00\x00WAVEfmt \xff\xfe\r\n--\r\n", "audio/wav")

openai = Family(
    ("openai 2", "openai 3"),
    lambda: import_module("openai").OpenAI(api_key="test"),
    lambda: import_module("openai").AsyncOpenAI(api_key="test"),
)


def over_aiohttp() -> Any:
    package = import_module("openai")
    return package.AsyncOpenAI(api_key="test", http_client=package.DefaultAioHttpClient())


openai_over_aiohttp = Family(("openai 3 over aiohttp",), async_client=over_aiohttp)


@openai.call("chat", message)
def chat(client: Any) -> Any:
    return client.chat.completions.create(model=MODEL, messages=MESSAGES)


@openai.call("chat", joined, streaming=True)
def chat_stream(client: Any) -> Any:
    return client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)


openai_over_aiohttp.call("chat", message)(chat)
openai_over_aiohttp.call("chat", joined, streaming=True)(chat_stream)


def helped(events: list[Any]) -> Result:
    name = next(event.chunk.id for event in events if event.type == "chunk")
    text = "".join(event.delta for event in events if event.type == "content.delta")
    return {"id": name, "text": text}


@openai.stream("stream helper", helped)
def chat_helper(client: Any) -> Any:
    return client.chat.completions.stream(model=MODEL, messages=MESSAGES)


def raw(response: Any) -> Result:
    status = response.http_response.status_code
    return {"status": status, "timed": bool(response.elapsed)} | message(response.parse())


@openai.call("raw response", raw)
def raw_response(client: Any) -> Any:
    return client.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES)


def raw_stream_text(lines: list[str]) -> Result:
    data = [line.removeprefix("data: ") for line in lines if line and "[DONE]" not in line]
    chunks = [json.loads(datum) for datum in data]
    deltas = (choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])
    return {"id": chunks[0]["id"], "text": "".join(deltas), "end": lines[-2:]}


@openai.stream("streaming response", raw_stream_text, lambda response: response.iter_lines())
def streaming_response(client: Any) -> Any:
    return client.chat.completions.with_streaming_response.create(
        model=MODEL, messages=MESSAGES, stream=True
    )


@openai.call("tools", tool_call)
def tools(client: Any) -> Any:
    return client.chat.completions.create(model=MODEL, messages=MESSAGES, tools=TOOLS)


@openai.call("tools", joined_tool_call, streaming=True)
def tools_stream(client: Any) -> Any:
    return client.chat.completions.create(model=MODEL, messages=MESSAGES, tools=TOOLS, stream=True)


def responded(response: Any) -> Result:
    return {"id": response.id, "text": response.output_text}


@openai.call("responses", responded)
def responses(client: Any) -> Any:
    return client.responses.create(model=MODEL, input=PROMPT)


def responded_events(events: list[Any]) -> Result:
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    return {"id": events[-1].response.id, "text": text}


@openai.call("responses", responded_events, streaming=True)
def responses_stream(client: Any) -> Any:
    return client.responses.create(model=MODEL, input=PROMPT, stream=True)


@openai.stream("responses stream helper", responded_events)
def responses_helper(client: Any) -> Any:
    return client.responses.stream(model=MODEL, input=PROMPT)


@openai.call("embeddings", vector)
def embeddings(client: Any) -> Any:
    return client.embeddings.create(model="text-embedding-3-small", input=PROMPT)


def sound(audio: bytes) -> Result:
    return {"size": len(audio), "sha256": sha256(audio).hexdigest()}


@openai.call("speech", lambda response: sound(response.content))
def speech(client: Any) -> Any:
    return client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input=PROMPT)


@openai.stream("speech", lambda pieces: sound(b"".join(pieces)), lambda sound: sound.iter_bytes())
def speech_stream(client: Any) -> Any:
    return client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input=PROMPT
    )


@openai.call("transcription", lambda transcript: {"text": transcript.text})
def transcription(client: Any) -> Any:
    return client.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND)


def transcribed(events: list[Any]) -> Result:
    deltas = (event.delta for event in events if event.type == "transcript.text.delta")
    return {"text": "".join(deltas), "end": events[-1].text}


@openai.call("transcription", transcribed, streaming=True)
def transcription_stream(client: Any) -> Any:
    return client.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND, stream=True)
