"""Replacing a function of a library, looking after the replacement, and putting the function back.

Instrumentation often puts a proxy over a function (wrapt's, which OpenTelemetry and others use). A
replacement goes beneath it: then its spans appear on a hit as on a live call, whichever of the two
came first. A tool may also put back, when it is taken off, what was there before cachy; so a
replacement can be put on again at any time. Where a tool hides one of ours beneath its own, there
are two then, and the one beneath sees that the request is taken care of.
"""

from __future__ import annotations

import warnings
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from cachy.errors import CachyWarning

if TYPE_CHECKING:
    from collections.abc import Callable

_warned: set[tuple[str, str]] = set()
_originals: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()  # by what has replaced them


class Method(NamedTuple):
    """A function of a class or module, and what `make` makes of it for its place."""

    owner: Any
    name: str
    make: Callable[[Any], Any]

    def put(self) -> None:
        """Put the replacement in its place, unless it is there: another tool may have taken it off
        when it put back what it had found. Idempotent."""
        holder, attribute = self.owner, self.name
        original = _found(holder, attribute)
        if is_ours(original):
            return
        while _is_proxy(original):
            holder, attribute = original, "__wrapped__"
            original = original.__wrapped__
        ours = self.make(original)
        ours._cachy = True
        _originals[ours] = original
        setattr(holder, attribute, ours)

    def remove(self) -> None:
        """Take the replacement out, also from beneath a proxy that came later. Idempotent.

        Beneath anything else it stays, as nothing tells how to take it out; it does nothing where
        no session is.
        """
        holder, attribute = self.owner, self.name
        found = _found(holder, attribute)
        while (original := _original(found)) is not None or _is_proxy(found):
            if original is not None:
                setattr(holder, attribute, original)
                found = original
            else:
                holder, attribute = found, "__wrapped__"
                found = found.__wrapped__


def is_ours(function: Any) -> bool:
    """Tell whether this is a replacement of ours, or says that it wraps one."""
    return hasattr(function, "_cachy")


def _original(function: Any) -> Any:
    """Return what this has replaced, if it is one of ours: a function, or a subclass."""
    return _originals.get(function) if type(function) in (FunctionType, type) else None


def _found(owner: Any, name: str) -> Any:
    """Return what a class or module has by a name, itself, not what a descriptor makes of it."""
    for each in getattr(owner, "__mro__", (owner,)):
        if name in vars(each):
            return vars(each)[name]
    raise AttributeError(name)


def _is_proxy(function: Any) -> bool:
    """Tell whether this calls what its `__wrapped__` is at the time of the call. In functions that
    is merely a note. (A proxy says that it is of the class of what it wraps.)"""
    return type(function) is not FunctionType and hasattr(function, "__wrapped__")


def warn_unsupported(library: str, version: str, supported: str = "") -> None:
    """Warn, once, that a version of a library cannot be patched."""
    if (library, version) in _warned:
        return
    _warned.add((library, version))
    warnings.warn(
        f"cachy: {library} {version} cannot be patched, so its calls go live"
        + (f"; supported are {supported}" if supported else ""),
        CachyWarning,
        stacklevel=3,
    )
