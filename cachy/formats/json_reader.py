"""The items of a list in a JSON document, one after the other: those that stand before damage are
read, too, and only one of them is in memory beside the text."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from cachy.formats.interaction import FILE_LIMIT, NotUnderstood, Unclear

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import IO

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def read_text(stream: IO[bytes]) -> str:
    """Return the text of a file. Raises NotUnderstood for one that is too long or is not UTF-8."""
    if (size := os.fstat(stream.fileno()).st_size) > FILE_LIMIT:
        raise NotUnderstood(f"it has {size:,} bytes, over the limit of {FILE_LIMIT:,}")
    try:
        return stream.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotUnderstood(f"it is not UTF-8 (byte {error.start:,})") from None


def items(text: str, names: Collection[str]) -> Iterator[tuple[int, Any] | Unclear]:
    """Yield the items of the lists that stand under these names, with their numbers from 1, at any
    depth of objects. At damage yield what it is, and end."""
    at, number = _SPACE.match(text).end(), [0]  # type: ignore[union-attr]
    try:
        yield from _Walk(text, names, number).value(at, 0)
    except (NotUnderstood, RecursionError) as error:
        what = str(error) if isinstance(error, NotUnderstood) else "it is nested too deep"
        yield Unclear(f"entry {number[0] + 1}", what)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        yield Unclear(
            f"line {line}", f"it is not JSON from here on ({getattr(error, 'msg', error)})"
        )


class _Walk:
    """A walk over a document that decodes only what is asked for."""

    def __init__(self, text: str, names: Collection[str], number: list[int]) -> None:
        self._text, self._names, self._number = text, names, number
        self.end = 0

    def value(self, at: int, depth: int) -> Iterator[tuple[int, Any]]:
        """Walk over the object that starts here; `end` is then where it ends."""
        if not self._text.startswith("{", at) or depth > 4:
            raise NotUnderstood("it holds no list of interactions")
        at = self._space(at + 1)
        found = False
        while not self._text.startswith("}", at):
            name, at = _DECODER.raw_decode(self._text, at)
            at = self._space(self._expect(":", at))
            if name in self._names and self._text.startswith("[", at):
                yield from self._list(at)
                at, found = self.end, True
            elif self._text.startswith("{", at) and depth < 1 and name not in self._names:
                start, before = at, self._number[0]
                try:
                    yield from self.value(at, depth + 1)
                    at, found = self.end, True
                except NotUnderstood:
                    if self._number[0] != before:
                        raise
                    _, at = _DECODER.raw_decode(self._text, start)
            else:
                _, at = _DECODER.raw_decode(self._text, at)
            at = self._comma("}", at)
        self.end = at + 1
        if not found:
            raise NotUnderstood("it holds no list of interactions")

    def _list(self, at: int) -> Iterator[tuple[int, Any]]:
        at = self._space(at + 1)
        while not self._text.startswith("]", at):
            item, at = _DECODER.raw_decode(self._text, at)
            self._number[0] += 1
            yield self._number[0], item
            at = self._comma("]", at)
        self.end = at + 1

    def _space(self, at: int) -> int:
        return _SPACE.match(self._text, at).end()  # type: ignore[union-attr]

    def _expect(self, sign: str, at: int) -> int:
        at = self._space(at)
        if not self._text.startswith(sign, at):
            raise json.JSONDecodeError(f"a {sign!r} is missing", self._text, at)
        return at + 1

    def _comma(self, end: str, at: int) -> int:
        """Return where the next item starts, after a comma, or the list or object ends."""
        at = self._space(at)
        if self._text.startswith(end, at):
            return at
        return self._space(self._expect(",", at))
