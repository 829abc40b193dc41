"""Write the recordings of a store in other tools' formats, so that nobody is locked in.

An entry holds the answer whole, and of the request what `requests=` says: an outline, in which long
texts are shortened, or all of it. So a request is built from what there is, and its key is made
again: where it is the same, the export is whole, and can be imported again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.errors import ConfigError, Defect
from cachy.formats import har, lines, vcr
from cachy.formats.interaction import Interaction
from cachy.formats.vcr import scope_of
from cachy.formats.yaml_reader import load_yaml
from cachy.rules.content import as_dict
from cachy.rules.hosts import Hosts, doms
from cachy.rules.key import digest, identify, numbered
from cachy.rules.message import Request, ResponseHead
from cachy.store.entry import json_bytes
from cachy.store.folder import File, entry_files, read_entry
from cachy.store.names import key_in, stamp_in
from cachy.upkeep.find import matches
from cachy.upkeep.index import host_of, silent
from cachy.upkeep.transcript import answered, first_words, model

if TYPE_CHECKING:
    from cachy.store.entry import Entry
    from cachy.upkeep.index import Progress

FORMATS = {"vcr": ".yaml", "har": ".har", "jsonl": ".jsonl"}
"""The formats and the suffixes of their files."""
UNSCOPED = "cachy"
"""The name of the cassette for recordings without a scope."""

_BOUNDARY = "cachy-boundary"
_NEXT_HEADER = re.compile(r"; (?=[A-Za-z-]+: )")


class Exported(NamedTuple):
    """What was written: the files, how many recordings are in them, how many of these have a
    request that is kept as an outline, and how many were left out because they stay on this
    machine. `broken` counts files that are not sound."""

    files: list[str]
    recordings: int
    outlined: int
    private: int
    broken: int

    def as_dict(self) -> dict[str, Any]:
        """Return the report as `--json` prints it."""
        return self._asdict()


class _Listed(NamedTuple):
    """An entry in the order in which it is exported."""

    scope: str
    recorded: str
    repeat: int
    path: str


def export(
    root: str,
    output: str,
    kind: str,
    *,
    model: str = "",
    host: str = "",
    private: bool = False,
    force: bool = False,
    progress: Progress = silent,
) -> Exported:
    """Write the recordings of a store to a file, or to a folder with a cassette for each scope.

    A scope that begins with the folder stands in its place, not once more below it. `kind` is one
    of `FORMATS`; `model` and `host` choose as in `cachy ls`; `private` takes what stays on this
    machine, too. Raises ConfigError if a file is there and not `force`, or a library is missing;
    OSError.
    """
    if kind == "vcr":
        load_yaml()  # before anything is written
    listed, left, broken = _list(root, model, host, private, progress)
    plan = _plan(listed, output, kind, os.path.dirname(os.path.abspath(root)))
    for path in plan:
        if os.path.lexists(path) and not force:
            raise ConfigError(f"{path} exists: give another place, or --force to replace it")
    outlined = 0
    for path, those in plan.items():
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        made = _Made(those)
        # Half a surrogate pair becomes an escape of JSON.
        with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            _WRITERS[kind](made, stream)
        outlined += made.outlined
    return Exported(list(plan), len(listed), outlined, left, broken)


def _list(
    root: str, wanted: str, host: str, private: bool, progress: Progress
) -> tuple[list[_Listed], int, int]:
    """Return the entries to export, in order, how many are private, how many are broken."""
    files = sorted(entry_files(root), key=lambda file: stamp_in(file.name), reverse=True)
    listed: list[_Listed] = []
    keys: set[str] = set()
    left = broken = 0
    for done, file in enumerate(files):
        if not done % 256:
            progress(done, len(files))
        if key_in(file.name) in keys:
            continue  # superseded
        entry = _read(file)
        if entry is None:
            broken += 1
            continue
        keys.add(key_in(file.name))
        if not _is_wanted(entry, wanted, host):
            continue
        if file.private and not private:
            left += 1
            continue
        asked = as_dict(entry.head.get("request"))
        recorded = str(entry.head.get("recorded") or "")
        repeat = asked.get("repeat", 0)
        listed.append(_Listed(str(asked.get("scope", "")), recorded, repeat, file.path))
    progress(len(files), len(files))
    return sorted(listed), left, broken


def _read(file: File) -> Entry | None:
    try:
        return read_entry(file.path)
    except (Defect, FileNotFoundError):
        return None


def _is_wanted(entry: Entry, wanted: str, host: str) -> bool:
    if wanted and not matches(str(model(entry.head) or ""), wanted):
        return False
    return not host or matches(host_of(str(entry.head.get("url"))), host)


def _plan(listed: list[_Listed], output: str, kind: str, base: str) -> dict[str, list[_Listed]]:
    """Return which entries go into which file. Scopes are paths from `base`."""
    suffix = FORMATS[kind]
    alone = output.endswith((suffix, ".yml"))
    if kind != "vcr" or alone:
        return {output if alone else output + suffix: listed}
    plan: dict[str, list[_Listed]] = {}
    try:
        folder = f"{scope_of(output, base)}/"
    except ValueError:
        folder = "/"  # on another drive of Windows; no scope begins so
    for each in listed:
        scope = each.scope.removeprefix(folder)
        path = os.path.join(output, *_parts(scope or UNSCOPED)) + suffix
        plan.setdefault(path, []).append(each)
    return plan


def _parts(scope: str) -> list[str]:
    """Return a scope as the parts of a path that stays below its folder."""
    parts = [re.sub(r'[<>:"|?*\\\x00-\x1f]', "-", part) for part in scope.split("/")]
    return [part for part in parts if part.strip(". ")] or [UNSCOPED]


class _Made:
    """The interactions of some entries, one after the other. `outlined` counts those whose request
    is not whole."""

    def __init__(self, listed: list[_Listed]) -> None:
        self._listed = listed
        self.outlined = 0

    def __iter__(self) -> Iterator[tuple[Entry, Interaction]]:
        for each in self._listed:
            try:
                entry = read_entry(each.path)
            except (Defect, FileNotFoundError):
                continue  # collected meanwhile
            made = interaction(entry, each.path)
            self.outlined += not is_whole(entry, made)
            yield entry, made


def interaction(entry: Entry, place: str = "") -> Interaction:
    """Return an entry as an interaction."""
    head = entry.head
    asked = as_dict(head.get("request"))
    headers = [(name, str(value)) for name, value in as_dict(asked.get("headers")).items()]
    body, media = _body(asked.get("body"))
    if media and "content-type" not in dict(headers):
        headers.append(("content-type", media))
    return Interaction(
        place,
        Request(str(head["method"]), str(head["url"]), headers, body),
        ResponseHead(
            head["status"],
            [(str(name), str(value)) for name, value in head["headers"]],
            http=head.get("http", "HTTP/1.1"),
            reason=head.get("reason"),
            client=str(head.get("client") or ""),
        ),
        entry.body,
        recorded=str(head.get("recorded") or ""),
        ms=head["ms"],
        scope=str(asked.get("scope", "")),
        repeat=asked.get("repeat", 0),
    )


def is_whole(entry: Entry, made: Interaction) -> bool:
    """Tell whether an interaction has the whole request of its entry, by its key."""
    request = made.request
    try:
        known = _HOSTS.route(request.method, request.url).known
        canonical = identify(request, scope=made.scope or "", known=known).canonical
    except (ValueError, RecursionError):
        return False
    canonical = numbered(canonical, made.repeat) if made.repeat else canonical
    return digest(canonical) == str(entry.head["key"])


_HOSTS = Hosts(doms)


def _body(value: Any) -> tuple[bytes, str]:
    """Return the body of a request from its outline, and its media type, if that is plain."""
    if value is None:
        return b"", ""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass"), ""
    if isinstance(value, list) and value and all(map(_is_part, value)):
        return _multipart(value), f"multipart/form-data; boundary={_BOUNDARY}"
    return json_bytes(value), "application/json"


def _is_part(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"headers", "content"}


def _multipart(parts: list[dict[str, Any]]) -> bytes:
    pieces = []
    for part in parts:
        head = _NEXT_HEADER.sub("\r\n", str(part["headers"]))
        content = part["content"]
        text = content if isinstance(content, str) else json_bytes(content).decode()
        pieces.append(f"--{_BOUNDARY}\r\n{head}\r\n\r\n{text}\r\n")
    return "".join([*pieces, f"--{_BOUNDARY}--\r\n"]).encode("utf-8", "surrogatepass")


# ---- Writers ----


def _write_lines(made: _Made, stream: Any) -> None:
    lines.write(((_details(entry), each) for entry, each in made), stream)


def _details(entry: Entry) -> dict[str, Any]:
    """Return what a line says of an entry before request and answer."""
    head = entry.head
    usage = as_dict(head.get("usage"))
    return {
        "key": head["key"][:32],
        "recorded": head.get("recorded"),
        "method": head["method"],
        "url": head["url"],
        "host": host_of(str(head["url"])),
        "model": model(head),
        "stream": head.get("stream"),
        "ms": head["ms"] or None,
        "input_tokens": usage.get("input"),
        "output_tokens": usage.get("output"),
        "prompt": first_words(head),
        "answer": "\n".join(turn.text for turn in answered(entry) if turn.role == "assistant"),
    }


_WRITERS: dict[str, Callable[[_Made, Any], None]] = {
    "vcr": lambda made, stream: vcr.write((each for _, each in made), stream),
    "har": lambda made, stream: har.write((each for _, each in made), stream),
    "jsonl": _write_lines,
}
