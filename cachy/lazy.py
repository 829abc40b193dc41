"""Modules that are imported when they are first used: together they take longer than all of cachy,
and `enable_cachy` needs none of them. With the first request the HTTP library brings most of them.
"""

from __future__ import annotations

import re
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, AnyStr, cast

__all__ = ["base64", "hashlib", "json", "lazy_logger", "lazy_pattern", "logging", "orjson", "urls"]


class _Lazy:
    """Stands for a module, or what else `load` gives. Each attribute is fetched once; then it is as
    near as the thing's own."""

    def __init__(self, load: Callable[[], object]) -> None:
        self._load = load

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._load(), name)
        setattr(self, name, value)
        return value


def lazy_pattern(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """A regular expression that is compiled when it is first asked for."""
    return cast("re.Pattern[AnyStr]", _Lazy(partial(re.compile, pattern, flags)))


def lazy_logger(name: str) -> Logger:
    """A logger, by an importer of `logging` who cannot wait for it either."""
    return cast("Logger", _Lazy(lambda: logging.getLogger(name)))


if TYPE_CHECKING:
    import base64
    import hashlib
    import json
    import logging
    import urllib.parse as urls
    from collections.abc import Callable
    from logging import Logger

    import orjson
else:
    base64 = _Lazy(partial(import_module, "base64"))
    hashlib = _Lazy(partial(import_module, "hashlib"))
    json = _Lazy(partial(import_module, "json"))
    logging = _Lazy(partial(import_module, "logging"))
    orjson = _Lazy(partial(import_module, "orjson"))
    urls = _Lazy(partial(import_module, "urllib.parse"))
