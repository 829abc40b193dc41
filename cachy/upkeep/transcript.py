"""An entry, read as a chat: what was asked, and what was answered.

    head["request"] ──asked()──▶ turns        body ──answered()──▶ turns

The APIs differ in the names of a few fields, and their streams in how they cut a text up. So an
answer, streamed or not, is first turned into pieces, `(slot, kind, text)`; the pieces of one slot
then make one turn. What no reader here knows is shown as the JSON it is. Nothing here does any IO,
and nothing raises for what an entry may hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from cachy.rules import verdict as answers
from cachy.store.entry import Entry, is_deep

Piece = tuple[Any, str, str]
"""Which turn it belongs to (None: one of its own), the kind of that turn, the text to add."""


class Turn(NamedTuple):
    """`role` as the API calls it, or of an answer: assistant, thinking, tool call, data."""

    role: str
    text: str


# ---- What was asked ----

_SYSTEM = ("system", "instructions", "systemInstruction", "system_instruction")
_PROMPTS = ("prompt", "input", "inputText", "message", "query", "text", "texts", "content")


def asked(head: dict[str, Any]) -> list[Turn]:
    """The turns of the request, as far as its outline was kept."""
    outline = head.get("request")
    body = outline.get("body") if isinstance(outline, dict) else None
    if body is None:
        return []
    if isinstance(body, list):  # multipart
        turns = [_part(part) for part in body]
        return [turn._replace(role="user") if turn.role == "prompt" else turn for turn in turns]
    if not isinstance(body, dict) or "…" in body:
        return [Turn("request", text_of(body))]
    turns = [Turn("system", text_of(body[name])) for name in _SYSTEM if body.get(name)]
    for name in ("chat_history", "messages", "contents", "input"):
        if isinstance(items := body.get(name), list) and any(isinstance(i, dict) for i in items):
            turns += [_message(item) for item in items]
    if not any(turn.role != "system" for turn in turns):
        turns += [Turn("user", text_of(body[name])) for name in _PROMPTS if body.get(name)]
    return turns or [Turn("request", _compact(body))]


def _part(part: Any) -> Turn:
    if isinstance(part, dict) and "headers" in part:
        headers = str(part["headers"])
        field = _FIELD.search(headers)
        name = field[1] if field else headers.partition(";")[2].strip()
        return Turn(name, text_of(part.get("content")))
    return Turn("request", text_of(part))


_FIELD = re.compile(r'form-data; name="?([^";]*)"?(?![^;]*; filename)')


def form(head: dict[str, Any]) -> dict[str, str]:
    """The fields of a multipart request; of any other, none."""
    outline = head.get("request")
    body = outline.get("body") if isinstance(outline, dict) else None
    return dict(map(_part, body)) if isinstance(body, list) else {}


def _message(item: Any) -> Turn:
    if not isinstance(item, dict):
        return Turn("user", text_of(item))
    role = item.get("role")
    texts = [text_of(item[name]) for name in ("content", "parts", "message") if item.get(name)]
    texts += [text_of(call) for call in _list(item.get("tool_calls"))]
    if not texts:
        texts = [text_of(item)]
    kind = str(role or item.get("type") or "user").replace("_", " ").lower()
    return Turn(kind, "\n".join(texts))


def text_of(content: Any) -> str:
    """The text of a message's content, whatever its API; what is no text stands in brackets."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(text_of(item) for item in content)
    if not isinstance(content, dict):
        return "" if content is None else str(content)
    long = content.get("…")
    if isinstance(long, list) and len(long) >= 4 and isinstance(long[0], int):
        return f"{long[2]} … ({long[0]:,} characters) … {long[3]}"
    kind = str(content.get("type", ""))
    for name in ("text", "thinking", "refusal", "summary"):
        if name in content and not (name == "text" and isinstance(content[name], bool)):
            return text_of(content[name])
    if call := content.get("function") or content.get("functionCall") or content.get("toolUse"):
        return text_of(call) if isinstance(call, dict) else str(call)
    if result := content.get("functionResponse") or content.get("toolResult"):
        return text_of(result)
    if "name" in content and any(name in content for name in ("arguments", "args", "input")):
        arguments = content.get("arguments", content.get("args", content.get("input")))
        return f"{content['name']}({_arguments(arguments)})"
    for name in ("content", "parts", "output", "response"):
        if name in content:
            return text_of(content[name])
    if data := content.get("inlineData") or content.get("inline_data"):
        return (
            f"[{data.get('mimeType') or data.get('mime_type') if isinstance(data, dict) else ''}]"
        )
    for word in ("image", "audio", "file", "document", "video"):
        if word in kind or word in content:
            return f"[{word}]"
    return _compact(content)


def _arguments(value: Any) -> str:
    return value if isinstance(value, str) else text_of(value) if _long(value) else _compact(value)


def _long(value: Any) -> bool:
    return isinstance(value, dict) and "…" in value


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str)


def first_words(head: dict[str, Any], length: int = 100) -> str:
    """The first words of the last thing the user said, on one line, at most `length` characters."""
    turns = asked(head)
    said = [turn.text for turn in turns if turn.role == "user" and turn.text] or [
        turn.text for turn in turns[-1:]
    ]
    return one_line(said[-1], length) if said else ""


def one_line(text: str, length: int) -> str:
    """At most `length` characters, white space folded, nothing that a terminal would obey."""
    words = " ".join(text[: length * 4].split())
    if not words.isprintable():
        words = "".join(char if char.isprintable() else "·" for char in words)
    return words if len(words) <= length else words[: length - 1] + "…"


# ---- What was answered ----


def answered(entry: Entry) -> list[Turn]:
    """The turns of the answer; a stream is assembled. Of what is no text, a line tells its size."""
    kind = _content_type(entry.head)
    events = list(events_of(entry))
    if not events:
        return [Turn("data", body_text(entry))]
    turns = _assemble(piece for event in events for piece in _pieces(event))
    if turns or entry.head.get("stream"):
        return turns
    return [Turn("data", to_json(events[0], indent=True) if "json" in kind else body_text(entry))]


def events_of(entry: Entry) -> Iterator[Any]:
    """The decoded events of a stream, or the one JSON body."""
    kind, body = entry.head.get("stream"), entry.body
    if kind == "sse":
        texts: Iterable[bytes] = answers.sse_data(body)
    elif kind == "ndjson":
        texts = body.splitlines()
    elif kind == "aws-eventstream":
        texts = _aws_payloads(body)
    else:
        texts = (body,)
    for text in texts:
        try:
            data = orjson.loads(text)
        except ValueError:
            continue
        if is_deep(data, text):
            continue
        yield from data if kind == "json-array" and isinstance(data, list) else (data,)


def body_text(entry: Entry) -> str:
    """The body as text; of one that is none, a line that tells its type and size."""
    try:
        return entry.body.decode()
    except UnicodeDecodeError:
        return f"[{_content_type(entry.head) or 'binary'}, {len(entry.body):,} bytes]"


def readable(entry: Entry) -> str:
    """The whole entry as one text: the head, a blank line, the body. What `git diff` shows."""
    body = body_text(entry)
    if not entry.head.get("stream") and body[:1] in ("{", "["):
        body = next((to_json(data, indent=True) for data in events_of(entry)), body)
    return f"{to_json(entry.head, indent=True)}\n\n{body.rstrip()}\n"


def to_json(value: Any, *, indent: bool = False) -> str:
    """JSON as text, of whatever an entry may hold."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else None).decode()
    except TypeError:  # an integer past 64 bits, or half a surrogate pair
        text = json.dumps(value, ensure_ascii=False, indent=2 if indent else None)
        return text.encode("utf-8", "replace").decode()


def _content_type(head: dict[str, Any]) -> str:
    return next((value for name, value in head["headers"] if name == "content-type"), "")


def _aws_payloads(body: bytes) -> Iterator[bytes]:
    """The payloads of Amazon's binary frames; a model's own events come in them as base64."""
    from base64 import b64decode
    from binascii import Error

    at = 0
    while at + 16 <= len(body):
        length = int.from_bytes(body[at : at + 4], "big")
        if length < 16:
            return
        payload = body[at + 12 + int.from_bytes(body[at + 4 : at + 8], "big") : at + length - 4]
        at += length
        try:
            inner = orjson.loads(payload)
            yield b64decode(inner["bytes"]) if inner.keys() == {"bytes"} else payload
        except (ValueError, Error, AttributeError, TypeError):
            yield payload


def _assemble(pieces: Iterable[Piece]) -> list[Turn]:
    slots: dict[tuple[str, str], list[str]] = {}
    for slot, kind, text in pieces:
        if text:
            name = f"alone {len(slots)}" if slot is None else str(slot)
            slots.setdefault((name, kind), []).append(text)
    return [
        # A call was left open, as more of its arguments could follow.
        Turn(kind, "".join(texts) + (")" if kind == "tool call" else ""))
        for (_, kind), texts in slots.items()
    ]


def _pieces(event: Any) -> Iterator[Piece]:
    if not isinstance(event, dict):
        return
    for reader in _READERS:
        yield from reader(event)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _call(name: Any, arguments: Any) -> str:
    """A tool call, open at the end: more of its arguments may follow."""
    start = f"{name}(" if name else ""
    if isinstance(arguments, str):
        return start + arguments
    return start + (_compact(arguments) if arguments else "")


def _openai_chat(event: dict[str, Any]) -> Iterator[Piece]:
    """Chat completions and what is compatible with them: `choices`, whole or in deltas."""
    for choice in _list(event.get("choices")):
        choice = _dict(choice)
        index = choice.get("index", 0)
        message = _dict(choice.get("delta") or choice.get("message"))
        for name in ("reasoning_content", "reasoning"):
            if text := _text(message.get(name)):
                yield index, "thinking", text
                break
        yield index, "assistant", _text(choice.get("text")) + text_of(message.get("content"))
        yield index, "assistant", _text(message.get("refusal"))
        yield from _tool_calls(index, message)


def _tool_calls(index: Any, message: dict[str, Any]) -> Iterator[Piece]:
    for at, call in enumerate(_list(message.get("tool_calls"))):
        function = _dict(_dict(call).get("function"))
        slot = (index, _dict(call).get("index", at))
        yield slot, "tool call", _call(function.get("name"), function.get("arguments"))


def _blocks(event: dict[str, Any]) -> Iterator[Piece]:
    """Anthropic's messages, Bedrock's converse and Cohere's chat: `content`, a list of blocks."""
    kind = _text(event.get("type"))
    message = _dict(event.get("message")) or _dict(_dict(event.get("output")).get("message"))
    for content in (event.get("content"), message.get("content")):
        if event.get("choices") or event.get("object") == "response":
            break
        for index, block in enumerate(_list(content)):
            yield from _block(index, _dict(block))
    if kind in ("content_block_start", "content_block_delta"):
        yield from _block(
            event.get("index"), _dict(event.get("content_block") or event.get("delta"))
        )
    if "contentBlockIndex" in event:
        block = _dict(event.get("delta") or event.get("start"))
        use = _dict(block.get("toolUse"))
        if use:
            yield (
                event["contentBlockIndex"],
                "tool call",
                _call(use.get("name"), use.get("input", "")),
            )
        else:
            yield from _block(event["contentBlockIndex"], block)
    if kind in ("content-delta", "tool-call-start", "tool-call-delta"):
        inner = _dict(_dict(event.get("delta")).get("message"))
        block = _dict(inner.get("content"))
        index = event.get("index", 0)
        yield index, "assistant", _text(block.get("text"))
        yield index, "thinking", _text(block.get("thinking"))
        if isinstance(inner.get("tool_calls"), dict):
            function = _dict(inner["tool_calls"].get("function"))
            yield index, "tool call", _call(function.get("name"), function.get("arguments", ""))
    elif message and not event.get("choices"):
        yield from _tool_calls("tool", message)


def _block(index: Any, block: dict[str, Any]) -> Iterator[Piece]:
    yield index, "thinking", _text(block.get("thinking"))
    yield index, "assistant", _text(block.get("text"))
    if "partial_json" in block:
        yield index, "tool call", _text(block["partial_json"])
    use = _dict(block.get("toolUse")) or block
    if "tool_use" in _text(block.get("type")) or use is not block:
        # A stream starts with an empty input, and its pieces follow.
        yield index, "tool call", _call(use.get("name"), use.get("input") or "")


def _openai_responses(event: dict[str, Any]) -> Iterator[Piece]:
    """The responses API: `output`, a list of items, in the body or in the event that ends it."""
    body = event
    if event.get("type") in ("response.completed", "response.incomplete"):
        body = _dict(event.get("response"))
    if body.get("object") != "response" or event.get("type") in (
        "response.created",
        "response.in_progress",
    ):
        return
    for index, item in enumerate(_list(body.get("output"))):
        item = _dict(item)
        kind = _text(item.get("type"))
        if kind == "message":
            yield index, "assistant", text_of(item.get("content"))
        elif kind == "reasoning":
            yield index, "thinking", text_of(item.get("summary") or item.get("content") or "")
        elif "name" in item:
            yield index, "tool call", _call(item["name"], item.get("arguments", item.get("input")))
        else:
            yield index, "tool call", _call(kind, {k: v for k, v in item.items() if k == "action"})


def _gemini(event: dict[str, Any]) -> Iterator[Piece]:
    for candidate in _list(event.get("candidates")):
        candidate = _dict(candidate)
        index = candidate.get("index", 0)
        for part in _list(_dict(candidate.get("content")).get("parts")):
            part = _dict(part)
            if call := _dict(part.get("functionCall")):
                yield None, "tool call", _call(call.get("name"), call.get("args"))
            elif "text" in part:
                yield index, "thinking" if part.get("thought") else "assistant", _text(part["text"])
            else:
                yield index, "assistant", text_of(part)


def _ollama(event: dict[str, Any]) -> Iterator[Piece]:
    message = _dict(event.get("message"))
    yield 0, "thinking", _text(message.get("thinking") or event.get("thinking"))
    yield 0, "assistant", _text(message.get("content") or event.get("response"))
    if event.get("event_type") == "text-generation" or "generation_id" in event:
        yield 0, "assistant", _text(event.get("text"))  # Cohere v1


def _other(event: dict[str, Any]) -> Iterator[Piece]:
    """Transcriptions, vectors and images."""
    kind = _text(event.get("type"))
    if kind == "transcript.text.delta":
        yield 0, "assistant", _text(event.get("delta"))
    elif "text" in event and not kind and "generation_id" not in event:
        yield 0, "assistant", _text(event["text"])
    vectors = event.get("embeddings") or [event["embedding"]] if "embedding" in event else []
    if isinstance(event.get("embeddings"), list | dict):
        found = event["embeddings"]
        vectors = found if isinstance(found, list) else next(iter(found.values()), [])
    data = [_dict(item) for item in _list(event.get("data"))]
    vectors = [item["embedding"] for item in data if "embedding" in item] or _list(vectors)
    if vectors:
        yield 0, "data", f"[{len(vectors)} vectors, {_dimensions(vectors[0])} numbers each]"
    for index, item in enumerate(data):
        if picture := _text(item.get("b64_json") or item.get("url")):
            size = f"{len(picture) * 3 // 4:,} bytes" if "b64_json" in item else picture
            yield index, "data", f"[image, {size}]"
    if kind.endswith(".completed") and (picture := _text(event.get("b64_json"))):
        yield 0, "data", f"[image, {len(picture) * 3 // 4:,} bytes]"


def _dimensions(vector: Any) -> int:
    vector = vector.get("values") if isinstance(vector, dict) else vector
    if isinstance(vector, str):  # base64 of 32-bit floats
        return len(vector) * 3 // 16
    return len(_list(vector))


_READERS = (_openai_chat, _blocks, _openai_responses, _gemini, _ollama, _other)
