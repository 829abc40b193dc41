"""The queue of what is to be pushed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cachy.remote import uploads
from cachy.remote.uploads import Upload, Uploads
from cachy.remote.workers import Workers

ONE = Upload("name", "path", False, lambda said: None)


def waiting(gate: threading.Event) -> Callable[[Upload], None]:
    def push(upload: Upload) -> None:
        gate.wait()

    return push


def test_all_are_pushed_and_flush_waits() -> None:
    pushed: list[str] = []
    queue = Uploads(Workers(lambda: None), lambda upload: pushed.append(upload.name))
    for number in range(500):
        assert queue.add(ONE._replace(name=str(number)))
    assert queue.flush(10) == 0
    assert sorted(map(int, pushed)) == list(range(500))


def test_flush_does_not_wait_for_ever() -> None:
    gate = threading.Event()
    queue = Uploads(Workers(lambda: None), waiting(gate))
    for _ in range(6):
        queue.add(ONE)
    assert queue.flush(0.05) == 6
    gate.set()
    assert queue.flush(10) == 0


def test_what_finds_no_room() -> None:
    gate = threading.Event()
    queue = Uploads(Workers(lambda: None), waiting(gate))
    added = [queue.add(ONE) for _ in range(uploads.ROOM + 10)]
    assert added.count(False) in range(1, 11)
    gate.set()
    assert queue.flush(10) == 0
