"""A remote as the steps of a call use it, in the thread of a test."""

from __future__ import annotations

from concurrent.futures import wait
from pathlib import Path
from typing import Any

from engine_contract import entry

from cachy.remote.tier import Outcome, Remote
from cachy.remote.uploads import Upload
from cachy.store.files import write_whole
from cachy.store.layout import make_local, tmp


def fetch(remote: Remote, key: str, budget: float = 5, tries: int = 1) -> Outcome:
    """Do what the steps of a call do, in this thread."""
    asked, came = remote.fetch(key, budget, tries), None
    while True:
        try:
            future, seconds = next(asked) if came is None else asked.send(came)
        except StopIteration as done:
            outcome: Outcome = done.value
            return outcome
        came = bool(wait([future], seconds).done)


def push(remote: Remote, root: Path, key: str, *, replaces: bool = False, **more: Any) -> list[str]:
    """Push an entry, and return what is said of it."""
    name, data = entry(key, **more)
    make_local(str(root))
    path = root / f"{name}.entry"
    write_whole(str(path), data, tmp(str(root)))
    said: list[str] = []
    remote.push(Upload(name, str(path), replaces, said.append))
    assert remote.flush(10) == 0
    return said
