"""Entries to a remote and from it, many at a time.

    target()    which remote is meant
    push()      sends what the store has and the remote has not
    pull()      fetches what the remote has, or a notebook or job used, into local/fetched/
    clear()     removes what is old from the remote

What a notebook or job used last stands in the remote as well (`1/runs/…`), written by `push`: so a
machine that has nothing yet knows what to fetch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from cachy import clock
from cachy.engine.behind import Behind, signed, trusted_at
from cachy.errors import CachyError, ConfigError, Defect
from cachy.remote import objects
from cachy.remote.address import Address, parse
from cachy.remote.engine import Denied, Engine, Misconfigured, RemoteError
from cachy.remote.fetched import Fetched, files
from cachy.remote.objects import LIMIT, Run, key_at, place_of, place_of_run
from cachy.remote.opening import open_engine
from cachy.remote.signatures import Unsigned
from cachy.remote.tier import NO_SIGNATURES, put
from cachy.settings import check
from cachy.store import journal
from cachy.store.files import read_file
from cachy.store.folder import DirStore, File, entry_files
from cachy.store.names import key_in
from cachy.store.program import seen_from
from cachy.upkeep.index import Progress, silent

AT_ONCE = 32
"""Objects on their way at a time."""
_MOST_FAILURES = 10
"""Failures before any success after which the remote is given up."""
_BATCH = 1024
_RUN = "$ "
"""How the journal names what `cachy run` ran."""

T = TypeVar("T")


class Transfer:
    """What became of entries: `done` were sent or fetched, of `bytes` in all; `there` were already
    where they should be; `absent` are not in the remote; `unsigned` not signed by a trusted key;
    `broken` and `failed` say which and why.
    """

    def __init__(self, remote: str) -> None:
        self.remote = remote
        self.done = self.there = self.absent = self.unsigned = self.bytes = self.runs = 0
        self.broken: list[str] = []
        self.failed: list[str] = []

    @property
    def code(self) -> int:
        """The exit code: 1 if something could not be done."""
        return 1 if self.failed or self.broken else 0

    def as_dict(self) -> dict[str, Any]:
        """Return the transfer as `--json` prints it."""
        return dict(vars(self))


class Wanted(NamedTuple):
    """Of which notebook or script, or of which command of `cachy run`; both empty for all."""

    notebook: str = ""
    run: str = ""

    @property
    def is_given(self) -> bool:
        return bool(self.notebook or self.run)


ALL = Wanted()


# ---- Which remote ----


def target(root: str, url: str = "", *, pushes: bool = False) -> Address:
    """Return the address of a URL, or of the remote that a session on this store has. Raises
    ConfigError where there is none, or none that may be pushed to."""
    if url:
        return signed(parse(url, "--remote"), trusted_at(root, check({})))
    warned: list[str] = []
    remote = Behind(check({}), DirStore(root)).look(warned.append)
    if remote is None:
        why = f" ({warned[0]})" if warned else ""
        raise ConfigError(f"no remote is set{why}: give --remote URL, or set CACHY_REMOTE")
    if pushes and not remote.address.trusted:
        raise ConfigError(
            f"{remote.address.label} is named by a file of the repository alone. If it is yours, "
            f"name it yourself: --remote {remote.address.label}"
        )
    return remote.address


def opened(address: Address) -> Engine:
    """Return the engine of an address. Raises CachyError where it cannot be used."""
    try:
        address.signatures.load()
        return open_engine(address)
    except RemoteError as error:
        raise CachyError(f"the remote {address.label} cannot be used: {error}") from None


# ---- Push ----


def push(
    root: str,
    address: Address,
    wanted: Wanted = ALL,
    *,
    replace: bool = False,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Transfer:
    """Send the newest entry of each key that the remote has not; to `replace` an older one that it
    has. What stays on this machine stays. Raises CachyError, ConfigError."""
    engine, done = opened(address), Transfer(address.label)
    runs = used(root, wanted)
    keys = {key for run in runs for key in run.keys} if wanted.is_given else None
    newest: dict[str, File] = {}
    for file in sorted(entry_files(root), key=lambda file: file.name):
        if not file.private and (keys is None or key_in(file.name) in keys):
            newest[key_in(file.name)] = file

    def send(file: File) -> None:
        key = key_in(file.name)
        data = read_file(file.path)
        objects.unpack(key, objects.pack(file.name, data))  # nothing broken is sent
        if dry_run:
            written = engine.get(place_of(key), LIMIT) is None
        else:
            signatures = address.signatures
            written = put(engine, file.name, data, replaces=replace, signatures=signatures)
        done.done += written
        done.there += not written
        done.bytes += len(data) * written

    _for_each(list(newest.values()), send, lambda file: file.name, done, progress)
    if not dry_run:
        for run in runs:
            done.runs += _tell_run(engine, _without_private(root, run), done)
    return done


def tell_run(root: str, command: str) -> str:
    """Tell the remote what a command of `cachy run` used, where sessions push. Return what went
    wrong, or an empty string."""
    behind = Behind(check({}), DirStore(root))
    if (remote := behind.look(lambda _: None)) is None or not behind.pushes:
        return ""
    done = Transfer(remote.address.label)
    try:
        for run in used(root, Wanted(run=command)):
            _tell_run(opened(remote.address), _without_private(root, run), done)
    except CachyError as error:
        return str(error)
    return "; ".join(done.failed)


def _without_private(root: str, run: Run) -> Run:
    private = {key_in(file.name) for file in entry_files(root) if file.private}
    return Run(run.by, tuple(key for key in run.keys if key not in private))


def _tell_run(engine: Engine, run: Run, done: Transfer) -> bool:
    """Write what a notebook or job used. The last one to write wins."""
    path, data = place_of_run(run.by), objects.pack_run(run)
    try:
        there = engine.get(path, LIMIT)
        if there is not None and there.data == data:
            return False
        if there is None:
            return engine.create(path, data)
        return engine.replace(path, data, there.tag)
    except RemoteError as error:
        done.failed.append(f"what {run.by} used: {error}")
        return False


def used(root: str, wanted: Wanted = ALL) -> list[Run]:
    """Return what each notebook, script and command of `cachy run` used last, from the journal.
    Raises ConfigError for one that is not in it."""
    notes = journal.read(root)
    last: dict[str, tuple[str, ...]] = {}
    of_run: dict[str, set[str]] = {}
    for note in notes:  # oldest first
        if note.run:
            of_run.setdefault(note.run, set()).update(note.keys)
        if note.id == note.run:
            last[note.by] = tuple(sorted(of_run[note.run]))
        elif note.keys and not note.by.endswith("/"):
            last[note.by] = tuple(sorted(note.keys))
    runs = [Run(by, keys) for by, keys in last.items()]
    if not wanted.is_given:
        return runs
    names = _names(root, wanted)
    found = [run for run in runs if any(fnmatchcase(run.by, name) for name in names)]
    if not found:
        known = ", ".join(sorted(last)[:10]) or "nothing"
        raise ConfigError(f"the journal does not have {names[0]!r}, only {known}: run it once")
    return found


def _names(root: str, wanted: Wanted) -> list[str]:
    names = []
    if wanted.notebook:
        names.append(seen_from(root, os.path.abspath(wanted.notebook)))
    if wanted.run:
        names.append(_RUN + wanted.run.removeprefix(_RUN))
    return names


# ---- Pull ----


def pull(
    root: str,
    address: Address,
    wanted: Wanted = ALL,
    *,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Transfer:
    """Fetch what the store has not. Raises CachyError, ConfigError."""
    engine, done = opened(address), Transfer(address.label)
    if address.signatures.are_demanded and not engine.keeps_signatures:
        raise CachyError(f"the remote {address.label} {NO_SIGNATURES}")
    with_remote = _told_keys(engine, root, wanted) if wanted.is_given else _listed_keys(engine)
    here = {key_in(file.name) for file in entry_files(root)}
    here.update(file.key for file in files(root))
    keys = sorted(with_remote - here)
    done.there = len(with_remote) - len(keys)
    fetched = Fetched(root, trusted=address.signatures.trusted)

    def fetch(key: str) -> None:
        got = engine.get(place_of(key), LIMIT)
        if got is None:
            done.absent += 1
            return
        try:
            found = objects.unpack(key, got.data, address.signatures)
        except Unsigned:
            done.unsigned += 1
            return
        if not dry_run:
            fetched.keep(found)
        done.done += 1
        done.bytes += len(found.data)

    _for_each(keys, fetch, str, done, progress)
    return done


def _listed_keys(engine: Engine) -> set[str]:
    try:
        return {key for each in engine.listing("1/") if (key := key_at(each.path))}
    except RemoteError as error:
        raise CachyError(
            f"{error}: name what is wanted, with --notebook NAME or --run COMMAND"
        ) from None


def _told_keys(engine: Engine, root: str, wanted: Wanted) -> set[str]:
    keys: set[str] = set()
    for name in _names(root, wanted):
        try:
            got = engine.get(place_of_run(name), LIMIT)
            if got is None:
                raise CachyError(
                    f"the remote does not know what {name!r} uses: `cachy push` tells it, where it "
                    "has been run"
                )
            keys.update(objects.unpack_run(got.data).keys)
        except (RemoteError, Defect) as error:
            raise CachyError(f"the remote cannot tell what {name!r} uses: {error}") from None
    return keys


# ---- Clear ----


def clear(
    address: Address, older_than: float, *, dry_run: bool = False, progress: Progress = silent
) -> Transfer:
    """Remove objects that were written more than so many seconds ago. Raises CachyError."""
    engine, done = opened(address), Transfer(address.label)
    old = []
    try:
        for each in engine.listing("1/"):
            if each.changed is None:
                raise CachyError(
                    "this kind of remote does not tell the age of objects: Redis forgets by itself "
                    "what is not used, with maxmemory and maxmemory-policy allkeys-lru"
                )
            if clock.now() - each.changed >= older_than:
                old.append(each)
            else:
                done.there += 1
        for at in range(0, len(old), _BATCH):
            some = old[at : at + _BATCH]
            if not dry_run:
                engine.delete([each.path for each in some])
            done.done += len(some)
            done.bytes += sum(each.size for each in some)
            progress(done.done, len(old))
    except RemoteError as error:
        raise CachyError(f"the remote {address.label}: {error}") from None
    return done


# ---- Many at a time ----


def _for_each(
    items: list[T],
    function: Callable[[T], None],
    name: Callable[[T], str],
    done: Transfer,
    progress: Progress,
) -> None:
    """Call a function for each item, many at a time. What fails is noted; where it never succeeds,
    or cannot, raise CachyError."""

    def one(item: T) -> bool:
        try:
            function(item)
        except (Denied, Misconfigured):
            raise
        except (Defect, FileNotFoundError) as error:
            done.broken.append(f"{name(item)[:8]}… {error}")
        except (RemoteError, OSError) as error:
            done.failed.append(f"{name(item)[:8]}… {error}")
            return len(done.failed) < _MOST_FAILURES or done.done + done.there > 0
        return True

    finished, waiting = 0, iter(items)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="cachy-remote") as pool:
        while batch := list(islice(waiting, _BATCH)):
            for goes_on in _results(pool.map(one, batch), done, pool):
                finished += 1
                progress(finished, len(items))
                if not goes_on:
                    pool.shutdown(cancel_futures=True)
                    raise CachyError(f"the remote {done.remote} is given up: {done.failed[-1]}")


def _results(results: Iterable[bool], done: Transfer, pool: ThreadPoolExecutor) -> Iterable[bool]:
    try:
        yield from results
    except (Denied, Misconfigured) as error:
        pool.shutdown(cancel_futures=True)
        raise CachyError(f"the remote {done.remote} refuses: {error}") from None
