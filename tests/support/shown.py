"""A store with something to see in each view of the page: `python tests/support/shown.py FOLDER`.

Chats with tools, citations and reasoning, a stream with its times, an image, several recordings of
a key, sessions of notebooks; and, in a git repository, a branch that changes some of it.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import many
import orjson

from cachy.store import journal
from cachy.store.entry import Entry
from cachy.store.names import key_of

NOW = int(time.time())
OPENAI = "https://api.openai.com/v1/chat/completions"
ANTHROPIC = "https://api.anthropic.com/v1/messages"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:generateContent"


def entry(
    request: dict[str, Any],
    answer: Any,
    *,
    url: str = OPENAI,
    usage: tuple[int, int] = (320, 48),
    ms: float = 1840.0,
    stream: str | None = None,
    again: int = 0,
    **head: Any,
) -> Entry:
    """An entry with this request. `answer` is JSON, or the bytes of the body; `again` makes another
    recording of the same key."""
    body = answer if isinstance(answer, bytes) else orjson.dumps(answer)
    kind = "text/event-stream" if stream == "sse" else "application/json"
    return Entry(
        {
            "cachy": 1,
            "key": hashlib.sha256(orjson.dumps([url, request])).hexdigest(),
            "recorded": "2026-11-20T09:30:00.000000Z",
            "nonce": f"{again:08x}",
            "method": "POST",
            "url": url,
            "model": request.get("model"),
            "status": 200,
            "headers": [["content-type", kind]],
            "stream": stream,
            "client": "httpx",
            "ms": ms,
            "usage": {"input": usage[0], "output": usage[1]},
            "request": {"body": request},
            **head,
        },
        body,
    )


def ask(model: str, said: str, *before: dict[str, Any]) -> dict[str, Any]:
    """A request of the chat completions API."""
    return {"model": model, "messages": [*before, {"role": "user", "content": said}]}


def completion(text: str, calls: list[tuple[str, Any]] = [], **message: Any) -> dict[str, Any]:  # noqa: B006
    """An answer of the chat completions API."""
    tools = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": args}}
        for n, (name, arguments) in enumerate(calls)
        for args in [orjson.dumps(arguments).decode()]
    ]
    said = {"role": "assistant", "content": text, **message}
    if tools:
        said["tool_calls"] = tools
    finish = "tool_calls" if tools else "stop"
    return {"choices": [{"index": 0, "message": said, "finish_reason": finish}]}


def shell(command: str, again: int = 0) -> Entry:
    """The turn of an agent that wants to run a command."""
    request = ask(
        "gpt-4o",
        "Clean up the build folder, please.",
        {"role": "system", "content": "You are a careful assistant with a shell."},
    )
    answer = completion("I will look at the folder first.", [("run", {"command": command})])
    return entry(request, answer, usage=(412, 31), ms=1320 + again, again=again)


def weather() -> Entry:
    """A chat with the call of a tool and its result."""
    call = {"id": "call_0", "function": {"name": "weather", "arguments": '{"city": "Ulm"}'}}
    request = ask(
        "gpt-4o-mini",
        "And should I take an umbrella?",
        {"role": "system", "content": "Answer in one sentence."},
        {"role": "user", "content": "What is the weather in Ulm?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_0", "content": '{"sky": "rain", "celsius": 9}'},
    )
    return entry(request, completion("Yes: it is raining, at 9 °C."), usage=(186, 14), ms=740)


def streamed() -> Entry:
    """A stream of Anthropic's with reasoning, and the times of its pieces."""
    thoughts = ["The user asks for three facts. ", "Otters hold hands, use tools, ", "eat a lot."]
    words = (
        "Three things about **sea otters**:\n\n1. They hold hands while they sleep.\n"
        "2. They use stones as tools.\n3. They eat a quarter of their weight each day."
    )
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"model": "claude-sonnet-4-6", "content": []}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"thinking": text}}
            for text in thoughts
        ),
        *(
            {"type": "content_block_delta", "index": 1, "delta": {"text": f"{word} "}}
            for word in words.split(" ")
        ),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
    ]
    pieces = [b"event: %s\ndata: %s\n\n" % (e["type"].encode(), orjson.dumps(e)) for e in events]
    times = [[len(piece), 420 if not at else 35 + at * 7 % 60] for at, piece in enumerate(pieces)]
    request = {
        "model": "claude-sonnet-4-6",
        "stream": True,
        "messages": [{"role": "user", "content": "Tell me three things about sea otters."}],
    }
    body = b"".join(pieces)
    ms = float(sum(ms for _, ms in times))
    return entry(
        request, body, url=ANTHROPIC, stream="sse", times=times, usage=(58, 96), ms=ms
    )  # fmt: skip


def cited() -> Entry:
    """An answer with sources."""
    sources = [
        ("https://www.python.org/downloads/", "Download Python"),
        ("https://peps.python.org/pep-0745/", "PEP 745 – Python 3.14 Release Schedule"),
    ]
    notes = [
        {"type": "url_citation", "url_citation": {"url": url, "title": title}}
        for url, title in sources
    ]
    answer = completion("Python 3.14 was released in October 2025.", annotations=notes)
    return entry(ask("gpt-4o", "When was Python 3.14 released?"), answer, usage=(95, 22))


def picture() -> Entry:
    """An image that was made."""
    data = base64.b64encode(png(320, 200)).decode()
    request = {"model": "gpt-image-1", "prompt": "A gradient, from dawn to dusk", "n": 1}
    url = "https://api.openai.com/v1/images/generations"
    return entry(request, {"data": [{"b64_json": data}]}, url=url, usage=(14, 1056), ms=18200)


def sound() -> Entry:
    """Speech, as bytes."""
    samples = b"".join(
        struct.pack("<h", int(12000 * ((n * 440 / 8000) % 1 - 0.5))) for n in range(8000)
    )
    head = b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt "
    body = head + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data"
    request = {"model": "tts-1", "input": "Good morning!", "voice": "alloy"}
    return entry(
        request,
        body + struct.pack("<I", len(samples)) + samples,
        url="https://api.openai.com/v1/audio/speech",
        usage=(0, 0),
        headers=[["content-type", "audio/wav"]],
    )


def png(width: int, height: int) -> bytes:
    """A PNG with a gradient."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    rows = b"".join(
        b"\0"
        + bytes(
            value
            for x in range(width)
            for value in (40 + 200 * x // width, 70 + 90 * y // height, 200 - 120 * x // width)
        )
        for y in range(height)
    )
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


QUESTIONS = (
    ("gpt-4o", "Summarise the release notes in three bullet points.", "- Faster hits\n- A page"),
    ("gpt-4o-mini", "Translate “good evening” into Portuguese.", "Boa noite."),
    ("gpt-4o", "Which of these reviews are negative? Answer with their numbers.", "2, 5 and 9"),
    ("gpt-4o-mini", "Write a haiku about a warm cache.", "Asked once, long ago –\nnow it answers."),
    ("gpt-4o", "Extract the invoice number and the total as JSON.", '{"invoice": "A-1043"}'),
    ("gpt-4o-mini", "Is this e-mail spam? Answer yes or no.", "No."),
)


def add(root: Path | str, made: Entry, second: int, *, private: bool = False) -> Path:
    """Put an entry into a store as if it had been recorded in that second."""
    made.head["recorded"] = time.strftime("%Y-%m-%dT%H:%M:%S.250000Z", time.gmtime(second))
    return many.add(root, made, second, private=private)


def fill(root: Path | str) -> dict[str, Path]:
    """Put everything into a store, and return the files by a word for each."""
    at = {
        "shell": add(root, shell("ls build"), NOW - 3 * 86400),
        "weather": add(root, weather(), NOW - 86400 - 600),
        "streamed": add(root, streamed(), NOW - 7200),
        "cited": add(root, cited(), NOW - 5400),
        "picture": add(root, picture(), NOW - 3600),
        "sound": add(root, sound(), NOW - 3000, private=True),
    }
    for number, (model, said, answered) in enumerate(QUESTIONS):
        made = entry(ask(model, said), completion(answered), usage=(240 + 31 * number, 40 + number))
        at[f"question {number}"] = add(root, made, NOW - number * 40000 - 9000)
    gemini = {"contents": [{"role": "user", "parts": [{"text": "Name the planets."}]}]}
    text = {"candidates": [{"content": {"parts": [{"text": "Mercury, Venus, Earth, Mars …"}]}}]}
    at["gemini"] = add(
        root, entry(gemini, text, url=GEMINI, model="gemini-2.0-flash"), NOW - 2 * 86400
    )
    _note(root, "agents/tidy.ipynb", [at["shell"], at["weather"], at["streamed"]], NOW - 60)
    _note(root, "report.ipynb", [p for name, p in at.items() if "question" in name], NOW - 3600)
    return at


def _note(root: Path | str, by: str, paths: list[Path], ended: int) -> None:
    keys = tuple(key_of(path.name) for path in paths)
    started = ended - 4 * 86400.0
    note = journal.Note(
        by.replace("/", "-"), by, "", started, ended, 41, len(keys), len(keys), 73.5, keys
    )
    journal.write(str(root), note)


def change(root: Path | str) -> dict[str, Path]:
    """Record some of it again, as a branch would."""
    return {
        "shell again": add(root, shell("rm -rf /", 1), NOW - 120),
        "new": add(root, entry(ask("gpt-4o", "What is new?"), completion("A page.")), NOW - 60),
    }


def repository(top: Path) -> Path:
    """Make a repository with such a store, and a change in it that is not committed. Returns the
    path of the store."""
    root = top / ".cachy"
    fill(root)
    (root / ".gitignore").write_text("/local/\n/.gitignore\n")
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-qm", "Record"]):
        subprocess.run(["git", "-C", str(top), *command], check=True)
    change(root)
    return root


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    print(repository(folder))
