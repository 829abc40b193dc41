"""An entry as a chat: what `%cachy show` shows, and what an `Entry` looks like in a notebook.

    Chat(entry)  ─▶  HTML, Markdown or plain text, whatever the front end shows

What an entry holds is escaped and cut to a readable length, credentials are masked, and control
characters are made visible. There are no scripts, and no colors but those of the front end.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from cachy import prices
from cachy.engine.money import cost_of
from cachy.engine.secret_search import masked
from cachy.errors import CachyError, ConfigError, Defect
from cachy.rules.content import as_dict
from cachy.store import entry as codec
from cachy.store.names import key_of
from cachy.tables import Table, visible
from cachy.upkeep.transcript import answered, asked, model, one_line

if TYPE_CHECKING:
    from cachy.store.base import Store
    from cachy.store.entry import Entry

_LONGEST = 4000
"""Characters of a turn."""
_SEARCHED = 10 * _LONGEST
"""Characters at the ends of a long turn that are searched for credentials."""
_TURNS = 40
_LONGEST_FACT = 300
_WORDS = re.compile(r"[^\w →]")
_BOX = "border-left:3px solid rgba(128,128,128,.5);margin:.6em 0;padding:0 .8em"
_TEXT = "white-space:pre-wrap;overflow-wrap:anywhere;margin:.2em 0;background:none;text-align:left"


class Chat:
    """An entry, to be shown. `facts` are what its head tells; `turns` pairs of role and text, those
    of the answer with an arrow before their role."""

    def __init__(self, entry: Entry) -> None:
        head = entry.head
        usage = as_dict(head.get("usage"))
        cost = cost_of(entry)
        facts = {
            "key": key_of(str(head.get("key"))),
            "model": model(head),
            "request": f"{head.get('method')} {head.get('url')}",
            "recorded": head.get("recorded"),
            "status": head.get("status"),
            "took": f"{head['ms'] / 1000:,.1f} s live" if head["ms"] else "",
            "tokens": ", ".join(f"{usage[n]} {n}" for n in ("input", "output") if n in usage),
            "cost": f"{prices.show(cost)} ({prices.source()})" if cost is not None else "",
        }
        self.facts = [
            (name, masked(one_line(str(value), _LONGEST_FACT)))
            for name, value in facts.items()
            if value
        ]
        turns = [(turn.role, turn.text) for turn in asked(head) if turn.role]
        turns += [(f"→ {turn.role}", turn.text) for turn in answered(entry)]
        self.left_out = max(len(turns) - _TURNS, 0)
        self.turns = [(one_line(role, 80), _shown(text)) for role, text in turns[-_TURNS:]]

    def __repr__(self) -> str:
        parts = [repr(Table(self.facts, heading=False)), *self._omitted()]
        for role, text in self.turns:
            parts.append(f"{role}\n" + "\n".join(f"  {line}".rstrip() for line in text.split("\n")))
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        boxes = [f"<p><i>{escape(text)}</i></p>" for text in self._omitted()]
        boxes += [
            f'<div style="{_BOX}"><b>{escape(role)}</b>'
            f'<pre style="{_TEXT}">{escape(text)}</pre></div>'
            for role, text in self.turns
        ]
        return Table(self.facts, heading=False)._repr_html_() + "".join(boxes)

    def _repr_markdown_(self) -> str:
        parts = [Table(self.facts, heading=False)._repr_markdown_(), *self._omitted()]
        for role, text in self.turns:
            fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
            parts += [f"**{_WORDS.sub(' ', role)}**", f"{fence}text\n{text}\n{fence}"]
        return "\n\n".join(parts)

    def _omitted(self) -> list[str]:
        return [f"… {self.left_out} earlier turns"] if self.left_out else []


def _shown(text: str) -> str:
    """Return a text as it is shown, with its middle left out where it is long: only its ends are
    searched for credentials then."""
    half, length = _LONGEST // 2, len(text)
    if length <= 2 * _SEARCHED:
        start = end = visible(masked(text))
        if len(start) <= _LONGEST:
            return start
    else:
        start, end = (visible(masked(part)) for part in (text[:_SEARCHED], text[-_SEARCHED:]))
    return f"{start[:half]}\n… ({length - 2 * half:,} characters) …\n{end[-half:]}"


def find_chat(store: Store, key: str) -> Chat:
    """Return the newest recording of the key that starts so. Raises ConfigError if there is none,
    or several keys start so; CachyError if it cannot be read."""
    if store.root is not None:
        from cachy.upkeep.find import find_entry

        found = find_entry(store.root, key)
        return Chat(found.entry)
    names = [name for name in store.names() or () if name.startswith(key)]
    if len({key_of(name) for name in names}) != 1:
        raise ConfigError(f"{len(names) or 'no'} recordings have a key that starts with {key!r}")
    try:
        return Chat(codec.loads(store.frame(names[0])))
    except (KeyError, Defect) as error:
        raise CachyError(f"the recording of {key!r} cannot be read: {error}") from None
