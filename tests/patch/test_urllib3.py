"""What only urllib3 has. What holds for all clients is in test_clients.py."""

from __future__ import annotations

import io
import json
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from clients import CHAT, PLAIN, STREAM, json_body
from standin import Behaviour, Standin, error, json_answer, redirect

from cachy import CacheMiss, CachyWarning, disable_cachy, enable_cachy
from cachy.patch import Patches
from cachy.patch import functions as patch_functions

TLS = ssl.create_default_context()
JSON = {"content-type": "application/json"}
HOST = "api.openai.com"
PATH = "/v1/chat/completions"


@pytest.fixture
def session(standin: Standin) -> Iterator[Any]:
    yield enable_cachy(store={})
    disable_cachy()


@pytest.fixture
def pool(standin: Standin) -> Iterator[Any]:
    """One host, one connection, and who needs a second one waits for it."""
    with urllib3.HTTPSConnectionPool(HOST, maxsize=1, block=True, ssl_context=TLS) as pool:
        yield pool


def post(pool: Any, asked: Any = PLAIN, **options: Any) -> Any:
    options = {"headers": JSON, "pool_timeout": 5, "retries": False} | options
    return pool.urlopen("POST", PATH, json_body(asked), **options)


def test_a_preloaded_hit(pool: Any, session: Any) -> None:
    miss, hit = post(pool), post(pool)
    for response in (miss, hit):
        assert issubclass(type(response), urllib3.HTTPResponse)
        assert response.isclosed()
        assert response.closed
        assert response.read() == b""
        assert [*response.stream()] == []
        assert response.data == miss.data
        assert json.loads(response.data)["model"]
        assert response.version == 11
        assert response.retries.total is False
        assert response.connection is None
        response.release_conn()
        response.drain_conn()
        response.close()
    assert hit.cachy["from"] == "store"
    assert miss.cachy == {"from": "network", "key": hit.cachy["key"]}


def test_a_hit_that_is_read_in_part(pool: Any, session: Any) -> None:
    post(pool, STREAM)
    for leave in ("release_conn", "drain_conn", "close"):
        response = post(pool, STREAM, preload_content=False)
        assert not response.isclosed()
        assert len(response.read(5)) == response.tell() == 5
        getattr(response, leave)()
    assert response.isclosed()
    text = io.TextIOWrapper(post(pool, STREAM, preload_content=False), "utf-8")
    text._CHUNK_SIZE = 1  # type: ignore[attr-defined]
    assert text.readline().startswith("data: {")


def test_chunks_are_those_of_the_live_response(pool: Any, standin: Standin, session: Any) -> None:
    standin.behave(Behaviour(pause=0.005))
    seen = [[*post(pool, STREAM, preload_content=False).stream()] for _ in range(2)]
    assert seen[0] == seen[1]
    assert len(seen[0]) > 3
    seen = [[*post(pool, STREAM, preload_content=False).read_chunked(3)] for _ in range(2)]
    assert seen[0] == seen[1]


def test_what_is_not_in_chunks_has_none(pool: Any, session: Any) -> None:
    for _ in range(2):
        response = post(pool, preload_content=False)
        with pytest.raises(urllib3.exceptions.ResponseNotChunked):
            next(response.read_chunked())
        assert response.read()


def test_a_pool_of_one(pool: Any, standin: Standin, session: Any) -> None:
    """A connection comes back when its body was read, left or dropped; a hit takes none."""
    first = post(pool, STREAM, preload_content=False)
    first.read(1)
    with pytest.raises(urllib3.exceptions.EmptyPoolError):
        post(pool, PLAIN | {"seed": 1}, pool_timeout=0.05)
    first.close()
    first.release_conn()  # which close() does not do
    assert session.stats.recorded == 0
    whole = post(pool, STREAM, preload_content=False).read()
    assert session.stats.recorded == 1
    second = post(pool, PLAIN | {"seed": 2}, preload_content=False)
    assert post(pool, STREAM).data == whole
    second.release_conn()
    assert pool.num_connections == 1


def test_arguments_by_position(pool: Any, standin: Standin, session: Any) -> None:
    seen = [
        pool.urlopen("POST", PATH, json_body(PLAIN), JSON, False, True, True, 5).data,
        pool.urlopen("POST", PATH, json_body(PLAIN), JSON, False, True).data,
        pool.urlopen(url=PATH, method="POST", body=json_body(PLAIN), headers=JSON).data,
    ]
    assert len({*seen}) == len(standin.calls) == 1


def test_headers_of_the_pool(standin: Standin, session: Any) -> None:
    with urllib3.HTTPSConnectionPool(HOST, headers=JSON, ssl_context=TLS) as pool:
        mine = pool.urlopen("POST", PATH, json_body(PLAIN))
        skipped: Any = {"accept-encoding": urllib3.util.SKIP_HEADER, b"user-agent": b"x", **JSON}
        assert pool.urlopen("POST", PATH, json_body(PLAIN), skipped).data == mine.data
    assert len(standin.calls) == 1


@pytest.mark.parametrize("status", [303, 307])
def test_a_pool_that_follows_redirects(
    pool: Any, standin: Standin, session: Any, status: int
) -> None:
    standin.behave(Behaviour(answer=json_answer({"moved": True})))
    standin.behave(redirect("/v1/new", status))
    seen = [post(pool, retries=urllib3.Retry(3)) for _ in range(2)]
    assert [json.loads(each.data) for each in seen] == [{"moved": True}] * 2
    assert [call.method for call in standin.calls] == ["POST", "GET" if status == 303 else "POST"]
    assert seen[0].retries.history == seen[1].retries.history
    assert seen[1].geturl() == "/v1/new"
    assert seen[1].retries.total == 2


def test_redirects_that_are_not_followed(pool: Any, standin: Standin, session: Any) -> None:
    standin.behave(redirect("/v1/new"))
    statuses = [
        post(pool, redirect=False).status,
        post(pool, redirect=False, retries=3).status,
        post(pool, retries=False).status,
        post(pool, retries=urllib3.Retry(0, raise_on_redirect=False)).status,
    ]
    assert statuses == [307] * 4
    with pytest.raises(urllib3.exceptions.MaxRetryError, match="too many redirects"):
        post(pool, retries=0)
    assert len(standin.calls) == 1


def test_history_of_a_manager(standin: Standin, session: Any) -> None:
    standin.behave(Behaviour(answer=json_answer({"moved": True})))
    standin.behave(redirect("https://api.openai.com/v1/new", 308))
    with urllib3.PoolManager(ssl_context=TLS) as manager:
        seen: list[Any] = [
            manager.request("POST", CHAT, body=b"{}", headers=JSON) for _ in range(2)
        ]
    assert seen[0].retries.history == seen[1].retries.history
    assert seen[1].geturl() == seen[0].geturl() == "https://api.openai.com/v1/new"
    assert len(standin.calls) == 2


def test_retries_are_part_of_the_call(pool: Any, standin: Standin, session: Any) -> None:
    """Of a status, and of a connection that broke."""
    retry = urllib3.Retry(3, status_forcelist=[500], allowed_methods=None, backoff_factor=0)
    for broken in (error(500, times=1), Behaviour(times=1, cut_after=10)):
        standin.behave(broken)
        asked = PLAIN | {"seed": len(standin.calls)}
        miss, hit = post(pool, asked, retries=retry), post(pool, asked, retries=retry)
        assert miss.status == 200
        assert hit.data == miss.data
        if broken.cut_after is None:
            assert miss.retries.history[0].status == 500
    assert len(standin.calls) == 4
    assert session.stats.recorded == session.stats.misses == 2


def test_a_miss_is_not_retried(pool: Any, standin: Standin) -> None:
    enable_cachy(store={}, mode="replay")
    with pytest.raises(CacheMiss) as miss:
        post(pool, retries=urllib3.Retry(5, backoff_factor=60))
    assert not isinstance(miss.value, urllib3.exceptions.HTTPError)
    assert pool.num_requests == pool.num_connections == 0
    disable_cachy()


def test_a_closed_pool_stays_closed(pool: Any, session: Any) -> None:
    post(pool)
    pool.close()
    with pytest.raises(urllib3.exceptions.ClosedPoolError):
        post(pool)


def test_another_host_than_the_pools(pool: Any, session: Any) -> None:
    with pytest.raises(urllib3.exceptions.HostChangedError):
        pool.urlopen("POST", "https://api.anthropic.com/v1/messages", b"{}")
    assert session.stats.misses == 0


@pytest.mark.parametrize(
    "timeout", [urllib3.Timeout(connect=9, read=0.4), urllib3.Timeout(total=0.4), 0.4]
)
def test_a_caller_waits_no_longer_than_its_own_timeout(
    standin: Standin, session: Any, timeout: Any
) -> None:
    """Of the two, it is the second that is impatient: it does not wait for the first."""
    gate = threading.Event()
    with (
        urllib3.HTTPSConnectionPool(HOST, maxsize=2, ssl_context=TLS) as pool,
        standin.behave(Behaviour(times=1, split=100, gate=gate)),
    ):
        first = threading.Thread(target=post, args=(pool,))
        first.start()
        while not standin.calls:
            time.sleep(0.01)
        assert post(pool, timeout=timeout).status == 200
        assert first.is_alive()
        gate.set()
        first.join()
    assert len(standin.calls) == 2


def test_hosts_as_they_are_in_urls(session: Any, standin: Standin) -> None:
    """http URLs with a port of their own, and IPv6, are part of the key."""
    enable_cachy(store={}, doms=("localhost:11434", "[::1]:11434"))
    with urllib3.PoolManager() as manager:
        url = "http://localhost:11434/api/chat"
        seen = {manager.request("POST", url, body=json_body(PLAIN)).data for _ in range(2)}
    assert len(seen) == len(standin.calls) == 1
    enable_cachy(store={}, doms=("[::1]:11434",), mode="replay")
    with (
        urllib3.PoolManager() as manager,
        pytest.raises(CacheMiss, match=r"http://\[::1\]:11434/a%20b"),
    ):
        manager.request("POST", "http://[::1]:11434/a b", body=b"{}")


def test_text_as_a_body(pool: Any, standin: Standin, session: Any) -> None:
    text = json.dumps(PLAIN)
    seen = {pool.urlopen("POST", PATH, each, JSON).data for each in (text, text.encode())}
    assert len(seen) == len(standin.calls) == 1


@pytest.mark.parametrize("version", ["3.0.0", "1.25.11"])
def test_a_version_that_is_not_known(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib3, "__version__", version)
    monkeypatch.setattr(patch_functions, "_warned", set())
    urlopen = urllib3.HTTPConnectionPool.urlopen
    patches = Patches(lambda: None)
    told = rf"urllib3 {version} cannot be patched.*1\.26\.9 or later, and urllib3 2"
    with pytest.warns(CachyWarning, match=told):
        patches.install()
    patches.remove()
    patches.install()  # where a second warning would be an error
    patches.remove()
    assert urllib3.HTTPConnectionPool.urlopen is urlopen
