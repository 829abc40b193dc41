"""What changed is named, exactly."""

from __future__ import annotations

from typing import Any

import pytest
from chats import (
    BASE,
    EDITS,
    GEMINI,
    LONG,
    MIDDLE,
    NEWER_GEMINI,
    URL,
    canonical,
    edited,
    head,
    put,
    recorded,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from cachy.explain.closest import closest
from cachy.explain.diff import differences
from cachy.explain.request import MissedRequest
from cachy.explain.words import lines, verdict


def compared(old: bytes, new: bytes, *, full: bool = False) -> tuple[str, list[str]]:
    found = differences(head(old, full=full), MissedRequest.from_canonical(new))
    return verdict(found), lines(found)


# The verdict and the differences, by the name of the edit.
EXPECTED: dict[str, tuple[str, list[str]]] = {
    "prompt": (
        "the prompt changed",
        ['messages[1].content: "Describe it in 3 words" → "Describe it in 4 words"'],
    ),
    "model": (
        "the model changed",
        ['model: "gpt-4o" → "gpt-4.1"'],
    ),
    "field added": (
        "it has a field that the recording lacks: a newer SDK may send that",
        ["+ seed: 7"],
    ),
    "field added within": (
        "it has a field that the recording lacks: a newer SDK may send that",
        ["tools[0].function: + strict: true"],
    ),
    "two fields added": (
        "it has 2 fields that the recording lacks: a newer SDK may send that",
        ["+ seed: 7", "+ store: false"],
    ),
    "field removed": (
        "it lacks a field that the recording has: another SDK may have sent that",
        ["temperature: 0.7 → (absent)"],
    ),
    "field retyped": (
        "temperature changed",
        ['temperature: 0.7 → "0.7"'],
    ),
    "text to parts": (
        "the prompt changed",
        [
            'messages[1].content: "Describe it in 3 words" → '
            '[{"text": "Describe it in 3 words", "type": "text"}]'
        ],
    ),
    "number in a list": (
        "stop[2] changed",
        ["stop[2]: 3 → 4"],
    ),
    "message inserted": (
        "the conversation changed: 1 more",
        ['messages[1]: inserted: {"content": "Hi", "role": "user"}'],
    ),
    "message appended": (
        "the conversation changed: 1 more",
        ['messages[4]: inserted: {"content": "Hi", "role": "user"}'],
    ),
    "message removed": (
        "the conversation changed: 1 fewer",
        [
            "messages[0] of the recording is gone: "
            '{"content": "You are a helpful assistant.", "role": "system"}'
        ],
    ),
    "messages swapped": (
        "the conversation is in another order",
        ["messages: the same elements in another order: [1] [0]"],
    ),
    "message inserted, another edited": (
        "the conversation changed",
        [
            'messages[1]: inserted: {"content": "Hi", "role": "user"}',
            'messages[2].content: "Describe it in 3 words" → "Describe it in 4 words"',
        ],
    ),
    "message moved, another added": (
        "the conversation changed",
        [
            "messages[0]: moved here from [2]",
            'messages[4]: inserted: {"content": "Hi", "role": "user"}',
        ],
    ),
    "tool renamed": (
        "the tools changed",
        ['tools[0].function.name: "weather" → "get_weather"'],
    ),
    "tool removed": (
        "the tools changed",
        [
            "tools[1] of the recording is gone: "
            '{"function": {"name": "stocks", "parameters": {"type": "object"}}, "type": "function"}'
        ],
    ),
    "middle of 10 KB": (
        "the prompt changed",
        [
            f'messages[3].content: (not stored) → "…{LONG[4851:5000]}INSERTED{LONG[5000:5039]}…" '
            "(characters 4,868 to 5,032 of 10,008; 10,000 were recorded)",
            '(of long texts only the ends are stored; requests="full" stores all)',
        ],
    ),
    "start of 10 KB": (
        "the prompt changed",
        [
            'messages[3].content: "word268 word1694…" → "Well, word268 word1694…" '
            "(characters 1 to 6 of 10,006; 10,000 were recorded)"
        ],
    ),
    "end of 10 KB": (
        "the prompt changed",
        [
            f'messages[3].content: "…{LONG[-16:]}" → "…{LONG[-16:]}." '
            "(characters 10,001 to 10,001 of 10,001; 10,000 were recorded)"
        ],
    ),
    "many": (
        "it has 20 fields that the recording lacks: a newer SDK may send that",
        [*(f"+ option_{number:02}: {number}" for number in range(12)), "… and 8 more"],
    ),
    "nothing": (
        "nothing differs in what was stored of it",
        [],
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_names_exactly_what_changed(name: str) -> None:
    kind, expected = EXPECTED[name]
    got_kind, got = compared(canonical(BASE), edited(EDITS[name]))
    assert got == expected
    assert got_kind == kind


@pytest.mark.parametrize(
    ("old", "new", "kind", "expected"),
    [
        (
            canonical({}, GEMINI),
            canonical({}, NEWER_GEMINI),
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
            "a header that decides the answer changed",
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
            "it was sent more often than it was recorded",
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
    got_kind, got = compared(old, new)
    assert (got_kind, got[0].partition(" (characters")[0]) == (kind, expected)


def test_full_requests_show_what_stood_there() -> None:
    new = edited(put("messages", 3, "content", MIDDLE))
    _, [line] = compared(canonical(BASE), new, full=True)
    around = LONG[4984:5000]
    assert line.startswith(f'messages[3].content: "…{around}{LONG[5000:5016]}…" → "…{around}INSERT')
    assert line.endswith("(characters 5,001 to 5,008 of 10,008; 10,000 were recorded)")


text = st.text(st.sampled_from("ab\n é"), max_size=300)


@given(text, text, st.booleans())
@settings(max_examples=100, deadline=None)
def test_texts_that_differ_have_a_difference(old: str, new: str, full: bool) -> None:
    got = compared(canonical({"x": old}), canonical({"x": new}), full=full)[1]
    assert bool(got) == (old != new)


@given(*[st.lists(st.integers(0, 4), max_size=6)] * 2)
@settings(max_examples=100, deadline=None)
def test_lists_lead_from_one_to_the_other(old: list[int], new: list[int]) -> None:
    """What is dropped and inserted, moved and changed accounts for every element."""
    before, after = ([{"id": number} for number in side] for side in (old, new))
    changes = differences(
        head(canonical({"x": before})), MissedRequest.from_canonical(canonical({"x": after}))
    )
    kinds = [change.kind for change in changes]
    assert len(new) - len(old) == kinds.count("inserted") - kinds.count("dropped")
    assert bool(changes) == (old != new)


def list_differences(old: list[Any], new: list[Any]) -> list[str]:
    """What differs between two lists of objects with these names."""
    before, after = (canonical({"x": [{"name": name} for name in names]}) for names in (old, new))
    return compared(before, after)[1]


def test_equal_elements_are_matched_one_by_one() -> None:
    assert list_differences(["a", "a", "b"], ["b", "a", "a"]) == [
        "x: the same elements in another order: [2] [0] [1]"
    ]
    assert list_differences(["a", "b"], ["b", "a", "a"]) == [
        "x[0]: moved here from [1]",
        'x[2]: inserted: {"name": "a"}',
    ]


def test_replaced_elements_are_paired_with_the_most_similar() -> None:
    assert list_differences(
        ["start", "Describe it in 3 words", "end"], ["new", "Describe it in 4 words"]
    ) == [
        'x[2] of the recording is gone: {"name": "end"}',
        'x[0].name: "start" → "new"',
        'x[1].name: "Describe it in 3 words" → "Describe it in 4 words"',
    ]
    assert list_differences(
        ["Describe it in 3 words"], ["new", "Describe it in 4 words", "newer"]
    ) == [
        'x[0]: inserted: {"name": "new"}',
        'x[1].name: "Describe it in 3 words" → "Describe it in 4 words"',
        'x[2]: inserted: {"name": "newer"}',
    ]


def test_one_change_in_a_long_conversation_is_one_difference() -> None:
    turns = [f"turn {number % 7}" for number in range(1000)]
    assert list_differences(turns, [*turns[:500], "new", *turns[500:]]) == [
        'x[500]: inserted: {"name": "new"}'
    ]
    assert list_differences(turns, [*turns[:500], "new", *turns[501:]]) == [
        'x[500].name: "turn 3" → "new"'
    ]


def test_lists_too_long_to_match_are_compared_by_position() -> None:
    old, new = ([f"{side} {number}" for number in range(200)] for side in ("old", "new"))
    assert list_differences(old, [*new, "last"])[0] == 'x[0].name: "old 0" → "new 0"'
    assert list_differences(old, [*new, "last"])[-1] == "… and 189 more"


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
    found = closest(MissedRequest.from_canonical(second), [recorded(first, full=full)])
    assert found.head is not None
    got = compared(first, second, full=full)[1]
    assert bool(got) == (first != second)


def test_an_entry_without_its_texts_is_compared_with_another() -> None:
    """As `cachy why` does, which has two outlines."""
    new = edited(put("messages", 3, "content", MIDDLE))
    [line, _] = lines(differences(head(canonical(BASE)), MissedRequest.from_head(head(new))))
    assert line.startswith("messages[3].content: (not stored) → (not stored) (characters 4,")
