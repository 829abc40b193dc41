"""VCR cassettes: those of vcrpy (and pytest-recording), in YAML and JSON, and of Ruby's VCR.

vcrpy    interactions:       [{request: {method, uri, headers, body}, response: {status, …}}]
Ruby     http_interactions:  [{request: …, response: …, recorded_at}]

Recorders differ in how they keep a body: as text, as bytes, in base64, below `string`, below
`base64_string`, parsed, or, those for httpx before vcrpy 6, below `content`.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from cachy.formats import json_reader, yaml_reader
from cachy.formats.interaction import (
    Interaction,
    NotUnderstood,
    Unclear,
    as_bytes,
    date_of,
    from_base64,
    lower,
    pairs,
    reason_of,
    settled,
    status_of,
    url_of,
    usual_reason,
    utc,
)
from cachy.formats.yaml_reader import LINE, valued
from cachy.rules.message import Request, ResponseHead

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

    from cachy.formats.interaction import Found

LISTS = frozenset({"interactions", "http_interactions"})


def read_yaml(stream: IO[bytes]) -> Found:
    """Yield what is in a cassette in YAML."""
    for item in yaml_reader.items(stream, LISTS):
        yield item if isinstance(item, Unclear) else _understood(f"line {item[LINE]}", item)


def read_json(text: str) -> Found:
    """Yield what is in a cassette in JSON."""
    for item in json_reader.items(text, LISTS):
        if isinstance(item, Unclear):
            yield item
        else:
            yield _understood(f"interaction {item[0]}", item[1])


def _understood(place: str, item: Any) -> Interaction | Unclear:
    try:
        return _interaction(place, item)
    except NotUnderstood as error:
        return Unclear(place, str(error))


def _interaction(place: str, item: Any) -> Interaction:
    item = item if isinstance(item, dict) else {}
    request = item.get("request")
    if not isinstance(request, dict):
        raise NotUnderstood("an interaction without a request")
    response = item.get("response")
    if not isinstance(response, dict):
        raise NotUnderstood("an interaction without a response")
    asked = Request(
        str(request.get("method") or "GET").upper(),
        url_of(request.get("uri") or request.get("url")),
        lower(pairs(request.get("headers"))),
        _asked(request),
    )
    body = _body(response)
    headers = pairs(response.get("headers"))
    recorded = utc(item.get("recorded_at")) or date_of(headers)
    details = item.get("cachy")
    details = valued(details) if isinstance(details, dict) else {}
    return Interaction(
        place,
        asked,
        _head(response, settled(headers, body)),
        body,
        recorded=utc(details.get("recorded")) or recorded,
        ms=details["ms"] if isinstance(details.get("ms"), int | float) else 0.0,
        scope=details["scope"] if isinstance(details.get("scope"), str) else None,
        repeat=details["repeat"] if isinstance(details.get("repeat"), int) else None,
    )


def _head(response: dict[str, Any], headers: list[tuple[str, str]]) -> ResponseHead:
    status = response.get("status", response.get("status_code"))
    status = status if isinstance(status, dict) else {"code": status}
    code, message = status_of(status.get("code")), status.get("message")
    http = response.get("http_version") or response.get("protocol")
    return ResponseHead(
        code,
        headers,
        http=http if isinstance(http, str) and http.startswith("HTTP/") else "HTTP/1.1",
        reason=reason_of(code, message),
        client="vcr",
    )


def _asked(request: dict[str, Any]) -> bytes:
    """Return the body of a request. Of one that aiohttp made, vcrpy keeps what is sent as JSON."""
    body = request.get("body")
    kept = isinstance(body, dict) and not {"string", "base64_string"}.isdisjoint(body)
    return _as_json(body) if isinstance(body, dict | list) and not kept else _body(request)


def _as_json(value: Any) -> bytes:
    return json.dumps(valued(value), ensure_ascii=False).encode("utf-8", "replace")


def _body(part: dict[str, Any]) -> bytes:
    """Return the body of a request or a response, as a recorder kept it."""
    if "parsed_body" in part:
        return _as_json(part["parsed_body"])
    body = part.get("body", part.get("content"))
    if isinstance(body, dict):
        if "base64_string" in body:
            return from_base64(body["base64_string"])
        if "string" not in body and body:
            raise NotUnderstood(f"a body of an unknown form ({', '.join(map(str, body))})"[:120])
        body = body.get("string")
    if body is None and "base64_string" in part:
        return from_base64(part["base64_string"])
    return as_bytes(body)


# ---- Writing ----


def write(interactions: Iterable[Interaction], stream: IO[str]) -> None:
    """Write a cassette for vcrpy, in YAML. What it has no place for stands under `cachy`, which
    vcrpy passes over."""
    yaml = yaml_reader.load_yaml()
    dumper = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper
    stream.write("interactions:\n")
    empty = True
    for each in interactions:
        empty = False
        yaml.dump([_item(each)], stream, Dumper=dumper, allow_unicode=True, sort_keys=False)
    if empty:
        stream.write("  []\n")
    stream.write("version: 1\n")


def _item(each: Interaction) -> dict[str, Any]:
    details: dict[str, Any] = {"recorded": each.recorded}
    if each.ms:
        details["ms"] = each.ms
    if each.scope:
        details["scope"] = each.scope
    if each.repeat:
        details["repeat"] = each.repeat
    response = each.response
    status = {"code": response.status, "message": response.reason or usual_reason(response.status)}
    return {
        "request": {
            "method": each.request.method,
            "uri": each.request.url,
            "headers": _lists(each.request.headers),
            "body": _readable(each.request.body) if each.request.body else None,
        },
        "response": {
            "status": status,
            "headers": _lists(response.headers),
            "body": {"string": _readable(each.body)},
        },
        "cachy": details,
    }


def _lists(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for name, value in headers:
        lists.setdefault(name, []).append(value)
    return lists


def _readable(body: bytes) -> str | bytes:
    """Return a body as text where YAML can hold it as it is."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    return text if all(char.isprintable() or char in "\t\n\r" for char in text) else body


# ---- Which scope ----


def scope_of(path: str, base: str) -> str:
    """Return the scope of the interactions of a cassette: its path from the folder `base`, with
    `/`, and without its suffix.

    >>> scope_of("/repo/tests/cassettes/test_a/test_b.yaml", "/repo")
    'tests/cassettes/test_a/test_b'
    """
    relative = os.path.relpath(os.path.abspath(path), base).replace(os.sep, "/")
    for suffix in (".yaml", ".yml", ".json"):
        relative = relative.removesuffix(suffix)
    return relative
