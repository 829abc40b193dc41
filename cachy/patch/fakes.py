"""Telling fakes from real transports: answers of mocks and in-process apps must not be recorded."""

from __future__ import annotations

import socket
from functools import lru_cache
from types import FunctionType
from typing import Any

_MOCKERS = frozenset({"respx", "pytest_httpx", "unittest", "pook", "vcr", "httpretty"})
_IN_PROCESS = frozenset({"starlette.testclient", "fastapi.testclient", "flask.testing"})
_DEEPEST = 3  # transports within transports


def is_fake(
    client: Any, url: Any, method: str, fakes: tuple[type, ...], real: tuple[type, ...]
) -> bool:
    """Tell whether a client of httpx or httpx2 would send a request to a mock or an in-process app.

    `method` is the name of a transport's method; `fakes` and `real` are the transports of each kind
    that the library itself has. No public name tells a client's transport, nor the pool under it,
    which respx replaces.
    """
    find = getattr(client, "_transport_for_url", None)
    transport = find(url) if find is not None else None
    if transport.__class__ not in real and _is_in_process(transport, fakes, _DEEPEST):
        return True
    pool = getattr(transport, "_pool", None)
    return _is_mock(getattr(type(transport), method, None)) or (
        pool is not None and _is_mock(getattr(type(pool), method, None))
    )


def is_mocked(*things: Any) -> bool:
    """Tell whether one of these functions and classes, or the sockets below them, come from a
    mocking library."""
    return any(map(_is_mock, things)) or _is_mock(socket.socket)


def _is_in_process(transport: Any, fakes: tuple[type, ...], depth: int) -> bool:
    """Look through the transports that a user's transport wraps."""
    if isinstance(transport, fakes) or type(transport).__module__ in _IN_PROCESS:
        return True
    if depth == 0:
        return False
    inner = getattr(transport, "__dict__", {}).values()
    base = fakes[0].__mro__[1:-1]  # what the library's own transports derive from
    return any(
        _is_in_process(each, fakes, depth - 1) for each in list(inner) if isinstance(each, base)
    )


@lru_cache(maxsize=64)
def _is_mock(function: Any) -> bool:
    """Tell whether a function or class comes from a mocking library. Instrumentation wraps methods
    instead, and says so in `__wrapped__`; so may a mock, but not where its code is from."""
    while hasattr(function, "__wrapped__"):
        if _home(function) in _MOCKERS:
            return True
        function = function.__wrapped__
    if isinstance(function, FunctionType) and hasattr(function, "mock"):  # with autospec
        function = type(function.mock)
    return _home(function) in _MOCKERS


def _home(function: Any) -> str:
    """Return the package that a function or class comes from."""
    home = None
    if isinstance(function, FunctionType):
        home = function.__globals__.get("__name__")  # which functools.wraps leaves as it is
    home = home or getattr(function, "__module__", None) or type(function).__module__
    return str(home).partition(".")[0]
