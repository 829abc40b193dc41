"""Patches are put on when their library is loaded, and taken off whole."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import ssl
import subprocess
import sys
import urllib.request
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import requests
import urllib3
from clients import CHAT, PLAIN
from standin import Standin

from cachy import CacheMiss, disable_cachy, enable_cachy
from cachy.errors import CachyWarning
from cachy.patch import FAMILIES, Patches

try:
    import aiohttp
    from clients.over_aiohttp import connections_closed
except ImportError:
    aiohttp = None  # type: ignore[assignment]

METHODS: list[tuple[Any, str]] = [
    *(
        (client, name)
        for library in (httpx, httpx2)
        for client in (library.Client, library.AsyncClient)
        for name in ("send", "_send_single_request")
    ),
    (urllib3.HTTPConnectionPool, "urlopen"),
    (requests.adapters.HTTPAdapter, "send"),
    (requests.sessions, "dispatch_hook"),
    (urllib.request.AbstractHTTPHandler, "do_open"),
    (ssl.SSLContext, "wrap_socket"),
    (ssl.SSLContext, "wrap_bio"),
]


def methods() -> list[object]:
    return [getattr(client, name) for client, name in METHODS]


def test_what_is_installed_can_be_removed_whole() -> None:
    before, finders = methods(), list(sys.meta_path)
    patches = Patches(lambda: None)
    for _ in range(2):
        patches.install()
        patches.install()
        assert all(now is not then for now, then in zip(methods(), before, strict=True))
        patches.remove()
        patches.remove()
        assert methods() == before
        assert sys.meta_path == finders


def test_every_family_is_a_module_here() -> None:
    for family in set(FAMILIES.values()):
        assert hasattr(importlib.import_module(family), "patch")


@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
def test_a_version_that_cannot_be_patched_is_said(
    library: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = library.Client  # type: ignore[attr-defined]
    monkeypatch.delattr(client, "_send_single_request")
    patches = Patches(lambda: None)
    try:
        with pytest.warns(UserWarning, match="cannot be patched, so its calls go live"):
            patches.install()
    finally:
        patches.remove()


BODY = json.dumps(PLAIN).encode()


def by_urllib3() -> None:
    with urllib3.PoolManager() as pool:
        pool.request("POST", CHAT, body=BODY)


def by_aiohttp() -> None:
    async def post() -> None:
        async with aiohttp.ClientSession() as client, client.post(CHAT, data=BODY):
            pass
        await connections_closed()

    asyncio.run(post())


@pytest.mark.parametrize(
    ("call", "spoil", "said"),
    [
        (by_urllib3, lambda m: m.setattr(urllib3, "__version__", "3.0.0"), "urllib3 3.0.0"),
        (by_aiohttp, lambda m: m.delattr(aiohttp.StreamReader, "_wait"), "aiohttp "),
    ],
)
def test_calls_by_a_version_that_cannot_be_patched_go_past(
    call: Callable[[], None],
    spoil: Callable[[pytest.MonkeyPatch], None],
    said: str,
    standin: Standin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = said.partition(" ")[0]
    monkeypatch.setattr("cachy.patch.functions._warned", set())
    spoil(monkeypatch)
    with pytest.warns(CachyWarning, match=f"{said}.* cannot be patched.*supported are {library}"):
        session = enable_cachy(cache_dir=tmp_path)
    with pytest.warns(CachyWarning, match=f"api.openai.com left through {library}"):
        call()
    assert session.stats.bypassed == {f"api.openai.com by {library}": 1}
    enable_cachy(cache_dir=tmp_path, mode="replay")
    with warnings.catch_warnings():
        # They leave the socket open when TLS cannot begin, whatever the reason.
        warnings.simplefilter("ignore", ResourceWarning)
        with pytest.raises(CacheMiss, match=f"it left through {library}"):
            call()
        gc.collect()
    disable_cachy()


# ---- Libraries that are loaded in odd ways, each in a process of its own ----


def run(script: str) -> None:
    command = [sys.executable, "-W", "error", "-c", script]
    subprocess.run(command, check=True, timeout=60)


HALF = """if True:
    import sys, threading, time

    class Gate:
        \"\"\"Stops the import of a library amid it.\"\"\"
        def find_spec(self, name, path, target=None):
            if name == "urllib3.poolmanager":
                amid()

    sys.meta_path.insert(0, Gate())

    def patched():
        import urllib3
        return hasattr(urllib3.HTTPConnectionPool.urlopen, "_cachy")

    def wait_until_patched():
        until = time.monotonic() + 20
        while not patched() and time.monotonic() < until:
            time.sleep(0.01)
        assert patched()
"""


def test_a_library_that_another_thread_is_importing() -> None:
    run(
        HALF
        + """if True:
    from cachy import disable_cachy, enable_cachy
    inside, go_on = threading.Event(), threading.Event()
    def amid():
        inside.set()
        go_on.wait()
    importing = threading.Thread(target=__import__, args=("urllib3",))
    importing.start()
    inside.wait()
    threading.Timer(0.2, go_on.set).start()
    enable_cachy(store={})
    importing.join()
    wait_until_patched()
    disable_cachy()
    assert not patched()
    """
    )


def test_enabling_amid_an_import() -> None:
    run(
        HALF
        + """if True:
    from cachy import enable_cachy
    def amid():
        enable_cachy(store={})
    import urllib3
    wait_until_patched()
    """
    )


def test_disabled_before_the_import_is_complete() -> None:
    run(
        HALF
        + """if True:
    from cachy import disable_cachy, enable_cachy
    def amid():
        enable_cachy(store={})
        disable_cachy()
    import urllib3
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join()
    assert not patched()
    """
    )


def test_imported_in_threads_after_enabling() -> None:
    pytest.importorskip("aiohttp")
    pytest.importorskip("botocore")
    run(
        """if True:
    import threading
    from cachy import disable_cachy, enable_cachy
    enable_cachy(store={})
    names = ("urllib3", "requests", "urllib.request", "httpx", "aiohttp", "botocore.httpsession")
    threads = [threading.Thread(target=__import__, args=(name,)) for name in names * 2]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    import urllib3, requests, urllib.request, httpx, aiohttp, botocore.httpsession
    functions = lambda: [urllib3.HTTPConnectionPool.urlopen, requests.sessions.dispatch_hook,
                 urllib.request.AbstractHTTPHandler.do_open, httpx.Client.send,
                 aiohttp.ClientSession._request, botocore.httpsession.URLLib3Session.send]
    assert all(hasattr(each, "_cachy") for each in functions())
    disable_cachy()
    assert not any(hasattr(each, "_cachy") for each in functions())
    """
    )


def test_reloaded_and_imported_anew() -> None:
    pytest.importorskip("aiohttp")
    run(
        """if True:
    import importlib, sys
    from cachy import disable_cachy, enable_cachy
    import aiohttp, requests, urllib3, urllib.request
    enable_cachy(store={})
    sessions = [aiohttp.ClientSession]
    for module in (aiohttp, aiohttp.client, aiohttp):
        sessions.append(importlib.reload(module).ClientSession)
    assert all(hasattr(each._request, "_cachy") for each in (sessions[0], sessions[-1]))
    old = urllib3.HTTPConnectionPool
    for module in (urllib3, urllib3.connectionpool, requests.sessions, requests, urllib.request):
        importlib.reload(module)
    assert hasattr(urllib.request.AbstractHTTPHandler.do_open, "_cachy")
    for name in [name for name in sys.modules if name.partition(".")[0] == "urllib3"]:
        del sys.modules[name]
    import urllib3
    assert urllib3.HTTPConnectionPool is not old
    assert hasattr(urllib3.HTTPConnectionPool.urlopen, "_cachy")
    disable_cachy()
    for each in (urllib3.HTTPConnectionPool, old):
        assert not hasattr(each.urlopen, "_cachy")
    assert not any(hasattr(each._request, "_cachy") for each in sessions)
    """
    )


def test_a_vendored_copy_is_left_alone() -> None:
    pytest.importorskip("pip")
    run(
        """if True:
    import warnings
    from cachy import enable_cachy
    enable_cachy(store={})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pip._vendor import requests, urllib3
        try:
            import botocore.vendored.requests.packages.urllib3.exceptions
        except ImportError:
            pass
    assert not hasattr(urllib3.HTTPConnectionPool.urlopen, "_cachy")
    assert not hasattr(requests.adapters.HTTPAdapter.send, "_cachy")
    """
    )


def test_a_library_that_is_not_what_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stub, or a module of the user's own by that name."""
    monkeypatch.setattr("cachy.patch.functions._warned", set())
    monkeypatch.setitem(sys.modules, "urllib3", type(sys)("urllib3"))
    patches = Patches(lambda: None)
    with pytest.warns(UserWarning, match="urllib3 as it is here cannot be patched"):
        patches.install()
    patches.install()  # where a second warning would be an error
    patches.remove()


@pytest.mark.timing
@pytest.mark.parametrize("name", FAMILIES)
def test_patching_a_loaded_library_takes_little(name: str) -> None:
    """Milliseconds of CPU, with the import of the adapter, in a fresh process."""
    try:
        importlib.import_module(name)
    except ImportError:
        pytest.skip(f"{name} is not installed in this environment")
    script = f"""if True:
    import sys, time
    import {name}
    import cachy.engine.cache, cachy.session  # as they are when anything is patched
    from cachy.patch import Patches
    patches = Patches(lambda: None)
    sys.meta_path.insert(0, patches._watcher)
    started = time.process_time()
    patches._patch({name!r}, sys.modules[{name!r}])
    print((time.process_time() - started) * 1000)
    """
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}  # the first run compiles, if need be
    runs = [subprocess.check_output([sys.executable, "-c", script], env=env) for _ in range(7)]
    assert min(map(float, runs)) < 5
