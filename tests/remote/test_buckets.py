"""Buckets as remotes, on servers that speak as S3 and Azure do. Google Cloud Storage is untested:
no emulator takes what obstore writes."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from engine_contract import LIMIT, EngineContract, entry, new_key
from servers import Seaweed, Server, environment_of

from cachy.remote.address import parse
from cachy.remote.buckets import BucketEngine
from cachy.remote.engine import Denied, Engine, Misconfigured, RemoteError
from cachy.remote.objects import pack, place_of

PATH = place_of("0af1" * 8)


def opened(url: str) -> BucketEngine:
    return BucketEngine(parse(url))


def on(server: Server) -> Iterator[BucketEngine]:
    with environment_of(server.variables):
        yield opened(server.url)


class TestMoto(EngineContract):
    @pytest.fixture
    def engine(self, moto: Server) -> Iterator[Engine]:
        yield from on(moto)


@pytest.mark.remote
class TestSeaweed(EngineContract):
    @pytest.fixture
    def engine(self, seaweed: Server) -> Iterator[Engine]:
        yield from on(seaweed)


@pytest.mark.remote
class TestAzurite(EngineContract):
    @pytest.fixture
    def engine(self, azurite: Server) -> Iterator[Engine]:
        yield from on(azurite)


def test_no_bucket(moto: Server) -> None:
    with environment_of(moto.variables):
        engine = opened(moto.url.replace("//team/", "//other/"))
    for does in (lambda: engine.get(PATH, LIMIT), lambda: engine.create(PATH, b"x")):
        with pytest.raises(Misconfigured, match="the bucket is not there"):
            does()


def test_nobody_there(moto: Server) -> None:
    with environment_of(moto.variables):
        engine = opened("s3://team?endpoint=http://127.0.0.1:1")
    with pytest.raises(RemoteError) as caught:
        engine.get(PATH, LIMIT)
    assert len(str(caught.value)) < 200


def test_no_credentials(moto: Server) -> None:
    with pytest.raises(Misconfigured, match="no credentials for S3 were found: set AWS_ACCESS"):
        opened(moto.url)


def test_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    for url, extra in (("s3://team", "s3"), ("gs://team", "gcs"), ("az://team", "azure")):
        with pytest.raises(Misconfigured, match=rf"pip install 'cachy-store\[{extra}\]'"):
            opened(url)


@pytest.mark.remote
def test_an_identity_that_may_only_read(seaweed: Server) -> None:
    key = new_key()
    with environment_of(seaweed.variables):
        opened(seaweed.url).create(place_of(key), pack(*entry(key)))
    with environment_of(Seaweed.READ_ONLY):
        reader = opened(seaweed.url)
    assert reader.get(place_of(key), LIMIT) is not None
    with pytest.raises(Denied):
        reader.create(place_of(new_key()), b"x")


@pytest.mark.remote
def test_wrong_credentials(seaweed: Server) -> None:
    for name, secret, said in (
        ("nobody", "x", "does not know these credentials"),
        ("admin", "wrong", "refuses these credentials"),
    ):
        with environment_of({"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": secret}):
            engine = opened(seaweed.url)
        with pytest.raises(Denied, match=said):
            engine.get(PATH, LIMIT)
