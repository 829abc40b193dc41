"""The settings of a session, checked once.

    check(arguments) ──▶ Settings        the arguments of enable_cachy(), cachy(), a pytest mark

A setting is added in four places: here, in the signature of `enable_cachy`, in what processes
inherit (cachy/engine/inherit.py), and in
docs/settings.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.errors import ConfigError
from cachy.rules.hosts import METHODS, Hosts, doms
from cachy.rules.key import Noise, check_key_headers
from cachy.rules.noise import DEFAULT_NOISE, NoiseRules
from cachy.trust import check_trust

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


class Mode(NamedTuple):
    """What a mode does: answer from the store, make live calls, record them."""

    name: str
    reads: bool
    calls: bool
    keeps: bool


MODES = {
    "auto": Mode("auto", reads=True, calls=True, keeps=True),
    "replay": Mode("replay", reads=True, calls=False, keeps=False),
    "refresh": Mode("refresh", reads=False, calls=True, keeps=True),
    "off": Mode("off", reads=False, calls=True, keeps=False),
}
VCR_MODES = {"new_episodes": "auto", "once": "auto", "none": "replay", "all": "refresh"}
"""VCR's names for modes, understood wherever a mode is."""
MODE_VARIABLE = "CACHY_MODE"
REMOTE_VARIABLE = "CACHY_REMOTE"
PUSH_VARIABLE = "CACHY_PUSH"
TRUST_VARIABLE = "CACHY_TRUST"
NO_REMOTE = "none"
"""The remote of a session that has none, whatever files say."""

_REQUESTS = ("outline", "full", "none")
_REPEATS = ("same", "distinct")
_BYPASS = ("warn", "error", "ignore")


class Settings(NamedTuple):
    """The settings of a session; `enable_cachy` says what each of them does."""

    store: Any = "dir"
    cache_dir: str | os.PathLike[str] | None = None
    hosts: Hosts = Hosts(doms)
    mode: Mode = MODES["auto"]
    hdrs: frozenset[str] = frozenset()
    errors: bool = False
    requests: str = "outline"
    noise: NoiseRules = DEFAULT_NOISE
    key_headers: tuple[str, ...] = ()
    methods: frozenset[str] = frozenset()
    scope: str = ""
    repeats: str = "same"
    fakes: bool = False
    adopt: bool | str | os.PathLike[str] = True
    bypass: str = ""
    remote: str = ""
    push: bool | None = None
    trust: tuple[str, ...] = ()
    debug: bool = False


def check(arguments: Mapping[str, Any], base: Settings | None = None) -> Settings:
    """Return `base` (by default the defaults) with these arguments of `enable_cachy` in place.

    CACHY_MODE, CACHY_REMOTE, CACHY_PUSH and CACHY_TRUST, where they are set, win over arguments.
    Raises ConfigError for an invalid value; it names the value, and what to write in its place.
    Raises TypeError for an unknown argument.
    """
    for name in arguments:
        if name not in _CHECKS:
            raise TypeError(f"cachy has no setting {name!r}{_suggestion(name, _CHECKS)}")
    values = {_FIELDS.get(name, name): _CHECKS[name](value) for name, value in arguments.items()}
    settings = (base or Settings())._replace(**values)
    if settings.methods != settings.hosts.methods:
        settings = settings._replace(hosts=Hosts(settings.hosts.patterns, settings.methods))
    if not isinstance(settings.store, str) and settings.cache_dir is not None:
        raise ConfigError('cache_dir goes with store="dir"; give one of the two')
    if not isinstance(settings.store, str) and arguments.get("remote"):
        raise ConfigError('remote goes with store="dir": it stands behind the folder')
    return settings._replace(
        mode=mode_in_force(settings.mode),
        remote=_check_remote(_variable(REMOTE_VARIABLE), REMOTE_VARIABLE) or settings.remote,
        push=_check_push(_variable(PUSH_VARIABLE), PUSH_VARIABLE, settings.push),
        trust=check_trust(_variable(TRUST_VARIABLE), TRUST_VARIABLE) or settings.trust,
    )


def mode_in_force(mode: Mode) -> Mode:
    """Return the mode of CACHY_MODE, where that is set, or else this one. Raises ConfigError."""
    variable = _variable(MODE_VARIABLE)
    return check_mode(variable.lower(), MODE_VARIABLE) if variable else mode


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


def check_mode(mode: Any, name: str = "mode") -> Mode:
    """Return the mode of a name, cachy's or VCR's. `name` is what the mode was given as. Raises
    ConfigError."""
    if isinstance(mode, Mode):
        return mode
    known = VCR_MODES.get(mode, mode) if isinstance(mode, str) else mode
    return MODES[_one_of(name, known, tuple(MODES))]


def _one_of(name: str, value: Any, allowed: Sequence[str]) -> str:
    if isinstance(value, str) and value in allowed:
        return value
    hint = _suggestion(str(value), allowed)
    raise ConfigError(f"invalid {name}={value!r}: give one of {', '.join(allowed)}{hint}")


def _suggestion(text: str, allowed: Collection[str]) -> str:
    from difflib import get_close_matches  # for an error only

    close = get_close_matches(text, allowed, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _check_store(store: Any) -> Any:
    if isinstance(store, str) and store == "dir":
        return store
    if isinstance(store, str) and store in (*MODES, *VCR_MODES):
        raise ConfigError(f"store={store!r} is a mode: write mode={store!r}")
    if isinstance(store, str | os.PathLike):
        raise ConfigError(
            f"store={os.fspath(store)!r} is not a kind of store; for a folder of your choice use "
            f"cache_dir={os.fspath(store)!r}"
        )
    if is_store(store) or is_mapping(store):
        return store
    raise ConfigError(
        f'store={store!r} is not a store; use "dir", a mutable mapping such as {{}}, or a '
        f"subclass of cachy.store.base.Store"
    )


def is_store(store: Any) -> bool:
    """Tell whether this has the verbs of a store (`cachy.store.base.Store`)."""
    return all(hasattr(store, verb) for verb in ("get", "put", "names", "drop", "label"))


def is_mapping(store: Any) -> bool:
    """Tell whether this can be used as a mutable mapping from key to bytes."""
    return all(hasattr(store, verb) for verb in ("get", "__setitem__")) and (
        not isinstance(store, type)
    )


def _check_headers(hdrs: Any) -> frozenset[str]:
    if isinstance(hdrs, str):
        raise ConfigError(f"hdrs={hdrs!r} is a single string; pass a tuple: hdrs=({hdrs!r},)")
    if not isinstance(hdrs or (), Iterable):
        raise ConfigError(f"invalid hdrs={hdrs!r}: pass a tuple of names of response headers")
    names = tuple(hdrs or ())
    for name in names:
        if not isinstance(name, str):
            raise ConfigError(f"hdrs holds {name!r}, which is not the name of a header")
    return frozenset(name.lower() for name in names)


def _check_methods(methods: Any) -> frozenset[str]:
    if isinstance(methods, str):
        raise ConfigError(f"methods={methods!r} is a single string; pass a tuple: ({methods!r},)")
    if not isinstance(methods or (), Iterable):
        raise ConfigError(f"invalid methods={methods!r}: pass a tuple, such as ('PUT', 'DELETE')")
    known = ("GET", "POST", *METHODS)
    names = [name.upper() if isinstance(name, str) else name for name in methods or ()]
    for name in names:
        if name not in known:
            hint = _suggestion(str(name), known)
            raise ConfigError(
                f"methods holds {name!r}, which is not a method that can be cached: give "
                f"{', '.join(METHODS)}{hint}"
            )
    return frozenset(names).difference(("GET", "POST"))


def _check_noise(noise: Any) -> NoiseRules:
    """Check the patterns here, and not in the middle of the user's call."""
    if not isinstance(noise, Iterable):
        raise ConfigError(
            f"invalid noise={noise!r}: pass NOISE + (Noise(…),), or () to normalise nothing"
        )
    items = tuple(noise)
    for item in items:
        if item in DEFAULT_NOISE:
            continue  # its pattern is compiled when it is first used
        if not isinstance(item, Noise):
            raise ConfigError(
                f"noise holds {item!r}; give a tuple of Noise(marker, pattern, replacement)"
            )
        if not (isinstance(item.marker, bytes) and isinstance(item.replacement, bytes)) or (
            not isinstance(getattr(item.pattern, "pattern", None), bytes)
        ):
            raise ConfigError(f"noise holds {item!r}, which is not all bytes: write b'…' and rb'…'")
    return NoiseRules(items)


def _check_scope(scope: Any) -> str:
    if not isinstance(scope, str):
        raise ConfigError(f"scope={scope!r} is not a string: give a name, such as scope='draft-2'")
    return scope


def _check_adopt(adopt: Any) -> bool | str | os.PathLike[str]:
    if isinstance(adopt, bool):
        return adopt
    if not isinstance(adopt, str | os.PathLike) or not os.path.isfile(os.path.expanduser(adopt)):
        raise ConfigError(
            f"adopt={adopt!r} is not a file: give the path of a cachy.jsonl or cachy.txt, True to "
            "find it, or False"
        )
    return adopt


def _check_remote(remote: Any, name: str = "remote") -> str:
    """Return a remote as text, whose URL is checked where it is understood
    (`cachy.remote.address`)."""
    if remote is False or (isinstance(remote, str) and remote.lower() in _NO_REMOTE):
        return NO_REMOTE
    if remote is None or remote == "":
        return ""
    if not isinstance(remote, str | os.PathLike):
        raise ConfigError(
            f"invalid {name}={remote!r}: give a URL such as s3://bucket/prefix, a folder, or None"
        )
    return os.fspath(remote)


def _check_push(push: Any, name: str = "push", default: bool | None = None) -> bool | None:
    if push is None or push == "":
        return default
    if isinstance(push, bool):
        return push
    if isinstance(push, str) and push.lower() in _FLAGS:
        return _FLAGS[push.lower()]
    raise ConfigError(f"invalid {name}={push!r}: give one of 1, 0")


_NO_REMOTE = ("none", "off", "no", "false", "0")
_FLAGS = {"1": True, "true": True, "yes": True, "on": True} | dict.fromkeys(
    ("0", "false", "no", "off"), False
)
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "store": _check_store,
    "cache_dir": lambda folder: folder,  # checked where the store is opened
    "doms": lambda patterns: patterns if isinstance(patterns, Hosts) else Hosts(patterns),
    "mode": check_mode,
    "hdrs": _check_headers,
    "errors": bool,
    "requests": lambda value: _one_of("requests", value, _REQUESTS),
    "noise": _check_noise,
    "key_headers": check_key_headers,
    "methods": _check_methods,
    "scope": _check_scope,
    "repeats": lambda value: _one_of("repeats", value, _REPEATS),
    "fakes": bool,
    "adopt": _check_adopt,
    "bypass": lambda value: _one_of("bypass", value, _BYPASS) if value else "",
    "remote": _check_remote,
    "push": _check_push,
    "trust": check_trust,
    "debug": bool,
}
_FIELDS = {"doms": "hosts"}  # arguments whose checked value has another name
