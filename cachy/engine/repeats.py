"""Several answers to one question: scopes, and the numbers of repeats.

    with scope("draft-2"): …             a name in the key of every request within
    enable_cachy(repeats="distinct")     identical requests are numbered 0, 1, 2 … as they are made

The n-th answer that was kept is the n-th answer replayed. So a number belongs to an answer, not to
an attempt: a call whose answer is not kept (it failed, it was left early) gives its number back,
and the SDK's retry takes it again.

- Number 0 is not written into the key: what was recorded without numbers stays valid.
- The count starts at 0 in each session (each `enable_cachy`), and in a notebook at each run of a
  cell: run again, alone or with the whole notebook and in any order, it gets its own answers.
  Two cells that ask the same get the same; a scope tells them apart.
- Of calls made at once each has its own number. Which has which may differ from run to run; the
  set of answers does not.

There are no locks, for the same reason as in inflight.py: each step is one atomic operation.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

from cachy.engine import context
from cachy.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Give requests within the block, and in the tasks and threads that it starts, answers of their
    own.

    The name becomes part of the key: the same request in another scope, or in none, is another
    request. Scopes nest: `b` within `a` is `a/b`. Raises ConfigError for an empty name.

        with scope("draft-2"):
            client.chat.completions.create(…)
    """
    if not isinstance(name, str) or not name:
        raise ConfigError(f"scope({name!r}): a scope needs a name, a non-empty string")
    token = context.scope.set(_join(context.scope.get(), name))
    try:
        yield
    finally:
        context.scope.reset(token)


def scope_within(outer: str) -> str:
    """Return the scope of a request made now, in a session whose own scope is `outer`."""
    inner = context.scope.get()
    return _join(outer, inner) if outer else inner


def _join(outer: str, inner: str) -> str:
    return f"{outer}/{inner}" if outer and inner else outer or inner


class Numbers:
    """The numbers of identical requests, for one session.

    `period` tells which count a request belongs to: of a notebook, which run of a cell.
    """

    def __init__(self, period: Callable[[], int] = lambda: 0) -> None:
        self._period = period
        self._counts: dict[tuple[int, str], _Count] = {}

    def take(self, key: str) -> Number:
        """Return the lowest number that no other request of this key has."""
        place = self._period(), key
        counted = self._counts.get(place) or self._counts.setdefault(place, _Count())
        try:
            return Number(counted, heappop(counted.returned))
        except IndexError:
            return Number(counted, next(counted.fresh))


class _Count:
    """The numbers of one key: those that were given back, and all that are still free."""

    def __init__(self) -> None:
        self.fresh = count()
        self.returned: list[int] = []


class Number:
    """A request's number among its repeats."""

    def __init__(self, counted: _Count, value: int) -> None:
        self._counted: _Count | None = counted
        self.value = value

    def give_back(self) -> None:
        """Free the number: it got no answer. Idempotent."""
        counted, self._counted = self._counted, None
        if counted is not None:
            heappush(counted.returned, self.value)


class Cells:
    """Counts the runs of cells, where a notebook (or any IPython) runs this code.

    By IPython's own event, for `execution_count` stands still in a run without history.
    """

    def __init__(self) -> None:
        self._shell: Any = None
        self._runs = 0
        self._after: Callable[[BaseException | None], None] = lambda error: None

    def runs(self) -> int:
        """Return how many cells have been run since `watch`."""
        return self._runs

    def watch(self, after: Callable[[BaseException | None], None]) -> None:
        """Count the cells of the IPython shell that is running, if there is one, and call `after`
        with the error of each, or None. Idempotent."""
        get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
        shell = get_ipython() if get_ipython is not None else None
        if shell is not None and shell is not self._shell:
            self.unwatch()
            self._shell, self._after = shell, after
            shell.events.register("pre_run_cell", self._next)
            shell.events.register("post_run_cell", self._ran)

    def unwatch(self) -> None:
        """Stop counting. Idempotent."""
        shell, self._shell = self._shell, None
        if shell is not None:
            for event, callback in (("pre_run_cell", self._next), ("post_run_cell", self._ran)):
                try:
                    shell.events.unregister(event, callback)
                except ValueError:
                    pass  # the shell was reset

    def _next(self, info: object) -> None:
        self._runs += 1

    def _ran(self, result: Any) -> None:
        self._after(getattr(result, "error_in_exec", None))
