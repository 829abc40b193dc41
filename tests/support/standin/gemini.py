"""Google: the Gemini API, streamed as events or as one long JSON array."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from standin.content import count, due, reply, sample, words
from standin.openai import vector
from standin.wire import Answer, Call, dumps, encode, json_answer, sse, stream_answer

HOST = "generativelanguage.googleapis.com"


def answer(call: Call, serial: int) -> Answer | None:
    """Vertex AI speaks the same, at a host per region."""
    if call.host != HOST and not call.host.endswith("aiplatform.googleapis.com"):
        return None
    found = _route(call, serial)
    if found:
        found.headers |= headers(serial)
    return found


def headers(serial: int) -> dict[str, str]:
    """What Google's front end sends along."""
    return {
        "vary": "Origin, X-Origin, Referer",
        "server": "scaffolding on HTTPServer2",
        "server-timing": f"gfet4t7; dur={500 + serial}",
        "x-xss-protection": "0",
        "x-frame-options": "SAMEORIGIN",
        "x-content-type-options": "nosniff",
        "alt-svc": 'h3=":443"; ma=2592000',
    }


def _route(call: Call, serial: int) -> Answer | None:
    name, _, method = call.path.rpartition(":")
    model = name.rpartition("/")[2]
    match method:
        case "generateContent":
            return json_answer(whole(call.json(), model, serial))
        case "streamGenerateContent":
            events = list(chunks(call.json(), model, serial))
            if call.asks("alt") == "sse":
                pieces = sse(events)
                pieces = [piece.replace(b"\n", b"\r\n") for piece in pieces]
                return stream_answer(pieces, "text/event-stream")
            pieces = [(b",\r\n" if i else b"[") + encode(e) for i, e in enumerate(events)]
            return stream_answer([*pieces, b"]"], "application/json; charset=UTF-8")
        case "embedContent":
            return json_answer({"embedding": {"values": vector(256, serial)}})
        case "batchEmbedContents":
            texts = call.json()["requests"]
            values = [{"values": vector(256, serial, i)} for i in range(len(texts))]
            return json_answer({"embeddings": values})
        case "countTokens":
            return json_answer({"totalTokens": count(call.json()) + serial})
    if call.method == "GET" and call.path.endswith("/models"):
        return json_answer({"models": [_model("gemini-2.5-flash"), _model(f"tuned-{serial}")]})
    return None


def whole(asked: dict[str, Any], model: str, serial: int) -> dict[str, Any]:
    parts = _parts(asked, serial)
    return _response(asked, model, serial, parts, "STOP", count(parts))


def chunks(asked: dict[str, Any], model: str, serial: int) -> Iterator[dict[str, Any]]:
    """Text a few words at a time; a function call comes in one piece."""
    pieces = _parts(asked, serial)
    if "text" in pieces[0]:
        pieces = [{"text": word} for word in words(pieces[0]["text"])]
    for number, piece in enumerate(pieces, 1):
        finish = "STOP" if number == len(pieces) else None
        yield _response(asked, model, serial, [piece], finish, number)


def _parts(asked: dict[str, Any], serial: int) -> list[dict[str, Any]]:
    """Function calls, without ids, the first of them with a signature; or text."""
    declared = [
        function
        for tool in asked.get("tools") or []
        # litellm writes it the other way, which Google takes as well.
        for function in tool.get("functionDeclarations") or tool.get("function_declarations") or []
    ]
    if waiting := due(declared, _answered(asked["contents"])):
        parts: list[dict[str, Any]] = []
        for tool in waiting:
            schema = tool.get("parameters") or tool.get("parametersJsonSchema") or {}
            call = {"name": tool["name"], "args": sample(schema, serial)}
            parts.append({"functionCall": call})
        parts[0]["thoughtSignature"] = _signature(serial)
        return parts
    wishes = asked.get("generationConfig") or {}
    if shape := wishes.get("responseSchema") or wishes.get("responseJsonSchema"):
        return [{"text": dumps(sample(shape, serial))}]
    return [{"text": reply(asked["contents"][-1], serial)}]


def _answered(contents: list[dict[str, Any]]) -> int:
    """How many functions have answered since the user asked: results are turns of the user, too."""
    results = 0
    for content in reversed(contents):
        parts = content["parts"]
        here = sum("functionResponse" in part or "function_response" in part for part in parts)
        if content.get("role") != "model" and not here:
            break
        results += here
    return results


def _signature(serial: int) -> str:
    """As long as those of Gemini 3."""
    return base64.b64encode(random.Random(serial).randbytes(300)).decode()


def _response(
    asked: dict[str, Any],
    model: str,
    serial: int,
    parts: list[dict[str, Any]],
    finish: str | None,
    spent: int,
) -> dict[str, Any]:
    before = count(asked["contents"])
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0}
    return {
        "candidates": [candidate | ({"finishReason": finish} if finish else {})],
        "usageMetadata": {
            "promptTokenCount": before,
            "candidatesTokenCount": spent,
            "totalTokenCount": before + spent,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": before}],
        },
        "modelVersion": model,
        "responseId": f"r{serial:021d}",
        "createTime": datetime.now(timezone.utc).isoformat().replace("+00:00", "Z"),
    }


def _model(name: str) -> dict[str, Any]:
    methods = ["generateContent", "countTokens"]
    return {"name": f"models/{name}", "supportedGenerationMethods": methods}
