"""Two recordings compared, and what a branch changes, as the page shows them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cachy.engine.secret_search import masked
from cachy.store.layout import show_path
from cachy.upkeep.compare import compare as compare_answers
from cachy.upkeep.diff import diff
from cachy.upkeep.transcript import asked
from cachy.upkeep.word_diff import Piece, differ, folded, word_diff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachy.store.entry import Entry
    from cachy.upkeep.compare import Part
    from cachy.upkeep.diff import Change
    from cachy.upkeep.index import Row

_MOST = 500
"""Changes that are listed."""
_OPEN = 8
"""Changes of which the texts are shown at once."""
_AROUND = 600
"""Characters of what is equal that are shown around a change of two entries."""
_LONGEST = 20_000
"""Characters of a single change that are shown."""

Side = tuple["Row", "Entry"]


def compare(old: Side, new: Side) -> dict[str, Any]:
    """Return what differs between any two entries: in what was asked, and in the answers."""
    found = compare_answers(old[1], new[1])
    return {
        "old": _brief(old[0]),
        "new": _brief(new[0]),
        "risk": found.risk,
        "notes": found.notes,
        "asked": _asked(old[1], new[1]),
        "parts": [_part(part, _AROUND) for part in found.parts],
    }


def branch(root: str, revisions: str) -> dict[str, Any]:
    """Return what `cachy diff` finds between two revisions, the greatest risk first.

    Raises ConfigError for a revision that git does not know; CachyError if git fails.
    """
    found = diff(root, revisions, full=True)
    return {
        "compared": True,
        "old": found.old,
        "new": found.new,
        "summary": found.summary(),
        "changes": [_change(change, at < _OPEN) for at, change in enumerate(found.changes[:_MOST])],
        "left_out": max(len(found.changes) - _MOST, 0),
        "flaws": [{"path": show_path(flaw.path), "what": flaw.what} for flaw in found.flaws],
    }


def _change(change: Change, open_at_first: bool) -> dict[str, Any]:
    row, compared = change.row, change.compared
    again = change.kind == "re-recorded"
    notes = ["the same answer"] if change.same_answer else list(compared.notes)
    return {
        **_brief(row),
        "kind": change.kind,
        "changed": compared.risk if again else "",
        "notes": notes,
        "excerpt": list(compared.excerpt.pieces),
        "parts": [_part(part, 200) for part in compared.parts],
        "open": open_at_first and again and bool(compared.parts),
        "here": os.path.exists(row.file.path),
    }


def _brief(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "key": row.key,
        "second": row.second,
        "model": masked(row.model[:200]),
        "host": row.host[:200],
        "prompt": row.shown,
    }


def _part(part: Part, around: int) -> dict[str, Any]:
    return {"role": part.role, "pieces": _shown(part.pieces, around)}


def _shown(pieces: Sequence[Piece], around: int) -> list[Piece]:
    return folded(pieces, around=around, longest=_LONGEST)


def _asked(old: Entry, new: Entry) -> list[dict[str, Any]]:
    """Return the turns of two requests that differ, in pairs by their place."""
    before, after = asked(old.head), asked(new.head)
    parts = []
    for at in range(min(max(len(before), len(after)), _MOST)):
        was, now = before[at : at + 1], after[at : at + 1]
        texts = [masked(turns[0].text) if turns else "" for turns in (was, now)]
        pieces = word_diff(texts[0], texts[1])
        if differ(pieces):
            role = (now or was)[0].role
            parts.append({"role": role, "pieces": _shown(pieces, _AROUND)})
    return parts
