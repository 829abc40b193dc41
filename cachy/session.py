"""Switching cachy on and off. All process-wide state is here.

One session is in force for the process; a task or thread may put something else over it for a
while (`no_cachy`, `cachy`). `_current` is what the patched clients ask at every call.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from cachy.api_keys import Placeholders, WhileReplaying, missing, wants_key
from cachy.engine import context
from cachy.engine.adoption import Adoption
from cachy.engine.behind import Behind
from cachy.engine.cache import Cache
from cachy.engine.context import SESSION
from cachy.engine.events import Events, Log
from cachy.engine.inherit import VARIABLE, packed, unpacked
from cachy.engine.repeats import Cells, Numbers
from cachy.lazy import load_all
from cachy.patch import Patches
from cachy.rules import hosts, protocols
from cachy.rules.key import NOISE
from cachy.settings import MODES, Settings, check, check_mode, is_store, mode_in_force
from cachy.store.base import Store
from cachy.store.folder import DirStore
from cachy.store.journal import Journal
from cachy.store.layout import find_root, short_path
from cachy.store.mapping import MappingStore
from cachy.wording import count, of_remote, went_past

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, MutableMapping, Sequence

    from cachy.engine.events import Stats
    from cachy.rules.key import Noise
    from cachy.tables import Table


class Session:
    """One `enable_cachy`: its settings and its counters. Its repr tells what it has done."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache

    @property
    def mode(self) -> str:
        """`auto`, `replay`, `refresh` or `off`. Assigning changes it (CACHY_MODE still wins)."""
        return self.cache.mode.name

    @mode.setter
    def mode(self, mode: str) -> None:
        self.cache.settings = check({"mode": mode}, self.cache.settings)
        if self is _session:
            _placeholders.follow(self, replays=self.mode == "replay")
        _tell_children()

    @property
    def store(self) -> Store:
        """Where recordings are kept."""
        return self.cache.store

    @property
    def remote(self) -> str:
        """The URL of the remote, without credentials; empty where there is none. One that a
        configuration file names is known from the first request that misses on."""
        return "" if self.cache.behind is None else self.cache.behind.label

    @property
    def stats(self) -> Stats:
        """Hits, misses, recordings, seconds saved, and why answers were not kept."""
        return self.cache.stats

    def __repr__(self) -> str:
        from cachy import prices  # not loaded by `enable_cachy`
        from cachy.engine.money import saved

        stats, bill = self.stats, saved(self.cache)
        past = went_past(stats.bypassed)
        money = f" and {prices.show(bill.dollars)}" if bill is not None and bill.priced else ""
        return (
            f"<cachy {self.mode}: {count(stats.hits, 'hit')}, {count(stats.misses, 'miss')}, "
            f"{stats.recorded:,} recorded, {stats.seconds_saved:,.1f} s{money} saved; "
            f"{past and past + '; '}{short_path(self.store.label)}{self._of_remote()}>"
        )

    def _of_remote(self) -> str:
        """Return what the repr tells of the remote, where there is one."""
        said = of_remote(self.stats.remote)
        return f"; {self.remote}{said and ': ' + said}" if self.remote else ""

    def table(self) -> Table:
        """Return what it has done so far as a table, which notebooks show for a session, too."""
        from cachy.engine.money import saved
        from cachy.tables import Table

        stats = self.stats
        worth = f"{stats.tokens_saved:,} tokens, {stats.seconds_saved:,.1f} s"
        if (bill := saved(self.cache)) is not None:
            worth += f", {bill}"
        rows = [
            ("mode", self.mode),
            ("store", short_path(self.store.label)),
            ("hits", f"{stats.hits:,}"),
            ("misses", f"{stats.misses:,}"),
            ("recorded", f"{stats.recorded:,}"),
            ("saved", worth),
        ]
        rows += [("not kept", f"{n:,}: {why}") for why, n in stats.skipped.most_common()]
        rows += [("bypassed", f"{n:,}: {what}") for what, n in stats.bypassed.most_common()]
        if self.remote:
            said = of_remote(stats.remote)
            rows.append(("remote", f"{self.remote}{said and ': ' + said}"))
        return Table(rows, heading=False)

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def _repr_markdown_(self) -> str:
        return self.table()._repr_markdown_()


_FILE_OF_PYCACHY = "_modidx.py"
_BOTH = (
    "pycachy is installed, too. It has the same import name, and one has overwritten files of the "
    "other: `pip uninstall pycachy cachy-store`, then install the one that you want"
)

_session: Session | None = None
# What the blocks that are open, in all tasks and threads, put over it, in order of their begin.
_blocks: dict[object, Cache | None] = {}
_cells = Cells()
_placeholders = WhileReplaying()
_journal = Journal()
atexit.register(_journal.end_all)


def _before_fork() -> None:
    """Leave nothing for a child to import that a thread of this process may be importing."""
    if _session is not None or _blocks:
        load_all("cachy.engine.secrets", "cachy.explain")
        protocols.known()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_journal.forked)


def _current() -> Cache | None:
    over: Cache | str | None = context.over.get()
    if isinstance(over, str):
        return None if _session is None else _session.cache
    return over


def current_mode() -> str:
    """Return the mode of this task or thread; where nothing is enabled yet, what CACHY_MODE will
    make it, or off."""
    cache = _current()
    if cache is not None:
        return cache.mode.name
    return mode_in_force(MODES["off"]).name if context.over.get() == SESSION else "off"


_patches = Patches(_current)


def enable_cachy(
    store: str | MutableMapping[str, bytes] | Store = "dir",
    cache_dir: str | os.PathLike[str] | None = None,
    doms: Sequence[str] = hosts.doms,
    mode: str = "auto",
    *,
    hdrs: Iterable[str] = (),
    errors: bool = False,
    requests: str = "outline",
    noise: Iterable[Noise] = NOISE,
    key_headers: Iterable[str] = (),
    methods: Iterable[str] = (),
    scope: str = "",
    repeats: str = "same",
    fakes: bool = False,
    adopt: bool | str | os.PathLike[str] = True,
    bypass: str | None = None,
    remote: str | os.PathLike[str] | bool | None = None,
    push: bool | None = None,
    trust: Iterable[str] | bool | None = None,
    debug: bool = False,
    **unknown: NoReturn,
) -> Session:
    """Record LLM API calls, and answer them from the recordings from then on.

    Calling it again replaces the settings. Returns the session. In replay mode it also sets
    harmless placeholders for the API keys that are not set, until the mode is another.

        enable_cachy()
        enable_cachy(mode="replay", doms=doms + ("llm.example.com",))

    - `store`: "dir", a folder `.cachy`; or any mutable mapping from str to bytes.
    - `cache_dir`: the folder that holds `.cachy`. By default the nearest parent with a `.cachy`,
      then with `.git`, `pyproject.toml` or `settings.ini`; nothing above a git repository is taken.
    - `doms`: the hosts whose calls are cached: `doms + ("llm.example.com",)`.
    - `mode`: auto (replay, else call and record), replay (never touch the network: a miss raises
      CacheMiss), refresh (call, then replace) or off.
    - `hdrs`: names of response headers to keep although they look like those of credentials.
    - `errors`: also keep client errors that would repeat (400, 404, 422, …).
    - `requests`: what of a request is kept with its answer: its outline, full, or none.
    - `noise`: patterns that are normalised before requests are compared; `()` for none.
    - `key_headers`: request headers that decide answers ("x-tenant"), or do not ("-x-session").
    - `methods`: what is cached of hosts that you added, beside GET and POST: ("PUT", "DELETE").
    - `scope`: a name that goes into every key, as within `with scope(…)`.
    - `repeats`: "same" answers identical requests alike; "distinct" numbers them in their order, so
      that a loop gets five answers to one question, and the same five next time.
    - `fakes`: also cache calls through mock transports and in-process apps.
    - `adopt`: a file of pycachy whose answers are taken over as they are asked for; True finds it.
    - `bypass`: what to do about calls that go past cachy, by a client that is not recorded, or to a
      model on a host that is not in `doms`: warn, error (raise CacheMiss) or ignore. By default it
      warns; in replay mode, calls to hosts in `doms` are errors.
    - `remote`: asked for what the folder lacks: "s3://bucket/prefix", redis://host, a folder, …
    - `push`: send recordings to it. `trust`: public keys; only what one has signed is taken.
    - `debug`: print each hit and miss.

    CACHY_MODE, _REMOTE, _PUSH and _TRUST win over arguments. Raises ConfigError, TypeError.
    """
    arguments = locals()
    arguments |= arguments.pop("unknown")  # which says what was perhaps meant
    return _enable(new_session(**arguments))


def _enable(session: Session) -> Session:
    global _session
    before, _session = _session, session
    if before is not None:
        _journal.end(before.stats)
        _placeholders.follow(before, replays=False)
    _journal.begin(session.store.root, session.stats)
    _placeholders.follow(session, replays=session.mode == "replay")
    if os.path.exists(os.path.join(os.path.dirname(__file__), _FILE_OF_PYCACHY)):
        session.cache.warn(_BOTH)
    _cells.watch(_advise)
    _patch_or_not()
    return session


def disable_cachy() -> None:
    """Uninstall all patches. The recordings stay. Idempotent."""
    global _session
    if _session is not None:
        _journal.end(_session.stats)
        _placeholders.follow(_session, replays=False)
    _session = None
    _cells.unwatch()
    _patch_or_not()


def new_session(**arguments: Any) -> Session:
    """Return a session with these arguments of `enable_cachy`, not in force yet, and not in the
    journal. Raises ConfigError, and TypeError for an unknown argument."""
    settings = check(arguments)
    return Session(_new_cache(settings))


def session_in_force() -> Session | None:
    """Return the session of the process."""
    return _session


def put_in_force(session: Session | None) -> None:
    """Make this the session of the process. The one before is left as it is."""
    global _session
    _session = session
    _patch_or_not()


def keep_notes(session: Session, *, on: bool = True) -> None:
    """Have the journal note what a session uses that is put in force, or end its note."""
    if on:
        _journal.begin(session.store.root, session.stats)
    else:
        _journal.end(session.stats)


def _patch_or_not() -> None:
    """Install the patches if anything needs them, or else remove them; tell child processes."""
    if not _is_on():
        _patches.remove()
    if _is_on():  # perhaps since a moment ago, by another thread
        _patches.install()
    _tell_children()


def _is_on() -> bool:
    return _session is not None or any(list(_blocks.values()))


def _tell_children() -> None:
    """Have the processes that are started from now on inherit what was put in force last."""
    session = [] if _session is None else [_session.cache]
    last: Cache | None = [None, *session, *list(_blocks.values())][-1]
    text = None if last is None else packed(last)
    if text is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = text


def inherit(text: str) -> None:
    """Put in force what a parent process tells: nothing if the text is empty. What is no text of
    cachy's is passed over. Raises nothing: the user did not call this."""
    if not text:
        disable_cachy()
        return
    try:
        arguments = unpacked(text)
    except Exception:  # noqa: BLE001 - anybody can set a variable
        return
    _journal.eager = True  # worker processes often end by os._exit
    try:
        _enable(new_session(**arguments))
    except Exception as error:  # noqa: BLE001
        Events(Log()).warn("what this process inherits cannot be put in force", error)


@contextmanager
def no_cachy() -> Iterator[None]:
    """Let calls within the block, in this task or thread and in those that it starts, go live
    without recording them."""
    with _over(None):
        yield


@contextmanager
def _over(cache: Cache | None) -> Iterator[None]:
    """Put a cache, or live calls, over the session in this task or thread."""
    token, block = context.over.set(cache), object()
    _blocks[block] = cache
    if cache is not None and cache.mode.name == "replay":
        _placeholders.follow(block, replays=True)
    _patch_or_not()
    try:
        yield
    finally:
        context.over.reset(token)
        _placeholders.follow(block, replays=False)
        del _blocks[block]
        _patch_or_not()


@contextmanager
def cachy(mode: str | None = None, **arguments: Any) -> Iterator[Session]:
    """Switch cachy on within the block, in this task or thread, with these settings.

    It is the session around it with other settings, those of `enable_cachy`; where there is none,
    one of its own. Blocks nest; what was before is restored. Tasks and threads that are started
    within, and what is submitted to an executor, have the same settings.

        with cachy(mode="refresh"):
            client.messages.create(…)

    Raises ConfigError for an invalid setting, TypeError for an unknown one.
    """
    around = _current() or (_session.cache if _session is not None else None)
    if around is None or arguments:
        cache = _cache_within(around, arguments if mode is None else {"mode": mode, **arguments})
        _journal.begin(cache.store.root, cache.stats)
    else:
        cache = around.in_mode(around.mode if mode is None else mode_in_force(check_mode(mode)))
    try:
        with _over(cache):
            yield Session(cache)
    finally:
        if around is None or arguments:
            _journal.end(cache.stats)


def placeholders(mode: str | None = None) -> Placeholders:
    """Set harmless keys for the known SDKs where none is set, so that their clients can be made.

    `enable_cachy` does so by itself in replay mode. Only in that mode (the one in force, unless
    `mode` is given), where no call leaves the machine; an existing key is never replaced. They are
    removed at the end of the `with`, or by `take_back()`.

        with placeholders():
            client = OpenAI()
    """
    replays = (mode or current_mode()) == "replay"
    return Placeholders(missing(os.environ) if replays else {})


def _advise(error: BaseException | None) -> None:
    """Say, once, how to do without the API key for want of which a library raised this error."""
    if _session is None or _session.mode != "auto" or not wants_key(error):
        return
    try:
        if not _session.store.names():
            return
    except Exception:  # noqa: BLE001  a store may be anybody's
        return
    _session.cache.warn(
        f"an API key is missing. Recording needs one; to replay what "
        f"{short_path(_session.store.label)} has, none is needed: "
        f'set CACHY_MODE=replay, or enable_cachy(mode="replay")'
    )


def _advise_at_exit() -> None:
    """Advise where the process ends with an error that nobody caught."""
    if not hasattr(sys, "ps1"):  # at a prompt it may have been long ago
        _advise(getattr(sys, "last_value", None))


atexit.register(_advise_at_exit)


def _cache_within(around: Cache | None, arguments: dict[str, Any]) -> Cache:
    """Return a cache with these settings, and for the rest those of the one around it."""
    if around is None:
        return new_session(**arguments).cache
    if "store" in arguments or "cache_dir" in arguments:
        settings = check({"store": "dir", "cache_dir": None, **arguments}, around.settings)
        return _new_cache(settings)
    return _cache(around.store, check(arguments, around.settings))


def _cache(store: Store, settings: Settings) -> Cache:
    events = Events(Log.of_environment(), debug=settings.debug)
    adoption = Adoption(settings.adopt, store.root)
    numbers, behind = Numbers(_cells.runs), Behind(settings, store)
    return Cache(store, settings, events, numbers=numbers, adoption=adoption, behind=behind)


def _new_cache(settings: Settings) -> Cache:
    """Return a cache with the store of its settings."""
    store = settings.store
    if isinstance(store, str):
        folder = DirStore(find_root(settings.cache_dir))
        cache = _cache(folder, settings)
        if folder.defect:
            cache.warn(folder.defect)
        return cache
    return _cache(store if is_store(store) else MappingStore(store), settings)


if os.environ.get(VARIABLE) and not _patches.are_on():
    inherit(os.environ[VARIABLE])  # of a parent: where patches are on, it is this process's own
