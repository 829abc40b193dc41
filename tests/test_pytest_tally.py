"""The counts of several sessions and processes, and what none of them used."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
from many import add, make_entry
from stores import OLD

from cachy import CacheMiss, Session, cachy
from cachy.pytest_tally import Tally, lines
from cachy.session import new_session
from cachy.store.folder import DirStore


def answer(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={})


def ask(folder: Path, *numbers: int) -> Session:
    transport = httpx.MockTransport(answer)
    with cachy(cache_dir=folder, fakes=True) as session, httpx.Client(transport=transport) as http:
        for number in numbers:
            http.post("https://api.openai.com/v1/chat/completions", json={"n": number})
    return session


def test_sessions_and_processes_are_added_up(tmp_path: Path) -> None:
    ask(tmp_path, 1, 2, 3, 4)
    here, there, whole = Tally(), Tally(), Tally()
    here.add(ask(tmp_path, 1, 1))
    there.add(ask(tmp_path, 2))
    there.add(ask(tmp_path, 2, 5))
    for each in here, there:
        whole.add_packed(json.loads(json.dumps(each.packed())))
    assert whole.counts == {"sessions": 3, "hits": 4, "misses": 1, "recorded": 1}
    assert len(whole.unused()) == 2
    told = [*lines(whole.unused())]
    assert len(told) == 3
    assert "`cachy gc --unused --since 1h --dry-run`" in told.pop()
    assert all(re.match(r"  [0-9a-f]{10}\b", line) for line in told)


def test_the_unused_fit_the_terminal_and_are_marked(tmp_path: Path) -> None:
    root = tmp_path / ".cachy"
    add(root, make_entry(1, prompt="words and " * 30), OLD)
    add(root, make_entry(1, again=1, prompt="words and " * 30), OLD + 1)
    add(root, make_entry(2), OLD, private=True)
    store = DirStore(root)
    *told, hint = lines([(store, name) for name in store.names()], 80)
    assert all(len(line) <= 80 for line in told)
    assert sorted(re.findall("superseded|private", "".join(told))) == ["private", "superseded"]
    assert len(told) == 3
    assert "gc --unused" in hint
    assert [*lines([], 80)] == []


def test_what_came_from_remotes() -> None:
    tally, other = Tally(), Tally()
    assert tally.of_remote() == ""
    session = new_session(store={})
    session.stats.remote.update({"found": 2, "absent": 1})
    tally.add(session)
    other.add_packed(json.loads(json.dumps(tally.packed())))
    other.add(session)
    assert other.of_remote() == "remote: 4 fetched, 2 not there"


def test_misses_are_told_by_reason() -> None:
    tally, other = Tally(), Tally()
    reasons = {"the prompt changed; the closest is a": 3, "the model changed": 1}
    for reason, number in reasons.items():
        session = new_session(store={})
        session.stats.missed += [
            CacheMiss(method="POST", url="u", model=None, store="s", reason=reason)
            for _ in range(number)
        ]
        tally.add(session)
    other.add_packed(tally.packed())
    assert other.missed("pytest --cachy=auto --lf") == [
        "3 requests missed: the prompt changed",
        "1 request missed: the model changed",
        "`pytest --cachy=auto --lf` records them, where the API can be reached",
    ]
    assert Tally().missed("") == []
