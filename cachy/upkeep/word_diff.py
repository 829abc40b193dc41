"""Two texts compared word by word.

    word_diff("run ls", "run rm -rf /")  ─▶  [("=", "run "), ("-", "ls"), ("+", "rm -rf /")]

What is equal at both ends is set aside; between the words that occur once in each text, which are
matched first ("patience diff"), the small gaps are compared word by word. All of it is bounded:
texts that are made to take long come out as replaced in large pieces. Pure; nothing raises.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from cachy.explain.distance import equal_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Block = tuple[int, int, int]
    """Where equal words start in the old and in the new text, and how many there are."""


class Piece(NamedTuple):
    """A part of both texts (`op` is "="), of the old one alone ("-") or of the new one ("+")."""

    op: str
    text: str


LONGEST = 200_000
"""Characters. Where longer texts differ, they are not compared word by word."""
_LONGEST_WORD = 200
_DEEPEST = 40
_SMALL_GAP = 4096
"""Pairs of words. Larger gaps between matched words are replaced as a whole."""
_ALL_GAPS = 10**6
_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # written without spaces
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|\s+|[^\w\s]")


def word_diff(old: str, new: str) -> list[Piece]:
    """Return the pieces of two texts. Those that are not "+" make the old one, those that are not
    "-" the new one; what is replaced comes before what replaces it."""
    start = _equal_start(old, new)
    end = _equal_end(old[start:], new[start:])
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    pieces = [Piece("=", old[:start])]
    if max(len(before), len(after)) > LONGEST:
        pieces += [Piece("-", before), Piece("+", after)]
    else:
        pieces += _compare(_WORD.findall(before), _WORD.findall(after))
    pieces.append(Piece("=", old[len(old) - end :]))
    return list(_tidied(pieces))


def differ(pieces: Iterable[Piece]) -> bool:
    """Return whether anything differs."""
    return any(piece.op != "=" for piece in pieces)


# ---- Ends ----


def _equal_start(old: str, new: str) -> int:
    """Return how many characters are equal at the start, up to the end of a word."""
    equal = equal_start(old, new)
    for at in range(equal, max(equal - _LONGEST_WORD, 0), -1):
        if not any(_within_word(text, at) for text in (old, new)):
            return at
    return equal if equal > _LONGEST_WORD else 0


def _equal_end(old: str, new: str) -> int:
    return _equal_start(old[::-1], new[::-1])


def _within_word(text: str, at: int) -> bool:
    return at < len(text) and text[at].isalnum() and text[at - 1].isalnum()


# ---- Words ----


def _compare(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    i = j = 0
    for at, other, size in [*_blocks(old, new), (len(old), len(new), 0)]:
        yield Piece("-", "".join(old[i:at]))
        yield Piece("+", "".join(new[j:other]))
        yield Piece("=", "".join(old[at : at + size]))
        i, j = at + size, other + size


def _blocks(old: Sequence[str], new: Sequence[str]) -> list[Block]:
    """Return what is equal in both, in order."""
    found: list[Block] = []
    gaps = [(0, len(old), 0, len(new), 0)]
    left = _ALL_GAPS
    while gaps:
        i, i_end, j, j_end, depth = gaps.pop()
        if i == i_end or j == j_end:
            continue
        anchors = _anchors(old[i:i_end], new[j:j_end]) if depth < _DEEPEST else []
        if not anchors:
            pairs = (i_end - i) * (j_end - j)
            if pairs <= min(_SMALL_GAP, left):
                left -= pairs
                found += _matched(old, new, i, i_end, j, j_end)
            continue
        first, second = i, j
        for a, b in anchors:
            if first + a < i:
                continue  # within the block before
            at, other, size = _grown(old, new, first + a, second + b, (i, i_end, j, j_end))
            found.append((at, other, size))
            gaps.append((i, at, j, other, depth + 1))
            i, j = at + size, other + size
        gaps.append((i, i_end, j, j_end, depth + 1))
    return sorted(found)


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the longest series of words that occur once in each, in the same order in both."""
    places, counts, others = {word: at for at, word in enumerate(old)}, Counter(old), Counter(new)
    pairs = [
        (places[word], other)
        for other, word in enumerate(new)
        if others[word] == 1 and counts[word] == 1 and word[0].isalnum()
    ]
    tops: list[int] = []  # of piles: where the last word of a series of this length stands in old
    ends: list[int] = []
    before: list[int] = []
    for number, (at, _) in enumerate(pairs):
        pile = bisect_left(tops, at)
        before.append(ends[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(at)
            ends.append(number)
        else:
            tops[pile], ends[pile] = at, number
    series = []
    number = ends[-1] if ends else -1
    while number >= 0:
        series.append(pairs[number])
        number = before[number]
    return series[::-1]


def _grown(
    old: Sequence[str], new: Sequence[str], at: int, other: int, within: tuple[int, int, int, int]
) -> Block:
    """Return the equal words around a pair of equal words."""
    i, i_end, j, j_end = within
    start, size = 0, 1
    while at - start > i and other - start > j and old[at - start - 1] == new[other - start - 1]:
        start += 1
    while at + size < i_end and other + size < j_end and old[at + size] == new[other + size]:
        size += 1
    return at - start, other - start, start + size


def _matched(
    old: Sequence[str], new: Sequence[str], i: int, i_end: int, j: int, j_end: int
) -> Iterator[Block]:
    matcher = SequenceMatcher(str.isspace, old[i:i_end], new[j:j_end], autojunk=False)
    for at, other, size in matcher.get_matching_blocks():
        if size:
            yield i + at, j + other, size


# ---- Pieces ----


def _tidied(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours. Between two changes, what is equal but holds no word belongs to them."""
    equal, old, new = "", "", ""
    for op, text in pieces:
        if op == "=":
            equal += text
            continue
        if not text:
            continue
        if equal and (not (old or new) or any(map(str.isalnum, equal))):
            yield from _change(old, new)
            yield Piece("=", equal)
            old = new = ""
        else:
            old, new = old + equal, new + equal
        equal = ""
        if op == "-":
            old += text
        else:
            new += text
    yield from _change(old, new)
    if equal:
        yield Piece("=", equal)


def _change(old: str, new: str) -> Iterator[Piece]:
    if old:
        yield Piece("-", old)
    if new:
        yield Piece("+", new)


# ---- To be shown ----

AROUND = 60
"""Characters of what is equal that are shown before and after a change."""


def folded(pieces: Sequence[Piece], *, around: int = AROUND, longest: int = 2000) -> list[Piece]:
    """Return the pieces for a reader: of long unchanged parts the ends next to a change, of long
    changes the beginning and the end. What is left out stands as a piece whose `op` is "…"."""
    shown: list[Piece] = []
    for number, piece in enumerate(pieces):
        if piece.op == "=":
            head = around if number else 0
            tail = around if number < len(pieces) - 1 else 0
        else:
            head = tail = longest // 2
        shown += _shortened(piece, head, tail)
    return shown


def _shortened(piece: Piece, head: int, tail: int) -> list[Piece]:
    text = piece.text
    if len(text) <= head + tail + AROUND:
        return [piece]
    first = _end_of_word(text, head) if head else 0
    last = len(text) - (_end_of_word(text[: -tail - AROUND : -1], tail) if tail else 0)
    gap = Piece("…", f"({last - first:,} characters)")
    ends = [Piece(piece.op, text[:first]), gap, Piece(piece.op, text[last:])]
    return [each for each in ends if each.text]


def _end_of_word(text: str, at: int) -> int:
    """Return a place near `at` where a word ends, if there is one."""
    for near in range(at, max(at - _LONGEST_WORD, 0), -1):
        if not _within_word(text, near):
            return near
    return at


def marked(pieces: Iterable[Piece]) -> str:
    """Return pieces as plain text: `run [-ls-]{+rm -rf /+}`."""
    return "".join(f"{_OPEN[op]}{text}{_CLOSE[op]}" for op, text in pieces)


_OPEN = {"=": "", "-": "[-", "+": "{+", "…": " … "}
_CLOSE = {"=": "", "-": "-]", "+": "+}", "…": " … "}


class Excerpt(NamedTuple):
    """Where two texts first differ, on one line, and in how many `more` places they do."""

    pieces: list[Piece]
    more: int

    def __str__(self) -> str:
        return marked(self.pieces) + (f" (+{self.more} more)" if self.more else "")


def excerpt(pieces: Sequence[Piece], length: int) -> Excerpt:
    """Return where two texts first differ, in about `length` characters. Empty if nothing does."""
    first = next((at for at, piece in enumerate(pieces) if piece.op != "="), None)
    if first is None:
        return Excerpt([], 0)
    before = _on_a_line(pieces[first - 1].text[-length:]) if first else ""
    change, rest = [pieces[first]], pieces[first + 1 :]
    if change[0].op == "-" and rest and rest[0].op == "+":
        change, rest = [change[0], rest[0]], rest[1:]
    each = max(length * 2 // 3 // len(change), 8)
    shown = [Piece(op, _middle_cut(text, each)) for op, text in change]
    room = max(length - sum(len(text) for _, text in shown), 8)
    if len(before) > room or (first and len(pieces[first - 1].text) > length):
        before = "…" + _from_word(before[-room:])
    after = _on_a_line(rest[0].text[:length]) if rest and rest[0].op == "=" else ""
    room = max(room - len(before), 0)
    if len(after) > room:
        after = (after[:room].rpartition(" ")[0] or after[:room]).rstrip() + "…"
    around = [Piece("=", before), *shown, Piece("=", after.rstrip())]
    return Excerpt([piece for piece in around if piece.text], _places(rest))


def _on_a_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _from_word(text: str) -> str:
    """Return a text from its first whole word on, if it has one."""
    _, space, rest = text.partition(" ")
    return rest if space and rest else text


def _middle_cut(text: str, length: int) -> str:
    if len(text) > length:
        half = (length - 1) // 2
        text = text[:half] + "…" + text[len(text) - half :]
    return _on_a_line(text)


def _places(pieces: Iterable[Piece]) -> int:
    """Return in how many places two texts differ."""
    places, before = 0, "="
    for op, _ in pieces:
        places += op != "=" and before == "="
        before = op
    return places
