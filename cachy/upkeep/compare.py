"""Two recordings of one request compared: what changed in the answer, the greatest risk first.

    compare(old, new)  ─▶  Comparison: in one line what changed, and the texts word by word

A changed tool call may run something else; a refusal breaks what built on the answer; the rest is
text. Nothing here does any IO or raises for what an entry may hold. Credentials are masked.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy import prices
from cachy.engine.secret_search import masked
from cachy.rules.content import as_dict
from cachy.rules.refusals import endings, model_of_answer, refuses
from cachy.upkeep.transcript import Turn, answered, events_of, one_line
from cachy.upkeep.word_diff import Excerpt, Piece, differ, excerpt, word_diff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachy.store.entry import Entry

CALL = "tool call"
_EXCERPT = 110
"""Characters."""
_CALLS = 500
"""Tool calls. Those after them are compared as one text."""
_LONGER = 2.0
"""Times. A smaller difference in length is not worth a word."""
_LEAST = 40
"""Characters. The length of shorter texts says nothing."""
_ROLES = (CALL, "assistant", "data", "thinking")
"""In this order they are shown; others come last."""

RISKS = ("tool calls", "refusal", "answer", "details", "")
"""What changed, the greatest risk first; the last for an answer that is the same."""


class Part(NamedTuple):
    """A part of an answer that differs: a tool call, or all that it says in a role. `pieces` are
    those of `word_diff`."""

    role: str
    pieces: list[Piece]


class Comparison(NamedTuple):
    """What differs between two recordings. `risk` is one of RISKS; `notes` name the changes of tool
    calls, of a refusal, of status, ending, length, model and usage, in a few words each; `excerpt`
    is where the first text first differs, on one line; `parts` are the texts that differ, tool
    calls first."""

    risk: str
    notes: list[str]
    excerpt: Excerpt
    parts: list[Part]


NOTHING = Comparison("", [], Excerpt([], 0), [])


class Answer:
    """What an entry answers. `calls` are its tool calls, `texts` the rest, by role."""

    def __init__(self, entry: Entry) -> None:
        head, events = entry.head, list(events_of(entry))
        turns = [Turn(turn.role, masked(turn.text)) for turn in answered(entry)]
        calls = [turn.text for turn in turns if turn.role == CALL]
        rest = ["\n".join(calls[_CALLS:])] if len(calls) > _CALLS else []
        self.calls = calls[:_CALLS] + rest
        self.texts: dict[str, str] = {}
        for role, text in turns:
            if role != CALL:
                self.texts[role] = f"{self.texts[role]}\n\n{text}" if role in self.texts else text
        self.refuses = refuses(events, self.texts.get("assistant", ""))
        self.ends = ", ".join(endings(events))
        self.model = model_of_answer(events)
        self.status = str(head["status"])
        self.usage = as_dict(head.get("usage"))

    @property
    def length(self) -> int:
        """The characters of what it says."""
        return len(self.texts.get("assistant", ""))


def compare(old: Entry, new: Entry) -> Comparison:
    """Compare two recordings of a request."""
    before, after = Answer(old), Answer(new)
    calls, call_notes = _compare_calls(before.calls, after.calls)
    parts = [*calls, *_compare_texts(before.texts, after.texts)]
    notes = [*call_notes, *_notes(before, after)]
    about = _urgent(before, after)
    risk = (
        "tool calls" if calls else "refusal" if about else "answer" if parts
        else "details" if notes else ""
    )  # fmt: skip
    shown = next((found for part in parts if (found := excerpt(part.pieces, _EXCERPT))[0]), None)
    return Comparison(risk, notes, shown or NOTHING.excerpt, parts)


def alone(entry: Entry, op: str) -> Comparison:
    """Return an entry that is new ("+") or gone ("-") as a comparison with nothing."""
    answer = Answer(entry)
    notes = [f"calls {_names(answer.calls)}"] if answer.calls else []
    notes += ["refuses"] if answer.refuses else []
    parts = [Part(CALL, [Piece(op, text)]) for text in answer.calls]
    parts += [Part(role, [Piece(op, text)]) for role, text in _in_order(answer.texts) if text]
    words = one_line(parts[0].pieces[0].text, _EXCERPT) if parts else ""
    return Comparison("", notes, Excerpt([Piece("=", words)], 0), parts)


# ---- Tool calls ----


def _compare_calls(old: Sequence[str], new: Sequence[str]) -> tuple[list[Part], list[str]]:
    """Compare tool calls, in whatever order they stand: those of one name are compared with each
    other."""
    gone, added = _without(old, new), _without(new, old)
    changed = [
        pair
        for name in dict.fromkeys(map(_name, gone))
        for pair in zip(_called(name, gone), _called(name, added), strict=False)
    ]
    gone = _without(gone, [call for call, _ in changed])
    added = _without(added, [call for _, call in changed])
    parts = [Part(CALL, word_diff(*pair)) for pair in changed]
    parts += [Part(CALL, [Piece("+", call)]) for call in added]
    parts += [Part(CALL, [Piece("-", call)]) for call in gone]
    notes = []
    for calls, what in (
        ([new for _, new in changed], "other arguments for"),
        (added, "now calls"),
        (gone, "no longer calls"),
    ):
        if calls:
            notes.append(f"{what} {_names(calls)}")
    return parts, notes


def _called(name: str, calls: Sequence[str]) -> list[str]:
    return [call for call in calls if _name(call) == name]


def _without(calls: Sequence[str], others: Sequence[str]) -> list[str]:
    left = Counter(others)
    rest = []
    for call in calls:
        if left[call]:
            left[call] -= 1
        else:
            rest.append(call)
    return rest


def _name(call: str) -> str:
    return call.partition("(")[0][:60] or "a tool"


def _names(calls: Sequence[str]) -> str:
    counts = Counter(map(_name, calls))
    names = [name if n == 1 else f"{name} ({n} times)" for name, n in counts.items()]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


# ---- Texts ----


def _compare_texts(old: dict[str, str], new: dict[str, str]) -> list[Part]:
    roles = dict(_in_order({**old, **new}))
    parts = [Part(role, word_diff(old.get(role, ""), new.get(role, ""))) for role in roles]
    return [part for part in parts if differ(part.pieces)]


def _in_order(texts: dict[str, str]) -> list[tuple[str, str]]:
    order = {role: at for at, role in enumerate(_ROLES)}
    return sorted(texts.items(), key=lambda pair: order.get(pair[0], len(order)))


# ---- Notes ----


def _urgent(old: Answer, new: Answer) -> bool:
    return old.refuses != new.refuses or old.status != new.status


def _notes(old: Answer, new: Answer) -> list[str]:
    notes = []
    if old.refuses != new.refuses:
        notes.append("now refuses" if new.refuses else "no longer refuses")
    notes += _changed("status", old.status, new.status)
    if old.ends and new.ends:
        notes += _changed("ends with", old.ends, new.ends)
    longer = max(old.length, new.length) / max(min(old.length, new.length), 1)
    if longer > _LONGER and max(old.length, new.length) > _LEAST:
        notes.append(f"{old.length:,} → {new.length:,} characters")
    if old.model and new.model:
        notes += _changed("model", old.model, new.model)
    return [*notes, *_notes_on_usage(old.usage, new.usage)]


def _changed(what: str, old: str, new: str) -> list[str]:
    return [f"{what} {old[:60]} → {new[:60]}"] if old != new else []


def _notes_on_usage(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    changes = []
    for name in prices.TOKENS:
        before, after = (each.get(name, 0) for each in (old, new))
        if before != after and isinstance(before, int) and isinstance(after, int):
            changes.append(f"{before:,} → {after:,} {_NAMES[name]}")
    return [f"tokens {', '.join(changes)}"] if changes else []


_NAMES = {"input": "in", "output": "out", "cache_read": "cached", "cache_write": "into the cache"}
