"""Misses explained: what changed is named, exactly, and the closest recording is the right one."""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachy import explain as misses
from cachy.explain.closest import Asked, closest
from cachy.explain.diff import differences
from cachy.explain.words import lines, verdict
from cachy.rules import key as keys
from cachy.rules.key import Request
from cachy.rules.outline import outline
from cachy.store import entry as codec
from cachy.store.entry import Entry
from cachy.store.folder import DirStore
from cachy.store.names import name_of, seal

URL = "https://api.openai.com/v1/chat/completions"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:generateContent"
WORDS = [f"word{number}" for number in range(2000)]
LONG = " ".join(random.Random(1).choices(WORDS, k=1300))[:10_000]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}

BASE: dict[str, Any] = {
    "model": "gpt-4o",
    "temperature": 0.7,
    "stop": [1, 2, 3],
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Describe it in 3 words"},
        {"role": "assistant", "content": "Blue, round, small."},
        {"role": "user", "content": LONG},
    ],
    "tools": [
        {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}},
        {"type": "function", "function": {"name": "stocks", "parameters": {"type": "object"}}},
    ],
}


def canonical(
    body: Any,
    url: str = URL,
    headers: dict[str, str] | None = None,
    scope: str = "",
    repeat: int = 0,
) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request("POST", url, list((headers or {}).items()), data)
    made = keys.canonical(request, scope=scope)
    return keys.numbered(made, repeat) if repeat else made


def head(request: bytes, *, full: bool = False) -> dict[str, Any]:
    """The head of a recording of this request."""
    method, _, url = request.partition(b"\n")[0].decode().partition(" ")
    return {
        "cachy": 1,
        "key": keys.digest(request),
        "recorded": "2026-11-02T10:00:00Z",
        "method": method,
        "url": url,
        "request": outline(request, full=full),
    }


def recorded(request: bytes, *, full: bool = False) -> tuple[bytes, bytes]:
    """The two lines of JSON in its entry."""
    data = head(request, full=full)
    outlined = orjson.dumps(data.pop("request"))
    return orjson.dumps(data), outlined


def told(old: bytes, new: bytes, *, full: bool = False) -> tuple[str, list[str]]:
    changes = differences(head(old, full=full), Asked.of(new))
    return verdict(changes), lines(changes)


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    body = copy.deepcopy(BASE)
    change(body)
    return canonical(body)


def put(*path: Any) -> Callable[[dict[str, Any]], None]:
    """A change that puts the last of these where the others lead."""
    *way, name, value = path

    def change(body: Any) -> None:
        for step in way:
            body = body[step]
        body[name] = value

    return change


HI = {"role": "user", "content": "Hi"}
MIDDLE = f"{LONG[:5000]}INSERTED{LONG[5000:]}"

# What is done to the request; the verdict; the differences.
CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str, list[str]]] = {
    "prompt": (
        put("messages", 1, "content", "Describe it in 4 words"),
        "the prompt changed",
        ['messages[1].content: "Describe it in 3 words" → "Describe it in 4 words"'],
    ),
    "model": (put("model", "gpt-4.1"), "the model changed", ['model: "gpt-4o" → "gpt-4.1"']),
    "field added": (
        put("seed", 7),
        "it has a field that the recording lacks: a newer SDK may send that",
        ["+ seed: 7"],
    ),
    "field added within": (
        put("tools", 0, "function", "strict", True),
        "it has a field that the recording lacks: a newer SDK may send that",
        ["tools[0].function: + strict: true"],
    ),
    "two fields added": (
        lambda body: body.update(seed=7, store=False),
        "it has 2 fields that the recording lacks: a newer SDK may send that",
        ["+ seed: 7", "+ store: false"],
    ),
    "field removed": (
        lambda body: body.pop("temperature"),
        "it lacks a field that the recording has: another SDK may have sent that",
        ["temperature: 0.7 → (absent)"],
    ),
    "field retyped": (
        put("temperature", "0.7"),
        "temperature changed",
        ['temperature: 0.7 → "0.7"'],
    ),
    "text to parts": (
        put("messages", 1, "content", [{"type": "text", "text": "Describe it in 3 words"}]),
        "the prompt changed",
        [
            'messages[1].content: "Describe it in 3 words" → '
            '[{"text": "Describe it in 3 words", "type": "text"}]'
        ],
    ),
    "number in a list": (put("stop", 2, 4), "stop[2] changed", ["stop[2]: 3 → 4"]),
    "message inserted": (
        lambda body: body["messages"].insert(1, HI),
        "the conversation changed: 1 more",
        ['messages[1]: inserted: {"content": "Hi", "role": "user"}'],
    ),
    "message appended": (
        lambda body: body["messages"].append(HI),
        "the conversation changed: 1 more",
        ['messages[4]: inserted: {"content": "Hi", "role": "user"}'],
    ),
    "message removed": (
        lambda body: body["messages"].pop(0),
        "the conversation changed: 1 fewer",
        [
            "messages[0] of the recording is gone: "
            '{"content": "You are a helpful assistant.", "role": "system"}'
        ],
    ),
    "messages swapped": (
        lambda body: body["messages"].insert(0, body["messages"].pop(1)),
        "the conversation is in another order",
        ["messages: the same elements in another order: [1] [0]"],
    ),
    "message inserted, another edited": (
        lambda body: (
            put("messages", 1, "content", "Describe it in 4 words")(body),
            body["messages"].insert(1, HI),
        ),
        "the conversation changed",
        [
            'messages[1]: inserted: {"content": "Hi", "role": "user"}',
            'messages[2].content: "Describe it in 3 words" → "Describe it in 4 words"',
        ],
    ),
    "message moved, another added": (
        lambda body: (
            body["messages"].insert(0, body["messages"].pop(2)),
            body["messages"].append(HI),
        ),
        "the conversation changed",
        [
            "messages[0]: moved here from [2]",
            'messages[4]: inserted: {"content": "Hi", "role": "user"}',
        ],
    ),
    "tool renamed": (
        put("tools", 0, "function", "name", "get_weather"),
        "the tools changed",
        ['tools[0].function.name: "weather" → "get_weather"'],
    ),
    "tool removed": (
        lambda body: body["tools"].pop(1),
        "the tools changed",
        [
            "tools[1] of the recording is gone: "
            '{"function": {"name": "stocks", "parameters": {"type": "object"}}, "type": "function"}'
        ],
    ),
    "middle of 10 KB": (
        put("messages", 3, "content", MIDDLE),
        "the prompt changed",
        [
            f'messages[3].content: (not stored) → "…{LONG[4851:5000]}INSERTED{LONG[5000:5039]}…" '
            "(characters 4,868 to 5,032 of 10,008; 10,000 were recorded)",
            '(of long texts only the ends are stored; requests="full" stores all)',
        ],
    ),
    "start of 10 KB": (
        put("messages", 3, "content", f"Well, {LONG}"),
        "the prompt changed",
        [
            'messages[3].content: "word268 word1694…" → "Well, word268 word1694…" '
            "(characters 1 to 6 of 10,006; 10,000 were recorded)"
        ],
    ),
    "end of 10 KB": (
        put("messages", 3, "content", f"{LONG}."),
        "the prompt changed",
        [
            f'messages[3].content: "…{LONG[-16:]}" → "…{LONG[-16:]}." '
            "(characters 10,001 to 10,001 of 10,001; 10,000 were recorded)"
        ],
    ),
    "many": (
        lambda body: body.update({f"option_{number:02}": number for number in range(20)}),
        "it has 20 fields that the recording lacks: a newer SDK may send that",
        [*(f"+ option_{number:02}: {number}" for number in range(12)), "… and 8 more"],
    ),
    "nothing": (lambda body: None, "nothing differs in what was kept of it", []),
}


@pytest.mark.parametrize("name", CHANGES)
def test_names_exactly_what_changed(name: str) -> None:
    change, kind, expected = CHANGES[name]
    new = changed(change)
    got_kind, got = told(canonical(BASE), new)
    assert got == expected
    assert got_kind == kind


BASE_URL, OTHER_URL = GEMINI, GEMINI.replace("2.0", "2.5")


@pytest.mark.parametrize(
    ("old", "new", "kind", "expected"),
    [
        (
            canonical({}, GEMINI),
            canonical({}, OTHER_URL),
            "the model changed",
            "model (in the path): gemini-2.0-flash → gemini-2.5-flash",
        ),
        (
            canonical({}, f"{GEMINI}?alt=sse"),
            canonical({}, GEMINI),
            "the query of the URL changed",
            'query alt: "sse" → (none)',
        ),
        (
            canonical({}, GEMINI),
            canonical({}, GEMINI.replace("v1beta", "v1")),
            "the path of the URL changed",
            "path: /v1beta/models/gemini-2.0-flash:generateContent → "
            "/v1/models/gemini-2.0-flash:generateContent",
        ),
        (
            canonical({}, URL),
            canonical({}, "http://localhost:8000/v1/chat/completions"),
            "it was recorded from another host",
            "host: api.openai.com → localhost:8000",
        ),
        (
            canonical({}, URL, {"anthropic-beta": "pdfs"}),
            canonical({}, URL, {"anthropic-beta": "pdfs,tokens"}),
            "a header changed that decides the answer",
            'header anthropic-beta: "pdfs" → "pdfs, tokens"',
        ),
        (
            canonical({}, URL),
            canonical({}, URL, scope="draft-2"),
            "it was recorded in another scope",
            'scope: (none) → "draft-2"',
        ),
        (
            canonical({}, URL),
            canonical({}, URL, repeat=2),
            "it was asked more often than it was recorded",
            "repeat: (none) → 2",
        ),
        (
            canonical({"n": 1.0}),
            canonical({"n": 1}),
            "n changed",
            "n: 1.0 → 1",
        ),
        (
            canonical({"ok": 1}),
            canonical({"ok": True}),
            "ok changed",
            "ok: 1 → true",
        ),
        (
            canonical({"big": 2**70, "a b": 1}),
            canonical({"big": 2**70 + 1, "a b": 1}),
            "big changed",
            f"big: {2**70} → {2**70 + 1}",
        ),
        (
            canonical({"input": [0.5] * 1000}),
            canonical({"input": [0.5] * 5 + [0.25] + [0.5] * 994}),
            "the prompt changed",
            f"input: …5{',0.5' * 13}… → …5{',0.5' * 3},0.25{',0.5' * 14}… "
            "(numbers [5] to [15] of 1,000)",
        ),
        (
            canonical(b"plain text, not JSON"),
            canonical(b"plain text, no JSON"),
            "body changed",
            'body: "plain text, not JSON" → "plain text, no JSON"',
        ),
        (
            canonical(b"\xff\xfe binary"),
            canonical(b"\xff\xfe binary, longer"),
            "body changed",
            "body: 9 bytes (2233a497…) → 17 bytes (b143d1e2…)",
        ),
        (
            canonical({"a b": {"c.d": 1}}),
            canonical({"a b": {"c.d": 2}}),
            '["a b"]["c.d"] changed',
            '["a b"]["c.d"]: 1 → 2',
        ),
    ],
)
def test_names_what_is_not_in_the_messages(
    old: bytes, new: bytes, kind: str, expected: str
) -> None:
    got_kind, got = told(old, new)
    assert (got_kind, got[0].partition(" (characters")[0]) == (kind, expected)


def test_full_requests_show_what_stood_there() -> None:
    new = changed(put("messages", 3, "content", MIDDLE))
    _, [line] = told(canonical(BASE), new, full=True)
    around = LONG[4984:5000]
    assert line.startswith(f'messages[3].content: "…{around}{LONG[5000:5016]}…" → "…{around}INSERT')
    assert line.endswith("(characters 5,001 to 5,008 of 10,008; 10,000 were recorded)")


text = st.text(st.sampled_from("ab\n é"), max_size=300)


@given(text, text, st.booleans())
@settings(max_examples=100, deadline=None)
def test_texts_that_differ_are_told_apart(old: str, new: str, full: bool) -> None:
    got = told(canonical({"x": old}), canonical({"x": new}), full=full)[1]
    assert bool(got) == (old != new)


@given(*[st.lists(st.integers(0, 4), max_size=6)] * 2)
@settings(max_examples=100, deadline=None)
def test_lists_lead_from_one_to_the_other(old: list[int], new: list[int]) -> None:
    """What is dropped and inserted, moved and changed accounts for every element."""
    before, after = ([{"id": number} for number in side] for side in (old, new))
    changes = differences(head(canonical({"x": before})), Asked.of(canonical({"x": after})))
    kinds = [change.kind for change in changes]
    assert len(new) - len(old) == kinds.count("inserted") - kinds.count("dropped")
    assert bool(changes) == (old != new)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=250),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values, values, st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_two_requests_can_be_compared(old: Any, new: Any, full: bool) -> None:
    first, second = canonical({"x": old}), canonical({"x": new})
    found = closest(Asked.of(second), [recorded(first, full=full)])
    assert found.head is not None
    got = told(first, second, full=full)[1]
    assert bool(got) == (first != second)


def test_an_entry_without_its_texts_is_compared_with_another() -> None:
    """As `cachy why` does, which has two outlines."""
    new = changed(put("messages", 3, "content", MIDDLE))
    [line, _] = lines(differences(head(canonical(BASE)), Asked.again(head(new))))
    assert line.startswith("messages[3].content: (not stored) → (not stored) (characters 4,")


# ---- The closest ----


def crowd(count: int) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Requests of one application: the same instructions and tools, other questions and texts."""
    chance = random.Random(2)
    for number in range(count):
        body = copy.deepcopy(BASE)
        body["messages"][1]["content"] = " ".join(chance.choices(WORDS, k=8))
        body["messages"][3]["content"] = " ".join(chance.choices(WORDS, k=60))
        if number % 3 == 0:
            body["temperature"] = 0.5
        yield canonical(body), body


CROWD = list(crowd(5000))
HEADS = [recorded(request) for request, _ in CROWD]


@pytest.mark.parametrize("name", [name for name in CHANGES if "10 KB" not in name])
def test_the_closest_of_5000_is_the_right_one(name: str) -> None:
    change = CHANGES[name][0]
    place = sum(map(ord, name)) * 7919 % len(CROWD)
    body = copy.deepcopy(CROWD[place][1])
    change(body)
    if name in ("prompt", "text to parts", "message inserted, another edited"):
        words = CROWD[place][1]["messages"][1]["content"].split()
        body["messages"][1]["content"] = " ".join([*words[:-1], "changed"])
    found = closest(Asked.of(canonical(body)), HEADS)
    assert found.head is not None
    assert found.head["key"] == keys.digest(CROWD[place][0])
    assert (found.seen, found.same) == (5000, 5000)


def test_the_closest_of_long_texts_that_share_their_ends() -> None:
    """A template with the document in its middle: words do not tell them apart, pieces do."""
    chance = random.Random(3)
    documents = [" ".join(chance.choices(WORDS, k=600)) for _ in range(300)]
    prompts = [f"{LONG[:300]} {document} {LONG[:300]}" for document in documents]
    heads = [recorded(canonical({"prompt": prompt})) for prompt in prompts]
    edited = prompts[77][:4000] + "!" + prompts[77][4000:]
    found = closest(Asked.of(canonical({"prompt": edited})), heads)
    assert found.head is not None
    assert found.head["key"] == keys.digest(canonical({"prompt": prompts[77]}))


def test_the_same_endpoint_comes_first() -> None:
    elsewhere = canonical(BASE, "https://openrouter.ai/api/v1/chat/completions")
    here = canonical({"model": "other", "messages": []})
    asked = Asked.of(canonical(BASE))
    found = closest(asked, [recorded(request) for request in (elsewhere, here)])
    assert found.head is not None
    assert found.head["url"] == URL
    assert (found.same, found.seen) == (1, 2)


def test_a_model_in_the_path_is_a_field_like_any_other() -> None:
    other_model, other_prompt = canonical(BASE, OTHER_URL), canonical({"contents": []}, GEMINI)
    asked = Asked.of(canonical(BASE, GEMINI))
    found = closest(asked, [recorded(request) for request in (other_prompt, other_model)])
    assert found.head is not None
    assert found.head["url"] == OTHER_URL


def store_of(root: Path, requests: list[bytes]) -> DirStore:
    """A store as `put` would have made it, without waiting for the disk."""
    for number, request in enumerate(requests):
        frame = codec.dumps(Entry(head(request), b'{"answer": "' + b"words " * 200 + b'"}'))
        name = name_of(keys.digest(request)[:32], 1_700_000_000 + number, frame)
        folder = root / name[:2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.entry").write_bytes(seal(name, frame))
    return DirStore(root)


def test_5000_recordings_are_searched_in_no_time(tmp_path: Path) -> None:
    store = store_of(tmp_path / ".cachy", [request for request, _ in CROWD])
    body = copy.deepcopy(CROWD[4][1])  # among the oldest: read last
    body["temperature"] = 0.1
    asked = canonical(body)
    took = []
    for _ in range(3):
        started = time.perf_counter()
        why = misses.explain(store, asked, keys.digest(asked), budget=5)
        took.append(time.perf_counter() - started)
    assert why.differences == ["temperature: 0.7 → 0.1"]
    assert keys.digest(CROWD[4][0])[:8] in why.reason
    assert "the closest of 5,000 recordings of this endpoint" in why.reason
    assert min(took) < 1  # alone on a machine it is under 0.2

    started = time.perf_counter()
    why = misses.explain(store, asked, keys.digest(asked), budget=0.01)
    assert "(of the newest " in why.reason
    assert time.perf_counter() - started < 0.8


def test_why_an_entry_was_recorded_anew(tmp_path: Path) -> None:
    old, new = canonical(BASE), changed(put("temperature", 0.1))
    store = store_of(tmp_path / ".cachy", [old])
    later = head(new) | {"recorded": "2026-11-03T10:00:00Z"}
    why = misses.why(store.root, later)
    assert why.differences == ["temperature: 0.7 → 0.1"]
    assert why.reason == (
        f"temperature changed; the closest of 1 recording of this endpoint "
        f"is {keys.digest(old)[:8]} of 2026-11-02"
    )
    assert misses.why(store.root, head(old)).reason.startswith("nothing was recorded before it")
