"""Whose recordings a session takes from a remote: public keys, as settings give them.

    trust=["ed25519:<base64 or hex>"]     only what one of these keys has signed
    trust=False, CACHY_TRUST=none         anyone's

The signatures themselves are in `cachy/remote/signatures.py`.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from typing import Any

from cachy.errors import ConfigError

ALGORITHM = "ed25519"
ANYONE = ("none",)
"""What is demanded of a session that takes anyone's recordings, whatever files say."""
_NONE = frozenset({"none", "off", "no", "false", "0"})
_LENGTH = 32


def check_trust(trust: Any, name: str = "trust") -> tuple[str, ...]:
    """Return public keys in one form, sorted; ANYONE if none is demanded, and nothing where nothing
    is said. `name` is what they were given as. Raises ConfigError."""
    if trust is None or trust == "":
        return ()
    if trust is False or (isinstance(trust, str) and trust.strip().lower() in _NONE):
        return ANYONE
    keys = trust.replace(",", " ").split() if isinstance(trust, str) else trust
    if not isinstance(keys, Iterable):
        raise ConfigError(f"invalid {name}={trust!r}: give public keys, such as {_example()}")
    found = tuple(keys)
    if found == ANYONE:
        return ANYONE
    if not found:
        raise ConfigError(f"{name} names no key: give {_example()}, or False to take anyone's")
    return tuple(sorted({_checked(key, name) for key in found}))


def narrowed(given: tuple[str, ...], projects: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is in force where a file of the project names keys, too, which may only narrow:
    the keys in both, and where there are none a key that nobody has."""
    if not projects or projects == ANYONE or given == ANYONE:
        return given
    if not given:
        return projects
    return tuple(key for key in given if key in projects) or (NOBODY,)


def show_key(raw: bytes) -> str:
    """Return a public key of 32 bytes as settings hold it."""
    return f"{ALGORITHM}:{binascii.b2a_base64(raw, newline=False).decode()}"


def raw_key(key: str) -> bytes:
    """Return the bytes of a key of `show_key`."""
    return binascii.a2b_base64(key.partition(":")[2])


NOBODY = f"{ALGORITHM}:nobody"
"""Stands for keys that have nothing in common: nothing is signed by it."""


def _checked(key: Any, name: str) -> str:
    if not isinstance(key, str):
        raise ConfigError(f"{name} holds {key!r}, which is no public key: give {_example()}")
    if key == NOBODY:
        return key
    algorithm, colon, text = key.strip().partition(":")
    if "PRIVATE" in key:
        raise ConfigError(f"{name} holds a private key: give the public one, {_example()}")
    if not colon or algorithm.lower() != ALGORITHM:
        raise ConfigError(f"{name} holds {key!r}, which is no public key: give {_example()}")
    raw = _decoded(text)
    if len(raw) != _LENGTH:
        raise ConfigError(
            f"{name} holds {key!r}, which is not {_LENGTH} bytes in base64 or hex: give the line "
            "that `cachy remote keygen` printed"
        )
    return show_key(raw)


def _decoded(text: str) -> bytes:
    try:
        if len(text) == 2 * _LENGTH:
            return bytes.fromhex(text)
        raw = binascii.a2b_base64(text.encode("ascii"))
    except ValueError:
        return b""
    # Lenient decoders skip what they do not know: a key with a slip in it must not become another.
    return raw if binascii.b2a_base64(raw, newline=False).decode() == text else b""


def _example() -> str:
    return f"'{ALGORITHM}:…'"
