"""Each kind of difference has its words, and many have a verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chats import LONG
from hypothesis import given
from hypothesis import strategies as st

from cachy.explain.words import Difference, brief, join_path, lines, verdict
from cachy.rules.outline import shorten_text


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (Difference("n", "changed", "1", "2"), "n: 1 → 2"),
        (Difference("seed", "added", after="7"), "+ seed: 7"),
        (Difference("tools[0].strict", "added", after="true"), "tools[0]: + strict: true"),
        (Difference('a["b c"]', "added", after="1"), 'a: + "b c": 1'),
        (Difference("seed", "removed", before="7"), "seed: 7 → (absent)"),
        (Difference("m[1]", "inserted", after='"x"'), 'm[1]: inserted: "x"'),
        (Difference("m[1]", "dropped", before='"x"'), 'm[1] of the recording is gone: "x"'),
        (Difference("m[1]", "moved", before="[3]"), "m[1]: moved here from [3]"),
        (
            Difference("m", "reordered", after="[1] [0]"),
            "m: the same elements in another order: [1] [0]",
        ),
        (Difference("{path}", "changed", "{0}", "{after}"), "{path}: {0} → {after}"),
    ],
)
def test_a_difference_in_words(difference: Difference, expected: str) -> None:
    assert str(difference) == expected


def test_the_path_of_a_field() -> None:
    assert join_path("", "a") == "a"
    assert join_path("a[0]", "b-c_$") == "a[0].b-c_$"
    assert join_path("a", "b c") == 'a["b c"]'
    assert join_path("", "x.y") == '["x.y"]'
    assert join_path("a", "") == 'a[""]'


def changed(*paths: str, kind: str = "changed") -> list[Difference]:
    return [Difference(path, kind, "1", "2") for path in paths]


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([], "nothing differs in what was stored of it"),
        (changed("model"), "the model changed"),
        (changed("model (in the path)"), "the model changed"),
        (changed("scope"), "it was recorded in another scope"),
        (changed("repeat"), "it was sent more often than it was recorded"),
        (changed("path"), "the path of the URL changed"),
        (changed("host"), "it was recorded from another host"),
        (changed("header a", "header b"), "a header that decides the answer changed"),
        (changed("query a", "query b"), "the query of the URL changed"),
        (changed("query", "documents[0]"), "the prompt changed"),
        (changed("header a", "scope"), "2 things differ"),
        (changed("model", "n"), "2 things differ"),
        (changed("n"), "n changed"),
        (changed("tools[0].name", "tools[1]"), "the tools changed"),
        (
            changed("seed", kind="added"),
            "it has a field that the recording lacks: a newer SDK may send that",
        ),
        (
            changed("seed", "n", kind="removed"),
            "it lacks 2 fields that the recording has: another SDK may have sent that",
        ),
        (
            changed("messages[0]", "messages[2]", kind="inserted")
            + changed("messages[1]", kind="dropped"),
            "the conversation changed: 2 more, 1 fewer",
        ),
        (changed("messages", kind="reordered"), "the conversation is in another order"),
        (changed("messages[0]", kind="moved"), "the conversation is in another order"),
        (
            changed("messages[0]", kind="moved") + changed("messages[1].content"),
            "the conversation changed",
        ),
    ],
)
def test_the_verdict_on_many(differences: list[Difference], expected: str) -> None:
    assert verdict(differences) == expected


def test_at_most_twelve_lines_and_a_note_on_what_is_not_stored() -> None:
    many = changed(*(f"option_{number}" for number in range(20)))
    assert lines(many[:12]) == [str(each) for each in many[:12]]
    assert lines(many)[12:] == ["… and 8 more"]
    unknown = many[0]._replace(unknown=True)
    assert lines([unknown])[1].startswith("(of long texts only the ends are stored")
    assert lines([*many[:12], unknown])[12:] == ["… and 1 more"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Hi", '"Hi"'),
        ('a "quoted"\ntext', r'"a \"quoted\"\ntext"'),
        ("é", '"é"'),
        (None, "null"),
        ({"a": [1, True]}, '{"a": [1, true]}'),
        ("a" * 60, f'"{"a" * 60}"'),
        ("a" * 40 + "b" * 40, f'"{"a" * 30}…{"b" * 20}" (80 characters)'),
        (["a" * 61], f'["{"a" * 30}…"]'),
        (shorten_text(LONG), f'"{LONG[:30]}…{LONG[-20:]}" (10,000 characters)'),
        ([shorten_text(LONG)], f'["{LONG[:30]}…"]'),
        (list(range(100)), json.dumps(list(range(100)))[:120] + "…"),
    ],
)
def test_values_in_brief(value: Any, expected: str) -> None:
    assert brief(value) == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=100), inner, max_size=5)
    ),
    max_leaves=10,
)


@given(json_values)
def test_values_in_brief_are_short(value: Any) -> None:
    # escapes make six characters of one
    assert len(brief(value)) <= 6 * 60 + len(' (300 characters)"…"')
