"""What only urllib.request has. What holds for all clients is in test_clients.py."""

from __future__ import annotations

import http.client
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen, urlretrieve

import pytest
from clients import CHAT, PLAIN, STREAM, json_body
from standin import Behaviour, Standin, error, json_answer, redirect

from cachy import CacheMiss, disable_cachy, enable_cachy

JSON = {"Content-Type": "application/json"}
MODELS = "https://api.openai.com/v1/models"


@pytest.fixture
def session(standin: Standin) -> Iterator[Any]:
    yield enable_cachy(store={})
    disable_cachy()


def ask(asked: Any = PLAIN, url: str = CHAT, **options: Any) -> Any:
    return urlopen(Request(url, json_body(asked), JSON, **options), timeout=10)


def look(response: Any) -> dict[str, Any]:
    with response:
        return {
            "type": type(response).__name__,
            "status": (response.status, response.code, response.getcode(), response.reason),
            "msg": response.msg,
            "version": response.version,
            "url": (response.url, response.geturl()),
            "type of content": response.info().get_content_type(),
            "header": response.getheader("content-type"),
            "body": response.read(),
            "closed": response.isclosed(),
            "rest": response.read(),
        }


def test_a_hit_looks_like_its_miss(standin: Standin, session: Any) -> None:
    for asked in (PLAIN, STREAM):
        assert look(ask(asked)) == look(ask(asked))
    assert len(standin.calls) == 2
    hit = ask()
    assert issubclass(type(hit), http.client.HTTPResponse)
    assert hit.cachy["from"] == "store"


def test_a_live_response_stays_its_class(standin: Standin, session: Any) -> None:
    live = ask()
    assert isinstance(live, http.client.HTTPResponse)
    assert type(live).__name__ == "HTTPResponse"
    assert type(live).__module__ == "http.client"
    assert json.load(live)["model"]
    assert session.stats.recorded == 1


def test_wrappers_of_the_io_module(standin: Standin, session: Any) -> None:
    seen = []
    for _ in range(2):
        with ask(STREAM) as response:
            seen.append([*io.TextIOWrapper(response, "utf-8")])
    assert seen[0] == seen[1]
    assert len(standin.calls) == 1


def test_get_and_retrieve(standin: Standin, session: Any, tmp_path: Any) -> None:
    bodies = {urlopen(MODELS).read() for _ in range(2)}
    urlretrieve(MODELS, tmp_path / "models.json")
    assert bodies == {(tmp_path / "models.json").read_bytes()}
    assert len(standin.calls) == 1


@pytest.mark.parametrize("status", [404, 422])
def test_errors_are_raised(standin: Standin, status: int) -> None:
    enable_cachy(store={}, errors=True)
    standin.behave(error(status))
    seen = []
    for _ in range(2):
        with pytest.raises(HTTPError) as failure:
            ask()
        with failure.value as response:
            seen.append((response.code, response.msg, response.read(), response.geturl()))
    assert seen[0] == seen[1]
    assert len(standin.calls) == 1
    disable_cachy()


def test_redirects_are_followed(standin: Standin, session: Any) -> None:
    standin.behave(Behaviour(answer=json_answer({"moved": True})))
    standin.behave(redirect("/v1/new", 303))
    assert look(ask()) == look(ask())
    assert [call.method for call in standin.calls] == ["POST", "GET"]


def test_a_generator_is_sent_as_before(standin: Standin, session: Any) -> None:
    text = json_body(PLAIN)
    for length in ({}, {"Content-Length": str(len(text))}):
        request = Request(CHAT, iter([text[:9], text[9:]]), JSON | length)
        urlopen(request).close()
    standin.reset()
    enable_cachy(store={})
    for length in ({}, {"Content-Length": str(len(text))}):
        request = Request(CHAT, iter([text[:9], text[9:]]), JSON | length)
        assert urlopen(request).read() == ask().read()
    (call,) = standin.calls
    assert call.body == text
    assert call.headers["transfer-encoding"] == "chunked"


def test_a_miss_is_no_urlerror(standin: Standin) -> None:
    """`except URLError` and `except OSError` do not hide it."""
    enable_cachy(store={}, mode="replay")
    with pytest.raises(CacheMiss) as miss:
        ask()
    assert not isinstance(miss.value, URLError | OSError)
    assert standin.calls == []
    disable_cachy()
