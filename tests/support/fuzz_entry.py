"""Fuzz the reader of entries.

`python tests/support/fuzz_entry.py`

Sound entries are changed at one of four depths: the file's bytes, the frame's, the head's, and the
values in the head; each change of the inner depths is wrapped up again so that it proves itself, as
an attacker would. Then `unseal` and `loads` give a Defect or an entry that clients can
be made of, and nothing else: never another exception, a hang, or another body than the one inside.
"""

from __future__ import annotations

import argparse
import random
import time
import warnings
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx
import httpx2
import orjson
import zstandard

import cachy
from cachy.errors import CacheMiss, CachyWarning, Defect
from cachy.rules.key import KEY_LENGTH, Request, canonical, digest
from cachy.store.entry import Entry, dumps, loads
from cachy.store.names import name_of, seal, unseal

URL = "https://api.openai.com/v1/chat/completions"
REQUEST = {"model": "m", "messages": []}
SLOW = 2.0
"""Seconds that no input may take."""

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 99, 100, 200, 204, 301, 304, 599, 600, 2**31, 2**63, 1e308, -0.0,
    "", "a", "\r\n", "a\nb: c", "\0", "é", "🎈", "GET", "gzip", "https://", "http://[", "//a:b@c:d",
    "http://a:99999/", "javascript:1", "content-encoding", "charset=zlib", "9" * 400, "x" * 5000,
    [], {}, [[]], [["a"]], [["a", "b"]], [["a", 1]], [["", ""]], [["a b", "c"]], [["content-type",
    "text/html; charset=idna"]], [["content-type", "a; charset=undefined"]], [["content-length",
    "-1"]], [["location", "http://["]], [["set-cookie", "a=b"]], [["Transfer-Encoding", "chunked"]],
    [{"status": 301, "location": "http://[", "method": "GET", "url": "http://["}],
    [{"status": 301, "location": "\0", "method": "\0", "url": "x://\0"}],
    [{"status": 301, "location": "a", "method": "", "url": "/relative"}],
    {"body": {"messages": 1}}, {"headers": []},
)  # fmt: skip


def sound(dice: random.Random, key: str) -> Entry:
    """An entry as cachy writes it."""
    head: dict[str, Any] = {
        "cachy": 1, "key": key, "recorded": "2026-11-23T00:00:00Z", "nonce": "00", "method": "POST",
        "url": URL, "status": 200, "headers": [["content-type", "application/json"]],
        "client": "httpx/0.28.1", "ms": 12.5, "model": "m", "stream": None, "usage": {"input": 1},
        "request": {"body": REQUEST},
    }  # fmt: skip
    if dice.random() < 0.5:
        head |= {"http": "HTTP/2", "reason": "Fine"}
    if dice.random() < 0.3:
        hop = {"status": 307, "location": URL, "method": "POST", "url": URL}
        head["redirects"] = [hop] * dice.randrange(3)
    return Entry(head, dice.randbytes(dice.choice((0, 1, 30, 3000))))


def changed(dice: random.Random, data: bytes) -> bytes:
    """Bytes with some of them flipped, cut, doubled, or put elsewhere."""
    edited = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 5, 20))):
        at, length = dice.randrange(len(edited) + 1), dice.choice((1, 1, 2, 8, 100))
        match dice.randrange(6):
            case 0 if at < len(edited):
                edited[at] ^= 1 << dice.randrange(8)
            case 1:
                del edited[at : at + length]
            case 2:
                edited[at:at] = dice.randbytes(length)
            case 3:
                edited[at:at] = edited[at : at + length] * dice.choice((1, 2, 50))
            case 4:
                edited[at : at + length] = bytes((dice.choice((0, 10, 34, 91, 123, 255)),)) * length
            case _:
                del edited[at:]
    return bytes(edited)


def with_odd_values(dice: random.Random, head: dict[str, Any]) -> dict[str, Any]:
    """A head with some values that are none of its own."""
    head = dict(head)
    for _ in range(dice.choice((1, 1, 2, 4))):
        head[dice.choice([*head, "http", "reason", "redirects"])] = dice.choice(ODD)
    if dice.random() < 0.2:
        del head[dice.choice(list(head))]
    return head


def bad_frame(dice: random.Random, entry: Entry) -> tuple[str, bytes]:
    """A frame that is not as cachy writes it, and at what depth."""
    depth = dice.choice(("frame", "text", "head", "values", "values", "values"))
    if depth == "frame":
        return depth, changed(dice, dumps(entry))
    request = orjson.dumps(entry.head.get("request"))
    text = b"%b\n%b\n%b" % (orjson.dumps(entry.head), request, entry.body)
    if depth == "text":
        return depth, zstandard.compress(changed(dice, text))
    if depth == "head":
        head = changed(dice, orjson.dumps(entry.head))
        return depth, zstandard.compress(head + b"\n" + request + b"\n" + entry.body)
    return depth, dumps(Entry(with_odd_values(dice, entry.head), entry.body))


def fuzz(seconds: float, seed: int = 0) -> Counter[str]:
    """The outcomes, by depth. Raises AssertionError, or whatever came out that must not."""
    dice, outcomes = random.Random(seed), Counter[str]()
    body = orjson.dumps(REQUEST)
    headers = (("content-type", "application/json"),)
    key = digest(canonical(Request("POST", URL, headers, body)))
    mapping: dict[str, bytes] = {}
    until = time.monotonic() + seconds
    with warnings.catch_warnings(), httpx.Client() as old, httpx2.Client() as new:
        warnings.simplefilter("ignore", CachyWarning)
        while time.monotonic() < until:
            entry = sound(dice, key)
            started = time.perf_counter()
            outcomes[_file(dice, entry, key)] += 1
            depth, frame = bad_frame(dice, entry)
            try:
                read = loads(frame, key[:KEY_LENGTH])
            except Defect:
                outcomes[f"{depth}: passed over"] += 1
            else:
                outcomes[f"{depth}: read"] += 1
                if depth == "values":
                    assert read.body == entry.body
            mapping[key[:KEY_LENGTH]] = frame
            outcomes[_replay(dice.choice((old, new)), mapping, body, depth)] += 1
            assert time.perf_counter() - started < SLOW, (depth, frame)
    return outcomes


def _file(dice: random.Random, entry: Entry, key: str) -> str:
    frame = dumps(entry)
    name = name_of(key, dice.randrange(2**32), frame)
    data = changed(dice, seal(name, frame))
    try:
        read = loads(unseal(name, data), key[:KEY_LENGTH])
    except Defect:
        return "file: passed over"
    assert read == entry, data  # the change changed nothing
    return "file: read"


def _replay(client: Any, mapping: dict[str, bytes], body: bytes, depth: str) -> str:
    """What a client gets: a response that can be used, or a miss."""
    with cachy.cachy("replay", store=mapping):
        try:
            reply = client.post(URL, content=body, headers={"content-type": "application/json"})
        except CacheMiss:
            return f"{depth}: missed"
    _ = (reply.status_code, reply.reason_phrase, reply.headers, reply.http_version, reply.content)
    _ = (reply.history, reply.elapsed, reply.url, reply.is_success, reply.encoding)
    with suppress(UnicodeError):  # as from a server that names such a charset
        _ = reply.text
    return f"{depth}: replayed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for outcome, count in sorted(fuzz(options.seconds, options.seed).items()):
        print(f"{count:9,}  {outcome}")


if __name__ == "__main__":
    main()
