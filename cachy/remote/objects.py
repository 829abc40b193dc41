"""What an object of a remote holds: one line, the name of an entry, then the file of that name.
Behind the name may stand signatures, in words that whoever does not ask for them passes over.

    1/ab/KEY      the newest recording of a key; 1 is the format
    1/runs/ID     which keys a notebook or a job used last, to fetch them beforehand

So one request answers a hit and a miss, and the answer proves itself: the name holds the digest of
the frame in the file. Nothing here does IO.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from cachy.errors import Defect
from cachy.lazy import orjson
from cachy.remote.signatures import NONE
from cachy.store import entry as codec
from cachy.store.files import LARGEST
from cachy.store.names import KEY_LENGTH, NAME_LENGTH, is_name, key_in, unseal

if TYPE_CHECKING:
    from cachy.remote.signatures import Signatures
    from cachy.store.entry import Entry

FORMAT = "1"
_LONGEST_LINE = 1024
LIMIT = _LONGEST_LINE + LARGEST
"""Bytes. No larger object is read."""
RUNS = f"{FORMAT}/runs/"
_HEX = frozenset("0123456789abcdef")


class Object(NamedTuple):
    """An entry of a remote: its name, KEY-STAMP, its file, and the entry in it, for a replay."""

    name: str
    data: bytes
    entry: Entry


class Run(NamedTuple):
    """What a notebook or a job used last. `by` is its name, `keys` are of 32 hex digits."""

    by: str
    keys: tuple[str, ...]


def place_of(key: str) -> str:
    """Return the path of a key's object."""
    return f"{FORMAT}/{key[:2]}/{key}"


def key_at(path: str) -> str:
    """Return the key of the object at a path; an empty string for anything else."""
    key = path.rpartition("/")[2]
    sound = len(key) == KEY_LENGTH and _HEX.issuperset(key) and path == place_of(key)
    return key if sound else ""


def place_of_run(by: str) -> str:
    """Return the path of what a notebook or job used. Its name may hold anything, so a digest
    stands for it."""
    return RUNS + hashlib.sha256(by.encode("utf-8", "surrogateescape")).hexdigest()[:KEY_LENGTH]


def pack(name: str, data: bytes, signatures: Signatures = NONE) -> bytes:
    """Return the object of the entry with this name and file. Raises Misconfigured where it is to
    be signed, and cannot be."""
    line = f"{name} {signatures.sign(name, data)}".rstrip()
    return line.encode() + b"\n" + data


def unpack(key: str, packed: bytes, signatures: Signatures = NONE) -> Object:
    """Return the entry in the object of a key, checked as a file of the store is.

    Raises Defect: what it says completes "the object of this key …". It is Unsigned, and nothing of
    the file has been parsed, where `signatures` demand one that it has not.
    """
    name, said, data = split(packed)
    if key_in(name) != key:
        raise Defect(f"is that of another key, {key_in(name)[:8]}…")
    signatures.check(name, data, said)
    try:
        entry = codec.loads(unseal(name, data), key, replay=True)
    except Defect as defect:
        raise type(defect)(f"cannot be used: {defect}") from None
    return Object(name, data, entry)


def split(packed: bytes) -> tuple[str, str, bytes]:
    """Return the name in an object, its signatures, and the file. Raises Defect."""
    line, found, _ = packed[:_LONGEST_LINE].partition(b"\n")
    name, _, said = line.decode("latin-1").partition(" ")
    if not found or not is_name(name):
        raise Defect(_strange(packed))
    return name, said, packed[len(line) + 1 :]


def name_in(packed: bytes) -> str:
    """Return the name in an object; an empty string if it begins with none."""
    name = packed[:NAME_LENGTH].decode("latin-1")
    return name if is_name(name) else ""


def _strange(packed: bytes) -> str:
    """Say what an object is that is none."""
    start = packed[:200].lstrip().lower()
    if not packed:
        return "is empty"
    if start.startswith((b"<!doctype html", b"<html")):
        return "is a page of HTML: does a proxy or a login stand before the remote?"
    if start.startswith(b"version https://git-lfs"):
        return "is a pointer of git LFS"
    return "is not one of cachy's"


def pack_run(run: Run) -> bytes:
    """Return the object that tells what a notebook or job used."""
    return orjson.dumps({"cachy": 1, "by": run.by, "keys": run.keys})


def unpack_run(packed: bytes) -> Run:
    """Return what such an object tells. Raises Defect."""
    try:
        told = orjson.loads(packed)
        by, keys = told["by"], tuple(told["keys"])
    except (ValueError, KeyError, TypeError):
        raise Defect(_strange(packed)) from None
    if not isinstance(by, str) or not all(
        isinstance(key, str) and len(key) == KEY_LENGTH and _HEX.issuperset(key) for key in keys
    ):
        raise Defect("is not one of cachy's")
    return Run(by, keys)
