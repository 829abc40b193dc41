"""Several answers to one question: scopes, and the numbers of repeats.

    with scope("draft-2"): …             a name in the key of every request within
    enable_cachy(repeats="distinct")     identical requests are numbered 0, 1, 2 … as they are made

The rule of the numbers: the n-th answer that was kept is the n-th answer replayed. So a number
belongs to an answer, not to an attempt. A call whose answer is not kept (it failed, it was left
early) gives its number back, and the SDK's retry takes it again.

- Number 0 is not written into the key: what was recorded without numbers stays good.
- The count starts at 0 in each session (each `enable_cachy`), and in a notebook at each run of a
  cell: run again, alone or with the whole notebook and in any order, it finds its own answers.
  Two cells that ask the same get the same; a scope tells them apart.
- Of calls made at once each has its own number. Which has which may differ from run to run; the
  set of answers does not.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from heapq import heappop, heappush
from threading import Lock
from typing import TYPE_CHECKING, Any

from cachy.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

REPEATS = ("same", "distinct")

_scope: ContextVar[str] = ContextVar("cachy_scope", default="")


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Within the block, in this task or thread, requests have answers of their own.

    The name becomes part of the key: the same request in another scope, or in none, is another
    request. Scopes nest: `b` within `a` is `a/b`.
    """
    if not isinstance(name, str) or not name:
        raise ConfigError(f"scope({name!r}): a scope needs a name, some text")
    token = _scope.set(_join(_scope.get(), name))
    try:
        yield
    finally:
        _scope.reset(token)


def scope_within(outer: str) -> str:
    """The scope of a request that is made now, in a session whose own scope is `outer`."""
    inner = _scope.get()
    return _join(outer, inner) if outer else inner


def _join(outer: str, inner: str) -> str:
    return f"{outer}/{inner}" if outer and inner else outer or inner


class Turns:
    """Who is next: the numbers of identical requests, for one session."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lines: dict[tuple[int, str], _Line] = {}

    def take(self, key: str) -> Turn:
        """The lowest number that no other request of this key has."""
        place = (_cells.count(), key)
        with self._lock:
            line = self._lines.setdefault(place, _Line())
            if line.returned:
                return Turn(self, line, heappop(line.returned))
            line.length += 1
            return Turn(self, line, line.length - 1)

    def take_back(self, turn: Turn) -> None:
        with self._lock:
            heappush(turn.line.returned, turn.number)


class _Line:
    """Numbers from 0 to `length` are taken, but for those returned."""

    def __init__(self) -> None:
        self.length = 0
        self.returned: list[int] = []


class Turn:
    """A request's number among its like."""

    def __init__(self, turns: Turns, line: _Line, number: int) -> None:
        self._turns: Turns | None = turns
        self.line, self.number = line, number

    def give_back(self) -> None:
        """There is no answer to this number. Calling it again does nothing."""
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.take_back(self)


class _Cells:
    """Counts the runs of cells, where a notebook (or any IPython) runs this code.

    By IPython's own event, for `execution_count` stands still in a run without history.
    """

    def __init__(self) -> None:
        self._shell: Any = None
        self._count = 0

    def count(self) -> int:
        get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
        shell = get_ipython() if get_ipython is not None else None
        if shell is not None and shell is not self._shell:
            self._shell = shell
            shell.events.register("pre_run_cell", self._next)
        return self._count

    def _next(self, info: object) -> None:
        self._count += 1


_cells = _Cells()
