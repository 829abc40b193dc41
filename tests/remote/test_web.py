"""A web server as remote."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from chaos import Chaos
from engine_contract import LIMIT, EngineContract, entry, new_key
from servers import Web

from cachy.remote.address import parse
from cachy.remote.engine import Denied, Engine, Misconfigured, RemoteError, TooLarge
from cachy.remote.objects import pack, place_of
from cachy.remote.web import TOKEN_VARIABLE, WebEngine


def opened(url: str, *, trusted: bool = True) -> WebEngine:
    return WebEngine(parse(url, trusted=trusted))


class TestWeb(EngineContract):
    LISTS = False

    @pytest.fixture
    def engine(self, web: Web) -> Engine:
        return opened(web.url)


PATH = place_of("0af1" * 8)


def test_a_server_that_takes_nothing(web: Web) -> None:
    web.writes = False
    with pytest.raises(Denied, match="405 Method Not Allowed"):
        opened(web.url).create(PATH, b"x")


def test_credentials(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.token = "Bearer abc"
    with pytest.raises(Denied, match="401"):
        opened(web.url).get(PATH, LIMIT)
    monkeypatch.setenv(TOKEN_VARIABLE, "abc")
    assert opened(web.url).get(PATH, LIMIT) is None
    with pytest.raises(Denied):  # a file of the repository named it: it gets no token
        opened(web.url, trusted=False).get(PATH, LIMIT)
    web.token = "Basic bWU6d29yZCE="
    assert opened(web.url.replace("//", "//me:word%21@")).get(PATH, LIMIT) is None


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (302, Misconfigured, "give the URL that it leads to"),
        (500, RemoteError, "500 Internal Server Error"),
        (503, RemoteError, "503 Service Unavailable"),
        (403, Denied, "403 Forbidden"),
    ],
)
def test_what_it_answers_else(web: Web, status: int, error: type[Exception], said: str) -> None:
    web.answers = status, {}, b""
    with pytest.raises(error, match=said):
        opened(web.url).get(PATH, LIMIT)


def test_a_body_of_1_gb_is_not_read(web: Web) -> None:
    web.answers = 200, {"Content-Length": str(2**30)}, b"x" * (LIMIT + 10)
    with pytest.raises(TooLarge):
        opened(web.url).get(PATH, LIMIT)


def test_a_server_that_gives_no_tags(web: Web) -> None:
    web.answers = 200, {}, pack(*entry(new_key()))
    engine = opened(web.url)
    found = engine.get(PATH, LIMIT)
    assert found is not None
    with pytest.raises(Misconfigured, match="no ETags"):
        engine.replace(PATH, b"x", found.tag)


def test_connections_are_kept_and_made_again(web: Web) -> None:
    with Chaos(web.port) as chaos:
        engine = opened(web.at(chaos.port))
        for _ in range(3):
            engine.get(PATH, LIMIT)
        assert chaos.connections == 1
        chaos.illness = "well"  # which closes what is open
        assert engine.get(PATH, LIMIT) is None
        assert chaos.connections == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_connections_of_its_own(web: Web) -> None:
    engine = opened(web.url)
    engine.get(PATH, LIMIT)
    if not (child := os.fork()):
        code = 1
        with suppress(BaseException):
            code = 0 if engine.get(PATH, LIMIT) is None else 2
        os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert engine.get(PATH, LIMIT) is None
