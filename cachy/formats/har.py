"""HAR, the HTTP archives that browsers and proxies write (version 1.2)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from cachy.formats import json_reader
from cachy.formats.interaction import (
    Interaction,
    NotUnderstood,
    Unclear,
    as_bytes,
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
from cachy.lazy import base64
from cachy.rules.message import Request, ResponseHead

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

    from cachy.formats.interaction import Found

LISTS = frozenset({"entries"})
_VERSIONS = {"h2": "HTTP/2", "http/2.0": "HTTP/2", "http/2": "HTTP/2", "http/1.0": "HTTP/1.0"}


def read(text: str) -> Found:
    """Yield what is in an archive."""
    for item in json_reader.items(text, LISTS):
        if isinstance(item, Unclear):
            yield item
            continue
        place = f"entry {item[0]}"
        try:
            yield _interaction(place, item[1])
        except NotUnderstood as error:
            yield Unclear(place, str(error))


def _interaction(place: str, entry: Any) -> Interaction:
    entry = entry if isinstance(entry, dict) else {}
    request, response = entry.get("request"), entry.get("response")
    if not isinstance(request, dict):
        raise NotUnderstood("an entry without a request")
    if not isinstance(response, dict) or response.get("status") in (0, -1):
        raise NotUnderstood("an entry without a response")
    headers = lower(pairs(request.get("headers")))
    body, media = _post_data(request.get("postData"))
    if media and not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", media))
    asked = Request(
        str(request.get("method") or "GET").upper(), url_of(request.get("url")), headers, body
    )
    answer = _content(response.get("content"))
    status = status_of(response.get("status"))
    time, details = entry.get("time"), entry.get("_cachy")
    details = details if isinstance(details, dict) else {}
    return Interaction(
        place,
        asked,
        ResponseHead(
            status,
            settled(pairs(response.get("headers")), answer),
            http=_VERSIONS.get(str(response.get("httpVersion")).lower(), "HTTP/1.1"),
            reason=reason_of(status, response.get("statusText")),
            client="har",
        ),
        answer,
        recorded=utc(entry.get("startedDateTime")),
        ms=round(time, 1) if isinstance(time, int | float) and 0 <= time < 10**9 else 0.0,
        scope=details["scope"] if isinstance(details.get("scope"), str) else None,
        repeat=details["repeat"] if isinstance(details.get("repeat"), int) else None,
    )


def _post_data(data: Any) -> tuple[bytes, str]:
    """Return the body of a request and its media type."""
    if not isinstance(data, dict):
        return b"", ""
    media = data.get("mimeType")
    media = media if isinstance(media, str) else ""
    text = data.get("text")
    if isinstance(text, str) and text:
        encoded = data.get("encoding", data.get("_encoding")) == "base64"
        return from_base64(text) if encoded else as_bytes(text), media
    params = data.get("params")
    if isinstance(params, list) and params:
        if "urlencoded" not in media:
            raise NotUnderstood(f"a request whose {media or 'form'} was taken apart")
        return urlencode(pairs(params)).encode(), media
    return b"", media


def _content(content: Any) -> bytes:
    content = content if isinstance(content, dict) else {}
    text = content.get("text")
    if not isinstance(text, str):
        if content.get("size", 0) not in (0, -1, None):
            raise NotUnderstood("a response whose body is not in the file")
        return b""
    return from_base64(text) if content.get("encoding") == "base64" else as_bytes(text)


# ---- Writing ----


def write(interactions: Iterable[Interaction], stream: IO[str]) -> None:
    """Write an archive. What has no place in one stands under `_cachy`."""
    from cachy import __version__

    creator = {"name": "cachy", "version": __version__}
    stream.write(f'{{"log": {{"version": "1.2", "creator": {json.dumps(creator)}, "entries": [')
    before = "\n"
    for each in interactions:
        stream.write(before + json.dumps(_entry(each), ensure_ascii=False))
        before = ",\n"
    stream.write("\n]}}\n")


def _entry(each: Interaction) -> dict[str, Any]:
    request, response = each.request, each.response
    ours = {"scope": each.scope, "repeat": each.repeat}
    entry = {
        "startedDateTime": each.recorded,
        "time": each.ms,
        "request": {
            "method": request.method,
            "url": request.url,
            "httpVersion": response.http,
            "cookies": [],
            "headers": _named(request.headers),
            "queryString": [],
            "headersSize": -1,
            "bodySize": len(request.body),
        },
        "response": {
            "status": response.status,
            "statusText": response.reason or usual_reason(response.status),
            "httpVersion": response.http,
            "cookies": [],
            "headers": _named(response.headers),
            "content": {
                "size": len(each.body),
                "mimeType": next(iter(response.values("content-type")), ""),
                **_text_of(each.body),
            },
            "redirectURL": next(iter(response.values("location")), ""),
            "headersSize": -1,
            "bodySize": len(each.body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": each.ms, "receive": 0},
        "_cachy": {name: value for name, value in ours.items() if value},
    }
    if request.body:
        data = {"mimeType": request.header("content-type"), **_text_of(request.body)}
        entry["request"]["postData"] = data  # type: ignore[index]
    return entry


def _named(headers: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _text_of(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}
