"""Check every file of a store: `fsck` those on disk, `check` those in git's index."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from cachy.errors import CachyError, Defect
from cachy.store import layout
from cachy.store.entry import FILE_LIMIT, Entry
from cachy.store.files import read_file
from cachy.store.folder import (
    entry_files,
    is_folder,
    is_shard_name,
    list_folder,
    unpack,
)
from cachy.store.layout import FOLDER, shared_files
from cachy.store.names import SUFFIX, is_name, place_of
from cachy.store.trash import lock, to_trash
from cachy.upkeep import index
from cachy.upkeep.gc import keep_restorable
from cachy.upkeep.git import Repo, attribute_rule
from cachy.upkeep.index import Flaw, Progress, silent

SECRET = "it contains what looks like"
SecretFinder = Callable[[Entry], Iterable[object]]
"""Finds what looks like a credential in an entry. The text of a finding says its kind, never its
value."""

_OURS = {layout.MANIFEST_FILE, layout.DICTIONARY_FILE, layout.GITIGNORE_FILE, layout.LOCAL}


# ---- fsck ----


class FsckReport(NamedTuple):
    """What fsck found in `checked` files of `bytes` in all. `strays` are files that do not belong
    to the store and are ignored; `rule` is the git attribute that would damage entries on checkout,
    or empty; `moved` are the files that were moved to the folder `trash`."""

    store: str
    checked: int
    bytes: int
    flaws: list[Flaw]
    strays: list[str]
    rule: str
    moved: list[str]
    trash: str

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.flaws and not self.rule

    def as_dict(self) -> dict[str, Any]:
        """Return the report as `--json` prints it."""
        flaws = [flaw.as_dict() for flaw in self.flaws]
        return {**self._asdict(), "sound": self.sound, "flaws": flaws}


def fsck(root: str, *, repair: bool = False, progress: Progress = silent) -> FsckReport:
    """Read and verify every file of a store. With `repair`, move the broken files to the trash.

    Raises OSError if the trash cannot be written, CachyError while a gc is at work.
    """
    rows, flaws = index.scan(root, progress=progress)
    flaws = keep_restorable(root, flaws)
    misplaced, strays = _misplaced(root)
    flaws = sorted([*flaws, *misplaced, *_shared(root)])
    moved: list[str] = []
    trash = ""
    broken = [flaw.path for flaw in flaws if flaw.broken]
    if repair and broken:
        with lock(root):
            trash, moved = to_trash(root, broken, "fsck")
    size = sum(row.bytes for row in rows)
    return FsckReport(
        root, len(rows) + len(flaws), size, flaws, strays, attribute_rule(root), moved, trash
    )


def _misplaced(root: str) -> tuple[list[Flaw], list[str]]:
    """Return files with the name or in the place of an entry that cannot be one, and files that do
    not belong to the store."""
    flaws, strays = [], []
    for parent in (root, layout.local_entries(root)):
        folders = []
        for name in list_folder(parent):
            path = os.path.join(parent, name)
            if is_shard_name(name) and is_folder(path):
                folders.append(name)
            elif is_shard_name(name):
                flaws.append(Flaw(path, "it is not a folder, so it cannot hold entries", True))
            elif name == layout.LOCAL and os.path.islink(path):
                flaws.append(
                    Flaw(path, "it is a link, which cachy does not follow: remove it", False)
                )
            elif name not in _OURS:
                strays.append(path)
        for shard in folders:
            for file in list_folder(os.path.join(parent, shard)):
                name, path = file.removesuffix(SUFFIX), os.path.join(parent, shard, file)
                if not file.endswith(SUFFIX):
                    strays.append(path)
                elif not is_name(name):
                    flaws.append(Flaw(path, "its name is not KEY-STAMP, so it is never read", True))
                elif not name.startswith(shard):
                    what = f"it is in the wrong folder, never read: move it to {name[:2]}{os.sep}"
                    flaws.append(Flaw(path, what, False))
    return flaws, sorted(strays)


def _shared(root: str) -> list[Flaw]:
    """Return what is wrong with the files that `cachy init` writes."""
    flaws = []
    for name, expected in shared_files().items():
        path = os.path.join(root, name)
        try:
            data = read_file(path)
        except FileNotFoundError:
            continue
        except Defect as defect:
            flaws.append(Flaw(path, str(defect), False))
            continue
        if data != expected:
            flaws.append(Flaw(path, _CHANGED, False))
    return flaws


_CHANGED = "its bytes are not those of this format: restore it with `cachy init`"


# ---- check ----


class CheckReport(NamedTuple):
    """What check found in `checked` files. Without flaws, all of them may be committed."""

    checked: int
    flaws: list[Flaw]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as `--json` prints it."""
        return {"checked": self.checked, "flaws": [flaw.as_dict() for flaw in self.flaws]}


def check(
    root: str,
    *,
    staged: bool = False,
    secrets: SecretFinder,
    progress: Progress = silent,
) -> CheckReport:
    """Check that all files of a store in git's index may be shared: that each is a sound entry
    below the size limit, without secrets. `staged` checks only what the next commit adds.

    Outside a repository it checks the files on disk that could be committed. Raises CachyError if
    git fails, or for `staged` outside a repository.
    """
    repo = Repo.around(root)
    if staged and repo is None:
        raise CachyError(f"{root} is not in a git repository, so nothing is staged")
    flaws = []
    done = 0
    total, files = _files(root) if repo is None else _blobs(repo, staged)
    for done, (place, path, data) in enumerate(files, start=1):
        if not done % 256:
            progress(done, total)
        if what := _fault(place, data, secrets):
            flaws.append(Flaw(path, what, True))
    progress(total, total)
    return CheckReport(done, flaws)


def check_staged(*, secrets: SecretFinder, progress: Progress = silent) -> CheckReport:
    """Check what the next commit adds to any store of the repository around the working directory.

    Raises CachyError outside a repository, or if git fails.
    """
    here = os.path.join(os.getcwd(), FOLDER)
    repo = Repo.around(here)
    if repo is None:
        raise CachyError(f"{os.getcwd()} is not in a git repository, so nothing is staged")
    reports = [
        check(root, staged=True, secrets=secrets, progress=progress)
        for root in repo.stores_staged()
    ]
    flaws = [flaw for report in reports for flaw in report.flaws]
    return CheckReport(sum(report.checked for report in reports), flaws)


_Committed = tuple[str, str, bytes]
"""The path of a file in its store, its path on disk, and its bytes."""


def _blobs(repo: Repo, staged: bool) -> tuple[int, Iterator[_Committed]]:
    files = repo.staged(changed=staged)
    places = (file.path.removeprefix(repo.prefix + "/") for file in files)
    paths = (repo.path_of(file.path) for file in files)
    blobs = repo.blobs(file.blob for file in files)
    return len(files), zip(places, paths, blobs, strict=True)


def _files(root: str) -> tuple[int, Iterator[_Committed]]:
    files = [file for file in entry_files(root) if not file.private]

    def read() -> Iterator[_Committed]:
        for file in files:
            try:
                data = read_file(file.path)
            except FileNotFoundError:
                continue
            except Defect:
                data = b""
            yield place_of(file.name), file.path, data

    return len(files), read()


def _fault(place: str, data: bytes, secrets: SecretFinder) -> str:
    """Return why a file must not be committed, or the empty string."""
    if (expected := shared_files().get(place)) is not None:
        return "" if data == expected else _CHANGED
    if place.startswith("local/"):
        return "local/ must never be committed: remove it with `git rm --cached`"
    shard, _, file = place.partition("/")
    name = file.removesuffix(SUFFIX)
    if not (file.endswith(SUFFIX) and is_name(name) and name.startswith(shard)):
        return "it does not belong in a store: remove it with `git rm --cached`"
    if len(data) > FILE_LIMIT:
        return f"it has {len(data):,} bytes, over the limit of {FILE_LIMIT:,} for committed entries"
    try:
        entry = unpack(name, data)
    except Defect as defect:
        return str(defect)
    found = dict.fromkeys(str(finding) for finding in secrets(entry))
    return f"{SECRET} {'; '.join(found)}" if found else ""
