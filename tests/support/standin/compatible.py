"""Providers that copied OpenAI's API, each with a habit of its own."""

from __future__ import annotations

from standin.openai import chat_events, dialect
from standin.wire import Answer, Call, sse, stream_answer

HOSTS = {
    "api.groq.com": {"x-groq-region": "fra", "server": "cloudflare"},
    "api.x.ai": {"x-metrics-e2e-ms": "812", "server": "cloudflare"},
    "openrouter.ai": {"access-control-allow-origin": "*", "server": "cloudflare"},
    "api.together.xyz": {"x-api-received": "2026-11-23T06:30:00Z", "server": "cloudflare"},
    "api.together.ai": {"x-api-received": "2026-11-23T06:30:00Z", "server": "cloudflare"},
    "api.deepinfra.com": {"server": "cloudflare"},
    "api.perplexity.ai": {"server": "cloudflare"},
}


def answer(call: Call, serial: int) -> Answer | None:
    if call.host not in HOSTS:
        return None
    found = _stream(call, serial) or dialect(call, serial)
    if found:
        found.headers |= HOSTS[call.host]
        found.headers |= {"x-request-id": f"req_{serial:026d}", "cf-ray": f"{serial:016x}-FRA"}
    return found


def _stream(call: Call, serial: int) -> Answer | None:
    """OpenRouter keeps the line open with comments; Perplexity never says it is done."""
    if not call.path.endswith("/chat/completions") or not call.json().get("stream"):
        return None
    events = chat_events(call.json(), serial)
    if call.host == "openrouter.ai":
        waiting = ": OPENROUTER PROCESSING"
        return stream_answer(sse([waiting, waiting, *events, "data: [DONE]"]))
    if call.host == "api.perplexity.ai":
        return stream_answer(sse(events))
    return None
