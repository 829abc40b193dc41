"""An entry as the page shows it: masked, bounded, and told as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import shown
from hypothesis import given, settings
from hypothesis import strategies as st
from many import add, make_entry
from stores import NOW

from cachy.page import view as views
from cachy.page.reading import read
from cachy.store.entry import Entry
from cachy.store.folder import File
from cachy.upkeep.index import Flaw, row_of

NAMES = (
    "messages", "content", "role", "parts", "text", "tool_calls", "function", "choices", "message",
    "delta", "annotations", "citations", "url", "title", "data", "type", "output", "usage", "…",
)  # fmt: skip
TOKEN = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2


def seen(root: Path, entry: Entry) -> dict[str, Any]:
    """What the page shows of an entry, through a file; it must be JSON."""
    path = add(root, entry, NOW)
    found = read(File(str(path), path.stem, False))
    assert found is not None
    assert not isinstance(found, Flaw)
    shown = views.view(*found)
    parts = (views.head_text(found[1]), views.raw_text(found[1]), views.events(found[1]))
    assert orjson.dumps([shown, parts])
    assert TOKEN not in str([shown, parts])
    return shown


def test_a_chat_with_tools(root: Path) -> None:
    found = seen(root, shown.weather())
    roles = [turn["role"] for turn in found["asked"]]
    assert roles == ["system", "user", "assistant", "tool", "user"]
    assert found["answered"] == [
        {"role": "assistant", "text": "Yes: it is raining, at 9 °C.", "cut": 0}
    ]
    assert (found["finish"], found["usage"]) == ("stop", {"input": 186, "output": 14})
    assert (found["ms"], found["model"]) == (740, "gpt-4o-mini")
    assert seen(root, shown.shell("ls"))["answered"][1]["role"] == "tool call"


def test_reasoning_citations_and_media(root: Path) -> None:
    streamed = seen(root, shown.streamed())
    assert [turn["role"] for turn in streamed["answered"]] == ["thinking", "assistant"]
    assert streamed["finish"] == "end_turn"
    cited = seen(root, shown.cited())["citations"]
    assert next(source["title"] for source in cited) == "Download Python"
    assert cited[1]["url"] == "https://peps.python.org/pep-0745/"
    (image,) = seen(root, shown.picture())["media"]
    assert (image["kind"], image["where"]) == ("image/png", "answer")


@pytest.mark.parametrize(
    "answer",
    [
        {"content": [{"type": "text", "citations": [{"url": "https://a.example", "title": "A"}]}]},
        {"candidates": [{"groundingChunks": [{"web": {"uri": "https://a.example"}}]}]},
        {"citations": ["https://a.example"]},
        {"output": [{"annotations": [{"type": "url_citation", "url": "https://a.example"}]}]},
    ],
)
def test_sources_of_every_api(root: Path, answer: Any) -> None:
    (source,) = seen(root, shown.entry({}, answer))["citations"]
    assert source["url"] == "https://a.example"


def test_credentials_are_masked_everywhere(root: Path) -> None:
    said = shown.entry(
        shown.ask("gpt-4o", f"my key is {TOKEN}"),
        {"choices": [{"message": {"content": f"key: {TOKEN}"}}], "citations": [{"title": TOKEN}]},
    )
    found = seen(root, said)
    assert "<" in found["asked"][0]["text"]
    events = b'data: {"choices": [{"delta": {"content": "%s"}}]}\n\n' % TOKEN.encode()
    seen(root, shown.entry({}, events, stream="sse"))


def test_long_texts_are_cut_and_say_so(root: Path) -> None:
    found = seen(root, shown.entry({}, shown.completion("word " * 50_000)))
    (turn,) = found["answered"]
    assert len(turn["text"]) == views.LONGEST_TURN
    assert turn["cut"] == 250_000
    entry = shown.entry({}, b"x" * 2_000_000)
    assert views.raw_text(entry)["cut"] == 2_000_000
    assert len(views.raw_text(entry)["text"]) == views.LONGEST_RAW


def test_binary_bodies_are_shown_in_hex() -> None:
    entry = make_entry(1)._replace(body=bytes(range(40)))
    first = views.raw_text(entry)["text"].splitlines()[0]
    assert first.startswith("000000  00 01 02 03")
    assert views.raw_text(entry)["cut"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 3000 + b"]" * 3000,
        orjson.dumps({"choices": [{"message": {"content": {"a": [1]}}}], "citations": 7}),
        b'{"choices": "x", "annotations": [[["y"]], null, {"url": 7, "title": []}]}',
        b"\xff\xfe\x00",
        b"",
    ],
)
def test_whatever_an_entry_holds_is_shown(root: Path, body: bytes) -> None:
    for stream in (None, "sse", "ndjson"):
        seen(root, shown.entry({"messages": {"a": 1}, "model": ["x"]}, body, stream=stream))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=12,
)


@settings(max_examples=150)
@given(request=JSON, answer=JSON, stream=st.sampled_from([None, "sse", "ndjson", "json-array"]))
def test_no_json_breaks_the_view(request: Any, answer: Any, stream: str | None) -> None:
    entry = shown.entry({}, answer, stream=stream, times=answer)
    entry.head["request"] = {"body": request}
    file = File("/store/aa/x.entry", "a" * 32 + "-" + "0" * 24, False)
    found = views.view(row_of(file, 1, entry), entry)
    assert orjson.dumps([found, views.events(entry), views.head_text(entry)])
