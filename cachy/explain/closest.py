"""The recording that is closest to a request: of the same endpoint, with the least that differs."""

from __future__ import annotations

import json
import re
from collections import Counter
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from cachy.explain.distance import distance
from cachy.rules import key as keys
from cachy.rules.outline import Outline, outline
from cachy.rules.verdict import model_of

if TYPE_CHECKING:
    from collections.abc import Iterable


class Asked(NamedTuple):
    """A request without a recording. `outline` is short, as in a head; `full` has whole texts."""

    method: str
    url: str
    outline: Outline
    full: Outline

    @classmethod
    def of(cls, canonical: bytes) -> Asked:
        """From its canonical form."""
        method, _, url = canonical.partition(b"\n")[0].decode().partition(" ")
        return cls(
            method, keys.redacted_url(url), outline(canonical), outline(canonical, full=True)
        )

    @classmethod
    def again(cls, head: dict[str, Any]) -> Asked:
        """From the head of its recording: why was it not answered by an older one?"""
        outline = head.get("request", {})
        return cls(head.get("method", ""), head.get("url", ""), outline, outline)


class Closest(NamedTuple):
    """What a search found. `head` is the closest; None if nothing comparable was recorded."""

    head: dict[str, Any] | None
    seen: int
    hosts: Counter[str]
    endpoints: Counter[str]  # those of the host that was asked
    same: int  # recordings of the endpoint that was asked
    bare: int  # those of them without an outline


_START = re.compile(rb'"method":"([^"\\]*)","url":"([^"\\]*)"')
_WORDS = bytes.maketrans(b'"{}[]:,', b"       ")
_OUTLINED = '{"…":['.encode()
_COMPARED = 200
_HELD = 2000


def closest(asked: Asked, heads: Iterable[bytes]) -> Closest:
    """The recording that a request differs from the least; of equals, the first that came.

    `heads` are lines of JSON, as they stand in entries. To parse and compare them all would take
    too long: of all, words are counted, and those that share most are compared.
    """
    hosts: Counter[str] = Counter()
    endpoints: Counter[str] = Counter()
    seen = same = bare = 0
    places: dict[str, Place] = {}
    target = Place.of(asked.url)
    words = _words(_dumps(asked.outline))
    all_words = _words(_dumps(asked.full))
    found: list[tuple[bool, int, int, bytes]] = []
    for head in heads:
        seen += 1
        start = _START.search(head)
        method, url = (start[1].decode(), start[2].decode()) if start else ("", "")
        if (place := places.get(url)) is None:
            place = places[url] = Place.of(url)
        hosts[place.host] += 1
        if place.host == target.host:
            endpoints[place.endpoint] += 1
        if place.action != target.action or method != asked.method:
            continue
        elsewhere = (place.host, place.endpoint) != (target.host, target.endpoint)
        same += not elsewhere
        _, kept, outline = head.partition(b'"request":{')
        if not kept:
            bare += not elsewhere
            continue
        mine = words if _OUTLINED in outline else all_words
        found.append((elsewhere, len(mine ^ _words(outline)), seen, head))
        if len(found) > 2 * _HELD:
            found = sorted(found)[:_HELD]
    found.sort()
    if len(found) > _COMPARED:  # and those that are as good as the last of them
        found = [one for one in found[:_HELD] if one[:2] <= found[_COMPARED][:2]]
    best: dict[str, Any] | None = None
    best_rank = (True, inf)
    for elsewhere, _, _, line in found:
        head = keys.parse_json(line)
        enough = best_rank[1] if best_rank[0] == elsewhere else inf
        apart = distance(target.fields, places[head["url"]].fields)
        apart += distance(asked.outline, head["request"], enough - apart)
        if (elsewhere, apart) < best_rank:
            best, best_rank = head, (elsewhere, apart)
    return Closest(best, seen, hosts, endpoints, same, bare)


def _words(text: bytes) -> set[bytes]:
    return set(text.translate(_WORDS).split())


def _dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


MODEL = re.compile(r"(?<=/models/)[^/:]+|(?<=/model/)[^/:]+|(?<=/deployments/)[^/:]+")


class Place(NamedTuple):
    """A URL. `endpoint` is its path without the model; `action` the end of that, which stays the
    same behind another gateway; `fields` what may differ between requests to one endpoint."""

    host: str
    endpoint: str
    action: str
    fields: dict[str, Any]

    @classmethod
    def of(cls, url: str) -> Place:
        parts = urlsplit(url)
        endpoint = MODEL.sub("*", parts.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        fields = {"model": model_of(parts.path, None), "query": query}
        return cls(parts.netloc, endpoint, endpoint.rpartition("/")[2], fields)
