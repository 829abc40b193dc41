"""What differs between a recording and a request, field by field.

Differences lead from what was recorded to what is sent now, and name their place as a JSON path.
The elements of lists are matched before they are compared: an inserted message is one difference,
not a shift of all that follow.

Of a long text an entry stores its length, its ends and digests of its pieces (`rules/outline.py`).
They tell where a text differs, but not what stood there; a difference then says "(not stored)".
"""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from cachy.explain.distance import distance, equal_ends, equal_start, outlined_parts, weight
from cachy.explain.request import Address
from cachy.explain.words import SHOWN, Difference, brief, join_path, quote
from cachy.rules.outline import LONG, piece, piece_width, shorten_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.explain.request import MissedRequest


def differences(head: dict[str, Any], request: MissedRequest) -> list[Difference]:
    """Compare the recording with this head with a request: URL, headers and scope, body."""
    outline, full = head.get("request", {}), request.full
    result = [*_compare_urls(head.get("url", ""), request.url)]
    for name in sorted({*outline, *full} - {"body"}):
        result += _compare_context(name, outline.get(name), full.get(name))
    bodies = outline.get("body", _ABSENT), full.get("body", _ABSENT)
    return [*result, *_compare_values("", *bodies)]


_ABSENT: Any = object()
_BYTES = {"bytes", "sha256"}  # the fields by which an outline describes binary data


def _compare_urls(old: str, new: str) -> Iterator[Difference]:
    before, after = Address.from_url(old), Address.from_url(new)
    if before.host != after.host:
        yield Difference("host", "changed", before.host, after.host)
    elif before.scheme != after.scheme:
        old_origin, new_origin = (f"{each.scheme}://{each.host}" for each in (before, after))
        yield Difference("host", "changed", old_origin, new_origin)
    if before.path != after.path:
        if before.model and after.model and before.endpoint == after.endpoint:
            yield Difference("model (in the path)", "changed", before.model, after.model)
        else:
            yield Difference("path", "changed", before.path, after.path)
    yield from _compare_named("query", before.query, after.query)


def _compare_context(name: str, old: Any, new: Any) -> Iterator[Difference]:
    """Compare headers, or another field beside the body, such as the scope."""
    if name == "headers" and isinstance(old or {}, dict) and isinstance(new or {}, dict):
        yield from _compare_named("header", old or {}, new or {})
    else:
        yield from _compare_named("", {name: old}, {name: new})


def _compare_named(kind: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        values = old.get(name), new.get(name)
        if values[0] != values[1]:
            before, after = ("(none)" if value is None else brief(value) for value in values)
            yield Difference(f"{kind} {name}".lstrip(), "changed", before, after)


def _compare_values(path: str, old: Any, new: Any) -> Iterator[Difference]:
    """Compare two JSON values, either of which may be absent; `old` may hold outlined texts."""
    place = path or "body"
    if old is new:
        return
    if old is _ABSENT:
        yield Difference(place, "added", after=brief(new))
    elif new is _ABSENT:
        yield Difference(place, "removed", before=brief(old))
    elif _fingerprint(old) == _fingerprint(new):
        return
    elif (texts := _as_texts(old, new)) is not None:
        yield _compare_texts(place, *texts, numbers=isinstance(new, list))
    elif isinstance(old, dict) and isinstance(new, dict):
        if old.keys() == new.keys() == _BYTES:
            before, after = (f"{v['bytes']:,} bytes ({v['sha256'][:8]}…)" for v in (old, new))
            yield Difference(place, "changed", before, after)
            return
        for name in {**new, **old}:
            values = old.get(name, _ABSENT), new.get(name, _ABSENT)
            yield from _compare_values(join_path(path, name), *values)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _compare_lists(path, old, new)
    else:
        yield Difference(place, "changed", brief(old), brief(new))


def _fingerprint(value: Any) -> str:
    """Return a value's outline as text, which is the same for values that are the same in the
    canonical request, and different for 1, 1.0 and true."""
    return json.dumps(_shorten(value), sort_keys=True)


def _shorten(value: Any) -> Any:
    """Return a value as it stands in an outline; it may be outlined already."""
    if isinstance(value, dict):
        if outlined_parts(value):
            return value
        return {name: _shorten(inner) for name, inner in value.items()}
    text = _text_of(value)
    if text is not None and len(value) > (LONG if text is value else LONG // 4):
        return shorten_text(text)
    return [_shorten(inner) for inner in value] if isinstance(value, list) else value


# ---- Lists ----

_PAIRS = 10_000
"""Lists whose differing parts have more pairs of elements than this are compared by position."""

_SIMILAR = 0.8
"""Elements are similar if at most this share of them differs."""


def _compare_lists(path: str, old: list[Any], new: list[Any]) -> Iterator[Difference]:
    old_prints, new_prints = list(map(_fingerprint, old)), list(map(_fingerprint, new))
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
        yield Difference(path or "body", "reordered", after=order)
        return
    for i in sorted({*range(len(old))}.difference(origins.values())):
        yield Difference(f"{path}[{start + i}]", "dropped", before=brief(old[i]))
    for j, value in enumerate(new):
        place = f"{path}[{start + j}]"
        if j not in origins:
            yield Difference(place, "inserted", after=brief(value))
        elif j in moved:
            yield Difference(place, "moved", before=f"[{start + origins[j]}]")
        else:
            yield from _compare_values(place, old[origins[j]], value)


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
    old, new = list(map(_shorten, old)), list(map(_shorten, new))
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


# ---- Long texts ----

_AROUND = 16


class Text:
    """A whole text or an outlined one. `full` is None for an outlined text."""

    def __init__(self, source: str | list[Any]) -> None:
        self.full = source if isinstance(source, str) else None
        if isinstance(source, str):
            self.length, self.start, self.end, self.pieces = len(source), source, source, ""
        else:
            self.length, _, self.start, self.end, self.pieces = source
        self.width = piece_width(self.length)

    @property
    def known(self) -> str:
        """What is stored of it."""
        return self.start if self.full is not None else f"{self.start} {self.end}"

    def piece(self, like: Text, number: int, shift: int = 0) -> str | None:
        """Return the digest of the characters where the text `like` has its piece `number`, moved
        by `shift`; None if it is not known."""
        start = number * like.width + shift
        end = min(number * like.width + like.width, like.length) + shift
        if self.full is not None:
            return piece(self.full[start:end]) if start >= 0 else None
        if self.width != like.width or shift:
            return None
        return self.pieces[4 * number : 4 * number + 4]

    def excerpt(self, start: int, end: int, most: int) -> str | None:
        """Return the characters from `start` to `end` and a few around them; None if they are not
        stored."""
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


def _as_texts(old: Any, new: Any) -> tuple[Text, Text] | None:
    """Return two values as texts if both are texts or long lists of numbers."""
    if isinstance(old, str | list) and isinstance(new, str | list) and type(old) is not type(new):
        return None
    before, after = (outlined_parts(value) or _text_of(value) for value in (old, new))
    if before is None or after is None:
        return None
    if isinstance(old, list) and isinstance(new, list) and not outlined_parts(_shorten(new)):
        return None  # a short list is shown element by element
    return Text(before), Text(after)


def _compare_texts(path: str, old: Text, new: Text, *, numbers: bool) -> Difference:
    start, end = _equal_parts(old, new)
    old_end, new_end = old.length - end, new.length - end
    old_start = new_start = start
    stored = old.length - len(old.end)
    if len(old.start) <= start < stored < old_end and new.full is not None:
        # It begins in the middle, which is not stored, or in the end, which is: look there.
        if equal := equal_start(old.end, new.full[stored:]):
            old_start = new_start = stored + equal
        else:
            old_start = stored
    before = old.excerpt(old_start, old_end, SHOWN)
    after = new.excerpt(new_start, new_end, SHOWN if before is not None else 3 * SHOWN)
    shown = [
        "(not stored)" if text is None else text if numbers else quote(text)
        for text in (before, after)
    ]
    if numbers and new.full is not None:
        first, last = new.full.count(",", 0, start), new.full.count(",", 0, new_end)
        shown[1] += f" (numbers [{first}] to [{last}] of {new.full.count(',') + 1:,})"
    elif max(old.length, new.length) > LONG:
        sizes = f"{new.length:,}; {old.length:,} were recorded"
        place = f"characters {start + 1:,} to {new_end:,}" if new_end > start else f"at {start:,}"
        shown[1] += f" ({place} of {sizes})"
    unknown = before is None or after is None
    alien = not numbers and _are_alien(old, new, start + end)
    return Difference(path, "changed", shown[0], shown[1], unknown, alien)


_ALIEN = 0.25
"""Texts of which a smaller share is equal, at their ends or word by word, are not alike."""


def _are_alien(old: Text, new: Text, equal: int) -> bool:
    """Tell whether two texts have next to nothing in common; `equal` characters are the same at
    their ends."""
    words, others = (set(text.known.lower().split()) for text in (old, new))
    fewer = min(len(words), len(others))
    if equal > _ALIEN * min(old.length, new.length):
        return False
    return len(words & others) < _ALIEN * fewer


def _equal_parts(old: Text, new: Text) -> tuple[int, int]:
    """Return how many characters are known to be equal at the start, and then at the end."""
    if old.full is not None and new.full is not None:
        return equal_ends(old.full, new.full)
    model, other = (old, new) if old.full is None else (new, old)
    shift, numbers = other.length - model.length, range(-(-model.length // model.width))
    start, end = equal_start(old.start, new.start), equal_start(old.end[::-1], new.end[::-1])
    if start == min(len(old.start), len(new.start)):
        equal = (model.piece(model, n) == other.piece(model, n) for n in numbers)
        start = max(start, min(sum(takewhile(bool, equal)) * model.width, model.length))
    if end == min(len(old.end), len(new.end)):
        equal = (model.piece(model, n) == other.piece(model, n, shift) for n in reversed(numbers))
        different = len(numbers) - sum(takewhile(bool, equal))
        end = max(end, model.length - different * model.width)
    return start, min(end, old.length - start, new.length - start)


def _text_of(value: Any) -> str | None:
    """Return the text that an outline would stand for; None for other values."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, int | float) for item in value):
        return json.dumps(value, separators=(",", ":"))
    return None
