"""What is in force in one thread, carried into another."""

from __future__ import annotations

from threading import Thread

from cachy.engine import context
from cachy.engine.context import SESSION, carry, within


def seen() -> tuple[object, str]:
    return context.over.get(), context.scope.get()


def in_a_thread(function: object) -> object:
    found: list[object] = []
    thread = Thread(target=lambda: found.append(function()))  # type: ignore[operator]
    thread.start()
    thread.join()
    return found[0]


def test_nothing_to_carry() -> None:
    assert carry(seen) is seen
    assert seen() == (SESSION, "")


def test_what_is_in_force_is_carried() -> None:
    with within(None, "draft"):
        live, answer = carry(seen), carry(lambda number, more: number + more)
    assert seen() == (SESSION, "")
    assert in_a_thread(live) == (None, "draft")
    assert answer(1, more=2) == 3
    with within(None, "other"):
        assert live() == (None, "draft")  # as where it was carried from
        assert seen() == (None, "other")
