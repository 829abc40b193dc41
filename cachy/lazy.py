"""Modules that are imported when they are first used: together they take longer than all of cachy,
and `enable_cachy` needs none of them. With the first request the HTTP library brings most of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["base64", "hashlib", "json", "logging", "orjson", "urls"]


class _Lazy:
    """Stands for a module: each attribute is fetched once, and then as near as the module's own."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self._name), name)
        setattr(self, name, value)
        return value


if TYPE_CHECKING:
    import base64
    import hashlib
    import json
    import logging
    import urllib.parse as urls

    import orjson
else:
    base64 = _Lazy("base64")
    hashlib = _Lazy("hashlib")
    json = _Lazy("json")
    logging = _Lazy("logging")
    orjson = _Lazy("orjson")
    urls = _Lazy("urllib.parse")
