"""Modules and regular expressions that are loaded when they are first used.

Together they take longer to load than all of cachy, and `enable_cachy` needs none of them. By the
time of the first request the HTTP library has loaded most of the modules. This is the one way to
defer loading; code that runs rarely simply imports within a function.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, AnyStr, cast

__all__ = ["base64", "hashlib", "json", "lazy_pattern", "load_all", "orjson", "urls"]


class _Lazy:
    """Stands for the object that `load` returns. Each of its attributes is looked up once, and then
    cached as an instance attribute."""

    def __init__(self, load: Callable[[], object]) -> None:
        self._load = load

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._load(), name)
        setattr(self, name, value)
        return value


def lazy_pattern(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return a regular expression that is compiled when it is first used."""
    return cast("re.Pattern[AnyStr]", _Lazy(partial(re.compile, pattern, flags)))


_LATE = (
    *("asyncio", "base64", "concurrent.futures.thread", "gzip", "hashlib", "json", "logging"),
    *("urllib.parse", "orjson", "zstandard", "anyio.to_thread"),
)


def load_all(*modules: str) -> None:
    """Load the modules that a call may need, and these, before the process is forked.

    A child that is forked while another thread imports one of them would wait for that thread,
    which it does not have, as soon as it needs the module itself.
    """
    with _fork_handlers() as registered:
        for name in (*_LATE, *modules):
            try:
                import_module(name)
            except ImportError:
                pass  # the call that needs it will say so
    for before in registered:
        before()


@contextmanager
def _fork_handlers() -> Iterator[list[Callable[[], object]]]:
    """Collect what is to be called before a fork by modules that are loaded meanwhile.

    They come too late for the fork that is under way, which calls their other handlers all the
    same: that of `concurrent.futures` then releases a lock which nobody holds.
    """
    registered: list[Callable[[], object]] = []
    original = getattr(os, "register_at_fork", None)
    if original is None:
        yield registered
        return

    def register(*, before: Callable[[], object] | None = None, **others: Any) -> None:
        if before is not None:
            others["before"] = before
            registered.append(before)
        original(**others)

    os.register_at_fork = register
    try:
        yield registered
    finally:
        os.register_at_fork = original


if TYPE_CHECKING:
    import base64
    import hashlib
    import json
    import urllib.parse as urls
    from collections.abc import Callable, Iterator

    import orjson
else:
    base64 = _Lazy(partial(import_module, "base64"))
    hashlib = _Lazy(partial(import_module, "hashlib"))
    json = _Lazy(partial(import_module, "json"))
    orjson = _Lazy(partial(import_module, "orjson"))
    urls = _Lazy(partial(import_module, "urllib.parse"))
