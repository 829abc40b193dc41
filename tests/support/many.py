"""Makes stores of many entries, fast: `python tests/support/many.py FOLDER 100000`.

The entries are as small and as different as chat completions are; every tenth is a second recording
of its key. Files are written without being flushed: this is for measuring, not for keeping.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import orjson

from cachy.rules.outline import shorten_text
from cachy.store import entry as codec
from cachy.store.entry import Entry
from cachy.store.names import SUFFIX, name_of, seal

DAY = 86400
MODELS = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-6", "gemini-2.0-flash")
URL = "https://api.openai.com/v1/chat/completions"


def make_entry(
    number: int = 0,
    *,
    model: str = "gpt-4o",
    prompt: str | None = None,
    answer: str = "Forty-two.",
    url: str = URL,
    again: int = 0,
) -> Entry:
    """A chat completion. Equal numbers have equal keys; `again` makes another recording of it."""
    said = f"Question {number}: what is it?" if prompt is None else prompt
    request: dict[str, Any] = {
        "model": model,
        "messages": [
            {"role": "system", "content": shorten_text("You are a helpful assistant. " * 20)},
            {"role": "user", "content": said},
        ],
    }
    body = {
        "id": f"chatcmpl-{number}-{again}",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 5},
    }
    head = {
        "cachy": 1,
        "key": hashlib.sha256(f"{model} {url} {number}".encode()).hexdigest(),
        "recorded": "2026-11-01T00:00:00Z",
        "nonce": f"{number:08x}{again:02x}",
        "method": "POST",
        "url": url,
        "model": model,
        "status": 200,
        "headers": [["content-type", "application/json"]],
        "stream": None,
        "client": "httpx",
        "ms": 1200.5,
        "usage": {"input": 20, "output": 5},
        "request": {"body": request},
    }
    return Entry(head, orjson.dumps(body))


def add(root: Path | str, entry: Entry, second: int, *, private: bool = False) -> Path:
    """Put an entry into a store as if it had been recorded in that second. Returns its path."""
    frame = codec.dumps(entry)
    name = name_of(entry.head["key"], second, frame)
    folder = Path(root, "local/entries" if private else "", name[:2])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name + SUFFIX)
    path.write_bytes(seal(name, frame))
    return path


def fill(root: Path | str, count: int, now: int) -> None:
    """Put `count` entries into a store, recorded in the year before `now`."""
    for number in range(count):
        of = number - 1 if number % 10 == 9 else number
        model = MODELS[of % len(MODELS)]
        add(
            root,
            make_entry(of, model=model, again=number - of),
            now - (number * 7919) % (365 * DAY),
        )


if __name__ == "__main__":
    import time

    fill(Path(sys.argv[1], ".cachy"), int(sys.argv[2]), int(time.time()))
