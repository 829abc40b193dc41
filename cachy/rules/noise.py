"""Take noise out of the texts of a request, and long runs of base64 out of its way.

    NoiseRules(noise)  ──▶ patterns, prepared once for many requests
    Quiet(noise)(text) ──▶ the text with its noise normalised; `.texts` are what it was
    lift(body) ──▶ the body with its images replaced by short marks ──lower()──▶ the body again

Nothing here reads a body of megabytes byte by byte: what it does with them runs at the speed of
`memchr`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cachy.lazy import lazy_pattern
from cachy.rules.tables import NOISE

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable

    from cachy.rules.tables import Noise

RUN = 4096
"""A text of at least as many bytes without white space is not prose, and is not searched."""

_WORTH_IT = 4 * RUN
_MARK = b"\\u0000cachy:"
_MARKS = lazy_pattern(rb"\\u0000cachy:(\d+)")
_WHITE = (b" ", b"\\", b"\n", b"\t", b"\r")  # or escaped
_OPENING = frozenset(b":,]}")  # what stands after a string in JSON, and so never starts a run

_WRAPS = (b"\\r\\n", b"\\n", b"\r\n", b"\n")
_LINES = range(48, 129)  # lengths of the lines of base64 in use

# From common to rare in prompts and JSON; what is not here is rarer still.
_COMMON = b" \"etaoinsrhldcu,:mpfgy.wb{}[]v-_k0/15x2'IATS"


class NoiseRules(tuple["Noise", ...]):
    """Patterns of noise, prepared once for many requests; equal to the tuple of them."""

    def __init__(self, noise: Iterable[Noise]) -> None:  # tuple.__new__ has taken the patterns
        self.gated = tuple((_gate(rule.marker), rule) for rule in self)
        """Each pattern behind the rarest byte of its marker, which takes no time to look for."""
        self.is_clean = lru_cache(maxsize=4096)(self._is_clean)
        """Tells whether a text that comes with many requests has no noise; remembers it."""

    def _is_clean(self, text: bytes) -> bool:
        return not any(
            gate in text and rule.marker in text and rule.pattern.search(text)
            for gate, rule in self.gated
        )


def _gate(marker: bytes) -> int | bytes:
    """What to look for first: the rarest byte of a marker, or nothing for an empty one."""
    return max(marker, key=_rarity) if marker else b""


def _rarity(byte: int) -> int:
    place = _COMMON.find(byte)
    return place if place >= 0 else 256


DEFAULT_NOISE = NoiseRules(NOISE)
"""The rules that are used where no others are given."""


class Quiet:
    """Take noise out of texts, with one numbering for all texts of a request.

    `texts` are those that were replaced, in order of appearance and without repeats.

    >>> quiet = Quiet(NOISE)
    >>> quiet(b"ls /tmp/tmpk3x_9q2v"), quiet.texts
    (b'ls /tmp/tmp#1', (b'tmpk3x_9q2v',))
    """

    __slots__ = ("_numbers", "_rules", "_texts")

    def __init__(self, noise: Iterable[Noise]) -> None:
        self._rules = noise if noise.__class__ is NoiseRules else NoiseRules(noise)
        self._numbers: dict[bytes, dict[bytes, int]] | None = None
        self._texts: dict[bytes, None] = {}

    @property
    def texts(self) -> tuple[bytes, ...]:
        """What was replaced so far."""
        return tuple(self._texts)

    def __call__(self, text: bytes) -> bytes:
        """Return the text with its noise normalised."""
        for gate, noise in self._rules.gated:
            if gate in text and noise.marker in text:
                text = noise.pattern.sub(self._replacing(noise), text)
        return text

    def head(self, text: bytes) -> bytes:
        """Do the same for a text that comes with many requests, and is searched once."""
        return text if self._rules.is_clean(text) else self(text)

    def _replacing(self, noise: Noise) -> Callable[[re.Match[bytes]], bytes]:
        replacement, texts = noise.replacement, self._texts
        named = "name" in noise.pattern.groupindex
        if self._numbers is None:
            self._numbers = {}
        numbers = self._numbers.setdefault(noise.marker, {})

        def replace(found: re.Match[bytes]) -> bytes:
            name = found["name"] if named else found[0]
            texts[name] = None
            new = found.expand(replacement)
            if not noise.numbered:
                return new
            return b"%b#%d" % (new, numbers.setdefault(name, len(numbers) + 1))

        return replace


def lift(body: bytes, end: bytes = b'"') -> tuple[bytes, list[memoryview]]:
    """Return the body with a mark in place of each long run without white space, and the runs.

    `end` is the byte that a run ends before: a quote in JSON, a space in plain text.
    """
    if len(body) < _WORTH_IT or _MARK in body[:_WORTH_IT]:
        return body, []
    parts: list[bytes] = []
    runs: list[memoryview] = []
    done, view = 0, memoryview(body)  # to copy megabytes takes as long as to hash them
    for start, stop in _runs(body, end):
        parts += (body[done:start], b"%b%d" % (_MARK, len(runs)))
        runs.append(view[start:stop])
        done = stop
    if not runs:
        return body, []
    parts.append(body[done:])
    short = b"".join(parts)
    return (short, runs) if short.count(_MARK) == len(runs) else (body, [])


def lower(head: bytes, text: bytes, runs: list[memoryview]) -> bytes:
    """Return the head and the text, with the runs that were lifted in the place of their marks."""
    if not runs:
        return head + text
    pieces: list[bytes | memoryview] = [head]
    for number, piece in enumerate(_MARKS.split(text)):
        pieces.append(runs[int(piece)] if number % 2 else piece)
    return b"".join(pieces)


def _runs(body: bytes, end: bytes) -> Iterable[tuple[int, int]]:
    """Where the runs begin and end."""
    at, length, ascii_only = 0, len(body), body.isascii()
    while at + RUN <= length:
        if (last := body.rfind(end, at, at + RUN)) >= 0:
            at = last + 1
            continue
        stop = body.find(end, at + RUN)
        stop = length if stop < 0 else stop
        white = any(body.find(byte, at, stop) >= 0 for byte in _WHITE)
        if white and _is_wrapped(body, at, stop):
            white = False
        if not white and body[at] not in _OPENING and (ascii_only or body[at:stop].isascii()):
            yield at, stop
        at = stop + 1


def _is_wrapped(body: bytes, start: int, stop: int) -> bool:
    """Whether this is base64 in lines of one length (RFC 2045, 6.8), with no other white space. The
    first line may be longer, by what tells the type of the data."""
    wrap = next((each for each in _WRAPS if body.find(each, start, start + RUN) >= 0), b"")
    if wrap and body.endswith(wrap, start, stop):
        stop -= len(wrap)
    first = body.find(wrap, start, stop)
    period = body.find(wrap, first + 1, stop) - first
    if not wrap or period - len(wrap) not in _LINES:
        return False
    count = len(range(first, stop, period))
    return all(
        body[first + i : stop : period] == wrap[i : i + 1] * count for i in range(len(wrap))
    ) and all(body.count(byte, start, stop) == count * wrap.count(byte) for byte in _WHITE)
