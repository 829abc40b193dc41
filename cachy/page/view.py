"""One entry as the page shows it. Credentials are masked, and what is too long is cut: a field
`cut` then says how long it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachy.engine.secret_search import masked, masked_data
from cachy.page import timeline
from cachy.page.media import media_of
from cachy.page.reading import is_large, turns_of
from cachy.rules.content import as_dict, as_text
from cachy.rules.refusals import endings
from cachy.store.layout import show_path
from cachy.upkeep.transcript import Turn, asked, events_of, is_outline, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.store.entry import Entry
    from cachy.upkeep.index import Row

LONGEST_TURN = 60_000
LONGEST_RAW = 200_000
"""Characters that are shown."""
_MOST_TURNS = 400
_MOST_CITATIONS = 50
_MOST_VALUES = 50_000


def view(row: Row, entry: Entry) -> dict[str, Any]:
    """Return an entry as a chat, with what is known about it."""
    request, answer = asked(entry.head), turns_of(entry)
    return {
        **facts(row, entry),
        "asked": [_turn(turn) for turn in request[:_MOST_TURNS]],
        "answered": [_turn(turn) for turn in answer[:_MOST_TURNS]],
        "turns_cut": max(len(request) - _MOST_TURNS, len(answer) - _MOST_TURNS, 0),
        "outline": is_outline(entry.head),
        "finish": _finish(entry),
        "citations": list(_citations(entry)),
        "media": [
            {"kind": medium.kind, "where": medium.where, "size": medium.size}
            for medium in media_of(entry)
        ],
    }


def facts(row: Row, entry: Entry) -> dict[str, Any]:
    """Return what is known about an entry, without what was said."""
    head = entry.head
    usage = as_dict(head.get("usage"))
    return {
        "name": row.name,
        "key": row.key,
        "second": row.second,
        "recorded": row.recorded[:40],
        "method": row.method[:20],
        "url": masked(row.url[:2000]),
        "host": row.host[:300],
        "model": masked(row.model[:300]),
        "status": row.status,
        "stream": row.stream[:40],
        "client": row.client[:100],
        "ms": row.ms,
        "usage": {name[:40]: n for name, n in usage.items() if isinstance(n, int)},
        "cost": row.cost,
        "prompt": row.shown,
        "private": row.file.private,
        "file": show_path(row.file.path),
        "size": row.bytes,
        "body_size": len(entry.body),
        "large": is_large(entry),
    }


def head_text(entry: Entry) -> dict[str, Any]:
    """Return the head as text: JSON, indented."""
    return cut(to_json(masked_data(entry.head), indent=True), LONGEST_RAW)


def raw_text(entry: Entry) -> dict[str, Any]:
    """Return the beginning of the body as text; for binary data, its first bytes in hex."""
    start = entry.body[: 4 * LONGEST_RAW]
    try:
        text = start.decode("utf-8", "strict" if len(start) == len(entry.body) else "ignore")
        if "\0" in text:
            raise UnicodeError
    except UnicodeError:
        return {"text": _hex(start[:4096]), "cut": len(entry.body) if len(start) > 4096 else 0}
    shown = cut(text, LONGEST_RAW)
    return {**shown, "cut": len(entry.body) if shown["cut"] or len(start) < len(entry.body) else 0}


def events(entry: Entry) -> dict[str, Any]:
    """Return the events of a stream and when they came."""
    return timeline.timeline(entry)


def cut(text: str, length: int) -> dict[str, Any]:
    """Return a text that is shown, and under `cut` its length if that is more than is shown."""
    return {
        "text": _sound(masked(text[:length])),
        "cut": len(text) if len(text) > length else 0,
    }


def _turn(turn: Turn) -> dict[str, Any]:
    return {"role": _sound(turn.role[:60]), **cut(turn.text, LONGEST_TURN)}


def _sound(text: str) -> str:
    """Return a text without halves of surrogate pairs, which JSON cannot carry."""
    return text.encode("utf-8", "replace").decode()


def _hex(data: bytes) -> str:
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in row)
        lines.append(f"{at:06x}  {row.hex(' '):<47}  {text}")
    return "\n".join(lines)


def _finish(entry: Entry) -> str:
    """Return the reasons with which the answer ended, as its API calls them."""
    if is_large(entry):
        return ""
    return _sound(", ".join(endings(list(events_of(entry))))[:60])


def _citations(entry: Entry) -> Iterator[dict[str, str]]:
    """Yield the sources that an answer names: title, address, and the text that is cited."""
    seen: set[str] = set()
    for source in () if is_large(entry) else _sources(list(events_of(entry))):
        url = as_text(source.get("url")) or as_text(source.get("uri"))
        title = as_text(source.get("title"))
        if (not url and not title) or url + title in seen or len(seen) >= _MOST_CITATIONS:
            continue
        seen.add(url + title)
        cited = as_text(source.get("cited_text")) or as_text(source.get("snippet"))
        yield {
            "url": _sound(masked(url[:1000])),
            "title": _sound(masked(title[:300])),
            "text": _sound(masked(cited[:500])),
        }


_CITING = frozenset(
    ("annotations", "citations", "citation", "annotation", "groundingChunks", "search_results")
)


def _sources(values: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects in which the APIs name their sources. Not recursive: JSON may be deep."""
    stack: list[tuple[Any, bool]] = [(value, False) for value in reversed(values)]
    for _ in range(_MOST_VALUES):
        if not stack:
            return
        value, cites = stack.pop()
        if isinstance(value, dict):
            if cites:
                yield value
            for name, inner in reversed(list(value.items())):
                within = cites and isinstance(inner, dict | list)
                stack.append((inner, within or name in _CITING))
        elif isinstance(value, list):
            stack += [(item, cites) for item in reversed(value)]
        elif cites and isinstance(value, str) and value.startswith("http"):
            yield {"url": value}
