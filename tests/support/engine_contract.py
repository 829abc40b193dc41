"""What every engine promises: a suite that each inherits, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from chaos import Chaos
from store_contract import SECOND, frame

from cachy.remote.engine import Engine, Found, TooLarge
from cachy.remote.objects import RUNS, key_at, pack, place_of, unpack
from cachy.remote.tier import put
from cachy.store.names import name_of, seal

LIMIT = 2**20


def entry(key: str, body: bytes = b"body", second: int = SECOND) -> tuple[str, bytes]:
    """Return the name and the file of an entry."""
    data = frame(body, key)
    name = name_of(key, second, data)
    return name, seal(name, data)


def new_key() -> str:
    return uuid4().hex


class EngineContract:
    """Inherit it, and define `engine`."""

    LISTS = True
    KNOWS_AGE = True

    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        raise NotImplementedError

    def test_what_was_created_can_be_got(self, engine: Engine) -> None:
        key = new_key()
        path = place_of(key)
        assert engine.get(path, LIMIT) is None
        packed = pack(*entry(key))
        assert engine.create(path, packed) is True
        found = engine.get(path, LIMIT)
        assert found is not None
        assert found.data == packed
        assert unpack(key, found.data).entry.body == b"body"

    def test_the_first_one_wins(self, engine: Engine) -> None:
        key = new_key()
        path = place_of(key)
        first, second = pack(*entry(key, b"first")), pack(*entry(key, b"second", SECOND + 1))
        assert engine.create(path, first) is True
        assert engine.create(path, second) is False
        assert self.body(engine, key) == b"first"

    def test_of_many_who_create_at_once_one_does(self, engine: Engine) -> None:
        key = new_key()
        some = [pack(*entry(key, b"%d" % number, SECOND + number)) for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            done = list(pool.map(lambda packed: engine.create(place_of(key), packed), some))
        assert sum(done) == 1
        assert self.body(engine, key) == b"%d" % done.index(True)

    def test_what_has_the_tag_is_replaced(self, engine: Engine) -> None:
        key = new_key()
        path = place_of(key)
        engine.create(path, pack(*entry(key, b"first")))
        first = self.found(engine, key)
        assert engine.replace(path, pack(*entry(key, b"second", SECOND + 1)), first.tag) is True
        assert self.body(engine, key) == b"second"
        assert engine.replace(path, pack(*entry(key, b"third", SECOND + 2)), first.tag) is False
        assert self.body(engine, key) == b"second"

    def test_what_is_not_there_is_not_replaced(self, engine: Engine) -> None:
        key, other = new_key(), new_key()
        engine.create(place_of(other), pack(*entry(other)))
        tag = self.found(engine, other).tag
        assert engine.replace(place_of(key), pack(*entry(key)), tag) is False
        assert engine.get(place_of(key), LIMIT) is None

    def test_of_recordings_that_replace_the_newest_wins(self, engine: Engine) -> None:
        key = new_key()
        assert put(engine, *entry(key, b"a", SECOND), replaces=True)
        assert put(engine, *entry(key, b"c", SECOND + 2), replaces=True)
        assert not put(engine, *entry(key, b"b", SECOND + 1), replaces=True)
        assert not put(engine, *entry(key, b"d", SECOND + 3), replaces=False)
        assert self.body(engine, key) == b"c"

    def test_a_large_object_is_whole(self, engine: Engine) -> None:
        key = new_key()
        body = bytes(range(256)) * 20_000
        packed = pack(*entry(key, body))
        assert engine.create(place_of(key), packed)
        assert self.found(engine, key, 2**26).data == packed

    def test_an_object_over_the_limit_is_not_read(self, engine: Engine) -> None:
        key = new_key()
        name, data = entry(key)
        engine.create(place_of(key), pack(name, data))
        with pytest.raises(TooLarge):
            engine.get(place_of(key), len(name) + len(data))
        assert engine.get(place_of(key), len(name) + 1 + len(data)) is not None

    def test_objects_of_other_paths(self, engine: Engine) -> None:
        path = RUNS + new_key()
        assert engine.get(path, LIMIT) is None
        assert engine.create(path, b'{"keys": []}')
        found = engine.get(path, LIMIT)
        assert found is not None
        assert found.data == b'{"keys": []}'
        assert engine.replace(path, b"{}", found.tag)
        again = engine.get(path, LIMIT)
        assert again is not None
        assert again.data == b"{}"

    def test_objects_are_listed_and_removed(self, engine: Engine) -> None:
        if not self.LISTS:
            pytest.skip("this kind of remote cannot be listed")
        keys = {new_key() for _ in range(5)}
        packed = {key: pack(*entry(key)) for key in keys}
        for key in keys:
            engine.create(place_of(key), packed[key])
        engine.create(RUNS + new_key(), b"{}")
        listed = {each.path: each for each in engine.listing("1/")}
        assert keys <= {key_at(path) for path in listed}
        for key in keys:
            each = listed[place_of(key)]
            assert each.size == len(packed[key])
            assert (each.changed is not None) is self.KNOWS_AGE
        assert all(each.path.startswith(RUNS) for each in engine.listing(RUNS))
        gone = sorted(keys)[:2]
        engine.delete([place_of(key) for key in gone])
        engine.delete([place_of(new_key())])
        left = {key_at(each.path) for each in engine.listing("1/")}
        assert left & keys == keys - set(gone)

    def found(self, engine: Engine, key: str, limit: int = LIMIT) -> Found:
        found = engine.get(place_of(key), limit)
        assert found is not None
        return found

    def body(self, engine: Engine, key: str) -> bytes:
        return unpack(key, self.found(engine, key).data).entry.body


__all__ = ["LIMIT", "Chaos", "EngineContract", "entry", "new_key"]
