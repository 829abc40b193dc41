"""The files of pycachy: answers under an 8-digit hash of the request, and no request.

    cachy.txt      `7ec85328|answer`: the answer as it came, or as a JSON string
    cachy.jsonl    {"key": "7ec85328", "response": …}, later with headers, status_code, binary

So they are adopted by running: `hashes(request)` are all that pycachy may have made of a request,
by one of its releases up to 0.0.22, and `Answers` has the answer under one of them.

    releases        what is hashed
    0.0.1           URL, "False", body
    0.0.2 to 4      host, "False", body
    0.0.5 to 8      URL without `key`, "False", body with its multipart boundary replaced
    0.0.9 to 11     the same, a JSON body with its keys sorted
    0.0.12          the same, with whether it is streamed, or "None"
    0.0.13 to 19    … with the body's noise replaced
    0.0.20          … and that of the URL
    0.0.21          … with the header `accept`
    0.0.22          … with one kind of noise more
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.formats.interaction import TEXT_LIMIT, NotUnderstood, as_bytes, from_base64, settled
from cachy.lazy import hashlib, json, urls
from cachy.rules.message import ResponseHead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.message import Request

FILES = ("cachy.jsonl", "cachy.txt")
_LINE = re.compile(rb'\s*\{"key":\s*"([0-9a-f]{8})",\s*"response":')
_TEXT_LINE = re.compile(rb"([0-9a-f]{8})\|")
_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)

_PATTERNS = (
    (re.compile(r"/ipykernel_\d+/\d+\.py"), "/ipykernel_N/X.py"),
    (re.compile(r"<ipython-input-\d+-\w+>"), "<ipython-input>"),
    (re.compile(r"/var/folders/[\w|/]+"), "/tmp/tmpT"),
    (re.compile(r"/tmp/tmp\w+"), "/tmp/tmpX"),
    (re.compile(r"ipykernel_\d+"), "ipykernel_N"),
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "0xMEM"),
    (re.compile(r"line \d+, in"), "line N, in"),
)
"""What pycachy takes for noise, and what it becomes: facts of its format."""
_PROMPT_KEY = re.compile(r'"prompt_cache_key"\s*:\s*"[^"]*"'), '"prompt_cache_key":"notebook"'


class Answer(NamedTuple):
    """An answer, and the digits that it stood under."""

    digits: str
    response: ResponseHead
    body: bytes


def is_answers(start: bytes) -> bool:
    """Tell whether a file that starts so is one of pycachy."""
    return bool(_LINE.match(start) or _TEXT_LINE.match(start))


class Answers:
    """The answers in a file. Only their places are in memory. `unclear` are the lines that are no
    answer."""

    def __init__(self, path: str) -> None:
        """Raises OSError."""
        self.path = path
        self.unclear: list[int] = []
        self._places: dict[str, tuple[int, int]] = {}
        with open(path, "rb") as stream:
            at = number = 0
            while line := stream.readline(TEXT_LIMIT):
                number += 1
                found = _LINE.match(line) or _TEXT_LINE.match(line)
                if found is not None and line.endswith((b"\n", b"}", b'"')):
                    # pycachy answers with the first of several.
                    self._places.setdefault(found[1].decode(), (at, len(line)))
                elif line.strip():
                    self.unclear.append(number)
                at += len(line)

    def __len__(self) -> int:
        return len(self._places)

    def digits(self) -> list[str]:
        """Return what the answers stand under."""
        return list(self._places)

    def answer(self, digits: str) -> Answer | None:
        """Return the answer that stands under these digits, or None. Raises OSError, and
        NotUnderstood for one that is damaged."""
        if digits not in self._places:
            return None
        at, length = self._places[digits]
        with open(self.path, "rb") as stream:
            stream.seek(at)
            line = stream.read(length)
        return _answer_of_text(digits, line) if line[8:9] == b"|" else _answer_of_json(digits, line)


def _answer_of_text(digits: str, line: bytes) -> Answer:
    body = line[9:].rstrip(b"\r\n")
    if body.startswith(b'"'):
        try:
            body = as_bytes(json.loads(body))
        except ValueError:
            pass  # not JSON: the answer itself starts with a quote
    return Answer(digits, ResponseHead(200, _guessed(body), client=f"pycachy/{digits}"), body)


def _answer_of_json(digits: str, line: bytes) -> Answer:
    try:
        data: dict[str, Any] = json.loads(line)
    except ValueError:
        raise NotUnderstood("it is not JSON") from None
    body = from_base64(data.get("response")) if data.get("binary") else as_bytes(data["response"])
    headers = data.get("headers")
    named = [(str(name), str(value)) for name, value in (headers or {}).items()]
    if not any(name.lower() == "content-type" for name, _ in named):
        named += _guessed(body)
    status = data.get("status_code", 200)
    status = status if isinstance(status, int) and 100 <= status <= 599 else 200
    head = ResponseHead(status, settled(named, body), client=f"pycachy/{digits}")
    return Answer(digits, head, body)


def _guessed(body: bytes) -> list[tuple[str, str]]:
    """Return the header that tells what a body is; early releases kept none."""
    start = body.lstrip()[:16]
    if start.startswith((b"data:", b"event:", b":", b"id:", b"retry:")):
        return [("content-type", "text/event-stream; charset=utf-8")]
    if not start.startswith((b"{", b"[")):
        return [("content-type", "text/plain; charset=utf-8")]
    try:
        json.loads(body)
    except ValueError:
        lines = body.split(b"\n", 2)
        if len(lines) > 1 and lines[0].rstrip().endswith(b"}"):
            return [("content-type", "application/x-ndjson")]
    return [("content-type", "application/json")]


# ---- Hashes ----


def hashes(request: Request) -> Iterator[str]:
    """Yield the digits under which pycachy may have an answer to a request, the newest way first.

    `request` has at least the headers `accept` and `content-type`.
    """
    seen = set()
    for start, body in _hashed(request):
        digits = hashlib.sha256(start.encode("utf-8", "surrogateescape") + body).hexdigest()[:8]
        if digits not in seen:
            seen.add(digits)
            yield digits


def _hashed(request: Request) -> Iterator[tuple[str, bytes]]:
    """Yield what is hashed, the start and the body."""
    raw = _with_boundary(request)
    ordered = _ordered(request, raw)
    strict = ordered.decode("utf-8", "surrogateescape")
    loose = ordered.decode("utf-8", "replace")
    newest = _PROMPT_KEY[0].sub(_PROMPT_KEY[1], _quiet(strict))
    streamed = b'"stream": true' in ordered or "stream" in request.url.lower()
    flags = ("True", "False") if streamed else ("False", "True")
    accepts = dict.fromkeys((request.header("accept"), ""))
    bodies = (newest.encode("utf-8", "surrogateescape"), _quiet(loose).encode())
    for url in _without_key(request.url):
        quiet = _quiet(url)
        for body in dict.fromkeys(bodies):
            for streams in flags:
                yield from ((f"{quiet}{streams}{accept}", body) for accept in accepts)
                yield f"{url}{streams}", body
        for flag in (*flags, "None"):
            yield f"{url}{flag}", ordered
        yield f"{url}False", raw
    yield f"{urls.urlsplit(request.url).hostname or ''}False", request.body
    yield f"{request.url}False", request.body


def _quiet(text: str) -> str:
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _with_boundary(request: Request) -> bytes:
    found = _BOUNDARY.search(request.header("content-type"))
    if found is None or not request.header("content-type").lower().startswith("multipart/"):
        return request.body
    return request.body.replace((found[1] or found[2]).encode(), b"cachy-boundary")


def _ordered(request: Request, body: bytes) -> bytes:
    if "json" not in request.header("content-type").lower():
        return body
    try:
        return json.dumps(json.loads(body), sort_keys=True).encode()
    except (ValueError, RecursionError, TypeError):
        return body


def _without_key(url: str) -> list[str]:
    """Return a URL without its parameter `key`, as httpx writes it: releases differ in how they
    escape a space."""
    start, mark, query = url.partition("?")
    if not mark:
        return [url]
    pairs = [pair for pair in urls.parse_qsl(query, keep_blank_values=True) if pair[0] != "key"]
    if not pairs:
        return [start]
    plus = urls.urlencode(pairs)
    percent = urls.urlencode(pairs, quote_via=urls.quote)
    return list(dict.fromkeys(f"{start}?{each}" for each in (plus, percent)))


# ---- Where they are ----


def locate(folders: list[str]) -> str | None:
    """Return the first file of pycachy in these folders that holds something, or None."""
    for folder in dict.fromkeys(folders):
        for name in FILES:
            path = os.path.join(folder, name)
            try:
                if os.path.getsize(path):
                    return path
            except OSError:
                continue
    return None


def upstream_folders() -> list[str]:
    """Return where pycachy keeps its file: the nearest folder, from the working directory up, with
    a `pyproject.toml`, or of early releases a `settings.ini`; or else the working directory."""
    try:
        here = os.getcwd()
    except OSError:
        return []
    parents = [here]
    while (parent := os.path.dirname(parents[-1])) != parents[-1]:
        parents.append(parent)
    marked = [
        next((each for each in parents if os.path.exists(os.path.join(each, mark))), here)
        for mark in ("pyproject.toml", "settings.ini")
    ]
    return [*marked, here]
