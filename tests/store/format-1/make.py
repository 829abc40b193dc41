"""How the files beside this script were made, once, when format 1 was fixed.

Never make them again. They stand for the entries in other people's repositories, which every later
cachy must read as it reads them today: where a test of them fails, the code is wrong. A file may be
added; then this script must not touch those that are there, and it refuses to.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import zstandard

from cachy.store.entry import Entry, dumps, plain
from cachy.store.names import name_of, seal

HERE = Path(__file__).parent
SECOND = 1_767_614_400
URL = "https://api.openai.com/v1/chat/completions"
ASKED: dict[str, Any] = {
    "body": {"messages": [{"content": "Say hi", "role": "user"}], "model": "gpt-4o"}
}
CHAT = b'{"choices":[{"message":{"role":"assistant","content":"Hi, caf\xc3\xa9!"}}]}'
SSE = (
    b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)
NDJSON = b'{"message":{"content":"Hi"},"done":false}\n{"done":true,"eval_count":2}\n'
ARRAY = b'[{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}\r\n,{"usageMetadata":{}}]'
LARGE = b"".join(b'{"number": %d}\n' % number for number in range(150_000))


def event(payload: bytes) -> bytes:
    """A message of Bedrock's event stream."""
    header = b"\x0b:event-type\x07\x00\x11contentBlockDelta"
    prelude = struct.pack(">II", 16 + len(header) + len(payload), len(header))
    data = prelude + struct.pack(">I", zlib.crc32(prelude)) + header + payload
    return data + struct.pack(">I", zlib.crc32(data))


EVENTS = event(b'{"delta":{"text":"Hi"}}') + event(b'{"delta":{"text":"!"}}')


def entry(number: int, body: bytes, kind: str = "application/json", **head: Any) -> Entry:
    request = head.pop("request", ASKED)
    whole = {
        "cachy": 1,
        "key": hashlib.sha256(b"format 1, %d" % number).hexdigest(),
        "recorded": "2026-01-05T12:00:00.000000Z",
        "nonce": f"{number:08x}",
        "method": "POST",
        "url": URL,
        "status": 200,
        "headers": [["content-type", kind], ["date", "Mon, 05 Jan 2026 12:00:00 GMT"]],
        "client": "httpx/0.28.1",
        "ms": 812.4,
        "model": "gpt-4o",
        "stream": None,
        "usage": {"input": 9, "output": 2},
    }
    return Entry(whole | head | ({"request": request} if request else {}), body)


def stream(number: int, body: bytes, kind: str, name: str) -> Entry:
    half = len(body) // 2
    return entry(number, body, kind, stream=name, times=[[half, 310], [len(body) - half, 42]])


SENT_ON: dict[str, Any] = {
    "status": 302,
    "method": "GET",
    "url": "https://api.openai.com/v1/files/file-1/content",
    "headers": [["location", "https://files.example.com/file-1?part=2"], ["x-emoji", "caf\xe9"]],
    "usage": None,
    "model": None,
}
ENTRIES = {
    "plain": entry(1, CHAT, http="HTTP/2", reason="Fine"),
    "sse": stream(2, SSE, "text/event-stream; charset=utf-8", "sse"),
    "ndjson": stream(3, NDJSON, "application/x-ndjson", "ndjson"),
    "json array": stream(4, ARRAY, "application/json; charset=UTF-8", "json-array"),
    "aws event stream": stream(5, EVENTS, "application/vnd.amazon.eventstream", "aws-eventstream"),
    "binary": entry(6, random.Random(6).randbytes(20_000), "audio/mpeg", usage=None),
    "large": entry(7, LARGE, "text/plain"),
    "empty body": entry(8, b"", usage=None),
    "error status": entry(9, b'{"error":{"message":"no such model"}}', status=404, usage=None),
    "302 with location": entry(10, b"", request={"headers": {"range": "bytes=0-"}}, **SENT_ON),
    "null request": entry(11, CHAT, request=None),
    "without dictionary": entry(12, CHAT),
    "long request": entry(
        13,
        CHAT,
        request={"body": {"input": {"\u2026": [900, "0123456789abcdef", "Once", "end.", "QUJD"]}}},
    ),
}


def main() -> None:
    table = HERE / "entries.json"
    pinned: dict[str, Any] = json.loads(table.read_text("utf-8")) if table.exists() else {}
    for what, each in ENTRIES.items():
        if what in pinned:
            continue
        frame = dumps(each)
        if what == "without dictionary":
            frame = zstandard.ZstdCompressor(level=9, write_checksum=True).compress(plain(each))
        name = name_of(each.head["key"], SECOND, frame)
        (HERE / f"{name}.entry").write_bytes(seal(name, frame))
        pinned[what] = {"name": name, "head": each.head, "size": len(each.body)}
        pinned[what]["sha256"] = hashlib.sha256(each.body).hexdigest()
        if len(each.body) < 1000:
            pinned[what]["body"] = base64.b64encode(each.body).decode()
    text = json.dumps(pinned, indent=1, ensure_ascii=False)
    table.write_text(text + "\n", "utf-8", newline="\n")


if __name__ == "__main__":
    main()
