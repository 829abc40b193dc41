"""Why a request has no recording: the closest one that was recorded, and what differs from it.

    Asked ───┐
    heads ───┴─closest()─▶ Closest ──differences()──▶ [Change, …] ──verdict()──▶ one sentence

The closest is of the same endpoint, and of those the one with the least that differs. Differences
run from what was recorded to what is asked now, and name their place as a JSON path. A list's
elements are matched before they are compared: an inserted message is one difference, not a shift
of all that follow.

Of a long text an entry keeps its length, its ends and digests of its pieces (`key.outline`). That
tells where a text differs, not what stood there; where it was not kept, a difference says so.
Nothing here does any IO.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from math import inf, log2
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from cachy import key as keys
from cachy.answers import model_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Asked(NamedTuple):
    """A request without a recording. `outline` is short, as in a head; `full` has whole texts."""

    method: str
    url: str
    outline: keys.Outline
    full: keys.Outline

    @classmethod
    def of(cls, canonical: bytes) -> Asked:
        """From its canonical form."""
        method, _, url = canonical.partition(b"\n")[0].decode().partition(" ")
        return cls(method, url, keys.outline(canonical), keys.outline(canonical, full=True))

    @classmethod
    def again(cls, head: dict[str, Any]) -> Asked:
        """From the head of its recording: why was it not answered by an older one?"""
        outline = head.get("request", {})
        return cls(head.get("method", ""), head.get("url", ""), outline, outline)


class Change(NamedTuple):
    """One difference. `kind` is changed, added, removed (of a field), inserted, dropped (of an
    element), moved, or reordered; `before` and `after` are short texts of values."""

    path: str
    kind: str
    before: str = ""
    after: str = ""
    unknown: bool = False  # what was recorded there is not stored

    def __str__(self) -> str:
        match self.kind:
            case "added":
                parent, name = _split(self.path)
                return f"{parent}: + {name}: {self.after}" if parent else f"+ {name}: {self.after}"
            case "removed":
                return f"{self.path}: {self.before} → (absent)"
            case "inserted":
                return f"{self.path}: inserted: {self.after}"
            case "dropped":
                return f"{self.path} of the recording is gone: {self.before}"
            case "moved":
                return f"{self.path}: moved here from {self.before}"
            case "reordered":
                return f"{self.path}: the same elements in another order: {self.after}"
        return f"{self.path}: {self.before} → {self.after}"


# ---- The closest ----


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
        apart = _apart(target.fields, places[head["url"]].fields)
        apart += _apart(asked.outline, head["request"], enough - apart)
        if (elsewhere, apart) < best_rank:
            best, best_rank = head, (elsewhere, apart)
    return Closest(best, seen, hosts, endpoints, same, bare)


def _words(text: bytes) -> set[bytes]:
    return set(text.translate(_WORDS).split())


def _dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


_MODEL = re.compile(r"(?<=/models/)[^/:]+|(?<=/model/)[^/:]+|(?<=/deployments/)[^/:]+")


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
        endpoint = _MODEL.sub("*", parts.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        fields = {"model": model_of(parts.path, None), "query": query}
        return cls(parts.netloc, endpoint, endpoint.rpartition("/")[2], fields)


def _apart(a: Any, b: Any, enough: float = inf) -> float:
    """How much two values differ: about the number of fields, where long texts count more, and
    texts that are alike count less. Past `enough` it is not looked into any further."""
    if a == b:  # at C speed for what is equal, which is most
        return 0.0
    if isinstance(a, str) and isinstance(b, str):
        start, end = _common(a, b)
        return max(_weight(a), _weight(b)) * (1 - (start + end) / max(len(a), len(b)))
    if isinstance(a, list) and isinstance(b, list):
        start, end = _equal_ends(a, b)
        a, b = a[start : len(a) - end], b[start : len(b) - end]
        apart = _apart_in_place(a, b, enough)
        if len(a) != len(b) and a and b:
            apart = min(apart, _apart_in_place(a[::-1], b[::-1], enough))
        return apart
    if isinstance(a, dict):
        first, second = _outlined(a), _outlined(b)
        if first and not second and isinstance(b, str) and len(b) > keys.LONG:
            second = keys.shorten_text(b)["…"]  # a store with requests="full"
        if first and second:
            return _weight(a) * (1 - _pieces_alike(first, second))
        if isinstance(b, dict) and not first and not second:
            apart = 0.0
            for name in {**a, **b}:
                if name in a and name in b:
                    apart += _apart(a[name], b[name], enough - apart)
                else:
                    apart += _weight(a[name] if name in a else b[name])
                if apart > enough:
                    break
            return apart
    return max(_weight(a), _weight(b))


def _apart_in_place(a: list[Any], b: list[Any], enough: float) -> float:
    apart = 0.0
    for value in a[len(b) :] or b[len(a) :]:
        apart += _weight(value)
    for first, second in zip(a, b, strict=False):
        if apart > enough:
            break
        apart += _apart(first, second, enough - apart)
    return apart


def _weight(value: Any) -> float:
    if isinstance(value, str):
        return 1 + log2(1 + len(value))
    if isinstance(value, dict):
        if outlined := _outlined(value):
            return 1 + log2(1 + outlined[0])
        return 1 + sum(map(_weight, value.values()))
    return 1 + sum(map(_weight, value)) if isinstance(value, list) else 1


def _outlined(value: Any) -> list[Any] | None:
    """Length, digest, start, end and pieces of a text that stands outlined; None for all else."""
    if not (isinstance(value, dict) and len(value) == 1):
        return None
    fields = value.get("…")
    return fields if isinstance(fields, list) and len(fields) == 5 else None


def _pieces_alike(a: list[Any], b: list[Any]) -> float:
    """How much of two outlined texts is alike at their ends, from 0 to 1."""
    pieces = sum(_common(a[4], b[4])) / max(len(a[4]), len(b[4]))
    ends = (_prefix(a[2], b[2]) + _prefix(a[3][::-1], b[3][::-1])) / (len(a[2]) + len(a[3]))
    return 0.9 * pieces + 0.09 * ends


def _equal_ends(a: Sequence[Any], b: Sequence[Any]) -> tuple[int, int]:
    """How many elements are equal at the start, and then at the end."""
    most = min(len(a), len(b))
    start = next((i for i in range(most) if a[i] != b[i]), most)
    end = next((i for i in range(most - start) if a[-1 - i] != b[-1 - i]), most - start)
    return start, end


def _common(a: str, b: str) -> tuple[int, int]:
    """How many characters are equal at the start, and then at the end."""
    start = _prefix(a, b)
    most = min(len(a), len(b)) - start
    return start, _prefix(a[:start:-1][:most], b[:start:-1][:most]) if most else 0


def _prefix(a: str, b: str) -> int:
    """The length of the common start, by halving: no loop over characters."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


# ---- What differs ----


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
        if all(models) and _MODEL.sub("*", before.path) == _MODEL.sub("*", after.path):
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
        before, after = ("(none)" if value is None else _brief(value) for value in (old, new))
        yield Change(path, "changed", before, after)


def _of_values(path: str, old: Any, new: Any) -> Iterator[Change]:
    """Of two JSON values; `old` may hold outlined texts."""
    if old is _ABSENT or new is _ABSENT or _same(old, new):
        if old is not new and (old is _ABSENT or new is _ABSENT):
            kind = "added" if old is _ABSENT else "removed"
            before, after = ("" if value is _ABSENT else _brief(value) for value in (old, new))
            yield Change(path or "body", kind, before, after)
    elif (texts := _as_texts(old, new)) is not None:
        yield _of_texts(path or "body", *texts, numbers=isinstance(new, list))
    elif isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys() == _BYTES:
        before, after = (f"{v['bytes']:,} bytes ({v['sha256'][:8]}…)" for v in (old, new))
        yield Change(path or "body", "changed", before, after)
    elif isinstance(old, dict) and isinstance(new, dict):
        for name in (*new, *(name for name in old if name not in new)):
            yield from _of_values(_join(path, name), old.get(name, _ABSENT), new.get(name, _ABSENT))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(path, old, new)
    else:
        yield Change(path or "body", "changed", _brief(old), _brief(new))


def _same(old: Any, new: Any) -> bool:
    """Whether two values are one in the canonical request."""
    return _print(old) == _print(new)


def _print(value: Any) -> str:
    """A value's finger print: its outline as text, where 1, 1.0 and true are three."""
    return json.dumps(_short(value), sort_keys=True)


def _short(value: Any) -> Any:
    """A value as it stands in an outline, outlined already or not."""
    if isinstance(value, dict):
        if _outlined(value):
            return value
        return {name: _short(inner) for name, inner in value.items()}
    text = _text_of(value)
    if text is not None and len(value) > (keys.LONG if text is value else keys.LONG // 4):
        return keys.shorten_text(text)
    return [_short(inner) for inner in value] if isinstance(value, list) else value


def _text_of(value: Any) -> str | None:
    """The text that an outline would stand for."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, int | float) for item in value):
        return json.dumps(value, separators=(",", ":"))
    return None


def _join(path: str, name: str) -> str:
    if not re.fullmatch(r"[\w$-]+", name):
        return f"{path}[{json.dumps(name, ensure_ascii=False)}]"
    return f"{path}.{name}" if path else name


def _split(path: str) -> tuple[str, str]:
    """A path as its parent and its last name."""
    if path.endswith("]"):
        parent, _, name = path.rpartition("[")
        return parent, name[:-1]
    parent, _, name = path.rpartition(".")
    return parent, name


def _brief(value: Any) -> str:
    """A value in a few words."""
    if outlined := _outlined(value):
        length, _, start, end, _ = outlined
        return f"{_quote(start[:30] + '…' + end[-20:])} ({length:,} characters)"
    text = json.dumps(_spell(value), ensure_ascii=False, separators=(", ", ": "))
    if isinstance(value, str) and len(text) > _SHOWN:
        return f"{_quote(value[: _SHOWN // 2] + '…' + value[-20:])} ({len(value):,} characters)"
    return text if len(text) <= 2 * _SHOWN else f"{text[: 2 * _SHOWN]}…"


def _spell(value: Any) -> Any:
    """A value with its long texts cut."""
    if outlined := _outlined(value):
        return f"{outlined[2][:30]}…"
    if isinstance(value, dict):
        return {name: _spell(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_spell(inner) for inner in value]
    return f"{value[:30]}…" if isinstance(value, str) and len(value) > _SHOWN else value


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


# ---- Lists ----

_PAIRS = 10_000
"""Lists whose differing parts have more pairs of elements are compared place by place."""


def _of_lists(path: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    old_prints, new_prints = [_print(value) for value in old], [_print(value) for value in new]
    start, end = _equal_ends(old_prints, new_prints)
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
        pairs = _pairs(list(map(_short, old)), list(map(_short, new)), olds, news, twins)
    paired = dict(pairs)
    for i in olds:
        if i not in paired and i not in twins:
            yield Change(f"{path}[{i}]", "dropped", before=_brief(old[i]))
    sources = {j: i for i, j in pairs}
    origins = {j: i for i, j in twins.items()}
    for j in news:
        if j in sources:
            yield from _of_values(f"{path}[{j}]", old[sources[j]], new[j])
        elif j in origins:
            yield Change(f"{path}[{j}]", "moved", before=f"[{origins[j]}]")
        else:
            yield Change(f"{path}[{j}]", "inserted", after=_brief(new[j]))


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
                ways.append(cost[a + 1][b] + _weight(old[olds[a]]))
            if b < m:
                ways.append(cost[a][b + 1] + _weight(new[news[b]]))
            if a < n and b < m:
                i, j = olds[a], news[b]
                if twins.get(i) == j:
                    apart[a, b] = 0.0
                elif i not in twins and j not in taken:
                    apart[a, b] = _apart(new[j], old[i])
                if (a, b) in apart:
                    ways.append(cost[a + 1][b + 1] + apart[a, b])
            cost[a][b] = min(ways, default=0.0)
    found, a, b = [], 0, 0
    while a < n and b < m:
        if (a, b) in apart and cost[a][b] == cost[a + 1][b + 1] + apart[a, b]:
            found.append((olds[a], news[b]))
            a, b = a + 1, b + 1
        elif cost[a][b] == cost[a + 1][b] + _weight(old[olds[a]]):
            a += 1
        else:
            b += 1
    return found


# ---- Texts ----

_SHOWN = 60
_AROUND = 16


class _Text:
    """A text of which all is known, or its outline. `full` is None for an outline."""

    def __init__(self, known: str | list[Any]) -> None:
        self.full = known if isinstance(known, str) else None
        if isinstance(known, str):
            self.length, self.start, self.end, self.pieces = len(known), known, known, ""
        else:
            self.length, _, self.start, self.end, self.pieces = known
        self.width = keys.piece_width(self.length)

    def piece(self, like: _Text, number: int, shift: int = 0) -> str | None:
        """The digest of what stands where the other text has its piece of that number."""
        start = number * like.width + shift
        end = min(number * like.width + like.width, like.length) + shift
        if self.full is not None:
            return keys.piece(self.full[start:end]) if start >= 0 else None
        if self.width != like.width or shift:
            return None
        return self.pieces[4 * number : 4 * number + 4]

    def excerpt(self, start: int, end: int, most: int) -> str | None:
        """What stands there, with a little around it; None if it is not known."""
        first = max(0, start - _AROUND)
        last = min(self.length, end + _AROUND, start + most)
        skipped = self.length - len(self.end)
        if start < len(self.start):
            last = min(last, len(self.start))
            text = self.start[first:last]
        elif start >= skipped:
            first = max(first, skipped)
            text = self.end[first - skipped : last - skipped]
        else:
            return None
        return f"{'…' * (first > 0)}{text}{'…' * (last < self.length)}"


def _as_texts(old: Any, new: Any) -> tuple[_Text, _Text] | None:
    """Two values as texts, if both are, or are long lists of numbers."""
    if isinstance(old, str | list) and isinstance(new, str | list) and type(old) is not type(new):
        return None
    known = [_outlined(value) or _text_of(value) for value in (old, new)]
    if known[0] is None or known[1] is None:
        return None
    if isinstance(old, list) and isinstance(new, list) and not _outlined(_short(new)):
        return None  # a short list is shown element by element
    return _Text(known[0]), _Text(known[1])


def _of_texts(path: str, old: _Text, new: _Text, *, numbers: bool) -> Change:
    start = _same_start(old, new)
    end = min(_same_end(old, new), min(old.length, new.length) - start)
    old_end, new_end = old.length - end, new.length - end
    old_start = new_start = start
    kept = old.length - len(old.end)
    if len(old.start) <= start < kept < old_end and new.full is not None:
        # It begins in the part that was not kept, or in the end, which was: look there.
        if equal := _prefix(old.end, new.full[kept:]):
            old_start = new_start = kept + equal
        else:
            old_start = kept
    before = old.excerpt(old_start, old_end, _SHOWN)
    after = new.excerpt(new_start, new_end, _SHOWN if before is not None else 3 * _SHOWN)
    shown = [
        "(not stored)" if text is None else text if numbers else _quote(text)
        for text in (before, after)
    ]
    if numbers and new.full is not None:
        first, last = new.full.count(",", 0, start), new.full.count(",", 0, new_end)
        shown[1] += f" (numbers [{first}] to [{last}] of {new.full.count(',') + 1:,})"
    elif max(old.length, new.length) > keys.LONG:
        sizes = f"{new.length:,}; {old.length:,} were recorded"
        place = f"characters {start + 1:,} to {new_end:,}" if new_end > start else f"at {start:,}"
        shown[1] += f" ({place} of {sizes})"
    return Change(path, "changed", shown[0], shown[1], before is None or after is None)


def _known(old: _Text, new: _Text) -> bool:
    return old.full is not None and new.full is not None


def _same_start(old: _Text, new: _Text) -> int:
    """How many characters at the start are known to be equal."""
    start = _prefix(old.start, new.start)
    if start < min(len(old.start), len(new.start)) or _known(old, new):
        return start
    model, other = (old, new) if old.full is None else (new, old)
    count, number = -(-model.length // model.width), 0
    while number < count and model.piece(model, number) == other.piece(model, number):
        number += 1
    return max(start, min(number * model.width, model.length))


def _same_end(old: _Text, new: _Text) -> int:
    """How many characters at the end are known to be equal."""
    end = _prefix(old.end[::-1], new.end[::-1])
    if end < min(len(old.end), len(new.end)) or _known(old, new):
        return end
    model, other = (old, new) if old.full is None else (new, old)
    shift = other.length - model.length
    number = -(-model.length // model.width)
    while number and model.piece(model, number - 1) == other.piece(model, number - 1, shift):
        number -= 1
    return max(end, model.length - number * model.width)


# ---- In words ----

_PROMPTS = frozenset(
    {"messages", "contents", "prompt", "input", "system", "instructions", "systemInstruction"}
    | {"system_instruction", "message", "texts", "inputs", "text", "query", "documents", "content"}
)
_LINES = 12


def verdict(changes: Sequence[Change]) -> str:
    """What kind of change it is, in a few words."""
    kinds = {change.kind for change in changes}
    areas = {re.split(r"[.\[]", change.path, maxsplit=1)[0] for change in changes}
    count = len(changes)
    if not changes:
        return "nothing differs in what was kept of it"
    if areas <= {"model", "model (in the path)"}:
        return "the model changed"
    if areas == {"scope"}:
        return "it was recorded in another scope"
    if areas == {"repeat"}:
        return "it was asked more often than it was recorded"
    if areas == {"path"}:
        return "the path of the URL changed"
    if areas == {"host"}:
        return "it was recorded from another host"
    if all(area.startswith("header ") for area in areas):
        return "a header changed that decides the answer"
    if all(area.startswith("query ") for area in areas):
        return "the query of the URL changed"
    if kinds == {"added"}:
        return f"it has {_fields(count)} that the recording lacks: a newer SDK may send that"
    if kinds == {"removed"}:
        return f"it lacks {_fields(count)} that the recording has: another SDK may have sent that"
    if areas <= _PROMPTS:
        if kinds == {"changed"}:
            return "the prompt changed"
        if kinds <= {"inserted", "dropped"}:
            told = Counter(change.kind for change in changes)
            words = [f"{n} {'more' if kind == 'inserted' else 'fewer'}" for kind, n in told.items()]
            return f"the conversation changed: {', '.join(words)}"
        if kinds <= {"moved", "reordered"}:
            return "the conversation is in another order"
        return "the conversation changed"
    if areas == {"tools"}:
        return "the tools changed"
    return f"{count} things differ" if count > 1 else f"{changes[0].path} changed"


def _fields(count: int) -> str:
    return f"{count} fields" if count > 1 else "a field"


def lines(changes: Sequence[Change]) -> list[str]:
    """The differences, one a line, and not too many."""
    told = [str(change) for change in changes[:_LINES]]
    if len(changes) > _LINES:
        told.append(f"… and {len(changes) - _LINES} more")
    if any(change.unknown for change in changes[:_LINES]):
        told.append('(of long texts only the ends are stored; requests="full" stores all)')
    return told
