"""What changed between two recordings of one request."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from many import make_entry
from pull_request import calls, chat

from cachy.store.entry import Entry
from cachy.upkeep.compare import NOTHING, Comparison, alone, compare
from cachy.upkeep.word_diff import marked

SECRET = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2


def texts(compared: Comparison) -> list[tuple[str, str]]:
    return [(part.role, marked(part.pieces)) for part in compared.parts]


def test_the_same() -> None:
    assert compare(chat(1, "Yes."), chat(1, "Yes.", again=1)) == NOTHING


def test_a_text() -> None:
    compared = compare(chat(1, "I will run ls"), chat(1, "I will run rm -rf /"))
    assert compared.risk == "answer"
    assert texts(compared) == [("assistant", "I will run [-ls-]{+rm -rf /+}")]
    assert str(compared.excerpt) == "I will run [-ls-]{+rm -rf /+}"


@pytest.mark.parametrize(
    ("old", "new", "notes", "shown"),
    [
        (["ls"], ["rm -rf /"], ["other arguments for bash"], ["[-ls-]{+rm -rf /+}"]),
        (["ls", "pwd"], ["pwd", "ls"], [], []),
        (["ls"], ["ls", "rm x"], ["now calls bash"], ["{+bash("]),
        (["ls", "rm x"], ["ls"], ["no longer calls bash"], ["[-bash("]),
        ([], ["a", "b"], ["now calls bash (2 times)"], ["{+bash(", "{+bash("]),
    ],
)
def test_tool_calls(old: list[str], new: list[str], notes: list[str], shown: list[str]) -> None:
    compared = compare(chat(1, "x", tool_calls=calls(*old)), chat(1, "x", tool_calls=calls(*new)))
    assert compared.notes == notes
    assert compared.risk == ("tool calls" if notes else "")
    for (role, text), wanted in zip(texts(compared), shown, strict=True):
        assert role == "tool call"
        assert wanted in text


def test_calls_come_before_texts() -> None:
    old = chat(1, "I look.", tool_calls=calls("ls"))
    new = chat(1, "I clean.", tool_calls=calls("rm -rf /"))
    assert [role for role, _ in texts(compare(old, new))] == ["tool call", "assistant"]
    assert "rm -rf /" in str(compare(old, new).excerpt)


def messages(stop: str, text: str) -> Entry:
    entry = make_entry(1)
    body = {"type": "message", "stop_reason": stop, "content": [{"type": "text", "text": text}]}
    return entry._replace(body=orjson.dumps(body))


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (chat(1, "Yes."), chat(1, "I'm sorry, but I can't help with that."), "now refuses"),
        (chat(1, "Yes."), chat(1, "", refusal="I will not."), "now refuses"),
        (chat(1, "Yes.", finish="content_filter"), chat(1, "Yes."), "no longer refuses"),
        (messages("end_turn", "Yes."), messages("refusal", ""), "now refuses"),
    ],
)
def test_refusals(old: Entry, new: Entry, note: str) -> None:
    compared = compare(old, new)
    assert note in compared.notes
    assert compared.risk == "refusal"


def with_head(entry: Entry, **values: Any) -> Entry:
    return entry._replace(head={**entry.head, **values})


def test_notes() -> None:
    old = with_head(chat(1, "word " * 10), usage={"input": 20, "output": 5})
    new = with_head(
        chat(1, "word " * 1000, model="gpt-4o-2024-11-20", finish="length"),
        usage={"input": 20, "output": 500, "cache_read": 16},
        status=201,
    )
    assert compare(old, new).notes == [
        "status 200 → 201",
        "ends with stop → length",
        "50 → 5,000 characters",
        "model gpt-4o → gpt-4o-2024-11-20",
        "tokens 5 → 500 out, 0 → 16 cached",
    ]
    assert compare(old, with_head(old, usage={"input": "many"})).risk == "details"


def test_an_entry_alone() -> None:
    added = alone(chat(1, "Look.", tool_calls=calls("rm -rf /")), "+")
    assert added.notes == ["calls bash"]
    assert str(added.excerpt) == 'bash({"command":"rm -rf /"})'
    assert texts(added) == [
        ("tool call", '{+bash({"command":"rm -rf /"})+}'),
        ("assistant", "{+Look.+}"),
    ]


def test_credentials_are_masked() -> None:
    compared = compare(chat(1, "none"), chat(1, f"it is {SECRET}", tool_calls=calls(SECRET)))
    assert SECRET not in repr(compared)


def test_thousands_of_calls() -> None:
    old = chat(1, "x", tool_calls=calls(*map(str, range(5000))))
    new = chat(1, "x", tool_calls=calls(*map(str, range(1, 5001))))
    compared = compare(old, new)
    assert compared.risk == "tool calls"
    assert len(compared.parts) < 600


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"\xff\x00", b'{"choices":7}',
     b'{"choices":[{"message":{"refusal":[]}}]}',
     b'{"output":[{"content":[7]}],"promptFeedback":3,"delta":4,"model":{}}'],
)  # fmt: skip
def test_any_body(body: bytes) -> None:
    odd = make_entry(1)._replace(body=body)
    compare(odd, make_entry(1))
    compare(make_entry(1), odd)
    alone(odd, "-")
