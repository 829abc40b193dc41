"""Redis as remote."""

from __future__ import annotations

from typing import Any

import pytest
from engine_contract import LIMIT, EngineContract, entry, new_key
from servers import Server

from cachy.remote.address import parse
from cachy.remote.engine import Denied, Engine, RemoteError
from cachy.remote.objects import pack, place_of
from cachy.remote.redis import RedisEngine


def opened(url: str) -> RedisEngine:
    return RedisEngine(parse(url))


class TestRedis(EngineContract):
    KNOWS_AGE = False

    @pytest.fixture
    def engine(self, redis_server: Server) -> Engine:
        return opened(redis_server.url)


def client(server: Server) -> Any:
    import redis

    return redis.Redis(port=server.port)


def test_its_names_are_short(redis_server: Server) -> None:
    key, packed = new_key(), pack(*entry(new_key()))
    opened(redis_server.url).create(place_of(key), packed)
    assert client(redis_server).get(f"cachy:1:{key}") == packed
    teams = opened(f"{redis_server.url}?prefix=team")
    assert teams.get(place_of(key), LIMIT) is None
    teams.create(place_of(key), packed)
    assert client(redis_server).get(f"cachy:team:1:{key}") == packed


def test_another_kind_of_value(redis_server: Server) -> None:
    key = new_key()
    client(redis_server).rpush(f"cachy:1:{key}", "x")
    with pytest.raises(RemoteError, match="WRONGTYPE"):
        opened(redis_server.url).get(place_of(key), LIMIT)


def test_an_identity_that_may_only_read(redis_server: Server) -> None:
    client(redis_server).execute_command(
        *("ACL", "SETUSER", "reader", "on", ">word", "~cachy:*", "+getrange", "+auth", "+hello")
    )
    reader = opened(redis_server.url.replace("//", "//reader:word@"))
    key = new_key()
    assert reader.get(place_of(key), LIMIT) is None
    with pytest.raises(Denied):
        reader.create(place_of(key), b"x")
    wrong = opened(redis_server.url.replace("//", "//reader:sesame@"))
    with pytest.raises(Denied):
        wrong.get(place_of(key), LIMIT)


def test_nobody_there() -> None:
    pytest.importorskip("redis")
    with pytest.raises(RemoteError, match="refused"):
        opened("redis://127.0.0.1:1/0").get(place_of(new_key()), LIMIT)
