"""What each cell of a notebook has asked for, and why its requests missed."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.engine.money import more, worth
from cachy.store import entry as codec
from cachy.store.folder import entry_files
from cachy.store.names import key_in, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cachy.engine.cache import Cache
    from cachy.engine.events import Stats
    from cachy.errors import CacheMiss
    from cachy.explain import Explanation
    from cachy.prices import Bill
    from cachy.session import Session
    from cachy.store.base import Store


class Cell(NamedTuple):
    """One run of a cell that made calls. `number` is that of IPython, `source` its first line;
    `tokens_saved` and `seconds_saved` are what the replayed calls took when they were live,
    `tokens_spent` and `seconds_spent` what its live calls took; `made` are the names of what it
    recorded, in `store`; `missed` what it could not get in replay mode; `replayed` how often it was
    answered with which recording, by key; `refreshed`: in refresh mode, so it asked anyway."""

    number: int
    source: str
    hits: int
    misses: int
    tokens_saved: int
    seconds_saved: float
    tokens_spent: int
    seconds_spent: float
    store: Store
    made: Sequence[str]
    missed: Sequence[CacheMiss]
    cache: Cache
    replayed: Mapping[str, int]
    refreshed: bool

    @property
    def newest(self) -> str:
        """The key of what it recorded last, or else replayed last for the first time."""
        keys = [*self.replayed, *self.made]
        return key_of(keys[-1]) if keys else ""

    def dollars_saved(self) -> Bill | None:
        """Return what its replayed calls cost when they were live; None without prices."""
        return worth(self.cache, self.replayed)

    def dollars_spent(self) -> Bill | None:
        """Return what its live calls that were recorded cost; None without prices."""
        return worth(self.cache, Counter(map(key_of, self.made)))

    def prompts(self) -> list[str]:
        """Return the first words of what it asked, without credentials."""
        from cachy.engine.secret_search import masked
        from cachy.upkeep.transcript import first_words

        heads = [_head(self.store, name) for name in self._names()]
        texts = [masked(first_words(head)) for head in heads if head is not None]
        return list(dict.fromkeys(text for text in texts if text))

    def _names(self) -> list[str]:
        """Return the names of recordings of what it asked, those of the first few keys."""
        names = {key_of(name): name for name in self.made}
        wanted = {key_of(key) for key in islice(self.replayed, _PROMPTS)} - names.keys()
        if wanted and self.store.root is not None:
            for shard in {key[:2] for key in wanted}:
                for file in sorted(entry_files(self.store.root, shard)):
                    if key_in(file.name) in wanted:
                        names[key_in(file.name)] = file.name
        return list(names.values())[:_PROMPTS]

    def reasons(self, most: int = 5) -> list[Explanation]:
        """Return why its requests missed, those of the first few. Takes up to 0.2 s for each that
        was recorded."""
        from cachy.explain import Explanation

        why = [Explanation(miss.reason, list(miss.differences), "") for miss in self.missed[:most]]
        if self.refreshed and self.made:  # for its own sake, not because of what it differs in
            return [*why, Explanation("asked again by `%%cachy refresh`", [], "")]
        for name in self.made[: most - len(why)]:
            why += _reason(self.store, name)
        return why


_PROMPTS = 20


def _head(store: Store, name: str) -> dict[str, Any] | None:
    try:
        return codec.loads(store.frame(name)).head
    except Exception:  # noqa: BLE001 - any store may raise anything; what was forgotten is gone
        return None


def _reason(store: Store, name: str) -> list[Explanation]:
    from cachy.explain import BUDGET, why

    if (head := _head(store, name)) is None:
        return []
    try:
        return [why(store, head, budget=BUDGET)]
    except Exception:  # noqa: BLE001 - as above
        return []


class _Count(NamedTuple):
    """The counters of a session at one time."""

    session: Session | None
    hits: int = 0
    misses: int = 0
    tokens_saved: int = 0
    seconds_saved: float = 0.0
    tokens_spent: int = 0
    seconds_spent: float = 0.0
    made: int = 0
    missed: int = 0
    replayed: Mapping[str, int] = MappingProxyType({})

    @classmethod
    def of(cls, session: Session | None) -> _Count:
        if session is None:
            return cls(None)
        stats: Stats = session.stats
        return cls(
            session,
            stats.hits,
            stats.misses,
            stats.tokens_saved,
            stats.seconds_saved,
            stats.tokens_spent,
            stats.seconds_spent,
            len(stats.made),
            len(stats.missed),
            session.cache.events.hits_by_key,
        )


class Cells:
    """The cells that have been run and made calls: the newest run of each, where the front end
    tells which cell it is."""

    def __init__(self) -> None:
        self._start = _Count(None)
        self._number, self._source = 0, ""
        self._id: object = None
        self._done: dict[object, Cell] = {}

    def begin(self, session: Session | None, number: int, source: str, cell_id: str = "") -> None:
        """Note that a cell begins to run. `number` counts the runs."""
        self._start = _Count.of(session)
        self._number, self._source = number, source
        self._id = cell_id or object()

    def end(self, session: Session | None) -> Cell | None:
        """Note that it has ended. Return what it did, if it made calls."""
        if (cell := self.running(session)) is not None:
            self._done.pop(self._id, None)
            self._done[self._id] = cell
        return cell

    def running(self, session: Session | None) -> Cell | None:
        """Return what the running cell has done so far; None if it has made no calls."""
        if session is None:
            return None
        start = self._start if self._start.session is session else _Count(session)
        now = _Count.of(session)
        cell = Cell(
            self._number,
            self._source,
            now.hits - start.hits,
            now.misses - start.misses,
            now.tokens_saved - start.tokens_saved,
            now.seconds_saved - start.seconds_saved,
            now.tokens_spent - start.tokens_spent,
            now.seconds_spent - start.seconds_spent,
            session.store,
            session.stats.made[start.made :],
            session.stats.missed[start.missed :],
            session.cache,
            more(now.replayed, start.replayed),
            session.mode == "refresh",
        )
        return cell if cell.hits or cell.misses or cell.made else None

    @property
    def done(self) -> list[Cell]:
        """The cells that made calls, in the order in which they were run."""
        return list(self._done.values())

    @property
    def last(self) -> Cell | None:
        """The cell that made calls last."""
        return next(reversed(self._done.values()), None)

    def forget(self, cell: Cell, session: Session | None) -> None:
        """Take what a cell recorded off its account: it is not there any more."""
        self._done = {
            each: cell._replace(made=[]) if done is cell else done
            for each, done in self._done.items()
        }
        self._start = _Count.of(session)
