"""An entry, shown as a chat.

    head["request"] ──asked()──▶ turns        body ──answered()──▶ turns

The protocols (`cachy.rules.protocols`) say where a chat's turns stand in a request, and turn an
answer, streamed or not, into pieces `(slot, kind, text)`; the pieces of one slot make one turn.
What no protocol knows is shown as JSON. Nothing here does any IO or raises for what an entry may
hold.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from cachy.rules import protocols, streams
from cachy.rules.content import as_list, compact, joined, text_of
from cachy.store.entry import json_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.store.entry import Entry


class Turn(NamedTuple):
    """One turn of a chat. `role` as the API calls it; in an answer assistant, thinking, tool call
    or data."""

    role: str
    text: str


# ---- Requests ----


def asked(head: dict[str, Any]) -> list[Turn]:
    """Return the turns of a request, as far as its outline was kept."""
    body = _body(head)
    if body is None:
        return []
    if isinstance(body, list):  # multipart
        turns = [_part(part) for part in body]
        return [turn._replace(role="user") if turn.role == "prompt" else turn for turn in turns]
    if not isinstance(body, dict) or "…" in body:
        return [Turn("request", text_of(body))]
    known = protocols.known()
    turns = [Turn("system", text_of(body[name])) for name in known.system_fields if body.get(name)]
    for name in known.turn_fields:
        items = as_list(body.get(name))
        if any(isinstance(item, dict) for item in items):
            turns += [_message(item) for item in items]
    if all(turn.role == "system" for turn in turns):
        prompts = (body[name] for name in known.prompt_fields if body.get(name))
        turns += [Turn("user", text_of(prompt)) for prompt in prompts]
    return turns or [Turn("request", compact(body))]


def _part(part: Any) -> Turn:
    if isinstance(part, dict) and "headers" in part:
        headers = str(part["headers"])
        field = _FIELD.search(headers)
        name = field[1] if field else headers.partition(";")[2].strip()
        return Turn(name, text_of(part.get("content")))
    return Turn("request", text_of(part))


_FIELD = re.compile(r'form-data; name="?([^";]*)"?(?![^;]*; filename)')


def is_outline(head: dict[str, Any]) -> bool:
    """Return whether long texts of a request were not kept, or all of it."""
    body = _body(head)
    return body is None or '{"…":' in to_json(body)


def model(head: dict[str, Any]) -> Any:
    """Return the model of a request: the one in the head, or the field of a multipart form."""
    body = _body(head)
    fields = dict(map(_part, body)) if isinstance(body, list) else {}
    return head.get("model") or fields.get("model")


def _body(head: dict[str, Any]) -> Any:
    """The outline of a request's body, as far as it was kept."""
    outline = head.get("request")
    return outline.get("body") if isinstance(outline, dict) else None


def _message(item: Any) -> Turn:
    if not isinstance(item, dict):
        return Turn("user", text_of(item))
    role = item.get("role")
    texts = [text_of(item[name]) for name in ("content", "parts", "message") if item.get(name)]
    texts += [text_of(call) for call in as_list(item.get("tool_calls"))]
    if not texts:
        texts = [text_of(item)]
    kind = str(role or item.get("type") or "user").replace("_", " ").lower()
    return Turn(kind, "\n".join(texts))


def first_words(head: dict[str, Any], length: int = 100) -> str:
    """Return the start of the user's last message on one line, at most `length` characters."""
    turns = asked(head)
    texts = [turn.text for turn in turns if turn.role == "user" and turn.text]
    texts = texts or [turn.text for turn in turns[-1:]]
    return one_line(texts[-1], length) if texts else ""


def one_line(text: str, length: int) -> str:
    """Return a text on one line, at most `length` characters, without terminal control codes."""
    words = " ".join(text[: length * 4].split())
    if not words.isprintable():
        words = "".join(char if char.isprintable() else "·" for char in words)
    return words if len(words) <= length else words[: length - 1] + "…"


# ---- Answers ----


def answered(entry: Entry) -> list[Turn]:
    """Return the turns of an answer; streams are assembled. For other media than text, a turn gives
    the type and size."""
    events = list(events_of(entry))
    if not events:
        return [Turn("data", body_text(entry))]
    known = protocols.known()
    objects = (event for event in events if isinstance(event, dict))
    # Calls come without their closing parenthesis, because more arguments can follow.
    turns = [
        Turn(kind, f"{text})" if kind == "tool call" else text)
        for kind, text in joined(piece for data in objects for piece in known.pieces(data))
    ]
    if turns or entry.head.get("stream"):
        return turns
    is_json = "json" in _content_type(entry.head)
    return [Turn("data", to_json(events[0], indent=True) if is_json else body_text(entry))]


def events_of(entry: Entry) -> Iterator[Any]:
    """Yield the decoded events of a stream, or the JSON body in one piece. What cannot be decoded
    is left out."""
    for event in streams.decode(entry.head.get("stream"), entry.body):
        if not event.defect:
            yield event.data


def body_text(entry: Entry) -> str:
    """Return the body as text; for binary data, a line with its type and size."""
    try:
        return entry.body.decode()
    except UnicodeDecodeError:
        return f"[{_content_type(entry.head) or 'binary'}, {len(entry.body):,} bytes]"


def readable(entry: Entry) -> str:
    """Return the whole entry as text, for `git diff`: what a reviewer reads first comes first.

    The prompt and the answer as a chat, the body, the head, and the response headers last, without
    those that differ each time and say nothing of the answer.
    """
    asked_turns, answer = asked(entry.head), answered(entry)
    parts = [f"{turn.role}\n{_indented(turn.text)}" for turn in asked_turns if turn.role]
    parts += [f"→ {turn.role}\n{_indented(turn.text)}" for turn in answer if turn.role != "data"]
    head = {name: value for name, value in entry.head.items() if name != "headers"}
    headers = [pair for pair in entry.head["headers"] if not _NOISE.search(pair[0])]
    return (
        "\n\n".join(
            [
                *parts,
                f"→ body\n{_body_for_reading(entry).rstrip()}",
                f"head\n{to_json(head, indent=True)}",
                "headers\n" + "\n".join(f"{name}: {value}" for name, value in headers),
            ]
        )
        + "\n"
    )


_NOISE = re.compile(
    r"rate-?limit|retry-after|request-id|trace|-ms$|processing|latency|timing|duration"
    r"|^(date|age|etag|expires|last-modified|via|server|alt-svc|nel|report-to|vary|pragma)$"
    r"|^(cf-|x-cache|x-amz-cf-|x-served-by|x-timer|x-envoy|strict-transport|x-content-type-opt)"
    r"|^(cache-control|referrer-policy|content-security|cross-origin-|permissions-policy)",
    re.IGNORECASE,
)
"""Names of response headers that nobody reviews."""


def _body_for_reading(entry: Entry) -> str:
    body = body_text(entry)
    if not entry.head.get("stream") and body[:1] in ("{", "["):
        return next((to_json(data, indent=True) for data in events_of(entry)), body)
    return body


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def to_json(value: Any, *, indent: bool = False) -> str:
    """Write a value that an entry may hold as JSON."""
    if not indent:
        return json_bytes(value).decode()
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except TypeError:  # as in `json_bytes`
        text = json.dumps(value, ensure_ascii=False, indent=2)
        return text.encode("utf-8", "replace").decode()


def _content_type(head: dict[str, Any]) -> str:
    return next((value for name, value in head["headers"] if name == "content-type"), "")
