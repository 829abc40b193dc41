"""The spans of OpenTelemetry appear on a hit as on a live call, instrumented before or after."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest
import requests
import urllib3
from clients import CHAT, CLIENTS, Client
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from standin import Standin

from cachy import disable_cachy, enable_cachy

PATCHED = [
    (urllib3.HTTPConnectionPool, "urlopen"),
    (requests.Session, "send"),
    (requests.adapters.HTTPAdapter, "send"),
    (urllib.request.AbstractHTTPHandler, "do_open"),
    (aiohttp.ClientSession, "_request"),
]
INSTRUMENTORS: dict[str, Callable[[], Any]] = {
    "urllib3": URLLib3Instrumentor,
    "requests": RequestsInstrumentor,
    "urllib": URLLibInstrumentor,
    "aiohttp": AioHttpClientInstrumentor,
}


@pytest.fixture
def spans() -> Iterator[tuple[Any, Any]]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter, provider
    provider.shutdown()


@pytest.mark.parametrize("off_first", ["cachy", "spans"])
@pytest.mark.parametrize("on_first", ["cachy", "spans"])
@pytest.mark.parametrize(
    "kind", [kind for kind in CLIENTS if kind.name in INSTRUMENTORS], ids=lambda kind: kind.name
)
def test_spans(
    kind: type[Client], on_first: str, off_first: str, standin: Standin, spans: tuple[Any, Any]
) -> None:
    before = [owner.__dict__[name] for owner, name in PATCHED]
    exporter, provider = spans
    instrumentor = INSTRUMENTORS[kind.name]()
    turn_on: dict[str, Callable[[], Any]] = {
        "cachy": lambda: enable_cachy(store={}),
        "spans": lambda: instrumentor.instrument(tracer_provider=provider),
    }
    turn_off = {"cachy": disable_cachy, "spans": instrumentor.uninstrument}
    for name in sorted(turn_on, key=lambda name: name != on_first):
        turn_on[name]()
    client = kind()
    try:
        bodies = {client.post().body for _ in range(2)}
    finally:
        for name in sorted(turn_off, key=lambda name: name != off_first):
            turn_off[name]()
        client.quit()
    assert len(bodies) == len(standin.calls) == 1
    live, hit = exporter.get_finished_spans()
    assert hit.name == live.name
    assert dict(hit.attributes) == dict(live.attributes)
    assert CHAT in hit.attributes.values()
    assert [owner.__dict__[name] for owner, name in PATCHED] == before
