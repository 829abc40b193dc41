"""Replacing a function of a library, and putting it back.

Instrumentation often puts a proxy over a function (wrapt's, which OpenTelemetry and others use). A
replacement goes beneath it: then its spans appear on a hit as on a live call, whichever of the two
came first.
"""

from __future__ import annotations

import warnings
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

from cachy.errors import CachyWarning

if TYPE_CHECKING:
    from collections.abc import Callable

_warned: set[tuple[str, str]] = set()


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> list[Callable[[], None]]:
    """Replace a function of a class or module by what `make` makes of it. Return what undoes it;
    nothing if it is replaced already."""
    holder, attribute = owner, name
    original = _found(owner, name)
    if hasattr(original, "_cachy"):
        return []
    while _is_proxy(original):
        holder, attribute = original, "__wrapped__"
        original = original.__wrapped__
    ours = make(original)
    ours._cachy = True
    setattr(holder, attribute, ours)
    return [partial(_put_back, owner, name, ours, original)]


def _put_back(owner: Any, name: str, ours: Any, original: Any) -> None:
    """Take a replacement out, also from beneath a proxy that came later. Beneath anything else it
    stays, as nothing tells how to take it out; it does nothing where no session is."""
    holder, attribute = owner, name
    found = _found(owner, name)
    while found is not ours and _is_proxy(found):
        holder, attribute = found, "__wrapped__"
        found = found.__wrapped__
    if found is ours:
        setattr(holder, attribute, original)


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
