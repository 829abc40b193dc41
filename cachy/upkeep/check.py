"""Is every file what it should be? `fsck` asks it of a store on disk, `check` of git's index."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from cachy.errors import CachyError, Defect
from cachy.store.entry import Entry
from cachy.store.files import read_file
from cachy.store.folder import (
    FILE_LIMIT,
    entry_files,
    is_folder,
    is_shard_name,
    list_folder,
    unpack,
)
from cachy.store.layout import FOLDER, MANIFEST, local_entries
from cachy.store.names import NAME_LENGTH, SUFFIX, is_name
from cachy.store.trash import lock, to_trash
from cachy.upkeep import gc as collect
from cachy.upkeep import index
from cachy.upkeep.git import Repo
from cachy.upkeep.index import Flaw, Progress, silent

SecretFinder = Callable[[Entry], Iterable[object]]
"""What looks like a credential in an entry, as text that tells its kind and never its value."""

_OURS = {"manifest.json", ".gitignore", "local"}


# ---- fsck ----


class Soundness(NamedTuple):
    """What fsck found. `strays`: files that are no part of a store, and do no harm; `rule`: the
    git attribute that would damage entries on checkout, or empty; `moved`: what went to `trash`."""

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
        return not self.flaws and not self.rule

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        flaws = [flaw.as_dict() for flaw in self.flaws]
        return {**self._asdict(), "sound": self.sound, "flaws": flaws}


def fsck(root: str, *, repair: bool = False, progress: Progress = silent) -> Soundness:
    """Read and prove every file of a store. With `repair`, what is broken moves to the trash.

    Raises OSError if the trash cannot be written, CachyError while a gc is at work.
    """
    rows, flaws = index.scan(root, progress=progress)
    flaws = collect.told_by_git(root, flaws)
    misplaced, strays = _strangers(root)
    flaws = sorted([*flaws, *misplaced, *_manifest(root)])
    moved: list[str] = []
    trash = ""
    broken = [flaw.path for flaw in flaws if flaw.broken]
    if repair and broken:
        with lock(root):
            trash, moved = to_trash(root, broken, "fsck")
    size = sum(row.bytes for row in rows)
    return Soundness(
        root, len(rows) + len(flaws), size, flaws, strays, attribute_rule(root), moved, trash
    )


def _strangers(root: str) -> tuple[list[Flaw], list[str]]:
    """Files named as entries that are in no place of theirs; and what is no part of a store."""
    flaws, strays = [], []
    for parent in (root, local_entries(root)):
        folders = []
        for name in list_folder(parent):
            path = os.path.join(parent, name)
            if is_shard_name(name) and is_folder(path):
                folders.append(name)
            elif is_shard_name(name):
                flaws.append(Flaw(path, "it is no folder, so nothing in it is read", True))
            elif name == "local" and os.path.islink(path):
                flaws.append(Flaw(path, "it is a link, so nothing is kept in it: remove it", False))
            elif name not in _OURS:
                strays.append(path)
        for shard in folders:
            for file in list_folder(os.path.join(parent, shard)):
                name, path = file.removesuffix(SUFFIX), os.path.join(parent, shard, file)
                if not file.endswith(SUFFIX):
                    strays.append(path)
                elif not is_name(name):
                    flaws.append(Flaw(path, "it is not named KEY-STAMP, so it is never read", True))
                elif not name.startswith(shard):
                    what = f"it is never read here: move it to {name[:2]}{os.sep}"
                    flaws.append(Flaw(path, what, False))
    return flaws, sorted(strays)


def _manifest(root: str) -> list[Flaw]:
    path = os.path.join(root, "manifest.json")
    try:
        data = read_file(path)
    except FileNotFoundError:
        return []
    except Defect as defect:
        return [Flaw(path, str(defect), False)]
    if data == MANIFEST:
        return []
    return [Flaw(path, "its bytes are not the manifest's: `cachy init` restores them", False)]


def attribute_rule(root: str) -> str:
    """The git attribute that would damage entries on checkout, or the empty string."""
    repo = Repo.around(root)
    if repo is None:
        return ""
    sample = f"{repo.prefix}/00/{'0' * NAME_LENGTH}{SUFFIX}"
    attributes = repo.attributes(sample)
    text = attributes.get("text")
    if text in ("set", "input"):
        return "text"
    if text not in ("unset", "auto"):  # then `crlf`, its old name, counts, and then `eol`
        for name, harmful in (("crlf", ("set", "input")), ("eol", ("lf", "crlf"))):
            if (value := attributes.get(name)) in harmful:
                return name if value == "set" else f"{name}={value}"
            if name == "crlf" and value in ("unset", "auto"):
                break
    if attributes.get("ident") == "set":
        return "ident"
    for name in ("filter", "working-tree-encoding"):
        if (kind := attributes.get(name, "unset")) not in ("unset", "unspecified"):
            return f"{name}={kind}"
    return ""


# ---- check ----


class Checked(NamedTuple):
    """What check found in `checked` files. Sound if there are no flaws."""

    checked: int
    flaws: list[Flaw]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"checked": self.checked, "flaws": [flaw.as_dict() for flaw in self.flaws]}


def check(
    root: str,
    *,
    staged: bool = False,
    secrets: SecretFinder,
    progress: Progress = silent,
) -> Checked:
    """Whether what git has of a store, in its index, may be shared: sound entries under the size
    limit, without secrets, and nothing else. `staged`: only what the next commit adds.

    Without a repository it is the files on disk that could be committed. Raises CachyError.
    """
    repo = Repo.around(root)
    if staged and repo is None:
        raise CachyError(f"{root} is in no git repository, so nothing is staged")
    flaws = []
    done = 0
    total, files = _files(root) if repo is None else _blobs(repo, staged)
    for done, (place, path, data) in enumerate(files, start=1):
        if not done % 256:
            progress(done, total)
        if what := _objection(place, data, secrets):
            flaws.append(Flaw(path, what, True))
    progress(total, total)
    return Checked(done, flaws)


def check_staged(*, secrets: SecretFinder, progress: Progress = silent) -> Checked:
    """The same of what the next commit adds, to whatever store of the repository that one is in.

    Raises CachyError.
    """
    here = os.path.join(os.getcwd(), FOLDER)
    repo = Repo.around(here)
    if repo is None:
        raise CachyError(f"{os.getcwd()} is in no git repository, so nothing is staged")
    found = [
        check(root, staged=True, secrets=secrets, progress=progress)
        for root in repo.stores_staged()
    ]
    flaws = [flaw for each in found for flaw in each.flaws]
    return Checked(sum(each.checked for each in found), flaws)


_Committed = tuple[str, str, bytes]
"""A file's path in the store, its path on disk, and its bytes."""


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
            yield f"{file.name[:2]}/{file.name}{SUFFIX}", file.path, data

    return len(files), read()


def _objection(place: str, data: bytes, secrets: SecretFinder) -> str:
    """Why a file must not be committed, or the empty string."""
    if place == "manifest.json":
        return "" if data == MANIFEST else "its bytes are not the manifest's: run `cachy init`"
    if place.startswith("local/"):
        return "local/ is personal: `git rm --cached` it"
    shard, _, file = place.partition("/")
    name = file.removesuffix(SUFFIX)
    if not (file.endswith(SUFFIX) and is_name(name) and name.startswith(shard)):
        return "it is no entry in its place, so it is no part of a store"
    if len(data) > FILE_LIMIT:
        return f"it has {len(data):,} bytes, over the limit of {FILE_LIMIT:,}"
    try:
        entry = unpack(name, data)
    except Defect as defect:
        return str(defect)
    found = dict.fromkeys(str(finding) for finding in secrets(entry))
    return f"it holds what looks like {'; '.join(found)}" if found else ""
