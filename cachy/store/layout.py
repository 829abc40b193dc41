"""The folder `.cachy`: where it is, and what is where in it.

.cachy/
  manifest.json      made by `cachy init`; the same bytes in every store
  dictionary         the same: what frames are compressed with, for readers without cachy
  .gitignore         ignores /local/ and itself; never committed
  ab/….entry         an entry, in the shard of its key: its first two digits
  local/             never committed
    entries/ab/….entry   an entry that must not be committed
    fetched/ab/….entry   an entry that came from a remote
    remote/              which remotes do not answer
    tmp/                 files being written
    sessions/            which session used which entries (journal.py)
    trash/               what gc, fsck and forget removed (trash.py)
    page.sqlite          the index of `cachy ui`; derived
    gc.lock              held while files are moved to or from the trash
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cachy.errors import ConfigError, Defect
from cachy.lazy import json
from cachy.store.disk import Disk, absolute, exists, is_dir, lexists
from cachy.store.entry import FORMAT, dictionary
from cachy.store.files import (
    flush_folder,
    make_folder,
    read_file,
    refuse_links,
    write_pieces,
    write_whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = ".cachy"
LOCAL = "local"
MANIFEST_FILE = "manifest.json"
DICTIONARY_FILE = "dictionary"
GITIGNORE_FILE = ".gitignore"
GITIGNORE = b"/local/\n/.gitignore\n"

MANIFEST = b"""\
{
  "format": "cachy",
  "version": 1,
  "about": "Recorded LLM API calls, replayed by https://pypi.org/project/cachy-store. \
Safe to commit: merging needs no configuration.",
  "layout": "KK/KEY-STAMP.entry; KK: the first 2 digits of KEY; \
KEY: the first 32 hex digits of the sha256 of the canonical request; \
STAMP: 8 hex digits of the UTC second of recording, then 16 of the sha256 of the frame. \
Of several entries of a KEY the greatest STAMP counts.",
  "entry": "a NUL byte, then the frame, masked; \
frame: zstd, with the dictionary in the file of that name, of \
head + newline + request + newline + body; \
head: one line of JSON; request: one line of JSON, the outline of the request or null; \
body: the decoded response",
  "times": "in the head, where the body came in pieces: at most 64 pairs [bytes, milliseconds], \
each the difference from the one before, the first from the beginning of the call",
  "mask": "n: bytes of the file; step: min(16, 4 + n // 512); pad: sha256(KEY-STAMP), repeated; \
every step-th byte of the frame, from its first on, is XORed with the next byte of the pad",
  "local": "local/ is never committed: recordings over 2 MiB, temporary files, journals"
}
"""

_MANIFEST_LIMIT = 65536
_PROJECT_MARKS = (FOLDER,), (".git", "pyproject.toml", "settings.ini")


# ---- Below `.cachy` ----


def manifest(root: str) -> str:
    """Return the path of the manifest."""
    return os.path.join(root, MANIFEST_FILE)


def gitignore(root: str) -> str:
    """Return the path of the `.gitignore` that keeps `local/` out of git."""
    return os.path.join(root, GITIGNORE_FILE)


def local(root: str) -> str:
    """Return the folder that is never committed."""
    return os.path.join(root, LOCAL)


def local_entries(root: str) -> str:
    """Return the folder of entries that stay on this machine; it has shards like the root."""
    return os.path.join(local(root), "entries")


def fetched(root: str) -> str:
    """Return the folder of entries that came from a remote; it has shards like the root."""
    return os.path.join(local(root), "fetched")


def tmp(root: str) -> str:
    """Return the folder of files being written."""
    return os.path.join(local(root), "tmp")


def sessions(root: str) -> str:
    """Return the folder of notes of sessions."""
    return os.path.join(local(root), "sessions")


def trash(root: str) -> str:
    """Return the folder of removed files."""
    return os.path.join(local(root), "trash")


def gc_lock(root: str) -> str:
    """Return the path of the lock that gc holds."""
    return os.path.join(local(root), "gc.lock")


def make_local(root: str) -> None:
    """Make `local/`, and the `.gitignore` that keeps it and itself out of git. Idempotent.

    Raises OSError.
    """
    folder = tmp(root)
    refuse_links(root, folder)
    make_folder(folder)
    ignore = gitignore(root)
    if not lexists(ignore):
        write_whole(ignore, GITIGNORE, folder)


def write(root: str, path: str, pieces: Iterable[bytes | bytearray]) -> None:
    """Write a file of the store for good: it is whole, and there, whatever happens afterwards.

    Raises OSError, also where a folder on the way is a link.
    """
    folder = os.path.dirname(path)
    make_local(root)
    refuse_links(root, folder)
    make_folder(folder)
    write_pieces(path, pieces, tmp(root))
    flush_folder(folder)


def is_local_ignored(root: str) -> bool:
    """Return whether git ignores `local/`: a `.gitignore` with other content can be committed."""
    try:
        return read_file(gitignore(root)) == GITIGNORE
    except (Defect, FileNotFoundError):
        return False


def shared_files() -> dict[str, bytes]:
    """Return what `cachy init` writes into a store, by name: the same bytes in every store."""
    return {MANIFEST_FILE: MANIFEST, DICTIONARY_FILE: dictionary()}


def check_manifest(root: str) -> str:
    """Return what is wrong with the manifest of a store, or the empty string. It describes the
    store and nothing is read from it, so a store with a broken one, or with none, is sound.

    Raises ConfigError for a store of a newer format.
    """
    path = manifest(root)
    try:
        data = json.loads(read_file(path)[:_MANIFEST_LIMIT])
        version = data["version"] if data["format"] == "cachy" else None
    except FileNotFoundError:
        return ""
    except (Defect, OSError, ValueError, KeyError, TypeError, RecursionError):
        version = None
    if not isinstance(version, int):
        return f"{path} is not the manifest of a store: restore it with `cachy init`"
    if version > FORMAT:
        raise ConfigError(
            f"{root} is a store of format {version}, and this cachy reads format {FORMAT}: "
            f"update it with `pip install -U cachy-store`"
        )
    return ""


# ---- Where the store is ----


def find_root(cache_dir: str | os.PathLike[str] | None = None) -> str:
    """Return the path of `.cachy`: in `cache_dir`, or by default in the nearest parent of the
    working directory that has one, then in the nearest that looks like a project's root, then in
    the working directory. Above a git repository nothing is looked for: a stray `~/.cachy` would
    take the recordings of every project.

    Raises ConfigError if `cache_dir` is a file.
    """
    if cache_dir is not None:
        return _root_in(cache_dir)
    try:
        here = Disk.getcwd()
    except FileNotFoundError:
        raise ConfigError(
            "the working directory has been deleted; name a folder: cache_dir=…"
        ) from None
    parents = [here]
    while not exists(os.path.join(parents[-1], ".git")):
        if (parent := os.path.dirname(parents[-1])) == parents[-1]:
            break
        parents.append(parent)
    for marks in _PROJECT_MARKS:
        for folder in parents:
            if any(exists(os.path.join(folder, mark)) for mark in marks):
                return os.path.join(folder, FOLDER)
    return os.path.join(here, FOLDER)


def _root_in(cache_dir: str | os.PathLike[str]) -> str:
    if not isinstance(cache_dir, str | os.PathLike):
        raise ConfigError(f"cache_dir={cache_dir!r} is not a path: give a folder, or None")
    if os.path.basename(os.path.normpath(cache_dir)) == FOLDER:
        cache_dir = os.path.dirname(os.path.normpath(cache_dir))  # the store itself was named
    folder = existing = absolute(os.path.expanduser(cache_dir))
    while not lexists(existing) and (parent := os.path.dirname(existing)) != existing:
        existing = parent
    if not is_dir(existing):
        raise ConfigError(
            f"cache_dir={os.fspath(cache_dir)!r} is not a folder; "
            f"give the folder that holds {FOLDER}, or is to hold it"
        )
    return os.path.join(folder, FOLDER)


# ---- Paths in messages ----


def show_path(path: str) -> str:
    """Return a path as text that can be printed, whatever bytes it has."""
    return os.fsencode(path).decode("utf-8", "replace")


def short_path(path: str) -> str:
    """Return a path relative to the working directory, where that is shorter."""
    try:
        return min(path, os.path.relpath(path), key=len) if os.path.isabs(path) else path
    except (OSError, ValueError):  # the working directory is gone, or on another drive
        return path
