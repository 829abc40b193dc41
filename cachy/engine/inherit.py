"""What the Python processes that this one starts inherit: the settings in force, as text.

    packed(cache) ──▶ text ──CACHY_PROCESS, or a Process object──▶ unpacked(text) ──▶ arguments

A forked process has everything anyway. The text holds settings alone, as JSON: nothing in it is
executed or unpickled.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from cachy.engine.repeats import scope_within
from cachy.lazy import json
from cachy.rules.hosts import doms
from cachy.rules.key import Noise
from cachy.settings import Settings
from cachy.store.disk import absolute
from cachy.store.mapping import MappingStore

if TYPE_CHECKING:
    from cachy.engine.cache import Cache

VARIABLE = "CACHY_PROCESS"
"""The environment variable with the settings that child processes inherit."""

_PLAIN = ("errors", "requests", "repeats", "fakes", "bypass", "remote", "push", "trust", "debug")
_SETS = ("hdrs", "key_headers", "methods")
_OTHERS = ("adopt", "cache_dir", "doms", "elsewhere", "mode", "noise", "scope")
_KNOWN = frozenset((*_PLAIN, *_SETS, *_OTHERS))
_DEFAULT = Settings()


def packed(cache: Cache) -> str | None:
    """Return the settings of a cache, and the scope that is in force here, for another process.

    None if its store is in the memory of this process, and so of no use to another. Only in replay
    mode is it told: there the other process must not go live.
    """
    settings, store = cache.settings, cache.store
    told: dict[str, Any] = {"mode": settings.mode.name}
    if store.root is not None:
        told["cache_dir"] = store.root
    elif settings.mode.calls:
        return None
    else:
        told["elsewhere"] = store.label
    if settings.hosts.patterns != doms:
        told["doms"] = settings.hosts.patterns
    if settings.noise != _DEFAULT.noise:
        told["noise"] = [_told(noise) for noise in settings.noise]
    if settings.adopt is not True:
        told["adopt"] = settings.adopt and absolute(os.path.expanduser(settings.adopt))
    if scope := scope_within(settings.scope):
        told["scope"] = scope
    for name in _SETS:
        if values := getattr(settings, name):
            told[name] = values if isinstance(values, tuple) else sorted(values)
    for name in _PLAIN:
        if (value := getattr(settings, name)) != getattr(_DEFAULT, name):
            told[name] = value
    return json.dumps(told, separators=(",", ":"))


def unpacked(text: str) -> dict[str, Any]:
    """Return the arguments of `enable_cachy` in a text of `packed`. What this version does not know
    is left out. Raises ValueError and its like for any other text."""
    told = {name: value for name, value in json.loads(text).items() if name in _KNOWN}
    if "elsewhere" in told:
        told["store"] = MappingStore({}, f"{told.pop('elsewhere')} of the parent process")
    if "noise" in told:
        told["noise"] = [_noise(*parts) for parts in told["noise"]]
    return told


def _told(noise: Noise) -> list[Any]:
    pattern = noise.pattern
    texts = [text.decode("latin-1") for text in (noise.marker, pattern.pattern, noise.replacement)]
    return [*texts, pattern.flags]


def _noise(marker: str, pattern: str, replacement: str, flags: int) -> Noise:
    compiled = re.compile(pattern.encode("latin-1"), flags)
    return Noise(marker.encode("latin-1"), compiled, replacement.encode("latin-1"))


class Parcel:
    """A text of `packed`, or an empty one for live calls, that puts itself in force where it is
    unpickled: on its way with what a new process is to do. Where there is no cachy, it does
    nothing."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (_UNPACK, {"text": self._text})


_UNPACK = """\
try:
    from cachy.session import inherit
except ImportError:
    pass
else:
    inherit(text)
"""


def parcel(cache: Cache | None) -> Parcel | None:
    """Return what gives a cache, or None for live calls, to another process, if there is a way."""
    text = "" if cache is None else packed(cache)
    return None if text is None else Parcel(text)
