"""Record LLM API calls once, replay them for ever: fast, free and repeatable.

    from cachy import enable_cachy

    enable_cachy()

The public names, each loaded when it is first asked for: installing cachy installs a pytest plugin,
and whoever does not use it shall not pay for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cachy.api_keys import placeholders
    from cachy.engine.repeats import scope
    from cachy.errors import CacheMiss, CachyError, CachyWarning, ConfigError
    from cachy.rules.hosts import doms
    from cachy.rules.key import NOISE, Noise
    from cachy.session import Session, cachy, disable_cachy, enable_cachy, no_cachy

__version__ = "0.1.0"

_HOMES = {
    "CacheMiss": "errors",
    "CachyError": "errors",
    "CachyWarning": "errors",
    "ConfigError": "errors",
    "NOISE": "rules.key",
    "Noise": "rules.key",
    "Session": "session",
    "cachy": "session",
    "disable_cachy": "session",
    "doms": "rules.hosts",
    "enable_cachy": "session",
    "load_ipython_extension": "notebook",  # what `%load_ext cachy` looks for
    "no_cachy": "session",
    "placeholders": "api_keys",
    "scope": "engine.repeats",
    "unload_ipython_extension": "notebook",
}

__all__ = [
    "NOISE",
    "CacheMiss",
    "CachyError",
    "CachyWarning",
    "ConfigError",
    "Noise",
    "Session",
    "cachy",
    "disable_cachy",
    "doms",
    "enable_cachy",
    "no_cachy",
    "placeholders",
    "scope",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"cachy.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
