"""Which format a file has: by what is in it, not by its name."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from cachy.formats import har, json_reader, lines, pycachy, vcr
from cachy.formats.interaction import NotUnderstood, Unclear
from cachy.lazy import json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cachy.formats.interaction import Found

SUFFIXES = (".yaml", ".yml", ".json", ".jsonl", ".ndjson", ".har", ".txt")
"""What is read of a folder. A `.txt` is read only where it is named or is called `cachy.txt`."""
_START = 4096


class Files(NamedTuple):
    """The files to read, sorted, and the paths that name none."""

    paths: list[str]
    missing: list[str]


def find(names: Iterable[str]) -> Files:
    """Return the files that paths name: files, folders with all below them, patterns with `*`."""
    import glob

    paths: dict[str, None] = {}
    missing = []
    for name in names:
        given = [name] if os.path.lexists(name) else sorted(glob.glob(name, recursive=True))
        found = [path for each in given for path in _files(each)]
        paths.update(dict.fromkeys(found))
        if not found:
            missing.append(name)
    return Files(list(paths), missing)


def _files(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    found = []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [os.path.join(folder, name) for name in sorted(files) if _is_wanted(name)]
    return found


def _is_wanted(name: str) -> bool:
    return name.endswith(SUFFIXES) and (not name.endswith(".txt") or name == "cachy.txt")


def read(path: str) -> Found | pycachy.Answers:
    """Return what is in a file: its interactions, or the answers of pycachy, which know no request.

    Raises OSError, and ConfigError where a library is missing.
    """
    with open(path, "rb") as stream:
        start = stream.read(_START)
    if pycachy.is_answers(start):
        return pycachy.Answers(path)
    return _found(path, start)


def _found(path: str, start: bytes) -> Found:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    with open(path, "rb") as stream:
        if not text:
            yield Unclear("", "it is empty")
        elif b"\0" in start:
            yield Unclear("", "it is no recording: it is not text")
        elif not text.startswith((b"{", b"[")):
            yield from vcr.read_yaml(stream)
        elif _is_lines(text):
            yield from lines.read(stream)
        else:
            yield from _json(stream)


def _is_lines(text: bytes) -> bool:
    """Tell whether a file starts with an object on a line of its own."""
    if text.startswith(b'{"key": '):
        return True
    first, end, _ = text.partition(b"\n")
    try:
        return bool(end) and isinstance(json.loads(first), dict)
    except ValueError:
        return False


def _json(stream: json_reader.IO[bytes]) -> Found:  # type: ignore[name-defined]
    try:
        text = json_reader.read_text(stream)
    except NotUnderstood as error:
        yield Unclear("", str(error))
        return
    is_archive = re.match(r'\s*\{\s*"log"\s*:', text) is not None
    if is_archive:
        yield from har.read(text)
    elif text.lstrip().startswith("["):
        yield Unclear("", "it is not a cassette of version 1 or later")
    elif _is_answer_alone(text):
        yield Unclear("", "it holds an answer without its request")
    else:
        yield from vcr.read_json(text)


def _is_answer_alone(text: str) -> bool:
    if len(text) > 2**24 or '"interactions"' in text or '"http_interactions"' in text:
        return False
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and "body" in data and "status" in data and "request" not in data
