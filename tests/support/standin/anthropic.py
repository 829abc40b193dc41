"""Anthropic: messages, tools, web search with citations, token counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from standin.content import count, halves, reply, sample, words
from standin.wire import Answer, Call, Event, dumps, json_answer, sse, stream_answer

HOST = "api.anthropic.com"
SEARCH = "web_search_20250305"


def answer(call: Call, serial: int) -> Answer | None:
    if call.host != HOST or call.method != "POST":
        return None
    found = None
    if call.path == "/v1/messages":
        found = messages(call, serial)
    elif call.path == "/v1/messages/count_tokens":
        found = json_answer({"input_tokens": count(call.json()["messages"]) + serial})
    if found:
        found.headers |= headers(serial)
    return found


def headers(serial: int) -> dict[str, str]:
    """What api.anthropic.com sends along."""
    limits = {
        f"anthropic-ratelimit-{kind}-{name}": value
        for kind in ("input-tokens", "output-tokens", "requests", "tokens")
        for name, value in {
            "limit": "400000",
            "remaining": str(399_000 - serial),
            "reset": f"2026-11-23T06:30:{serial % 60:02d}Z",
        }.items()
    }
    return limits | {
        "request-id": f"req_{serial:024d}",
        "anthropic-organization-id": "0cac4e00-0000-4000-8000-000000000000",
        "cf-cache-status": "DYNAMIC",
        "cf-ray": f"{serial:016x}-FRA",
        "server": "cloudflare",
        "set-cookie": f"_cfuvid=uv{serial}; HttpOnly; SameSite=None; Secure; Path=/",
        "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
        "via": "1.1 google",
        "x-envoy-upstream-service-time": str(800 + serial),
        "x-robots-tag": "none",
    }


def messages(call: Call, serial: int) -> Answer:
    asked = call.json()
    whole = message(asked, serial)
    if not asked.get("stream"):
        return json_answer(whole)
    answer = stream_answer(sse(message_events(whole)))
    answer.headers["cache-control"] = "no-cache"
    return answer


def message(asked: dict[str, Any], serial: int) -> dict[str, Any]:
    blocks = list(_blocks(asked, serial))
    called = blocks[-1]["type"] == "tool_use"
    searches = sum(block["type"] == "server_tool_use" for block in blocks)
    return {
        "id": f"msg_{serial:024d}",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": blocks,
        "stop_reason": "tool_use" if called else "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": count(asked["messages"]),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": count(blocks),
            "service_tier": "standard",
        }
        | ({"server_tool_use": _searched(searches)} if searches else {}),
    }


def message_events(whole: dict[str, Any]) -> Iterator[Event]:
    spent = whole["usage"]
    begun = whole | {"content": [], "stop_reason": None, "usage": spent | {"output_tokens": 1}}
    yield "message_start", {"type": "message_start", "message": begun}
    for index, block in enumerate(whole["content"]):
        spot = {"index": index}
        bare, deltas = _unfold(block)
        yield "content_block_start", {"type": "content_block_start", "content_block": bare} | spot
        if index == 0:
            yield "ping", {"type": "ping"}
        for delta in deltas:
            yield "content_block_delta", {"type": "content_block_delta", "delta": delta} | spot
        yield "content_block_stop", {"type": "content_block_stop"} | spot
    ends = {key: whole[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    yield "message_delta", {"type": "message_delta", "delta": ends, "usage": spent}
    yield "message_stop", {"type": "message_stop"}


def _unfold(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it starts, and the deltas that complete it."""
    match block["type"]:
        case "text":
            cited = block.get("citations") or []
            deltas = [{"type": "citations_delta", "citation": citation} for citation in cited]
            deltas += [{"type": "text_delta", "text": word} for word in words(block["text"])]
            return block | {"text": ""} | ({"citations": []} if cited else {}), deltas
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": w} for w in words(block["thinking"])]
            deltas += [{"type": "signature_delta", "signature": block["signature"]}]
            return block | {"thinking": "", "signature": ""}, deltas
        case "tool_use" | "server_tool_use":
            parts = ["", *halves(dumps(block["input"]))]
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
            return block | {"input": {}}, deltas
    return block, []


def _blocks(asked: dict[str, Any], serial: int) -> Iterator[dict[str, Any]]:
    """Thoughts if asked for, then a search and its citations, a tool call, or plain text."""
    if (asked.get("thinking") or {}).get("type") in ("enabled", "adaptive"):
        thought = f"Thought {serial}: the naïve way will do."
        yield {"type": "thinking", "thinking": thought, "signature": f"EqoB{serial:012x}=="}
    tools: list[dict[str, Any]] = asked.get("tools") or []
    last = asked["messages"][-1]["content"]
    if any(tool.get("type") == SEARCH for tool in tools):
        yield from _search(reply(last, serial), serial)
        return
    own = [tool for tool in tools if "input_schema" in tool]
    returned = isinstance(last, list) and any(part["type"] == "tool_result" for part in last)
    if own and not returned and (asked.get("tool_choice") or {}).get("type") != "none":
        yield {
            "type": "tool_use",
            "id": f"toolu_{serial:024d}",
            "name": own[0]["name"],
            "input": sample(own[0]["input_schema"], serial),
        }
        return
    yield {"type": "text", "text": reply(last, serial)}


def _search(said: str, serial: int) -> Iterator[dict[str, Any]]:
    number = f"srvtoolu_{serial:024d}"
    page = {"title": f"Cafés of 東京, part {serial}", "url": f"https://example.com/{serial}"}
    yield {"type": "text", "text": "I’ll look that up."}
    yield {
        "type": "server_tool_use",
        "id": number,
        "name": "web_search",
        "input": {"query": f"café {serial}"},
    }
    found = {"type": "web_search_result", "encrypted_content": f"Ep{serial:010x}=="}
    yield {
        "type": "web_search_tool_result",
        "tool_use_id": number,
        "content": [found | page | {"page_age": "3 days ago"}],
    }
    citation = {"type": "web_search_result_location", "encrypted_index": f"Eo8B{serial:x}"}
    cited = [citation | page | {"cited_text": "The café is open."}]
    yield {"type": "text", "text": said, "citations": cited}


def _searched(times: int) -> dict[str, int]:
    return {"web_search_requests": times, "web_fetch_requests": 0}
