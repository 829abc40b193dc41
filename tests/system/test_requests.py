"""Requests that are not one answer to one question: jobs, telemetry, and other methods."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from standin import Answer, Behaviour, Standin

from cachy import CacheMiss, cachy, doms, enable_cachy
from cachy.errors import ConfigError

OPENAI = "https://api.openai.com/v1"
OWN = "https://llm.example.com"
ADDED = (*doms, "llm.example.com")
JSON = {"content-type": "application/json"}
LINES = [
    b'{"message":{"content":"a"},"done":false}\n',
    b'{"message":{"content":"b"},"done":true}\n',
]


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CACHY_MODE", raising=False)


def says(
    standin: Standin, body: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return standin.behave(Behaviour(answer=Answer(status, JSON | (headers or {}), sent)))


# ---- Jobs ----


def make_video(states: list[str]) -> tuple[list[str], bytes]:
    """What a program does that waits for a video; the states that it sees are added."""
    with httpx.Client() as client:
        video = client.post(f"{OPENAI}/videos", json={"model": "sora", "prompt": "a cat"}).json()
        while video["status"] != "completed":
            video = client.get(f"{OPENAI}/videos/{video['id']}").json()
            states.append(video["status"])
        content = client.get(f"{OPENAI}/videos/{video['id']}/content").content
    return states, content


def test_a_job_is_replayed_without_a_network(standin: Standin, tmp_path: Path) -> None:
    with cachy(cache_dir=tmp_path) as session, httpx.Client() as client:
        with says(standin, {"id": "video_1", "status": "queued"}):
            client.post(f"{OPENAI}/videos", json={"model": "sora", "prompt": "a cat"})
        for state in ("in_progress", "in_progress", "completed"):
            with says(standin, {"id": "video_1", "status": state}):
                client.get(f"{OPENAI}/videos/video_1")
        with standin.behave(Behaviour(answer=Answer(200, {"content-type": "video/mp4"}, b"ftyp"))):
            client.get(f"{OPENAI}/videos/video_1/content")
    assert session.stats.recorded == 3
    standin.refuse = True
    for mode in ("replay", "auto"):
        with cachy(mode, cache_dir=tmp_path):
            assert make_video([]) == (["completed"], b"ftyp")


def test_refreshing_starts_the_job_anew(standin: Standin, tmp_path: Path) -> None:
    for mode, video in (("auto", "video_1"), ("refresh", "video_2")):
        with cachy(mode, cache_dir=tmp_path), says(standin, {"id": video, "status": "queued"}):
            httpx.post(f"{OPENAI}/videos", json={"prompt": "a cat"})
    with cachy("replay", cache_dir=tmp_path):
        found = httpx.post(f"{OPENAI}/videos", json={"prompt": "a cat"}).json()
    assert found["id"] == "video_2"


def test_a_job_that_a_header_names(standin: Standin, tmp_path: Path) -> None:
    url = "https://r.cognitiveservices.azure.com/documentintelligence/documentModels/m"
    link = f"{url}/analyzeResults/9c1d"
    with cachy(cache_dir=tmp_path) as session:
        with says(standin, b"", 202, {"operation-location": link}):
            httpx.post(f"{url}:analyze", json={"urlSource": "https://a.example/b.pdf"})
        with says(standin, b"", 202):
            httpx.post(f"{url}:analyze", json={"urlSource": "https://a.example/c.pdf"})
    assert session.stats.recorded == 1
    with cachy("replay", cache_dir=tmp_path):
        found = httpx.post(f"{url}:analyze", json={"urlSource": "https://a.example/b.pdf"})
    assert (found.status_code, found.headers["operation-location"]) == (202, link)


# ---- Telemetry ----


@pytest.mark.parametrize("url", [f"{OPENAI}/traces/ingest", f"{OWN}/v1/traces/ingest"])
def test_telemetry_is_sent_live_and_dropped_in_replay_mode(
    url: str, standin: Standin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with cachy(cache_dir=tmp_path, doms=ADDED) as session, says(standin, {"ok": 1}):
        assert httpx.post(url, json={"data": []}).json() == {"ok": 1}
    assert (session.stats.recorded, session.stats.misses) == (0, 0)
    assert not [*tmp_path.rglob("*.entry")]
    called = len(standin.calls)
    with (
        caplog.at_level(logging.INFO),
        cachy("replay", cache_dir=tmp_path, doms=ADDED) as session,
        httpx.Client(
            event_hooks={"response": [lambda response: response.raise_for_status()]}
        ) as hooked,
    ):
        for answer in (httpx.post(url, json={"data": []}), hooked.post(url, json={"data": []})):
            assert (answer.status_code, answer.content) == (204, b"")
            assert answer.extensions["cachy"] == {"from": "dropped"}
    assert (session.stats.hits, session.stats.misses, len(standin.calls)) == (0, 0, called)
    assert [record for record in caplog.records if record.name.startswith("cachy")] == []


def test_the_exporter_of_openai_agents_logs_nothing(
    standin: Standin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    processors = pytest.importorskip("agents.tracing.processors")

    class Span:
        tracing_api_key = "test"

        def export(self) -> dict[str, str]:
            return {"object": "trace.span", "id": "span_1"}

    standin.refuse = True
    exporter = processors.BackendSpanExporter(max_retries=1)
    with caplog.at_level(logging.INFO), cachy("replay", cache_dir=tmp_path):
        exporter.export([Span()])
    assert caplog.records == []
    assert standin.calls == []


# ---- Methods ----


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_other_methods_are_recorded_where_the_user_says_so(
    method: str, standin: Standin, tmp_path: Path
) -> None:
    def ask() -> httpx.Response:
        return httpx.request(method, f"{OWN}/items/1")

    body = b"" if method == "HEAD" else b'{"id":1}'
    with cachy(cache_dir=tmp_path, doms=ADDED) as session, says(standin, body):
        ask()
    assert session.stats.recorded == 0
    with cachy("replay", cache_dir=tmp_path, doms=ADDED), pytest.raises(CacheMiss) as refused:
        ask()
    assert f'methods=("{method}",)' in str(refused.value)

    settings: Any = {"cache_dir": tmp_path, "doms": ADDED, "methods": [method.lower()]}
    with cachy(**settings) as session, says(standin, body):
        live = ask()
    assert session.stats.recorded == 1, session.stats.skipped
    with cachy("replay", **settings):
        replayed = ask()
    assert (
        (replayed.status_code, replayed.content) == (live.status_code, live.content) == (200, body)
    )
    with cachy("replay", **settings), pytest.raises(CacheMiss) as missed:
        httpx.request(method, f"{OWN}/items/2")
    assert "methods=" not in str(missed.value)


def test_a_head_tells_what_a_get_would(standin: Standin, tmp_path: Path) -> None:
    settings: Any = {"cache_dir": tmp_path, "doms": ADDED, "methods": ("HEAD",)}
    for mode in ("auto", "replay"):
        with (
            cachy(mode, **settings),
            says(standin, b"", headers={"content-encoding": "gzip", "etag": "7"}),
        ):
            found = httpx.head(f"{OWN}/items/1")
        assert (found.status_code, found.headers["etag"], found.content) == (200, "7", b"")


def test_known_hosts_have_no_other_methods(standin: Standin, tmp_path: Path) -> None:
    with (
        cachy("replay", cache_dir=tmp_path, methods=("DELETE",)),
        pytest.raises(CacheMiss) as missed,
    ):
        httpx.delete(f"{OPENAI}/models/ft:m")
    assert "DELETE requests are never cached" in str(missed.value)
    assert "methods=" not in str(missed.value)


def test_methods_are_inherited_and_replaced(tmp_path: Path) -> None:
    with (
        cachy(cache_dir=tmp_path, doms=ADDED, methods=("PUT",)) as outer,
        cachy(scope="a") as inner,
        cachy(methods=()) as last,
    ):
        routes = [
            session.cache.settings.hosts.route("PUT", OWN) for session in (outer, inner, last)
        ]
    assert [route.cached for route in routes] == [True, True, False]


@pytest.mark.parametrize(
    ("methods", "said"),
    [
        (("PUTT",), r"'PUTT'.*did you mean 'PUT'"),
        (("PUT", ""), "''"),
        (("PUT", 5), "5"),
        ((None,), "None"),
        (("PUT DELETE",), "'PUT DELETE'"),
        ((b"PUT",), "b'PUT'"),
        ("PUT", r"'PUT' is a single string.*\('PUT',\)"),
        (b"PUT", "80"),
        (7, "7"),
        (("CONNECT",), "'CONNECT'"),
    ],
)
def test_what_is_no_method(methods: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        enable_cachy(store={}, methods=methods)


@pytest.mark.parametrize("methods", [(), None, ("GET", "post"), ["put"], {"PUT": 1}])
def test_what_is(methods: Any) -> None:
    with cachy(store={}, methods=methods) as session:
        assert session.cache.settings.methods <= {"PUT"}


# ---- Headers that come on the way ----


class Tenant(httpx.Auth):
    """An auth flow that adds a header which decides."""

    def __init__(self, name: str) -> None:
        self._name = name

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["x-tenant"] = self._name
        yield request


def by_hook(name: str) -> httpx.Client:
    def add(request: httpx.Request) -> None:
        request.headers["x-tenant"] = name

    return httpx.Client(event_hooks={"request": [add]})


CLIENTS: dict[str, Callable[[str], httpx.Client]] = {
    "auth": lambda name: httpx.Client(auth=Tenant(name)),
    "hook": by_hook,
    "client": lambda name: httpx.Client(headers={"X-Tenant": name}),
}


@pytest.mark.parametrize("way", CLIENTS)
def test_a_header_that_is_added_on_the_way_decides(
    way: str, standin: Standin, tmp_path: Path
) -> None:
    settings: Any = {"cache_dir": tmp_path, "doms": ADDED}
    for name in ("alice", "bob"):
        with cachy(**settings), says(standin, {"for": name}), CLIENTS[way](name) as client:
            assert client.post(f"{OWN}/ask", json={}).json() == {"for": name}
    with cachy("replay", **settings):
        for name in ("bob", "alice"):
            with CLIENTS[way](name) as client:
                assert client.post(f"{OWN}/ask", json={}).json() == {"for": name}
        with CLIENTS[way]("carol") as client, pytest.raises(CacheMiss):
            client.post(f"{OWN}/ask", json={})


# ---- JSON in lines that is called JSON ----


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("left", [False, True], ids=["read", "left"])
def test_lines_called_json_are_watched(
    packed: bool, left: bool, standin: Standin, tmp_path: Path
) -> None:
    """Some clients stop at the last line and read no further."""
    url, headers = "https://ollama.com/api/chat", {}
    pieces = LINES
    if packed:
        packer, headers = gzip_stream(), {"content-encoding": "gzip"}
        pieces = [packer(line) for line in LINES]
    standin.behave(Behaviour(answer=Answer(200, JSON | headers, pieces), pause=0.05))
    seen = b""
    with cachy(cache_dir=tmp_path) as session, httpx.Client() as client:
        request = client.build_request("POST", url, json={"model": "m", "messages": []})
        response = client.send(request, stream=True)
        for piece in response.iter_bytes():
            seen += piece
            if left and b'"done":true' in seen:
                break
        recorded = session.stats.recorded
        response.close()
    assert seen == b"".join(LINES)
    assert recorded == (1 if left else session.stats.recorded) == 1
    with cachy("replay", cache_dir=tmp_path), httpx.Client() as client:
        replayed = client.post(url, json={"model": "m", "messages": []})
    assert replayed.content == seen


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_json_in_pieces_is_what_it_was(
    packed: bool, size: int, standin: Standin, tmp_path: Path
) -> None:
    body = json.dumps({"output": ["x" * 60] * 30, "status": "completed"}, indent=1).encode()
    sent = gzip.compress(body) if packed else body
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    headers = JSON | ({"content-encoding": "gzip"} if packed else {})
    standin.behave(Behaviour(answer=Answer(200, headers, pieces)))
    for mode in ("auto", "replay"):
        with cachy(mode, cache_dir=tmp_path):
            assert httpx.post(f"{OPENAI}/responses", json={"input": "hi"}).content == body


def gzip_stream() -> Any:
    import zlib

    packer = zlib.compressobj(wbits=31)
    return lambda line: packer.compress(line) + packer.flush(zlib.Z_SYNC_FLUSH)
