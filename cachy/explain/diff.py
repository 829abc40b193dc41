"""What differs between a recording and a request, field by field.

Differences run from what was recorded to what is asked now, and name their place as a JSON path. A
list's elements are matched before they are compared: an inserted message is one difference, not a
shift of all that follow.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from cachy.explain.closest import MODEL
from cachy.explain.distance import distance, equal_ends, weight
from cachy.explain.texts import as_texts, brief, of_texts, short
from cachy.explain.words import Change, join_path
from cachy.rules.usage import model_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.explain.closest import Asked


def differences(head: dict[str, Any], asked: Asked) -> list[Change]:
    """From the recording with this head to the request that is asked."""
    outline = head.get("request", {})
    changes = [*_of_urls(head.get("url", ""), asked.url)]
    for name in sorted({*outline, *asked.full} - {"body"}):
        changes += _of_context(name, outline.get(name), asked.full.get(name))
    bodies = outline.get("body", _ABSENT), asked.full.get("body", _ABSENT)
    return [*changes, *_of_values("", *bodies)]


_ABSENT: Any = object()
_BYTES = {"bytes", "sha256"}  # how an outline tells of bytes that are no text


def _of_urls(old: str, new: str) -> Iterator[Change]:
    if old == new:
        return
    before, after = urlsplit(old), urlsplit(new)
    if (before.scheme, before.netloc) != (after.scheme, after.netloc):
        hosts = (
            (before.netloc, after.netloc)
            if before.netloc != after.netloc
            else (f"{before.scheme}://{before.netloc}", f"{after.scheme}://{after.netloc}")
        )
        yield Change("host", "changed", *hosts)
    if before.path != after.path:
        models = model_of(before.path, None), model_of(after.path, None)
        if all(models) and MODEL.sub("*", before.path) == MODEL.sub("*", after.path):
            yield Change("model (in the path)", "changed", str(models[0]), str(models[1]))
        else:
            yield Change("path", "changed", before.path, after.path)
    queries = [dict(parse_qsl(parts.query, keep_blank_values=True)) for parts in (before, after)]
    for name in sorted({*queries[0], *queries[1]}):
        yield from _of_words(f"query {name}", queries[0].get(name), queries[1].get(name))


def _of_context(name: str, old: Any, new: Any) -> Iterator[Change]:
    """Of headers, and of what else stands beside the body, such as the scope."""
    if isinstance(old or {}, dict) and isinstance(new or {}, dict) and name == "headers":
        old, new = old or {}, new or {}
        for header in sorted({*old, *new}):
            yield from _of_words(f"header {header}", old.get(header), new.get(header))
    else:
        yield from _of_words(name, old, new)


def _of_words(path: str, old: Any, new: Any) -> Iterator[Change]:
    if old != new:
        before, after = ("(none)" if value is None else brief(value) for value in (old, new))
        yield Change(path, "changed", before, after)


def _of_values(path: str, old: Any, new: Any) -> Iterator[Change]:
    """Of two JSON values; `old` may hold outlined texts."""
    if old is _ABSENT or new is _ABSENT or _same(old, new):
        if old is not new and (old is _ABSENT or new is _ABSENT):
            kind = "added" if old is _ABSENT else "removed"
            before, after = ("" if value is _ABSENT else brief(value) for value in (old, new))
            yield Change(path or "body", kind, before, after)
    elif (texts := as_texts(old, new)) is not None:
        yield of_texts(path or "body", *texts, numbers=isinstance(new, list))
    elif isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys() == _BYTES:
        before, after = (f"{v['bytes']:,} bytes ({v['sha256'][:8]}…)" for v in (old, new))
        yield Change(path or "body", "changed", before, after)
    elif isinstance(old, dict) and isinstance(new, dict):
        for name in (*new, *(name for name in old if name not in new)):
            yield from _of_values(
                join_path(path, name), old.get(name, _ABSENT), new.get(name, _ABSENT)
            )
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(path, old, new)
    else:
        yield Change(path or "body", "changed", brief(old), brief(new))


def _same(old: Any, new: Any) -> bool:
    """Whether two values are one in the canonical request."""
    return _print(old) == _print(new)


def _print(value: Any) -> str:
    """A value's finger print: its outline as text, where 1, 1.0 and true are three."""
    return json.dumps(short(value), sort_keys=True)


# ---- Lists ----

_PAIRS = 10_000
"""Lists whose differing parts have more pairs of elements are compared place by place."""


def _of_lists(path: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    old_prints, new_prints = [_print(value) for value in old], [_print(value) for value in new]
    start, end = equal_ends(old_prints, new_prints)
    olds, news = range(start, len(old) - end), range(start, len(new) - end)
    twins: dict[int, int] = {}
    if len(olds) * len(news) > _PAIRS:
        pairs = list(zip(olds, news, strict=False))
    else:
        twins = _twins(old_prints, new_prints, olds, news)
        if len(twins) == len(olds) == len(news):
            order = sorted(olds, key=twins.__getitem__)
            yield Change(path or "body", "reordered", after=" ".join(f"[{i}]" for i in order))
            return
        pairs = _pairs(list(map(short, old)), list(map(short, new)), olds, news, twins)
    paired = dict(pairs)
    for i in olds:
        if i not in paired and i not in twins:
            yield Change(f"{path}[{i}]", "dropped", before=brief(old[i]))
    sources = {j: i for i, j in pairs}
    origins = {j: i for i, j in twins.items()}
    for j in news:
        if j in sources:
            yield from _of_values(f"{path}[{j}]", old[sources[j]], new[j])
        elif j in origins:
            yield Change(f"{path}[{j}]", "moved", before=f"[{origins[j]}]")
        else:
            yield Change(f"{path}[{j}]", "inserted", after=brief(new[j]))


def _twins(old: list[str], new: list[str], olds: range, news: range) -> dict[int, int]:
    """Elements of the one list that stand, as they are, somewhere in the other."""
    free: dict[str, list[int]] = {}
    for j in reversed(news):
        free.setdefault(new[j], []).append(j)
    return {i: free[old[i]].pop() for i in olds if free.get(old[i])}


def _pairs(
    old: list[Any], new: list[Any], olds: range, news: range, twins: dict[int, int]
) -> list[tuple[int, int]]:
    """Which elements became which, in order: those pairs that leave the least different.

    The shortest way through a table, from its end; an element that has a twin elsewhere is paired
    with nothing else.
    """
    taken = set(twins.values())
    n, m = len(olds), len(news)
    cost = [[0.0] * (m + 1) for _ in range(n + 1)]
    apart: dict[tuple[int, int], float] = {}
    for a in range(n, -1, -1):
        for b in range(m, -1, -1):
            ways = []
            if a < n:
                ways.append(cost[a + 1][b] + weight(old[olds[a]]))
            if b < m:
                ways.append(cost[a][b + 1] + weight(new[news[b]]))
            if a < n and b < m:
                i, j = olds[a], news[b]
                if twins.get(i) == j:
                    apart[a, b] = 0.0
                elif i not in twins and j not in taken:
                    apart[a, b] = distance(new[j], old[i])
                if (a, b) in apart:
                    ways.append(cost[a + 1][b + 1] + apart[a, b])
            cost[a][b] = min(ways, default=0.0)
    found, a, b = [], 0, 0
    while a < n and b < m:
        if (a, b) in apart and cost[a][b] == cost[a + 1][b + 1] + apart[a, b]:
            found.append((olds[a], news[b]))
            a, b = a + 1, b + 1
        elif cost[a][b] == cost[a + 1][b] + weight(old[olds[a]]):
            a += 1
        else:
            b += 1
    return found
