"""The words for one difference, for many, and for the values in them."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.explain.distance import outlined_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 60
"""Characters of a text that are shown."""

_LINES = 12


_SENTENCES = {
    "changed": "{path}: {before} → {after}",
    "removed": "{path}: {before} → (absent)",
    "inserted": "{path}: inserted: {after}",
    "dropped": "{path} of the recording is gone: {before}",
    "moved": "{path}: moved here from {before}",
    "reordered": "{path}: the same elements in another order: {after}",
}


class Difference(NamedTuple):
    """One difference. `kind` is changed, added, removed (of a field), inserted, dropped (of an
    element), moved, or reordered; `before` and `after` are short texts of values. `alien`: the two
    texts have next to nothing in common."""

    path: str
    kind: str
    before: str = ""
    after: str = ""
    unknown: bool = False  # a value is not stored
    alien: bool = False

    def __str__(self) -> str:
        if self.kind == "added":
            parent, name = _split_path(self.path)
            return f"{parent}: + {name}: {self.after}" if parent else f"+ {name}: {self.after}"
        return _SENTENCES[self.kind].format(**self._asdict())


def join_path(path: str, name: str) -> str:
    """Return the path of a field: `a.name`, or `a["a name"]` where that is not a plain word."""
    if not re.fullmatch(r"[\w$-]+", name):
        return f"{path}[{quote(name)}]"
    return f"{path}.{name}" if path else name


def _split_path(path: str) -> tuple[str, str]:
    """Return a path's parent and its last name."""
    parent, _, name = path.rpartition("[" if path.endswith("]") else ".")
    return parent, name.removesuffix("]")


# ---- Many differences ----

_PROMPTS = frozenset(
    {"messages", "contents", "prompt", "input", "system", "instructions", "systemInstruction"}
    | {"system_instruction", "message", "texts", "inputs", "text", "query", "documents", "content"}
)
_VERDICTS = {
    "model": "the model changed",
    "model (in the path)": "the model changed",
    "scope": "it was recorded in another scope",
    "repeat": "it was sent more often than it was recorded",
    "path": "the path of the URL changed",
    "host": "it was recorded from another host",
    "header …": "a header that decides the answer changed",
    "query …": "the query of the URL changed",
}
"""By the only area in which there are differences."""


def verdict(differences: Sequence[Difference]) -> str:
    """Summarize what changed in a few words."""
    kinds = {each.kind for each in differences}
    areas = {_area(each.path) for each in differences}
    verdicts = {_VERDICTS.get(area, "") for area in areas}
    count = len(differences)
    fields = f"{count} fields" if count > 1 else "a field"
    if is_new(differences):
        return "no prompt like this was recorded"
    if not differences:
        return "nothing differs in what was stored of it"
    if len(verdicts) == 1 and all(verdicts):
        return verdicts.pop()
    if kinds == {"added"}:
        return f"it has {fields} that the recording lacks: a newer SDK may send that"
    if kinds == {"removed"}:
        return f"it lacks {fields} that the recording has: another SDK may have sent that"
    if areas <= _PROMPTS:
        return _verdict_on_prompts(Counter(each.kind for each in differences))
    if areas == {"tools"}:
        return "the tools changed"
    return f"{count} things differ" if count > 1 else f"{differences[0].path} changed"


def is_new(differences: Sequence[Difference]) -> bool:
    """Tell whether the request asks something else altogether, whatever else differs: of its
    prompts nothing is like the recording's, but for a first message, such as the system's."""
    asked = [each for each in differences if _area(each.path) in _PROMPTS]
    return bool(asked) and all(each.alien and _turn(each.path) < 2 for each in asked)


def _turn(path: str) -> int:
    """Return the number of the message in which a path is; 0 for a prompt without messages."""
    found = re.match(r"\w+\[(\d+)\]", path)
    return int(found[1]) if found else 0


def _area(path: str) -> str:
    """Return a path's first name; all headers are one area, and so are all query parameters."""
    for kind in ("header", "query"):
        if path.startswith(f"{kind} "):
            return f"{kind} …"
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _verdict_on_prompts(kinds: Counter[str]) -> str:
    if kinds.keys() == {"changed"}:
        return "the prompt changed"
    if kinds.keys() <= {"inserted", "dropped"}:
        counts = (f"{n} {'more' if kind == 'inserted' else 'fewer'}" for kind, n in kinds.items())
        return f"the conversation changed: {', '.join(counts)}"
    if kinds.keys() <= {"moved", "reordered"}:
        return "the conversation is in another order"
    return "the conversation changed"


def lines(differences: Sequence[Difference]) -> list[str]:
    """Return the differences as text, one a line, 12 at most."""
    shown = differences[:_LINES]
    result = [str(each) for each in shown]
    if len(differences) > _LINES:
        result.append(f"… and {len(differences) - _LINES} more")
    if any(each.unknown for each in shown):
        result.append('(of long texts only the ends are stored; requests="full" stores all)')
    return result


# ---- Values ----


def brief(value: Any) -> str:
    """Return a value as short JSON: long texts in it are cut."""
    if outlined := outlined_parts(value):
        length, _, start, end, _ = outlined
        return f"{quote(start[:30] + '…' + end[-20:])} ({length:,} characters)"
    if isinstance(value, str) and len(value) > SHOWN:
        return f"{quote(value[:30] + '…' + value[-20:])} ({len(value):,} characters)"
    text = json.dumps(_cut(value), ensure_ascii=False, separators=(", ", ": "))
    return text if len(text) <= 2 * SHOWN else f"{text[: 2 * SHOWN]}…"


def _cut(value: Any) -> Any:
    if outlined := outlined_parts(value):
        return f"{outlined[2][:30]}…"
    if isinstance(value, dict):
        return {name: _cut(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_cut(inner) for inner in value]
    return f"{value[:30]}…" if isinstance(value, str) and len(value) > SHOWN else value


def quote(text: str) -> str:
    """Return a text in quotes, as JSON."""
    return json.dumps(text, ensure_ascii=False)
