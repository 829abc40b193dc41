"""What a task or thread has put over the session of the process: a cache or live calls, a scope.

Tasks inherit both, as context variables are. Threads and the tasks of executors do not, so that
`carry` gives them to what they run.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SESSION = "session"

over: ContextVar[Any] = ContextVar("cachy_over", default=SESSION)
"""A `Cache`; or None for live calls; or SESSION, where nothing has been put over it."""
scope: ContextVar[str] = ContextVar("cachy_scope", default="")
"""The names of the scopes within each other, or an empty string."""


@contextmanager
def within(cache: Any, name: str) -> Iterator[None]:
    """Within the block, in this task or thread, these are in force."""
    put, named = over.set(cache), scope.set(name)
    try:
        yield
    finally:
        scope.reset(named)
        over.reset(put)


def carry(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does the same with what is in force here and now, in whatever thread
    it runs. Where nothing is put over the session, that is the function itself."""
    cache, name = over.get(), scope.get()
    if cache == SESSION and not name:
        return function

    def carried(*arguments: Any, **named: Any) -> Any:
        with within(cache, name):
            return function(*arguments, **named)

    return carried
