"""orjson, imported when it is first used: that takes longer than the rest of cachy together, and
`enable_cachy` parses nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


class _Lazy:
    """Stands for a module: each attribute is fetched once, and then as near as the module's own."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self._name), name)
        setattr(self, name, value)
        return value


if TYPE_CHECKING:
    import orjson as orjson
else:
    orjson = _Lazy("orjson")
