"""What differs between a recording and a request, field by field.

Differences run from what was recorded to what is asked now, and name their place as a JSON path. A
list's elements are matched before they are compared: an inserted message is one difference, not a
shift of all that follow.
"""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from cachy.explain.closest import MODEL
from cachy.explain.distance import distance, equal_ends, weight
from cachy.explain.texts import as_texts, brief, of_texts, short
from cachy.explain.words import Change, join_path
from cachy.rules.verdict import model_of

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
"""Lists whose differing parts have more pairs of elements than this are compared by position."""

_SIMILAR = 0.8
"""Elements are similar if at most this share of them differs."""


def _of_lists(path: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    old_prints, new_prints = [_print(value) for value in old], [_print(value) for value in new]
    start, end = equal_ends(old_prints, new_prints)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    old_prints, new_prints = old_prints[start:][: len(old)], new_prints[start:][: len(new)]
    if len(old) * len(new) > _PAIRS:
        origins = {i: i for i in range(min(len(old), len(new)))}
        moved: set[int] = set()
    else:
        origins, moved = _match(old, new, old_prints, new_prints)
    if moved and sorted(old_prints) == sorted(new_prints):
        order = " ".join(f"[{start + origins[j]}]" for j in range(len(new)))
        yield Change(path or "body", "reordered", after=order)
        return
    for i in sorted({*range(len(old))}.difference(origins.values())):
        yield Change(f"{path}[{start + i}]", "dropped", before=brief(old[i]))
    for j, value in enumerate(new):
        place = f"{path}[{start + j}]"
        if j not in origins:
            yield Change(place, "inserted", after=brief(value))
        elif j in moved:
            yield Change(place, "moved", before=f"[{start + origins[j]}]")
        else:
            yield from _of_values(place, old[origins[j]], value)


def _match(
    old: list[Any], new: list[Any], old_prints: list[str], new_prints: list[str]
) -> tuple[dict[int, int], set[int]]:
    """Find which element of `old` each of `new` comes from, and which only moved."""
    matcher = SequenceMatcher(None, old_prints, new_prints, autojunk=False)
    origins = {j + n: i + n for i, j, size in matcher.get_matching_blocks() for n in range(size)}
    left = sorted({*range(len(old))}.difference(origins.values()))
    moved = set()
    for j in sorted({*range(len(new))}.difference(origins)):
        if (i := next((i for i in left if old_prints[i] == new_prints[j]), None)) is not None:
            origins[j] = i
            left.remove(i)
            moved.add(j)
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind == "replace":
            olds = [n for n in range(i, i_end) if n in left]
            news = [n for n in range(j, j_end) if n not in origins]
            pairs = _similar([old[n] for n in olds], [new[n] for n in news])
            origins.update((news[b], olds[a]) for a, b in pairs)
    return origins, moved


def _similar(old: list[Any], new: list[Any]) -> Iterator[tuple[int, int]]:
    """Pair replaced elements: the two most similar, then those before and after them; where
    nothing is similar, in order."""
    old, new = [short(value) for value in old], [short(value) for value in new]
    apart = [[distance(b, a) / max(weight(a), weight(b)) for b in new] for a in old]

    def pairs(olds: range, news: range) -> Iterator[tuple[int, int]]:
        part, i, j = min(((apart[i][j], i, j) for i in olds for j in news), default=(1.0, 0, 0))
        if part > _SIMILAR:
            yield from zip(olds, news, strict=False)
        else:
            yield i, j
            yield from pairs(range(olds.start, i), range(news.start, j))
            yield from pairs(range(i + 1, olds.stop), range(j + 1, news.stop))

    return pairs(range(len(old)), range(len(new)))
