"""What goes past cachy is noticed, named, counted, and refused where that is asked for."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import logging
import os
import ssl
import subprocess
import sys
import threading
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import requests
import trio
import urllib3
from standin import Standin

import cachy
from cachy import CacheMiss, disable_cachy, doms, enable_cachy
from cachy.errors import CachyWarning
from cachy.session import Session

HOST, PATH = "api.openai.com", "/v1/chat/completions"
BODY = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}).encode()
JSON = {"content-type": "application/json"}
US = __name__.partition(".")[0]  # the package that makes the calls
LEFT = f"a call to api.openai.com left through {US}, which cachy does not record"


@pytest.fixture(autouse=True)
def _leave_nothing(standin: Standin) -> Iterator[None]:
    yield
    disable_cachy()


def by_http_client(host: str = HOST, path: str = PATH) -> int:
    with closing(http.client.HTTPSConnection(host, timeout=10)) as connection:
        connection.request("POST", path, BODY, JSON)
        return connection.getresponse().status


async def by_asyncio() -> None:
    context = ssl.create_default_context()
    _, writer = await asyncio.open_connection(HOST, 443, ssl=context)
    writer.close()


async def by_trio() -> None:
    async with await trio.open_ssl_over_tcp_stream(HOST, 443):
        pass  # the handshake would come with the first byte


def in_a_thread(call: Callable[[], Any]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


def refused(call: Callable[[], Any]) -> None:
    with pytest.raises(CacheMiss):
        call()


def warned(call: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(each.message) for each in caught if issubclass(each.category, CachyWarning)]


def test_another_client_is_noticed_and_named_once(tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    messages = warned(lambda: [by_http_client(), by_http_client()])
    assert len(messages) == 1
    assert LEFT in messages[0]
    assert session.stats.bypassed == {f"api.openai.com by {US}": 2}
    assert f"2 calls went past cachy: 2 to api.openai.com by {US}" in repr(session)
    assert f"bypassed  2: api.openai.com by {US}" in repr(session.stats)


@pytest.mark.parametrize(
    "call",
    [
        lambda: asyncio.run(by_asyncio()),
        lambda: trio.run(by_trio),
        lambda: in_a_thread(by_http_client),
    ],
    ids=["asyncio", "trio", "thread"],
)
def test_every_way_to_tls_is_a_door(call: Callable[[], Any], tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    warned(call)
    assert session.stats.bypassed == {f"api.openai.com by {US}": 1}


SCRIPT = """if True:
    import asyncio, contextlib, http.client, ssl, warnings
    from cachy import enable_cachy
    from standin import Standin
    async def connect():
        _, writer = await asyncio.open_connection(
            "api.openai.com", 443, ssl=ssl.create_default_context())
        writer.close()
    warnings.simplefilter("ignore")
    with Standin() as standin, standin.reach():
        session = enable_cachy(store={})
        with contextlib.closing(http.client.HTTPSConnection("api.openai.com")) as connection:
            connection.request("GET", "/v1/models")
            connection.getresponse().read()
        asyncio.run(connect())
    print(*session.stats.bypassed, sep="\\n")
"""


def test_a_script_is_called_by_what_it_uses() -> None:
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    assert done.stdout.split("\n") == [
        "api.openai.com by http.client",
        "api.openai.com by asyncio",
        "",
    ]


def test_in_replay_mode_it_is_refused_before_anything_is_sent(
    standin: Standin, tmp_path: Path
) -> None:
    session = enable_cachy(cache_dir=tmp_path, mode="replay")
    with pytest.raises(CacheMiss, match="which cachy does not record") as caught:
        by_http_client()
    assert caught.value.url == "https://api.openai.com/"
    with warnings.catch_warnings():
        # asyncio leaves the socket open when TLS cannot begin, whatever the reason.
        warnings.simplefilter("ignore", ResourceWarning)
        refused(lambda: asyncio.run(by_asyncio()))
        refused(lambda: trio.run(by_trio))
        gc.collect()
    assert standin.calls == []
    assert session.stats.misses == 3


@pytest.mark.parametrize(
    ("mode", "bypass", "raises", "counts"),
    [
        ("auto", None, False, True),
        ("auto", "warn", False, True),
        ("auto", "error", True, True),
        ("auto", "ignore", False, False),
        ("replay", None, True, True),
        ("replay", "warn", False, True),
        ("replay", "ignore", False, False),
        ("off", "error", False, False),
    ],
)
def test_settings(
    mode: str, bypass: str | None, raises: bool, counts: bool, tmp_path: Path
) -> None:
    session = enable_cachy(cache_dir=tmp_path, mode=mode, bypass=bypass)

    def call() -> None:
        if raises:
            with pytest.raises(CacheMiss):
                by_http_client()
        else:
            by_http_client()

    messages = warned(call)
    assert bool(session.stats.bypassed) == counts
    assert bool(messages) == (counts and not raises)


def test_a_setting_that_there_is_not() -> None:
    with pytest.raises(cachy.errors.ConfigError, match=r"bypass='warm'.*did you mean 'warn'"):
        enable_cachy(store={}, bypass="warm")


def test_other_hosts_and_blocks_without_cachy_are_nobodys_business(tmp_path: Path) -> None:
    session = enable_cachy(
        cache_dir=tmp_path,
        mode="replay",
        doms=(*doms, "*", "*:443", "llm.example.org/v2/*", "llm.example.net:8443"),
    )
    for host in ("smtp.example.com", "llm.example.org", "llm.example.net"):
        by_http_client(host)
    with cachy.no_cachy():
        by_http_client()
    assert not session.stats.bypassed


def test_added_hosts_are_watched_too(tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path, mode="replay", doms=("llm.example.com", "*.corp.example"))
    for host in ("llm.example.com", "a.corp.example"):
        with pytest.raises(CacheMiss):
            by_http_client(host)


def test_warnings_that_are_errors_break_no_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    enable_cachy(cache_dir=tmp_path)
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING, "cachy"):
        warnings.simplefilter("error")
        by_http_client()
    assert LEFT in caplog.text


# ---- Patched clients are at work, whatever they do ----


def clients() -> dict[str, Callable[[str], Any]]:
    async def over_async(library: Any, url: str) -> Any:
        async with library.AsyncClient() as client:
            return await client.post(url, content=BODY, headers=JSON)

    return {
        "httpx": lambda url: httpx.post(url, content=BODY, headers=JSON),
        "httpx2": lambda url: httpx2.post(url, content=BODY, headers=JSON),
        "httpx, async": lambda url: asyncio.run(over_async(httpx, url)),
        "httpx, trio": lambda url: trio.run(over_async, httpx, url),
        "requests": lambda url: requests.post(url, data=BODY, headers=JSON),
        "urllib3": lambda url: urllib3.request("POST", url, body=BODY, headers=JSON),
        "urllib.request": lambda url: urllib.request.urlopen(
            urllib.request.Request(url, BODY, JSON)
        ).read(),
    }


each_client = pytest.mark.parametrize("client", clients().values(), ids=clients())


@each_client
def test_a_patched_client_is_no_bypass(client: Callable[[str], Any], tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path, bypass="error")
    client(f"https://{HOST}{PATH}")
    assert session.stats.recorded == 1
    # Not recorded: let through, because it keeps state.
    try:
        client(f"https://{HOST}/v1/files")
    except urllib.error.HTTPError as error:
        error.close()
    assert not session.stats.bypassed
    # And afterwards nobody is at work any more.
    with pytest.raises(CacheMiss):
        by_http_client()


@each_client
def test_a_models_protocol_on_another_host(
    client: Callable[[str], Any], standin: Standin, tmp_path: Path
) -> None:
    """It is named with the line that adds the host."""
    url = standin.url.replace("127.0.0.1", "localhost") + PATH
    session = enable_cachy(cache_dir=tmp_path)
    messages = warned(lambda: [client(url), client(url)])
    host = url.split("/")[2]
    assert len(messages) == 1
    assert f'enable_cachy(doms=doms + ("{host}",))' in messages[0]
    assert f"`cachy_doms = {host}`" in messages[0]
    assert session.stats.bypassed == {f"{host}, which is not in doms": 2}
    assert len(standin.calls) == 2

    enable_cachy(cache_dir=tmp_path, doms=(*doms, host), bypass="error")
    client(url)
    enable_cachy(cache_dir=tmp_path, mode="replay")
    assert len(warned(lambda: client(url))) == 1  # as it always went
    enable_cachy(cache_dir=tmp_path, mode="replay", bypass="error")
    with pytest.raises(CacheMiss, match="is not in doms") as caught:
        client(url)
    assert "add the host with enable_cachy(doms=doms + (" in str(caught.value)
    assert len(standin.calls) == 4


def test_fakes_are_no_bypass(tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path, bypass="error")
    fake = httpx.MockTransport(lambda request: httpx.Response(200))
    with httpx.Client(transport=fake) as client:
        client.post("https://llm.example.com/v1/chat/completions", content=BODY)
        client.get(f"https://{HOST}/v1/realtime", headers={"upgrade": "websocket"})
    assert not session.stats.bypassed


@pytest.mark.parametrize("path", ["/v1/messages", "/me/messages", "/v3/surveys/7/responses"])
def test_what_only_looks_like_a_model(path: str, standin: Standin, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path, bypass="error")
    httpx.post(f"https://sms.example.com{path}", json={"to": "447700900001", "text": "Hi"})
    httpx.get(f"https://sms.example.com{path}")
    assert not session.stats.bypassed


@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
def test_a_websocket_through_a_patched_client(
    library: Any, standin: Standin, tmp_path: Path
) -> None:
    url = f"https://{HOST}/v1/realtime?model=gpt-realtime"
    upgrade = {"upgrade": "websocket", "connection": "upgrade"}
    session = enable_cachy(cache_dir=tmp_path)
    assert len(warned(lambda: library.get(url, headers=upgrade))) == 1
    assert session.stats.bypassed == {"api.openai.com by a websocket": 1}
    library.get("https://ws.example.com/", headers=upgrade)
    assert len(standin.calls) == 2
    enable_cachy(cache_dir=tmp_path, mode="replay")
    with pytest.raises(CacheMiss, match="left through a websocket"):
        library.get(url, headers=upgrade)
    assert len(standin.calls) == 2


def test_the_log_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.jsonl"
    monkeypatch.setenv("CACHY_LOG", str(log))
    session: Session = enable_cachy(cache_dir=tmp_path)
    warned(by_http_client)
    line = json.loads(log.read_text().splitlines()[-1])
    del line["time"]
    assert line == {
        "event": "bypassed",
        "method": "CONNECT",
        "url": "https://api.openai.com/",
        "reason": f"by {US}",
    }
    assert session.stats.bypassed
