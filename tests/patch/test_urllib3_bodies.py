"""The bodies of live responses of urllib3, as they are recorded."""

from __future__ import annotations

import gzip
import json
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from clients import CHAT, PLAIN, json_body
from standin import Behaviour, Standin

from cachy import disable_cachy, enable_cachy

JSON = {"content-type": "application/json"}


@pytest.fixture
def session(standin: Standin) -> Iterator[Any]:
    yield enable_cachy(store={})
    disable_cachy()


@pytest.fixture
def manager(standin: Standin) -> Iterator[Any]:
    with urllib3.PoolManager(ssl_context=ssl.create_default_context()) as manager:
        yield manager


def post(manager: Any, asked: Any = PLAIN, **options: Any) -> Any:
    return manager.request("POST", CHAT, body=json_body(asked), headers=JSON, **options)


@pytest.mark.parametrize("preload", [True, False])
def test_an_encoded_body_that_is_read_as_it_is(
    manager: Any, standin: Standin, session: Any, preload: bool
) -> None:
    standin.behave(Behaviour(encoding="gzip"))
    live = post(manager, decode_content=False, preload_content=preload)
    body = live.data if preload else live.read()
    assert body.startswith(b"\x1f\x8b")
    assert post(manager).data == gzip.decompress(body)
    assert len(standin.calls) == 1


def test_read_encoded_in_two_ways(manager: Any, standin: Standin, session: Any) -> None:
    standin.behave(Behaviour(encoding="gzip"))
    live = post(manager, preload_content=False)
    raw = live.read(10, decode_content=False)
    raw += b"".join(live.stream(7, decode_content=False))
    hit = post(manager, preload_content=False)
    assert hit.read() == gzip.decompress(raw)
    assert len(standin.calls) == 1


@pytest.mark.parametrize("preload", [True, False])
def test_a_length_that_is_not_enforced(
    manager: Any, standin: Standin, session: Any, preload: bool
) -> None:
    """A client may accept less than what was announced; it is passed on, and not kept."""
    with standin.behave(Behaviour(misstate_length=7)):
        options = {"enforce_content_length": False, "retries": False}
        try:
            live = post(manager, preload_content=preload, **options)
            assert json.loads(b"".join(live.stream(8)))
        except urllib3.exceptions.ProtocolError:
            assert preload  # http.client itself complains of a body that is read at once
    assert session.stats.recorded == 0
    assert sum(session.stats.skipped.values()) == 1


def test_a_class_stays_what_it_was(manager: Any, session: Any) -> None:
    live = post(manager, preload_content=False)
    assert issubclass(type(live), urllib3.HTTPResponse)
    assert type(live).__name__ == "HTTPResponse"
    assert type(live).__module__ == "urllib3.response"
    assert live._original_response.isclosed() is False
    live.close()
