"""What a run of pytest reports at its end: what was replayed and recorded, and what nobody used."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from cachy.wording import count, of_remote, went_past

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cachy.session import Session
    from cachy.store.base import Store


_MOST_REASONS = 3


class Tally:
    """What the sessions of a run have done, together."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._bypassed: Counter[str] = Counter()
        self._remote: Counter[str] = Counter()
        self._missed: Counter[str] = Counter()  # by the first clause of the reason
        self._used: dict[object, tuple[Store, set[str]]] = {}  # by the identity of the store

    def add(self, session: Session) -> None:
        from cachy.store.names import key_of

        stats = session.stats
        self.counts["sessions"] += 1
        for name in ("hits", "misses", "recorded"):
            self.counts[name] += getattr(stats, name)
        self._bypassed.update(stats.bypassed)
        self._remote.update(stats.remote)
        self._missed.update(miss.reason.partition(";")[0] for miss in stats.missed)
        self._add_used(session.store, map(key_of, stats.used))

    def _add_used(self, store: Store, keys: Iterable[str]) -> None:
        _, used = self._used.setdefault(store.identity, (store, set()))
        used.update(keys)

    def packed(self) -> dict[str, Any]:
        """Return all of it as plain data, for another process: of stores, those in folders."""
        used = {store.root: list(keys) for store, keys in self._used.values() if store.root}
        bypassed = dict(self._bypassed)
        return {
            "counts": dict(self.counts),
            "bypassed": bypassed,
            "missed": dict(self._missed),
            "remote": dict(self._remote),
            "used": used,
        }

    def add_packed(self, other: dict[str, Any]) -> None:
        from cachy.store.folder import DirStore

        self.counts.update(other["counts"])
        self._bypassed.update(other["bypassed"])
        self._remote.update(other["remote"])
        self._missed.update(other["missed"])
        for root, keys in other["used"].items():
            self._add_used(DirStore(root), keys)

    def done(self) -> str:
        """Return in words what was done."""
        counts = self.counts
        return (
            f"{count(counts['hits'], 'hit')}, {count(counts['misses'], 'miss')}, "
            f"{counts['recorded']:,} recorded"
        )

    def missed(self, again: str) -> list[str]:
        """Return why requests missed in replay mode, a line for each reason, and what to do:
        `again` is the command that records them."""
        most = self._missed.most_common(_MOST_REASONS)
        lines = [f"{count(number, 'request')} missed: {reason}" for reason, number in most]
        if more := len(self._missed) - len(most):
            lines.append(f"and for {count(more, 'other reason')}")
        if lines:
            lines.append(f"`{again}` records them, where the API can be reached")
        return lines

    def past(self) -> str:
        """Return in words what went past cachy."""
        return went_past(self._bypassed)

    def of_remote(self) -> str:
        """Return in words what became of what remotes were asked for."""
        said = of_remote(self._remote)
        return f"remote: {said}" if said else ""

    def unused(self) -> list[tuple[Store, str]]:
        """Return the names of the recordings, in all stores of the run, that no test used."""
        from cachy.store.names import key_in

        return [
            (store, name)
            for store, used in self._used.values()
            for name in store.names() or ()
            if key_in(name) not in used
        ]


def lines(unused: list[tuple[Store, str]], width: int = 0) -> Iterator[str]:
    """Yield a line for each recording, of at most `width` characters (0: any number): its key,
    model, what is special about it, and the last thing the user said. Then what removes them."""
    if not unused:
        return
    newest = {id(store): _newest(store) for store, _ in unused}
    rows = [
        (name[:_KEY], *_about(store, name, newest[id(store)]))
        for store, name in sorted(unused, key=lambda each: each[1])
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{text:<{wide}}" for text, wide in zip(row, widths, strict=True) if wide]
        line = f"  {'  '.join(cells)}".rstrip()
        yield line if not width or len(line) <= width else f"{line[: width - 1]}…"
    if any(store.root for store, _ in unused):  # the command knows folders
        command = "cachy gc --unused --since 1h --dry-run"
        yield f"cachy: `{command}` lists those that nothing else used either"


_KEY, _MODEL, _PROMPT = 10, 24, 200
"""Characters that are shown."""


def _newest(store: Store) -> dict[str, str]:
    """Return the name of the recording of each key that is served."""
    from cachy.store.names import key_in

    names: dict[str, str] = {}
    for name in store.names() or ():
        names.setdefault(key_in(name), name)
    return names


def _about(store: Store, name: str, newest: dict[str, str]) -> tuple[str, str, str]:
    """Return the model of a recording, what is special about it, and its prompt."""
    from cachy.store import entry as codec
    from cachy.store.folder import File
    from cachy.store.names import key_in
    from cachy.upkeep import index
    from cachy.upkeep.transcript import one_line

    path, key = store.locate(name), key_in(name)
    try:
        entry = codec.loads(store.frame(name), key)
    except Exception:  # noqa: BLE001 - a store may raise anything
        return "", "broken", ""
    row = index.row_of(File(path, name, private=False), 0, entry)
    mark = "superseded" if newest.get(key, name) != name else _private(store, path)
    return one_line(row.model, _MODEL), mark, one_line(row.shown, _PROMPT)


def _private(store: Store, path: str) -> str:
    from cachy.store import layout

    is_local = store.root is not None and path.startswith(layout.local(store.root) + os.sep)
    return "private" if is_local else ""
