"""The closest recording is the right one, also of very many."""

from __future__ import annotations

import copy
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chats import (
    BASE,
    EDITS,
    GEMINI,
    LONG,
    NEWER_GEMINI,
    URL,
    WORDS,
    canonical,
    edited,
    head,
    put,
    recorded,
)

from cachy import explain as misses
from cachy.explain.closest import closest
from cachy.explain.request import MissedRequest
from cachy.rules import key as keys
from cachy.store import entry as codec
from cachy.store.entry import Entry
from cachy.store.folder import DirStore
from cachy.store.names import name_of, seal


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


@pytest.mark.parametrize("name", [name for name in EDITS if "10 KB" not in name])
def test_the_closest_of_5000_is_the_right_one(name: str) -> None:
    place = sum(map(ord, name)) * 7919 % len(CROWD)
    body = copy.deepcopy(CROWD[place][1])
    EDITS[name](body)
    if name in ("prompt", "text to parts", "message inserted, another edited"):
        words = CROWD[place][1]["messages"][1]["content"].split()
        body["messages"][1]["content"] = " ".join([*words[:-1], "changed"])
    found = closest(MissedRequest.from_canonical(canonical(body)), HEADS)
    assert found.head is not None
    assert found.head["key"] == keys.digest(CROWD[place][0])
    assert (found.seen, found.same) == (5000, 5000)


def test_the_closest_of_long_texts_that_share_their_ends() -> None:
    """A template with the document in its middle: words do not tell them apart, pieces do."""
    chance = random.Random(3)
    documents = [" ".join(chance.choices(WORDS, k=600)) for _ in range(300)]
    prompts = [f"{LONG[:300]} {document} {LONG[:300]}" for document in documents]
    heads = [recorded(canonical({"prompt": prompt})) for prompt in prompts]
    other = prompts[77][:4000] + "!" + prompts[77][4000:]
    found = closest(MissedRequest.from_canonical(canonical({"prompt": other})), heads)
    assert found.head is not None
    assert found.head["key"] == keys.digest(canonical({"prompt": prompts[77]}))


def test_the_same_endpoint_comes_first() -> None:
    elsewhere = canonical(BASE, "https://openrouter.ai/api/v1/chat/completions")
    here = canonical({"model": "other", "messages": []})
    request = MissedRequest.from_canonical(canonical(BASE))
    found = closest(request, [recorded(each) for each in (elsewhere, here)])
    assert found.head is not None
    assert found.head["url"] == URL
    assert (found.same, found.seen) == (1, 2)


def test_a_model_in_the_path_is_a_field_like_any_other() -> None:
    other_model, other_prompt = canonical(BASE, NEWER_GEMINI), canonical({"contents": []}, GEMINI)
    request = MissedRequest.from_canonical(canonical(BASE, GEMINI))
    found = closest(request, [recorded(each) for each in (other_prompt, other_model)])
    assert found.head is not None
    assert found.head["url"] == NEWER_GEMINI


def store_of(root: Path, requests: list[bytes]) -> DirStore:
    """A store as `put` would have made it, without waiting for the disk."""
    for number, request in enumerate(requests):
        frame = codec.dumps(Entry(head(request), b'{"answer": "' + b"words " * 200 + b'"}'))
        name = name_of(keys.digest(request)[:32], 1_700_000_000 + number, frame)
        folder = root / name[:2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.entry").write_bytes(seal(name, frame))
    return DirStore(root)


@pytest.mark.timing
def test_5000_recordings_are_searched_in_no_time(tmp_path: Path) -> None:
    store = store_of(tmp_path / ".cachy", [request for request, _ in CROWD])
    body = copy.deepcopy(CROWD[4][1])  # among the oldest: read last
    body["temperature"] = 0.1
    request = canonical(body)
    took = []
    for _ in range(3):
        started = time.perf_counter()
        why = misses.explain(store, request, keys.digest(request), budget=5)
        took.append(time.perf_counter() - started)
    assert why.differences == ["temperature: 0.7 → 0.1"]
    assert keys.digest(CROWD[4][0])[:8] in why.reason
    assert "the closest of 5,000 recordings of this endpoint" in why.reason
    assert min(took) < 1  # alone on a machine it is under 0.2

    started = time.perf_counter()
    why = misses.explain(store, request, keys.digest(request), budget=0.01)
    assert "(of the newest " in why.reason
    assert time.perf_counter() - started < 0.8


def test_why_an_entry_was_recorded_anew(tmp_path: Path) -> None:
    old, new = canonical(BASE), edited(put("temperature", 0.1))
    store = store_of(tmp_path / ".cachy", [old])
    later = head(new) | {"recorded": "2026-11-03T10:00:00Z"}
    why = misses.why(store, later)
    assert why.differences == ["temperature: 0.7 → 0.1"]
    assert why.reason == (
        f"temperature changed; the closest of 1 recording of this endpoint "
        f"is {keys.digest(old)[:8]} of 2026-11-02"
    )
    assert misses.why(store, head(old)).reason.startswith("nothing was recorded before it")


def test_a_budget_that_ran_out_claims_nothing_of_what_was_not_read(tmp_path: Path) -> None:
    """Of 50 recordings few are read: what was not seen may be of this endpoint."""
    others = [edited(put("seed", number)) for number in range(50)]
    store = store_of(tmp_path / ".cachy", others)
    request = canonical(BASE, "https://api.openai.com/v1/embeddings")
    whole = misses.explain(store, request, keys.digest(request), budget=5)
    assert whole.reason.startswith("nothing was recorded for this endpoint; from api.openai.com")
    part = misses.explain(store, request, keys.digest(request), budget=0)
    assert re.match(r"none \(of the newest \d+ of 50 recordings\) is of this endpoint", part.reason)
    request = canonical(BASE, "https://api.anthropic.com/v1/messages")
    part = misses.explain(store, request, keys.digest(request), budget=0)
    assert re.match(r"none \(of the newest \d+ of 50 .*\) is from api\.anthropic\.com", part.reason)


def test_the_clock_starts_when_all_is_loaded(tmp_path: Path) -> None:
    """The first miss of a process is compared with as many recordings as the second."""
    store = store_of(tmp_path / ".cachy", [edited(put("seed", n)) for n in range(40)])
    code = (
        "import sys, time\n"
        "from cachy import explain\n"
        "from cachy.store import entry\n"
        "from cachy.store.folder import DirStore\n"
        "first = entry.lines\n"
        "def slow(frame):\n"
        "    if not hasattr(slow, 'done'): slow.done = True; time.sleep(0.3)\n"
        "    return first(frame)\n"
        "entry.lines = slow\n"
        "request = sys.stdin.buffer.read()\n"
        "print(explain.explain(DirStore(sys.argv[1]), request, '0' * 64).reason)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, store.root], input=canonical(BASE), capture_output=True
    )
    assert b"; the closest of " in done.stdout, done
    assert b"(of the newest 1 of 40 recordings)" not in done.stdout


def test_a_store_of_which_nothing_can_be_read_is_not_empty(tmp_path: Path) -> None:
    store = store_of(tmp_path / ".cachy", [canonical(BASE)])
    for path in Path(store.root).glob("*/*.entry"):
        path.write_bytes(b"\0damaged")
    why = misses.explain(store, canonical(BASE), "0" * 64)
    assert why.reason.startswith("of the 1 recording in the store none can be read: `cachy fsck`")


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ("What is the capital of France?", "What is the capital of Spain?", "the prompt changed"),
        ("What is the capital of France?", "Write a haiku about autumn", "no prompt like this"),
        ("hi", "hello", "the prompt changed"),
        ("c'd", "off", "no prompt like this"),
        ("Say it", "Write a haiku", "no prompt like this"),
        ("one two three " * 200, "four five six " * 200, "no prompt like this"),
        ("one two three " * 200, "one two three " * 200 + "more", "the prompt changed"),
    ],
)
def test_an_unrelated_question_is_not_a_change(
    old: str, new: str, verdict: str, tmp_path: Path
) -> None:
    before, after = (
        canonical(BASE | {"messages": [{"role": "user", "content": text}]}) for text in (old, new)
    )
    store = store_of(tmp_path / ".cachy", [before])
    explained = misses.explain(store, after, keys.digest(after))
    assert explained.reason.startswith(verdict)
    assert "; the closest of 1 recording of this endpoint is " in explained.reason
    assert bool(explained.differences) == (verdict == "the prompt changed")


def test_a_new_question_to_another_host_and_model_is_not_a_change(tmp_path: Path) -> None:
    old = {"model": "a", "messages": [{"role": "user", "content": "c'd"}]}
    new = {"model": "b", "messages": [{"role": "user", "content": "off"}]}
    before = canonical(old, url="http://127.0.0.1:8123/v1/chat/completions")
    why = misses.explain(store_of(tmp_path / ".cachy", [before]), canonical(new), "0" * 64)
    assert why.reason.startswith("no prompt like this was recorded; ")
    assert why.differences == []


def test_another_last_turn_of_a_conversation_is_shown(tmp_path: Path) -> None:
    turns = [{"role": role, "content": role * 9} for role in ("user", "assistant")]
    before, after = (
        canonical({"messages": [*turns, {"role": "user", "content": text}]})
        for text in ("c'd", "off")
    )
    why = misses.explain(store_of(tmp_path / ".cachy", [before]), after, "0" * 64)
    assert why.reason.startswith("the prompt changed; ")
    assert why.differences == ['messages[2].content: "c\'d" → "off"']
