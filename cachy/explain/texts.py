"""Where two long texts differ, and what stands there; of one an outline may know only parts.

Of a long text an entry keeps its length, its ends and digests of its pieces (`outline.py`). That
tells where a text differs, not what stood there; where it was not kept, a difference says so.
"""

from __future__ import annotations

import json
from typing import Any

from cachy.explain.distance import outlined_parts, prefix
from cachy.explain.words import Change
from cachy.rules.outline import LONG, piece, piece_width, shorten_text

_SHOWN = 60
_AROUND = 16


class Text:
    """A text of which all is known, or its outline. `full` is None for an outline."""

    def __init__(self, known: str | list[Any]) -> None:
        self.full = known if isinstance(known, str) else None
        if isinstance(known, str):
            self.length, self.start, self.end, self.pieces = len(known), known, known, ""
        else:
            self.length, _, self.start, self.end, self.pieces = known
        self.width = piece_width(self.length)

    def piece(self, like: Text, number: int, shift: int = 0) -> str | None:
        """The digest of what stands where the other text has its piece of that number."""
        start = number * like.width + shift
        end = min(number * like.width + like.width, like.length) + shift
        if self.full is not None:
            return piece(self.full[start:end]) if start >= 0 else None
        if self.width != like.width or shift:
            return None
        return self.pieces[4 * number : 4 * number + 4]

    def excerpt(self, start: int, end: int, most: int) -> str | None:
        """What stands there, with a little around it; None if it is not known."""
        first = max(0, start - _AROUND)
        last = min(self.length, end + _AROUND, start + most)
        skipped = self.length - len(self.end)
        if start < len(self.start):
            last = min(last, len(self.start))
            text = self.start[first:last]
        elif start >= skipped:
            first = max(first, skipped)
            text = self.end[first - skipped : last - skipped]
        else:
            return None
        return f"{'…' * (first > 0)}{text}{'…' * (last < self.length)}"


def as_texts(old: Any, new: Any) -> tuple[Text, Text] | None:
    """Two values as texts, if both are, or are long lists of numbers."""
    if isinstance(old, str | list) and isinstance(new, str | list) and type(old) is not type(new):
        return None
    known = [outlined_parts(value) or text_of(value) for value in (old, new)]
    if known[0] is None or known[1] is None:
        return None
    if isinstance(old, list) and isinstance(new, list) and not outlined_parts(short(new)):
        return None  # a short list is shown element by element
    return Text(known[0]), Text(known[1])


def of_texts(path: str, old: Text, new: Text, *, numbers: bool) -> Change:
    start = _same_start(old, new)
    end = min(_same_end(old, new), min(old.length, new.length) - start)
    old_end, new_end = old.length - end, new.length - end
    old_start = new_start = start
    kept = old.length - len(old.end)
    if len(old.start) <= start < kept < old_end and new.full is not None:
        # It begins in the part that was not kept, or in the end, which was: look there.
        if equal := prefix(old.end, new.full[kept:]):
            old_start = new_start = kept + equal
        else:
            old_start = kept
    before = old.excerpt(old_start, old_end, _SHOWN)
    after = new.excerpt(new_start, new_end, _SHOWN if before is not None else 3 * _SHOWN)
    shown = [
        "(not stored)" if text is None else text if numbers else quote(text)
        for text in (before, after)
    ]
    if numbers and new.full is not None:
        first, last = new.full.count(",", 0, start), new.full.count(",", 0, new_end)
        shown[1] += f" (numbers [{first}] to [{last}] of {new.full.count(',') + 1:,})"
    elif max(old.length, new.length) > LONG:
        sizes = f"{new.length:,}; {old.length:,} were recorded"
        place = f"characters {start + 1:,} to {new_end:,}" if new_end > start else f"at {start:,}"
        shown[1] += f" ({place} of {sizes})"
    return Change(path, "changed", shown[0], shown[1], before is None or after is None)


def _known(old: Text, new: Text) -> bool:
    return old.full is not None and new.full is not None


def _same_start(old: Text, new: Text) -> int:
    """How many characters at the start are known to be equal."""
    start = prefix(old.start, new.start)
    if start < min(len(old.start), len(new.start)) or _known(old, new):
        return start
    model, other = (old, new) if old.full is None else (new, old)
    count, number = -(-model.length // model.width), 0
    while number < count and model.piece(model, number) == other.piece(model, number):
        number += 1
    return max(start, min(number * model.width, model.length))


def _same_end(old: Text, new: Text) -> int:
    """How many characters at the end are known to be equal."""
    end = prefix(old.end[::-1], new.end[::-1])
    if end < min(len(old.end), len(new.end)) or _known(old, new):
        return end
    model, other = (old, new) if old.full is None else (new, old)
    shift = other.length - model.length
    number = -(-model.length // model.width)
    while number and model.piece(model, number - 1) == other.piece(model, number - 1, shift):
        number -= 1
    return max(end, model.length - number * model.width)


def short(value: Any) -> Any:
    """A value as it stands in an outline, outlined already or not."""
    if isinstance(value, dict):
        if outlined_parts(value):
            return value
        return {name: short(inner) for name, inner in value.items()}
    text = text_of(value)
    if text is not None and len(value) > (LONG if text is value else LONG // 4):
        return shorten_text(text)
    return [short(inner) for inner in value] if isinstance(value, list) else value


def text_of(value: Any) -> str | None:
    """The text that an outline would stand for."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, int | float) for item in value):
        return json.dumps(value, separators=(",", ":"))
    return None


def brief(value: Any) -> str:
    """A value in a few words."""
    if outlined := outlined_parts(value):
        length, _, start, end, _ = outlined
        return f"{quote(start[:30] + '…' + end[-20:])} ({length:,} characters)"
    text = json.dumps(_spell(value), ensure_ascii=False, separators=(", ", ": "))
    if isinstance(value, str) and len(text) > _SHOWN:
        return f"{quote(value[: _SHOWN // 2] + '…' + value[-20:])} ({len(value):,} characters)"
    return text if len(text) <= 2 * _SHOWN else f"{text[: 2 * _SHOWN]}…"


def _spell(value: Any) -> Any:
    """A value with its long texts cut."""
    if outlined := outlined_parts(value):
        return f"{outlined[2][:30]}…"
    if isinstance(value, dict):
        return {name: _spell(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_spell(inner) for inner in value]
    return f"{value[:30]}…" if isinstance(value, str) and len(value) > _SHOWN else value


def quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
