"""Daemon threads that do what may never end."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from cachy.remote.workers import Workers


def test_a_thread_is_used_again() -> None:
    entered: list[int] = []
    workers = Workers(lambda: entered.append(threading.get_ident()))
    seen = set()
    for number in range(20):
        future = workers.submit(lambda number=number: (threading.get_ident(), number))  # type: ignore[misc]
        assert future is not None
        thread, result = future.result(5)
        assert result == number
        seen.add(thread)
    assert len(seen) <= 20
    assert set(entered) == seen


def test_an_error_is_the_waiters() -> None:
    future = Workers(lambda: None).submit(lambda: 1 // 0)
    assert future is not None
    with pytest.raises(ZeroDivisionError):
        future.result(5)


def test_where_all_hang_nothing_is_started() -> None:
    gate = threading.Event()
    workers = Workers(lambda: None, most=2)
    hanging = [workers.submit(gate.wait) for _ in range(2)]
    assert workers.submit(lambda: None) is None
    gate.set()
    for each in hanging:
        assert each is not None
        assert each.result(5)


def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    code = (
        "import threading; from cachy.remote.workers import Workers\n"
        "Workers(lambda: None).submit(threading.Event().wait)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == 0
