"""From a request and its answer to an entry: one pure builder, for recordings and tests.

Request, ResponseHead ──make_head()──▶ head        when a response begins
head, canonical, Answer ──make_entry()──▶ Entry    when its body is complete
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachy.rules.headers import kept_headers
from cachy.rules.key import redacted_url
from cachy.rules.outline import outline
from cachy.rules.refusals import model_of_answer
from cachy.rules.usage import model_of, usage_of
from cachy.store.entry import FORMAT, HEAD_LIMIT, Entry
from cachy.store.names import key_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from cachy.rules.message import Request, ResponseHead
    from cachy.rules.verdict import Answer


def make_head(
    request: Request,
    response: ResponseHead,
    key: str,
    *,
    nonce: str,
    known: bool = True,
    hdrs: Collection[str] = (),
) -> dict[str, Any]:
    """Return the head of an entry as far as it is known before the body.

    `key` has all 64 digits; `nonce` is a few random hex digits; `known`: the host is one that cachy
    knows; `hdrs` are the lower-case names of response headers to keep although they look like those
    of credentials.
    """
    encoded = bool(response.values("content-encoding"))
    head: dict[str, Any] = {
        "cachy": FORMAT,
        "key": key,
        "recorded": "",
        "nonce": nonce,
        "method": request.method,
        "url": redacted_url(request.url, known=known),
        "status": response.status,
        "headers": kept_headers(response.headers, frozenset(hdrs), encoded),
        "client": response.client,
    }
    if response.http != "HTTP/1.1":
        head["http"] = response.http
    if response.reason is not None:
        head["reason"] = response.reason
    return head


def make_entry(
    head: dict[str, Any],
    request: Request,
    canonical: bytes,
    answer: Answer,
    *,
    recorded: str,
    ms: float,
    times: Sequence[tuple[int, int]] = (),
    requests: str = "outline",
) -> Entry:
    """Return the entry of an answer that is complete.

    `head` comes from `make_head`; `recorded` is a UTC time in ISO 8601, `ms` the milliseconds that
    the call took; `times` are those of a stream's pieces: (bytes so far, milliseconds since the
    call began); `requests` says what of the request is kept: `outline`, `full` or `none`.
    """
    full = requests == "full" and len(canonical) < HEAD_LIMIT
    asked = outline(canonical, full=full)
    usage = usage_of(answer)
    model = model_of(request.url, asked.get("body"))
    if model is None and usage:  # a poll of an answer, or an agent, which knows its model
        model = model_of_answer(event.data for event in answer.events) or None
    complete = {
        **head,
        "recorded": recorded,
        "ms": ms,
        "model": model,
        "stream": answer.kind,
        "usage": usage,
    }
    if len(times) > 1:
        complete["times"] = _deltas(times)
    if requests != "none":
        complete["request"] = asked
    return Entry(complete, answer.body)


MOST_TIMES = 64


def _deltas(times: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return at most `MOST_TIMES` of these, each as the difference from the one before. Pieces
    that came close together become one."""
    chosen = list(times)
    while len(chosen) > MOST_TIMES:
        gaps = sorted(range(len(chosen) - 1), key=lambda i: chosen[i + 1][1] - chosen[i][1])
        dropped = set(gaps[: len(chosen) - MOST_TIMES])
        chosen = [each for i, each in enumerate(chosen) if i not in dropped]
    before = (0, 0)
    deltas = []
    for each in chosen:
        deltas.append([each[0] - before[0], each[1] - before[1]])
        before = each
    return deltas


def pieces(head: dict[str, Any], body: bytes) -> list[bytes]:
    """Return a recorded body in the pieces in which it came; in one, where that is not known."""
    if "times" not in head:
        return [body]
    cut, at = [], 0
    try:
        for size, _ in head["times"]:
            if not 0 <= size <= len(body) - at:
                return [body]
            if size:
                cut.append(body[at : at + size])
            at += size
    except (TypeError, ValueError):
        return [body]  # not what cachy writes
    return [*cut, body[at:]] if at < len(body) else cut


def origin(head: dict[str, Any]) -> dict[str, Any]:
    """Return where a replayed response came from: what its `cachy` tells users."""
    if "miss" in head:
        return {"from": "miss", "miss": head["miss"]}
    if "dropped" in head:
        return {"from": "dropped"}
    return {"from": "store", "key": key_of(head["key"]), "recorded": head.get("recorded")}
