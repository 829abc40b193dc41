"""Switching cachy on and off: the only process-wide state there is.

One session is in force for the process; a task or thread may put something else over it for a
while (`no_cachy`, `cachy`). `_current` is what the patched clients ask at every call.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING, Any

from cachy.engine.cache import MODES, Cache, Options, Stats
from cachy.engine.events import Log
from cachy.engine.repeats import REPEATS
from cachy.errors import ConfigError
from cachy.patch import Patches
from cachy.rules import hosts as policy
from cachy.rules.key import NOISE, Noise
from cachy.store.folder import DirStore
from cachy.store.journal import Journal
from cachy.store.layout import find_root, short_path
from cachy.store.mapping import MappingStore

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence

    from cachy.store.base import Store

_SYNONYMS = {"new_episodes": "auto", "once": "auto", "none": "replay", "all": "refresh"}
_REQUESTS = ("outline", "full", "none")


class Session:
    """One `enable_cachy`: its settings and its counters. Its repr tells what it has done."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache

    @property
    def mode(self) -> str:
        """`auto`, `replay`, `refresh` or `off`. Setting it changes it (CACHY_MODE still wins)."""
        return self.cache.mode

    @mode.setter
    def mode(self, mode: str) -> None:
        self.cache.mode = _mode(mode)

    @property
    def store(self) -> Store:
        """Where recordings are kept."""
        return self.cache.store

    @property
    def stats(self) -> Stats:
        """Hits, misses, recordings, seconds saved, and why answers were not kept."""
        return self.cache.stats

    def __repr__(self) -> str:
        stats = self.stats
        return (
            f"<cachy {self.mode}: {stats.hits} hits, {stats.misses} misses, "
            f"{stats.recorded} recorded, {stats.seconds_saved:.1f} s saved; "
            f"{short_path(self.store.label)}>"
        )


_session: Session | None = None
# What this task or thread has put over the session: a cache, or None for live calls.
_over: ContextVar[Cache | str | None] = ContextVar("cachy_over", default="session")
# How many `cachy` blocks are open, in all tasks and threads: the last to leave takes the patches.
_blocks = 0
_blocks_lock = Lock()


def _current() -> Cache | None:
    over = _over.get()
    if over == "session":
        return None if _session is None else _session.cache
    return over  # type: ignore[return-value]


def mode_in_force() -> str:
    """The mode of this task or thread; where nothing is enabled yet, what CACHY_MODE will make it,
    or off."""
    cache = _current()
    if cache is not None:
        return cache.mode
    return _mode("off") if _over.get() == "session" else "off"


_patches = Patches(_current)
_journal = Journal()
atexit.register(_journal.end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_journal.forked)


def enable_cachy(
    store: str | MutableMapping[str, bytes] | Store = "dir",
    cache_dir: str | os.PathLike[str] | None = None,
    doms: Sequence[str] = policy.doms,
    mode: str = "auto",
    *,
    hdrs: Iterable[str] = (),
    errors: bool = False,
    requests: str = "outline",
    noise: Iterable[Noise] = NOISE,
    scope: str = "",
    repeats: str = "same",
    fakes: bool = False,
    debug: bool = False,
) -> Session:
    """Record LLM API calls, and answer them from the recordings from then on.

    Calling it again replaces the settings. Returns the session.

    - `store`: "dir", a folder `.cachy`; or any mutable mapping from str to bytes.
    - `cache_dir`: the folder that holds `.cachy`. By default the nearest parent of the working
      directory with a `.cachy`, then with `.git`, `pyproject.toml` or `settings.ini`.
    - `doms`: the hosts whose calls are cached: `doms + ("llm.example.com",)`.
    - `mode`: auto (replay, else call and record), replay (never touch the network: a miss raises
      CacheMiss), refresh (call, then replace) or off. The environment variable CACHY_MODE wins.
    - `hdrs`: names of response headers to keep beside the usual ones.
    - `errors`: also keep client errors that would repeat (400, 404, 422, …).
    - `requests`: what of a request is kept with its answer: its outline, full, or none.
    - `noise`: patterns that are normalised before requests are compared; `()` for none.
    - `scope`: a name that goes into every key, as within `with scope(…)`.
    - `repeats`: "same" answers identical requests alike; "distinct" numbers them in the order they
      are made, so that a loop gets five answers to one question, and the same five next time.
    - `fakes`: also cache calls through mock transports and in-process apps.
    - `debug`: print each hit and miss.

    Raises ConfigError for a setting that cannot be meant.
    """
    global _session
    session = new_session(
        store=store,
        cache_dir=cache_dir,
        doms=doms,
        mode=mode,
        hdrs=hdrs,
        errors=errors,
        requests=requests,
        noise=noise,
        scope=scope,
        repeats=repeats,
        fakes=fakes,
        debug=debug,
    )
    before, _session = _session, session
    if before is not None:
        _journal.end(before.stats)
    _journal.begin(session.store.root, session.stats)
    _patches.install()
    return session


def disable_cachy() -> None:
    """Take every patch off. The recordings stay. Calling it twice does no harm."""
    global _session
    if _session is not None:
        _journal.end(_session.stats)
    _session = None
    _patches.remove()


def new_session(**settings: Any) -> Session:
    """A session with the settings of `enable_cachy`, not in force yet, and not in the journal."""
    return Session(_configure(**settings))


def session_in_force() -> Session | None:
    """The session of the process."""
    return _session


def put_in_force(session: Session | None) -> None:
    """Make this the session of the process. The one before is left as it is."""
    global _session
    _session = session
    if session is not None:
        _patches.install()
    elif not _blocks:
        _patches.remove()


@contextmanager
def no_cachy() -> Iterator[None]:
    """Within the block, in this task or thread, calls go live and are not recorded."""
    token = _over.set(None)
    try:
        yield
    finally:
        _over.reset(token)


@contextmanager
def cachy(mode: str | None = None, **settings: Any) -> Iterator[Session]:
    """Within the block, in this task or thread, cachy is on with these settings.

    It is the session around it with other settings, those of `enable_cachy`; where there is none,
    one of its own. Blocks nest; what was before is restored. Threads started within are outside,
    unless they are given the context (`contextvars.copy_context`, `asyncio.to_thread`).
    """
    global _blocks
    around = _current() or (_session.cache if _session is not None else None)
    if around is None or settings:
        cache = _configured_within(around, mode, settings)
        _journal.begin(cache.store.root, cache.stats)
    else:
        cache = around.with_mode(_mode(mode or around.mode))
    token = _over.set(cache)
    with _blocks_lock:
        _blocks += 1
        _patches.install()
    try:
        yield Session(cache)
    finally:
        _over.reset(token)
        if around is None or settings:
            _journal.end(cache.stats)
        with _blocks_lock:
            _blocks -= 1
            if _session is None and not _blocks:
                _patches.remove()


def _configured_within(around: Cache | None, mode: str | None, settings: dict[str, Any]) -> Cache:
    """A cache with these settings, and for the rest with those of the one around it."""
    if around is None:
        return _configure(mode=mode or "auto", **settings)
    inherited = {**around.settings, "mode": around.mode}
    elsewhere = "store" in settings or "cache_dir" in settings
    if elsewhere:
        inherited |= {"store": "dir", "cache_dir": None}
    cache = _configure(**inherited | ({"mode": mode} if mode else {}) | settings)
    if not elsewhere:
        cache.store = around.store
    return cache


def _configure(
    *,
    store: Any = "dir",
    cache_dir: Any = None,
    doms: Any = policy.doms,
    mode: str = "auto",
    hdrs: Iterable[str] = (),
    requests: str = "outline",
    noise: Iterable[Noise] = NOISE,
    scope: str = "",
    repeats: str = "same",
    **switches: bool,
) -> Cache:
    """Check every setting, and make the cache."""
    options = Options(
        requests=_one_of("requests", requests, _REQUESTS),
        headers=frozenset(_headers(hdrs)),
        noise=tuple(_noise(noise)),
        scope=_scope(scope),
        repeats=_one_of("repeats", repeats, REPEATS),
        **switches,
    )
    where, hosts = _store(store, cache_dir), policy.Hosts(doms)
    cache = Cache(where, hosts, _mode(mode), options, Log.of_environment())
    cache.settings = {"store": store, "cache_dir": cache_dir, "doms": doms, **options.as_settings()}
    return cache


def _store(store: Any, cache_dir: Any) -> Store:
    if store == "dir" and isinstance(store, str):
        return DirStore(find_root(cache_dir))
    if isinstance(store, str) and store in (*MODES, *_SYNONYMS):
        raise ConfigError(f"store={store!r} is a mode: write mode={store!r}")
    if isinstance(store, str | os.PathLike):
        raise ConfigError(
            f"store={os.fspath(store)!r} is not a kind of store; for a folder of your choice use "
            f"cache_dir={os.fspath(store)!r}"
        )
    if cache_dir is not None:
        raise ConfigError('cache_dir goes with store="dir"; give one of the two')
    if all(hasattr(store, verb) for verb in ("get", "put", "names", "drop", "label")):
        return store  # type: ignore[no-any-return]
    if hasattr(store, "get") and hasattr(store, "__setitem__") and not isinstance(store, type):
        return MappingStore(store)
    raise ConfigError(
        f'store={store!r} is not a store; use "dir", a mutable mapping such as {{}}, or a '
        f"subclass of cachy.store.base.Store"
    )


def _scope(scope: Any) -> str:
    if not isinstance(scope, str):
        raise ConfigError(f"scope={scope!r} is no text: give a name, such as scope='draft-2'")
    return scope


def _headers(hdrs: Any) -> Iterator[str]:
    if isinstance(hdrs, str):
        raise ConfigError(f"hdrs={hdrs!r} is a single string; pass a tuple: hdrs=({hdrs!r},)")
    if not isinstance(hdrs or (), Iterable):
        raise ConfigError(f"hdrs={hdrs!r} is none: pass a tuple of names of response headers")
    for name in hdrs or ():
        if not isinstance(name, str):
            raise ConfigError(f"hdrs holds {name!r}, which is no name of a header")
        yield name.lower()


def _noise(noise: Any) -> Iterator[Noise]:
    """The patterns, checked here and not in the middle of the user's call."""
    if not isinstance(noise, Iterable):
        raise ConfigError(f"noise={noise!r} is none: pass NOISE + (Noise(…),), or () for nothing")
    for item in noise:
        if not isinstance(item, Noise):
            raise ConfigError(
                f"noise holds {item!r}; give a tuple of Noise(marker, pattern, replacement)"
            )
        if not (isinstance(item.marker, bytes) and isinstance(item.replacement, bytes)) or (
            not isinstance(getattr(item.pattern, "pattern", None), bytes)
        ):
            raise ConfigError(f"noise holds {item!r}, which is not all bytes: write b'…' and rb'…'")
        yield item


def _mode(mode: str) -> str:
    """The mode in force: CACHY_MODE, where it is set, wins over the argument."""
    asked = _one_of("mode", _SYNONYMS.get(mode, mode) if isinstance(mode, str) else mode, MODES)
    if variable := os.environ.get("CACHY_MODE", "").strip():
        return check_mode(variable)
    return asked


def check_mode(mode: str) -> str:
    """The mode that CACHY_MODE means when it is this. Raises ConfigError."""
    name = mode.strip().lower()
    return _one_of("CACHY_MODE", _SYNONYMS.get(name, name), MODES)


def _one_of(name: str, value: Any, allowed: Sequence[str]) -> str:
    if value in allowed:
        return str(value)
    from difflib import get_close_matches

    close = get_close_matches(str(value), allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ConfigError(f"{name}={value!r} is none of {', '.join(allowed)}{hint}")
