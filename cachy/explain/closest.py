"""The recording that is closest to a request: of the same endpoint, with the fewest differences."""

from __future__ import annotations

import re
from collections import Counter
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.explain.distance import distance
from cachy.explain.request import Address
from cachy.rules import key as keys
from cachy.store.entry import json_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cachy.explain.request import MissedRequest


class Closest(NamedTuple):
    """The result of a search. `head` is of the closest recording, or None without a comparable
    one; the rest counts recordings."""

    head: dict[str, Any] | None
    seen: int
    hosts: Counter[str]
    endpoints: Counter[str]  # those of the same host
    same: int  # of the same endpoint
    bare: int  # of the same endpoint, without an outline


_START = re.compile(rb'"method":"([^"\\]*)","url":"([^"\\]*)"')
_PUNCTUATION = bytes.maketrans(b'"{}[]:,', b"       ")
_OUTLINED = '{"…":['.encode()
_COMPARED = 200
_CANDIDATES = 2000


def closest(request: MissedRequest, recorded: Iterable[tuple[bytes, bytes]]) -> Closest:
    """Find the recording that differs the least from a request; of equals, the first.

    `recorded` are heads and outlines, lines of JSON as they stand in entries. Parsing and comparing
    all of them would take too long: the words of each are counted, and those that share most are
    compared.
    """
    hosts: Counter[str] = Counter()
    endpoints: Counter[str] = Counter()
    seen = same = bare = 0
    addresses: dict[str, Address] = {}
    target = Address.from_url(request.url)
    short_words, full_words = _words(json_bytes(request.outline)), _words(json_bytes(request.full))
    candidates: list[tuple[bool, int, int, bytes, bytes]] = []
    for head, outline in recorded:
        seen += 1
        start = _START.search(head)
        method, url = (start[1].decode(), start[2].decode()) if start else ("", "")
        if (address := addresses.get(url)) is None:
            address = addresses[url] = Address.from_url(url)
        hosts[address.host] += 1
        if address.host == target.host:
            endpoints[address.endpoint] += 1
        if address.action != target.action or method != request.method:
            continue
        elsewhere = (address.host, address.endpoint) != (target.host, target.endpoint)
        same += not elsewhere
        if not outline.startswith(b"{"):
            bare += not elsewhere
            continue
        words = short_words if _OUTLINED in outline else full_words
        candidates.append((elsewhere, len(words ^ _words(outline)), seen, head, outline))
        if len(candidates) > 2 * _CANDIDATES:
            candidates = sorted(candidates)[:_CANDIDATES]
    candidates.sort()
    if len(candidates) > _COMPARED:  # and those that are as good as the last of them
        last = candidates[_COMPARED][:2]
        candidates = [each for each in candidates[:_CANDIDATES] if each[:2] <= last]
    best: dict[str, Any] | None = None
    best_rank = (True, inf)
    for elsewhere, _, _, line, outline in candidates:
        head_fields = keys.parse_json(line)
        head_fields["request"] = keys.parse_json(outline)
        limit = best_rank[1] if best_rank[0] == elsewhere else inf
        apart = distance(target.fields, addresses[head_fields["url"]].fields)
        apart += distance(request.outline, head_fields["request"], limit - apart)
        if (elsewhere, apart) < best_rank:
            best, best_rank = head_fields, (elsewhere, apart)
    return Closest(best, seen, hosts, endpoints, same, bare)


def _words(text: bytes) -> set[bytes]:
    return set(text.translate(_PUNCTUATION).split())
