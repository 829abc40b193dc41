"""Leave a remote alone that does not answer.

    on ──FAILURES in a row──▶ left alone for PAUSE seconds ──▶ one probe ──answered──▶ on
                                        ▲                          │
                                        └───────── failed ─────────┘

What is left alone is noted in `local/`, so that the next process does not pay again.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from cachy import clock
from cachy.lazy import orjson
from cachy.store import layout
from cachy.store.files import make_folder, read_file, refuse_links, try_remove, write_whole

if TYPE_CHECKING:
    from cachy.remote.address import Address

FAILURES = 3
PAUSE = 30.0
"""Seconds."""

_FOLDER = "remote"


class Breaker:
    """The state of one remote for the store at `root`. Raises nothing: where the store cannot be
    written, each process learns by itself."""

    def __init__(self, root: str, address: Address) -> None:
        digest = hashlib.sha256(address.label.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._root, self._file = root, os.path.join(layout.local(root), _FOLDER, f"{digest}.json")
        self._failures = 0
        self._until, self._said = self._read()

    def why_not(self) -> str:
        """Return why the remote is left alone now; an empty string if it is to be asked. Of those
        who ask when the pause is over, one is the probe."""
        if not self._until:
            return ""
        now = clock.now()
        if now >= self._until:
            self._until, self._said = max(self._until, self._read()[0]), self._said
            if now >= self._until:
                self._pause(now, self._said)
                return ""
        return f"is left alone for {PAUSE:.0f} s at a time, because {self._said}"

    def succeeded(self) -> None:
        """Note an answer."""
        self._failures = 0
        if self._until:
            self._until = 0.0
            try_remove(self._file)

    def failed(self, said: str) -> None:
        """Note that there was none. `said` completes "because …"."""
        self._failures += 1
        if self._until or self._failures >= FAILURES:
            self._pause(clock.now(), said)

    def _pause(self, now: float, said: str) -> None:
        self._until, self._said = now + PAUSE, said
        with suppress(OSError):
            layout.make_local(self._root)
            folder = os.path.dirname(self._file)
            refuse_links(self._root, folder)
            make_folder(folder)
            data = orjson.dumps({"until": self._until, "said": said})
            write_whole(self._file, data, layout.tmp(self._root))

    def _read(self) -> tuple[float, str]:
        try:
            told = orjson.loads(read_file(self._file))
            until, said = float(told["until"]), str(told["said"])
        except Exception:  # noqa: BLE001 - it may hold anything, or not be there
            return 0.0, ""
        # A clock that was ahead must not put it off for ever.
        return (until, said) if until <= clock.now() + PAUSE else (0.0, "")
