"""What every store promises: a suite that each implementation inherits."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest

from cachy.store.base import Store, Where
from cachy.store.entry import Entry, dumps, loads
from cachy.store.names import is_name, key_in, second_in

KEY = "ab" * 16
NEIGHBOUR = "ab" + "cd" * 15  # of the same shard
SECOND = 0x6741F0A3


class Reports(list[tuple[str, str]]):
    """What a store reports on its way."""

    def __call__(self, where: str, what: str) -> None:
        self.append((where, what))


def no_report(where: str, what: str) -> None:
    pytest.fail(f"{where}: {what}")


def frame(body: bytes = b"body", key: str = KEY) -> bytes:
    head = {"cachy": 1, "key": key + "0" * 32, "status": 200, "headers": [], "ms": 1}
    return dumps(Entry(head, body))


def body_of(store: Store, key: str = KEY, report: Any = no_report) -> bytes | None:
    entry = store.get(key, report)
    return entry and entry.body


class StoreContract:
    """Inherit it, and define `store`: an empty one."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    def test_what_was_put_can_be_got(self, store: Store) -> None:
        assert store.get(KEY, no_report) is None
        kept = store.put(KEY, frame(), SECOND)
        assert kept.where is Where.SHARED
        assert kept.name.startswith(f"{KEY}-{SECOND:08x}")
        assert store.get(KEY, no_report) == loads(frame(), replay=True)
        assert store.get(NEIGHBOUR, no_report) is None

    def test_the_newest_counts(self, store: Store) -> None:
        for number in range(5):
            store.put(KEY, frame(b"%d" % number), SECOND)  # all within one second
            assert body_of(store) == b"%d" % number

    def test_a_clock_that_was_ahead_does_not_win_for_ever(self, store: Store) -> None:
        store.put(KEY, frame(b"from the future"), SECOND + 10**6)
        store.put(KEY, frame(b"new"), SECOND)
        assert body_of(store) == b"new"

    def test_a_private_recording_never_leaves_this_machine(self, store: Store) -> None:
        kept = store.put(KEY, frame(b"private"), SECOND, private=True)
        assert is_name(kept.name)
        assert kept.where in (Where.PRIVATE, Where.NOWHERE)
        assert body_of(store) == (b"private" if kept.where is Where.PRIVATE else None)

    def test_names_are_listed_newest_first(self, store: Store) -> None:
        assert store.names() == []
        store.put(KEY, frame(b"old"), SECOND)
        store.put(NEIGHBOUR, frame(b"new", NEIGHBOUR), SECOND + 1)
        names = store.names()
        assert names is not None
        assert [key_in(name) for name in names] == [NEIGHBOUR, KEY]
        assert [loads(store.frame(name)).body for name in names] == [b"new", b"old"]
        assert all(store.locate(name) for name in names)

    def test_no_frame_of_a_name_that_it_does_not_hold(self, store: Store) -> None:
        with pytest.raises(KeyError):
            store.frame(f"{KEY}-{'0' * 24}")

    def test_what_was_dropped_is_a_miss(self, store: Store) -> None:
        name = store.put(KEY, frame(b"one"), SECOND).name
        store.put(NEIGHBOUR, frame(b"other", NEIGHBOUR), SECOND)
        store.drop({name, f"{'0' * 32}-{'0' * 24}"})
        assert body_of(store) is None
        assert body_of(store, NEIGHBOUR) == b"other"
        assert [key_in(name) for name in store.names() or ()] == [NEIGHBOUR]
        store.put(KEY, frame(b"again"), SECOND)
        assert body_of(store) == b"again"

    def test_it_has_a_label(self, store: Store) -> None:
        assert store.label
        assert repr(store) == store.label

    def test_threads_may_share_it(self, store: Store) -> None:
        def work(number: int) -> None:
            key = f"{number:02x}" * 16
            for turn in range(10):
                store.put(key, frame(b"%d" % turn, key), SECOND)
                assert body_of(store, key) == b"%d" % turn

        threads = [Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [body_of(store, f"{number:02x}" * 16) for number in range(4)] == [b"9"] * 4

    def test_stamps_fit(self, store: Store) -> None:
        """A clock beyond the year 2106 does not break the name."""
        kept = store.put(KEY, frame(), 2**40)
        assert is_name(kept.name)
        assert second_in(kept.name) == 0xFFFFFFFF
