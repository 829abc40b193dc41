"""The items of a list in a YAML document, one after the other.

Events become plain values here, and only those of plain YAML: a tag makes no object, an alias is
the value that it names, not a copy of it (so a bomb of aliases stays small), and of a document
only the item that is being read is in memory. What stood before damage has been yielded by then.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cachy.errors import ConfigError
from cachy.formats.interaction import TEXT_LIMIT, NotUnderstood, Unclear, from_base64

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import IO

MISSING = "PyYAML is needed to read and write cassettes: pip install 'cachy-store[vcr]'"
DEEPEST = 100
"""Levels. Nothing in a cassette is nested deeper, but for a JSON body that is kept as YAML."""
MOST_VALUES = 10**6
"""The values in a JSON body that is kept as YAML: aliases can make many of a few."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_YAML = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset(
    {"!", "!str", f"{_YAML}str", *(f"{_YAML}python/{name}" for name in ("str", "unicode"))}
)
_BINARY_TAGS = frozenset({f"{_YAML}binary", "!binary", f"{_YAML}python/bytes"})
_PLAIN_TAGS = frozenset(
    {None, *(_YAML + name for name in ("int", "float", "bool", "null", "timestamp"))}
)
_COLLECTION_TAGS = frozenset({None, "!", f"{_YAML}map", f"{_YAML}seq", f"{_YAML}omap"})


class Plain(str):
    """A text that stood without quotes: `200`, `true`, `null`, or simply text."""

    __slots__ = ()

    def value(self) -> Any:
        """Return what it is in YAML 1.2: null, a truth value, a number or text."""
        if self in ("true", "false", "True", "False"):
            return self.lower() == "true"
        if _INT.fullmatch(self):
            return int(self)
        return float(self) if _FLOAT.fullmatch(self) else str(self)


def valued(data: Any) -> Any:
    """Return a value whose plain texts have become numbers and truth values. Raises NotUnderstood
    for one that is nested too deep, or grows by its aliases."""
    left = [MOST_VALUES]

    def convert(value: Any, depth: int) -> Any:
        left[0] -= 1
        if depth > DEEPEST or left[0] < 0:
            raise NotUnderstood("a value that is nested too deep, or too large")
        if isinstance(value, dict):
            return {
                str(name): convert(inner, depth + 1)
                for name, inner in value.items()
                if name is not LINE
            }
        if isinstance(value, list):
            return [convert(inner, depth + 1) for inner in value]
        return value.value() if isinstance(value, Plain) else value

    return convert(data, 0)


LINE: Any = object()
"""The key of an item under which its line stands."""


def load_yaml() -> Any:
    """Return the module yaml. Raises ConfigError where it is not installed."""
    try:
        return import_module("yaml")  # by name: PyYAML has no types of its own
    except ImportError:
        raise ConfigError(MISSING) from None


def items(stream: IO[bytes], names: Collection[str]) -> Iterator[dict[Any, Any] | Unclear]:
    """Yield the objects in the lists that stand under these names at the top of a document; each
    has its line under `LINE`. At damage yield what it is, and end."""
    yaml = load_yaml()
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    reader = _Reader(yaml, loader, _Bounded(stream))
    try:
        yield from reader.items(names)
    except _Unbounded as error:
        yield Unclear(f"line {reader.line}", str(error))
    except yaml.YAMLError as error:
        yield Unclear(reader.place(error), _reason(error))
    except NotUnderstood as error:
        yield Unclear(f"line {reader.line}", str(error))


def _reason(error: Any) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "damage"
    return f"it is not YAML from here on ({problem})"


class _Unbounded(Exception):
    """A text goes on for ever."""


class _Bounded:
    """A stream that ends at a text that is longer than any that is understood."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._left = stream, TEXT_LIMIT

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise _Unbounded(f"a text of more than {TEXT_LIMIT // 2**20} MiB")
        return data

    def rest(self) -> None:
        """Note that a text has ended."""
        self._left = TEXT_LIMIT


class _Reader:
    """The events of a document, as values."""

    def __init__(self, yaml: Any, loader: Any, stream: _Bounded) -> None:
        self._yaml, self._stream = yaml, stream
        self._events = yaml.parse(stream, Loader=loader)
        self._anchors: dict[str, Any] = {}
        self.line = 1

    def place(self, error: Any) -> str:
        """Where something is wrong: by its own mark, or after the last that was right."""
        mark = getattr(error, "problem_mark", None)
        if mark is None and (position := getattr(error, "position", None)) is not None:
            return f"byte {position}"
        return f"line {mark.line + 1 if mark is not None else self.line}"

    def _next(self) -> Any:
        event = next(self._events, None)
        self._stream.rest()
        if event is None:
            raise NotUnderstood("it ends in the middle")
        if event.start_mark is not None:
            self.line = event.start_mark.line + 1
        return event

    def items(self, names: Collection[str]) -> Iterator[dict[Any, Any] | Unclear]:
        yaml = self._yaml
        event = self._next()
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = self._next()
        if not isinstance(event, yaml.MappingStartEvent):
            raise NotUnderstood("it is not a cassette of version 1 or later")
        found = False
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            name = self._value(event, 1)
            event = self._next()
            if name not in names or not isinstance(event, yaml.SequenceStartEvent):
                self._value(event, 1)
                continue
            found = True
            while not isinstance(event := self._next(), yaml.SequenceEndEvent):
                line, depth = self.line, [0]
                try:
                    item = self._value(event, 2, depth)
                except NotUnderstood as error:
                    yield Unclear(f"line {self.line}", str(error))
                    self._skip(depth[0])
                    continue
                if isinstance(item, dict):
                    yield {**item, LINE: line}
                else:
                    yield Unclear(f"line {line}", "an interaction that is no mapping")
        if not found:
            raise NotUnderstood("it has no list of interactions")

    def _skip(self, depth: int) -> None:
        """Leave the item in which something was not understood, `depth` collections deep."""
        yaml = self._yaml
        while depth > 0:
            event = self._next()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1

    def _value(self, event: Any, level: int, depth: list[int] | None = None) -> Any:
        """Return the value that begins with an event. `depth` is kept at the number of collections
        that are open."""
        depth = [0] if depth is None else depth
        yaml = self._yaml
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise NotUnderstood(f"an alias of nothing (*{event.anchor})")
            return self._anchors[event.anchor]
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
        else:
            value = self._collection(event, level, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _collection(self, event: Any, level: int, depth: list[int]) -> Any:
        yaml = self._yaml
        depth[0] += 1
        if event.tag not in _COLLECTION_TAGS:
            raise NotUnderstood(f"the tag {event.tag!r}, which makes an object")
        if level > DEEPEST:
            raise NotUnderstood("a value that is nested too deep")
        value: Any
        if isinstance(event, yaml.SequenceStartEvent):
            value = []
            while not isinstance(event := self._next(), yaml.SequenceEndEvent):
                value.append(self._value(event, level + 1, depth))
        else:
            value = {}
            while not isinstance(event := self._next(), yaml.MappingEndEvent):
                name = self._value(event, level + 1, depth)
                inner = self._value(self._next(), level + 1, depth)
                value[name if isinstance(name, str | bytes) else str(type(name))] = inner
        depth[0] -= 1
        return value


def _scalar(event: Any) -> Any:
    """Return the text, the bytes or the null of a scalar. Raises NotUnderstood for its tag."""
    tag, text = event.tag, event.value
    if tag in _BINARY_TAGS:
        return from_base64(text)
    if tag in _TEXT_TAGS:
        return text
    if tag not in _PLAIN_TAGS:
        raise NotUnderstood(f"the tag {tag!r}, which makes an object")
    if not event.implicit[0] and tag is None:
        return text  # in quotes
    return None if text in _NULLS else Plain(text)
