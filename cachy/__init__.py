"""Record LLM API calls once, replay them for ever: fast, free and repeatable.

    from cachy import enable_cachy

    enable_cachy()

Each public name is loaded when it is first used: installing cachy installs a pytest plugin, and
those who do not use it should not pay for it. (PYTEST_DONT_REWRITE: pytest finds it loaded already
where the process that started it has cachy, and would warn of that.)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cachy.engine.repeats import scope as scope
    from cachy.errors import CacheMiss as CacheMiss
    from cachy.errors import CachyError as CachyError
    from cachy.errors import CachyWarning as CachyWarning
    from cachy.errors import ConfigError as ConfigError
    from cachy.rules.hosts import doms as doms
    from cachy.rules.key import NOISE as NOISE
    from cachy.rules.key import Noise as Noise
    from cachy.session import Session as Session
    from cachy.session import cachy as cachy
    from cachy.session import disable_cachy as disable_cachy
    from cachy.session import enable_cachy as enable_cachy
    from cachy.session import no_cachy as no_cachy
    from cachy.session import placeholders as placeholders

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
    "no_cachy": "session",
    "placeholders": "session",
    "scope": "engine.repeats",
}
_HOOKS = {  # what `%load_ext cachy` looks for
    "load_ipython_extension": "notebook",
    "unload_ipython_extension": "notebook",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    home = _HOMES.get(name) or _HOOKS.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"cachy.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
