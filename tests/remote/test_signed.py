"""A bucket by signed URLs: how a forked process uses it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

import pytest
from engine_contract import LIMIT, EngineContract, entry, new_key
from servers import Seaweed, Server, environment_of

from cachy.remote.address import parse
from cachy.remote.buckets import BucketEngine
from cachy.remote.engine import Denied, Engine, Misconfigured, RemoteError
from cachy.remote.objects import pack, place_of
from cachy.remote.opening import open_engine


def signed(server: Server, url: str = "") -> Engine:
    with environment_of(server.variables):
        return BucketEngine(parse(url or server.url)).after_fork()


class TestMoto(EngineContract):
    LISTS = False

    @pytest.fixture
    def engine(self, moto: Server) -> Engine:
        return signed(moto)


@pytest.mark.remote
class TestAzurite(EngineContract):
    LISTS = False

    @pytest.fixture
    def engine(self, azurite: Server) -> Engine:
        return signed(azurite)


def test_no_bucket_and_nobody_there(moto: Server) -> None:
    path = place_of(new_key())
    with pytest.raises(Misconfigured, match="the bucket is not there"):
        signed(moto, moto.url.replace("//team/", "//other/")).create(path, b"x")
    with pytest.raises(RemoteError):
        signed(moto, "s3://team?endpoint=http://127.0.0.1:1").get(path, LIMIT)


@pytest.mark.remote
def test_an_identity_that_may_only_read(seaweed: Server) -> None:
    with environment_of(Seaweed.READ_ONLY):
        reader = BucketEngine(parse(seaweed.url)).after_fork()
    assert reader.get(place_of(new_key()), LIMIT) is None
    with pytest.raises(Denied):
        reader.create(place_of(new_key()), b"x")


@pytest.fixture
def used(moto: Server) -> Iterator[tuple[Engine, str, str]]:
    """An engine that this process has used, its URL, and a key that is there."""
    key = new_key()
    with environment_of(moto.variables):
        engine = open_engine(parse(moto.url))
        engine.create(place_of(key), pack(*entry(key)))
        yield engine, moto.url, key


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("opens", [False, True])
def test_a_forked_child_does_not_hang(used: tuple[Engine, str, str], opens: bool) -> None:
    engine, url, key = used
    if not (child := os.fork()):
        import signal

        signal.alarm(20)
        code = 1
        with suppress(BaseException):
            mine = open_engine(parse(url)) if opens else engine.after_fork()
            code = 0 if mine.get(place_of(key), LIMIT) is not None else 2
        os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
