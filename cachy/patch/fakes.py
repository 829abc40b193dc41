"""Telling fakes from real transports: answers of mocks and in-process apps must not be recorded."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_MOCKERS = frozenset({"respx", "pytest_httpx", "unittest"})


def is_fake(client: Any, url: Any, method: str, fakes: tuple[type, ...]) -> bool:
    """Tell whether a client of httpx or httpx2 would send a request to a mock or an in-process app.

    `method` is the name of a transport's method, `fakes` are the transports of that kind that the
    library itself has. No public name tells a client's transport, nor the pool under it, which
    respx replaces.
    """
    find = getattr(client, "_transport_for_url", None)
    transport = find(url) if find is not None else None
    if isinstance(transport, fakes):
        return True
    pool = getattr(transport, "_pool", None)
    return _is_mock(getattr(type(transport), method, None)) or (
        pool is not None and _is_mock(getattr(type(pool), method, None))
    )


@lru_cache(maxsize=64)
def _is_mock(function: Any) -> bool:
    """Tell whether a method comes from a mocking library. Instrumentation wraps methods instead,
    and says so in `__wrapped__`."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    home = getattr(function, "__module__", None) or type(function).__module__
    return home.partition(".")[0] in _MOCKERS
