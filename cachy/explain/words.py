"""One difference between a recording and a request, and the words for many."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


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
                parent, name = split_path(self.path)
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


def join_path(path: str, name: str) -> str:
    if not re.fullmatch(r"[\w$-]+", name):
        return f"{path}[{json.dumps(name, ensure_ascii=False)}]"
    return f"{path}.{name}" if path else name


def split_path(path: str) -> tuple[str, str]:
    """A path as its parent and its last name."""
    if path.endswith("]"):
        parent, _, name = path.rpartition("[")
        return parent, name[:-1]
    parent, _, name = path.rpartition(".")
    return parent, name


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
