"""Amazon Bedrock: converse and invoke, whole and as a binary event stream."""

from __future__ import annotations

import re
import struct
import zlib
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from standin.content import count, halves, reply, sample, words
from standin.wire import Answer, Call, dumps, encode, json_answer, stream_answer

HOST = re.compile(r"bedrock-runtime\.[a-z0-9-]+\.amazonaws\.com")
PATH = re.compile(r"/model/.+/(converse|converse-stream|invoke|invoke-with-response-stream)")


def answer(call: Call, serial: int) -> Answer | None:
    path = PATH.fullmatch(call.path)
    if not HOST.fullmatch(call.host) or not path:
        return None
    asked = call.json()
    number = f"{serial:08x}-0cac-4e00-8000-000000000000"
    if path[1] == "converse":
        return json_answer(converse(asked, serial), x_amzn_requestid=number)
    if path[1] == "invoke":
        return json_answer(invoked(asked, serial), x_amzn_requestid=number)
    if path[1] == "invoke-with-response-stream":
        pieces = [frame("chunk", data) for data in chunks(asked, serial)]
    else:
        pieces = [frame(name, data) for name, data in events(asked, serial)]
    kind = "application/vnd.amazon.eventstream"
    return stream_answer(pieces, kind, x_amzn_requestid=number)


def converse(asked: dict[str, Any], serial: int) -> dict[str, Any]:
    block, reason = _block(asked, serial)
    return {
        "metrics": {"latencyMs": 500 + serial},
        "output": {"message": {"content": [block], "role": "assistant"}},
        "stopReason": reason,
        "usage": _usage(asked, block),
    }


def invoked(asked: dict[str, Any], serial: int) -> dict[str, Any]:
    """What a model of Anthropic says; Bedrock passes it on."""
    content = [{"type": "text", "text": reply(asked["messages"][-1]["content"], serial)}]
    return {"id": f"msg_bdrk_{serial}", "content": content, "stop_reason": "end_turn"}


def chunks(asked: dict[str, Any], serial: int) -> Iterator[dict[str, Any]]:
    """The events of such a model, each in base64."""
    said = reply(asked["messages"][-1]["content"], serial)
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
        for word in words(said)
    ]
    for event in [{"type": "message_start"}, *deltas, {"type": "message_stop"}]:
        yield {"bytes": b64encode(encode(event)).decode()}


def events(asked: dict[str, Any], serial: int) -> Iterator[tuple[str, dict[str, Any]]]:
    block, reason = _block(asked, serial)
    spot = {"contentBlockIndex": 0}
    yield "messageStart", {"role": "assistant"}
    if tool := block.get("toolUse"):
        start = {"toolUse": {key: tool[key] for key in ("toolUseId", "name")}}
        yield "contentBlockStart", spot | {"start": start}
        for part in halves(dumps(tool["input"])):
            yield "contentBlockDelta", spot | {"delta": {"toolUse": {"input": part}}}
    else:
        for word in words(block["text"]):
            yield "contentBlockDelta", spot | {"delta": {"text": word}}
    yield "contentBlockStop", spot
    yield "messageStop", {"stopReason": reason}
    yield "metadata", {"usage": _usage(asked, block), "metrics": {"latencyMs": 500 + serial}}


def frame(name: str, data: dict[str, Any]) -> bytes:
    """One message of the event stream: lengths, their CRC, headers, payload, CRC of it all."""
    pairs = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    head = b"".join(map(_header, pairs, pairs.values()))
    payload = encode(data | {"p": "abcdefgh"})
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    checked = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return checked + struct.pack(">I", zlib.crc32(checked))


def _header(name: str, value: str) -> bytes:
    string = 7
    code, text = name.encode(), value.encode()
    return struct.pack(">B", len(code)) + code + struct.pack(">BH", string, len(text)) + text


def _block(asked: dict[str, Any], serial: int) -> tuple[dict[str, Any], str]:
    last = asked["messages"][-1]["content"]
    tools = (asked.get("toolConfig") or {}).get("tools")
    if tools and not any("toolResult" in part for part in last):
        spec = tools[0]["toolSpec"]
        given = sample(spec["inputSchema"]["json"], serial)
        use = {"toolUseId": f"tooluse_{serial:022d}", "name": spec["name"], "input": given}
        return {"toolUse": use}, "tool_use"
    return {"text": reply(last, serial)}, "end_turn"


def _usage(asked: dict[str, Any], said: object) -> dict[str, int]:
    before, after = count(asked["messages"]), count(said)
    return {"inputTokens": before, "outputTokens": after, "totalTokens": before + after}
