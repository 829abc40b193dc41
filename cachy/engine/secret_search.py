"""The search of a text for what looks like a credential.

    find(text, where)     what looks like one, and where it is
    matches(data, own)    the same as kinds and values, for callers with more than one text
    masked(text)          the text, with kinds in the place of credentials, to be shown

The shapes are those of `cachy.engine.secret_shapes`. Nothing here does IO, and nothing raises for
what a text may hold.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from itertools import chain
from math import log2
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, unquote_to_bytes

import orjson

from cachy.engine.secret_shapes import (
    CAMEL,
    CODE,
    EXAMPLE_ACCOUNTS,
    HARMLESS,
    NAMED,
    NO_VALUE,
    PLACEHOLDER,
    SHAPES,
    TELLING,
    TELLING_VARIABLE,
    WORDS,
    Shape,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class Finding(NamedTuple):
    """What looks like a credential. `kind`: as what (`an OpenAI key`); `field`: where
    (`request.messages[0].content`)."""

    kind: str
    field: str

    def __str__(self) -> str:
        return f"{self.kind}, in {self.field}"


def find(text: bytes | str, where: str, own: Collection[bytes] = ()) -> list[Finding]:
    """Return what looks like a credential in a text. Its field is `where`, and if the text is JSON
    the path in it.

    `own` are values that are credentials whatever they look like.

    >>> find('{"note": "my key: AKIA' + '2345' * 4 + '"}', "answer")
    [Finding(kind='an AWS access key id', field='answer.note')]
    """
    data = _encoded(text) if isinstance(text, str) else text
    hits = list(matches(data, own))
    if not hits:
        return []
    try:
        leaves = list(_leaves(orjson.loads(data)))
    except ValueError:
        leaves = []
    findings = []
    for kind, value in hits:
        path = next((path for path, leaf in leaves if value in leaf or value in unquote(leaf)), "")
        findings.append(Finding(kind, f"{where}{path and '.' * (path[0] != '[')}{path}"))
    return list(dict.fromkeys(findings))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _leaves(data: Any) -> Iterator[tuple[str, str]]:
    """The path and text of every string in decoded JSON; a key is at the path of its value."""
    stack = [("", data)]  # not recursive: JSON may be nested a thousand levels deep
    while stack:
        path, value = stack.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            for name, inner in reversed(value.items()):
                place = f"{path}.{name}" if path else str(name)
                stack += ((place, inner), (place, str(name)))
        elif isinstance(value, list):
            stack += reversed([(f"{path}[{at}]", item) for at, item in enumerate(value)])


# ---- What is searched ----

WINDOW, _OVERLAP = 65536, 8192
"""Bytes that are searched at once: one search of a large body would block all other threads and
event loops."""
_START = 64
_RUN, _MARGIN = 12, 64
"""Bytes of text among other bytes that are searched, and those beside them."""
_BLOCK, _STEP = 2**18, 13  # an even step would see half of 16-bit sound
_PRINTABLE = bytes(byte in b"\t\n\r\x1b" or 32 <= byte < 127 for byte in range(256))
_CONTROLS = bytes(byte < 128 and not _PRINTABLE[byte] for byte in range(256))
_LONG_RUN = re.compile(rb"[A-Za-z0-9+/]{1000,}")
_ESCAPE = re.compile(rb"\\+(?:u00([2-7][0-9a-fA-F])|/)")


def matches(data: bytes, own: Collection[bytes] = ()) -> Iterator[tuple[str, str]]:
    """Yield kind and value of what looks like a credential, and of each of `own` that is there."""
    whole, data = data, _text_in(data)
    texts = [data]
    if own and b"\\" in data:
        texts.append(_unescaped(data))
    if own and b"%" in data:
        texts += [unquote_to_bytes(text) for text in texts]
    for value in own:
        if value in whole or any(value in text for text in texts):
            yield "a credential that the request was sent with", value.decode("utf-8", "replace")
    for piece in _windows(data):
        if len(data) > WINDOW:
            # Of images, sound and vectors in base64 the start: so much of a key is enough.
            piece = _LONG_RUN.sub(lambda run: run[0][:_START], piece)
        if b"\\u00" in piece or b"\\/" in piece:
            piece = _unescaped(piece)
        for match in _in(piece):
            yield match.kind, match.value


def _windows(data: bytes) -> Iterator[bytes]:
    for at in range(0, max(1, len(data) - _OVERLAP), WINDOW):
        yield data[at : at + WINDOW + _OVERLAP]


def _text_in(data: bytes) -> bytes:
    """Return all that may be text in a long body: of sound, pictures or compressed data the runs of
    printable characters. There one byte in ten is a control character, in a text hardly any."""
    if len(data) <= WINDOW:
        return data
    sample = data[::_STEP].translate(_CONTROLS)
    if sample.count(1) <= len(sample) // 64:
        return data
    parts, end = list[bytes](), 0
    for start, stop in _runs(data):
        start = max(start - _MARGIN, end)
        if start > end:
            parts.append(b"\n\0\n")
        end = max(stop + _MARGIN, end)
        parts.append(data[start:end])
    return b"".join(parts)


def _runs(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where printable characters stand, at least `_RUN` in a row. A long run may come in
    several parts, which overlap."""
    run = b"\1" * _RUN
    for at in range(0, len(data), _BLOCK):
        marks = data[at : at + _BLOCK + _RUN - 1].translate(_PRINTABLE)
        start = marks.find(run)
        while start >= 0:
            stop = marks.find(0, start)
            stop = len(marks) if stop < 0 else stop
            yield at + start, at + stop
            start = marks.find(run, stop)


def _unescaped(text: bytes) -> bytes:
    """Undo the escapes that JSON permits but does not need."""
    return _ESCAPE.sub(lambda at: bytes((int(at[1], 16),)) if at[1] else b"/", text)


class _Match(NamedTuple):
    """What looks like a credential: where it starts, with the prefix that shows what it is, and
    where it ends; its value is the secret part."""

    kind: str
    start: int
    end: int
    value: str


def _in(data: bytes) -> Iterator[_Match]:
    yield from _shaped(data, data, SHAPES)
    yield from _shaped(data, data.lower(), NAMED)


def _shaped(data: bytes, seen: bytes, shapes: tuple[Shape, ...]) -> Iterator[_Match]:
    """Each match; `seen` is the data as the patterns match it."""
    marked = [group for mark, group in _marked(shapes) if mark in seen]
    for shape in dict.fromkeys(chain.from_iterable(marked)):
        for match in _compiled(shape).finditer(seen):
            if shape.starts and not _may_start(data, match.start()):
                continue
            value = data[match.start(1) : match.end(1)].decode("utf-8", "replace")
            if _is_named(value, shape, data, match) if shape.named else _is_random(value, shape):
                start = match.start() if shape.starts else match.start(1)
                yield _Match(shape.kind, start, match.end(1), value)


_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_AFTER_ESCAPE = re.compile(rb"\\(?:[nrtbf]|u[0-9a-fA-F]{4})$")


def _may_start(data: bytes, at: int) -> bool:
    """Whether a token may start here: not in a word, but after an escape of JSON (`\\nsk-…`)."""
    if at == 0 or data[at - 1] not in _WORD:
        return True
    return _AFTER_ESCAPE.search(data[max(0, at - 6) : at]) is not None


@cache
def _marked(shapes: tuple[Shape, ...]) -> tuple[tuple[bytes, list[Shape]], ...]:
    """Each mark once, with its shapes: every recording is searched for all of them."""
    groups: dict[bytes, list[Shape]] = {}
    for shape in shapes:
        for mark in shape.marks:
            groups.setdefault(mark.encode(), []).append(shape)
    return tuple(groups.items())


@cache
def _compiled(shape: Shape) -> re.Pattern[bytes]:
    """Compiled on first use: compiling them all takes longer than `import cachy` may."""
    return re.compile(shape.pattern.encode())


# ---- What may be a credential ----


def _is_random(value: str, shape: Shape) -> bool:
    """Whether a value may be a credential, not a placeholder, a word or a run of one letter."""
    if value in EXAMPLE_ACCOUNTS or PLACEHOLDER.search(value[:200]):
        return False
    mixed = value != value.lower() and value != value.upper()
    return (mixed or any(map(str.isdigit, value))) and _entropy(value) >= shape.entropy


_NAME_START, _NAME_END = re.compile(rb"[\w-]+"), re.compile(rb"[\w-]*$")
_LONGEST_NAME = 64
_SHORTEST_KEY = 20
_NUMBER = re.compile(r"[0-9a-fA-F-]+")
"""A digest or a UUID, which is a credential only where its name tells."""
_SIGN = re.compile(r"[!@#$%^&*+]")


def _is_named(value: str, shape: Shape, data: bytes, match: re.Match[bytes]) -> bool:
    """Whether a value may be the credential that its name says it is."""
    tells, entropy = False, shape.entropy
    if shape.told:
        name, before = _name_of(match, data)
        if HARMLESS.fullmatch(name.lower()) or (shape.option and not name.startswith(b"--")):
            return False
        tells = _tells(name) or before in (b"?", b"&")
        if tells:
            entropy = shape.told
        elif len(value) < _SHORTEST_KEY or _NUMBER.fullmatch(value):
            return False
    if PLACEHOLDER.search(value[:200]):
        return False
    if shape.loose and (NO_VALUE.match(value) or ("password" in shape.kind and CODE.search(value))):
        return False
    if not (any(map(str.isdigit, value)) or (tells and _is_no_word(value))):
        return False
    return _entropy(value) >= entropy and not WORDS.fullmatch(value)


def _name_of(match: re.Match[bytes], data: bytes) -> tuple[bytes, bytes]:
    """The whole name that a match begins in, and the character before it. After an escape of JSON
    (`\\nAPI_KEY=`) a name starts anew."""
    mark = _NAME_START.match(match[0])
    end = match.start() + (mark.end() if mark else 0)
    text = data[max(0, match.start() - _LONGEST_NAME) : end]
    found = _NAME_END.search(text)
    name = found[0] if found else b""
    before = text[: len(text) - len(name)][-1:]
    if before == b"\\" and name[:1] in b"nrtbf":
        name = name[1:]
    return name, before


def _tells(name: bytes) -> bool:
    plain = name.lstrip(b"-_")
    return bool(TELLING.fullmatch(plain.lower()) or TELLING_VARIABLE.fullmatch(plain))


def _is_no_word(value: str) -> bool:
    """Whether a value without digits has signs, or letters that change their case as in no word,
    `MyWord` or `MY_WORD`."""
    if _SIGN.search(value):
        return True
    turns, capitals = re.findall(r"[a-z][A-Z]", value), re.findall(r"[A-Z]{2}", value)
    return len(turns) > 1 and len(capitals) > 1 and not CAMEL.search(value)


def _entropy(value: str) -> float:
    """Bits a character."""
    size = len(value)
    return -sum(count / size * log2(count / size) for count in Counter(value).values())


# ---- What is shown ----

_CUT = "…".encode()
_BEFORE_CUT, _AFTER_CUT = re.compile(rb"[\w+/=~.-]{12,}$"), re.compile(rb"[\w+/=~.-]{12,}")
_LONGEST_CUT = 256
_PREFIX = re.compile(
    r"(?:(?:sk|pk|rk|ek|gsk|csk|hf|xai|pplx|r8|fw|nvapi|tvly|lsv2|gh[pousr]|glpat|npm|xox[a-z])[-_]"
    r"|AKIA|AIza|eyJ|ya29\.)"
)
_ARTICLE = re.compile(r"an? (?:value named as a )?")
_GRAM = 8
_SHORTEST = 10


def masked(text: str, of: bytes | str = "") -> str:
    """Return a text to be shown, with the kind of each credential in its place.

    `of` is a longer text that this one quotes: what is a credential there is none to be shown here,
    either, not even in part.

    >>> masked("my key is AKIA" + "2345" * 4)
    'my key is <AWS access key id>'
    """
    if not of and all(map(_is_word, text.split())):
        return text  # as nearly all the prompts that `cachy ls` lists
    data = _encoded(text)
    spans = [(at + each.start, at + each.end, each.kind) for at, each in _everywhere(data)]
    spans += [(start, end, "cut credential") for start, end in _cut(data)]
    longer = _encoded(of) if isinstance(of, str) else of
    for kind, value in matches(longer) if longer else ():
        spans += [(start, end, kind) for start, end in _parts_of(_encoded(value), data)]
    if not spans:
        return text
    shown, done = list[bytes](), 0
    for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= done:
            shown += [data[done:start], f"<{_ARTICLE.sub('', kind, count=1)}>".encode()]
        done = max(done, end)
    return b"".join([*shown, data[done:]]).decode("utf-8", "surrogatepass")


def _is_word(text: str) -> bool:
    """Whether a text without white space is a word, or too short for a credential."""
    if len(text) < _SHORTEST:
        return True
    text = text.strip(".,:;!?\"'()")
    return text.isalpha() and (text[1:] == text[1:].lower() or text == text.upper())


def _everywhere(data: bytes) -> Iterator[tuple[int, _Match]]:
    """Each match, and where the part of the text begins that it was found in."""
    for number, piece in enumerate(_windows(data)):
        for match in _in(piece):
            yield number * WINDOW, match


def _cut(data: bytes) -> Iterator[tuple[int, int]]:
    """Where pieces of credentials may stand beside the sign `…`, where a text was cut."""
    at = data.find(_CUT)
    while at >= 0:
        first = max(0, at - _LONGEST_CUT)
        before = _BEFORE_CUT.search(data[first:at].rstrip(b" "))
        if before and _may_be_cut(before[0].decode("utf-8", "replace")):
            yield first + before.start(), first + before.end()
        start = at + len(_CUT)
        start += data[start : start + 1] == b" "
        after = _AFTER_CUT.match(data, start)
        if after and _may_be_cut(after[0].decode("utf-8", "replace")):
            yield after.span()
        at = data.find(_CUT, at + 1)


def _may_be_cut(value: str) -> bool:
    """Whether a value may be a piece of a credential, whose prefix or name may be missing."""
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    doubtful = mixed or _PREFIX.match(value) is not None
    return doubtful and _entropy(value) >= 2.9 and not WORDS.fullmatch(value)


def _parts_of(secret: bytes, data: bytes) -> Iterator[tuple[int, int]]:
    """Where pieces of a secret stand in a text."""
    grams = {secret[at : at + _GRAM] for at in range(len(secret) - _GRAM + 1)}
    at = 0
    while at <= len(data) - _GRAM:
        start = at
        while data[at : at + _GRAM] in grams:
            at += 1
        if at > start:
            yield start, at - 1 + _GRAM
            at += _GRAM - 2
        at += 1


def masked_data(data: Any) -> Any:
    """Return decoded JSON with all its texts masked; of outlined texts, what they begin and end
    with."""
    try:
        return _masked_data(data)
    except RecursionError:
        return "(nested too deep to be shown)"


def _masked_data(data: Any, name: str = "") -> Any:
    if isinstance(data, str):
        before = f"{name}: "  # which may be what shows that it is one
        return masked(before + data).removeprefix(before)
    if isinstance(data, list):
        return [_masked_data(item) for item in data]
    if not isinstance(data, dict):
        return data
    outlined = data.get("…")
    if isinstance(outlined, list) and len(outlined) > 3 and len(data) == 1:
        length, digest, start, end, *pieces = outlined
        start, end = masked(f"{start}…")[:-1], masked(f"…{end}")[1:]
        return {"…": [length, digest, start, end, *pieces]}
    return {name: _masked_data(value, name) for name, value in data.items()}
