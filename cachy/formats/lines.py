"""JSON lines, one object an interaction: what `cachy export` writes for pandas and sqlite-utils.

`request` and `response` are the bodies as text; one that is no text stands under `…_base64`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cachy.formats.interaction import (
    TEXT_LIMIT,
    Interaction,
    NotUnderstood,
    Unclear,
    as_bytes,
    from_base64,
    pairs,
    status_of,
    url_of,
    utc,
)
from cachy.lazy import base64
from cachy.rules.message import Request, ResponseHead

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

    from cachy.formats.interaction import Found


def read(stream: IO[bytes]) -> Found:
    """Yield what is in a file of JSON lines."""
    number = 0
    while line := stream.readline(TEXT_LIMIT):
        number += 1
        place = f"line {number}"
        if len(line) == TEXT_LIMIT:
            yield Unclear(place, f"a text of more than {TEXT_LIMIT // 2**20} MiB")
            return
        if line.strip():
            try:
                yield _interaction(place, json.loads(line))
            except NotUnderstood as error:
                yield Unclear(place, str(error))
            except (ValueError, RecursionError):
                yield Unclear(place, "it is not JSON")


def _interaction(place: str, row: Any) -> Interaction:
    if not isinstance(row, dict) or "url" not in row:
        raise NotUnderstood("an object without a request")
    if not {"response", "response_base64"} & row.keys():
        raise NotUnderstood("an object without a response")
    ms, reason, http = row.get("ms"), row.get("reason"), row.get("http")
    return Interaction(
        place,
        Request(
            str(row.get("method") or "GET").upper(),
            url_of(row["url"]),
            pairs(row.get("request_headers")),
            _body(row, "request"),
        ),
        ResponseHead(
            status_of(row.get("status")),
            pairs(row.get("response_headers")),
            http=http if isinstance(http, str) else "HTTP/1.1",
            reason=reason if isinstance(reason, str) else None,
            client=str(row.get("client") or ""),
        ),
        _body(row, "response"),
        recorded=utc(row.get("recorded")),
        ms=ms if isinstance(ms, int | float) else 0.0,
        scope=row["scope"] if isinstance(row.get("scope"), str) else None,
        repeat=row["repeat"] if isinstance(row.get("repeat"), int) else None,
    )


def _body(row: dict[str, Any], name: str) -> bytes:
    coded = row.get(f"{name}_base64")
    return from_base64(coded) if isinstance(coded, str) else as_bytes(row.get(name))


def write(interactions: Iterable[tuple[dict[str, Any], Interaction]], stream: IO[str]) -> None:
    """Write a line for each interaction; before it stands what is known of it besides: key, model,
    tokens and the like."""
    for details, each in interactions:
        row = {
            **details,
            "scope": each.scope or "",
            "repeat": each.repeat or 0,
            "status": each.response.status,
            "http": each.response.http,
            "reason": each.response.reason,
            "client": each.response.client,
            "request_headers": [list(pair) for pair in each.request.headers],
            **_text("request", each.request.body),
            "response_headers": [list(pair) for pair in each.response.headers],
            **_text("response", each.body),
        }
        line = json.dumps(row, ensure_ascii=False)
        for end in "\x85\u2028\u2029":  # what some readers take for the end of a line
            line = line.replace(end, f"\\u{ord(end):04x}")
        stream.write(line + "\n")


def _text(name: str, body: bytes) -> dict[str, str]:
    try:
        return {name: body.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(body).decode()}
