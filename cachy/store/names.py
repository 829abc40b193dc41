"""The name of an entry, and the file of that name.

    name    KEY-STAMP: 32 hex digits of the key; then 8 of the second of recording and 16 of the
            sha256 of the frame
    file    a NUL byte, then the frame, masked with a pad made from the name

The NUL byte makes git treat the file as binary. The mask makes two recordings of the same body
unrelated bytes: git pairs a deleted file with an added one that resembles it, and then reports
conflicts where there are none. The mask is not encryption: the name, which undoes it, is public.

Nothing here does IO.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cachy.errors import Defect
from cachy.lazy import hashlib

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Buffer = bytes | memoryview

SUFFIX = ".entry"
KEY_LENGTH = 32
LAST_SECOND = 0xFFFFFFFF
"""The last second that fits a stamp, in the year 2106."""

_SECOND_LENGTH = 8
_DIGEST_LENGTH = 16
NAME_LENGTH = KEY_LENGTH + 1 + _SECOND_LENGTH + _DIGEST_LENGTH
FILE_LENGTH = NAME_LENGTH + len(SUFFIX)

_NAME = re.compile(rf"[0-9a-f]{{{KEY_LENGTH}}}-[0-9a-f]{{{_SECOND_LENGTH + _DIGEST_LENGTH}}}")
_NAME_IN_PATH = slice(-FILE_LENGTH, -len(SUFFIX))
_MASK_EVERY = 4
_MASK_AT_MOST_EVERY = 16
_PIECE = 2**20  # bytes; a multiple of the pad's length times the step, so that pieces line up


def key_of(digest: str) -> str:
    """Return the key, 32 hex digits, of the full digest of 64."""
    return digest[:KEY_LENGTH]


def name_of(key: str, second: int, frame: Buffer) -> str:
    """Return the name of an entry. Of two names with one key, the newer sorts after the older.

    `key` may be a full digest. `second` is the UTC second of recording, since 1970; a stamp holds
    32 bits, so earlier and later seconds become the first or the last that fits.
    """
    return name_with(key, second, _digest(frame))


def name_with(key: str, second: int, digest: str) -> str:
    """Do the same with the sha256 of the frame, in hex digits."""
    second = min(max(second, 0), LAST_SECOND)
    return f"{key_of(key)}-{second:08x}{digest[:_DIGEST_LENGTH]}"


def is_name(name: str) -> bool:
    """Return whether this has the form of an entry's name (without the suffix)."""
    return _NAME.fullmatch(name) is not None


def is_entry_file(file: str) -> bool:
    """Return whether a file may be an entry, judged quickly by the length and end of its name."""
    return len(file) == FILE_LENGTH and file.endswith(SUFFIX)


def name_in(path: str) -> str:
    """Return the name of the entry in the file at `path`."""
    return path[_NAME_IN_PATH]


def key_in(name: str) -> str:
    """Return the key in an entry's name."""
    return name[:KEY_LENGTH]


def place_of(name: str) -> str:
    """Return the path of a committed entry below its store, with `/`."""
    return f"{name[:2]}/{name}{SUFFIX}"


def second_in(name: str) -> int:
    """Return the second of recording in an entry's name, since 1970, UTC."""
    return int(name[KEY_LENGTH + 1 : -_DIGEST_LENGTH], 16)


def stamp_in(name: str) -> str:
    """Return the stamp in an entry's name: what entries are sorted by, from old to new."""
    return name[KEY_LENGTH + 1 :]


def seal(name: str, frame: bytes) -> bytes:
    """Return the file that holds a frame under this name."""
    return bytes(_masked(name, b"\0" + frame))


def seal_pieces(name: str, pieces: Iterable[bytes]) -> Iterator[bytearray]:
    """Yield the file that holds a long frame, which comes in pieces, under this name."""
    data = bytearray(b"\0")
    for piece in pieces:
        data += piece
        if len(data) >= _PIECE:
            yield _masked(name, data[:_PIECE], _MASK_AT_MOST_EVERY)
            del data[:_PIECE]
    yield _masked(name, data, _MASK_AT_MOST_EVERY)


def unseal(name: str, data: bytes) -> memoryview:
    """Return the frame in a file of this name. Raises Defect unless its digest is in the name."""
    if data[:1] != b"\0":
        raise Defect("it is empty" if not data else "it does not start like an entry")
    frame = memoryview(_masked(name, data))[1:]
    if _digest(frame) != name[-_DIGEST_LENGTH:]:
        raise Defect("its bytes are not the ones that were recorded")
    return frame


def _digest(frame: Buffer) -> str:
    return hashlib.sha256(frame).hexdigest()[:_DIGEST_LENGTH]


def _masked(name: str, data: bytes | bytearray, step: int = 0) -> bytearray:
    """Return a file's bytes with the repeated pad XORed in: into every 4th byte of a small frame,
    every 16th of a large one. It is its own inverse.

    A 64-byte chunk, git's unit of similarity, then differs in at least four places; in a small file
    the short chunks, between newlines, count for more. The XOR is done on one big integer: the only
    way at C speed in plain Python.
    """
    step = step or min(_MASK_AT_MOST_EVERY, _MASK_EVERY + len(data) // 512)
    picked = data[1::step]
    count = len(picked)
    pad = (hashlib.sha256(name.encode()).digest() * (count // 32 + 1))[:count]
    mixed = int.from_bytes(picked, "little") ^ int.from_bytes(pad, "little")
    masked = bytearray(data)
    masked[1::step] = mixed.to_bytes(count, "little")
    return masked
