"""Which request headers are in the key, and how they stand in the canonical request.

On known hosts those that a table names; on hosts that the user added all but those that a table
excludes; and on any host as `key_headers` says: "x-tenant" adds a header, "-x-session" removes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cachy.errors import ConfigError
from cachy.lazy import hashlib, json, lazy_pattern, orjson, urls
from cachy.rules.tables import (
    CREDENTIAL_HEADER,
    ID_HEADER,
    KEY_HEADER_PARTS,
    KEY_HEADER_PREFIXES,
    KEY_HEADERS,
    LIST_HEADERS,
    PLAIN_HEADERS,
    UNKEYED_COOKIES,
    UNKEYED_HEADER_PREFIXES,
    UNKEYED_HEADERS,
)
from cachy.rules.url import DEFAULT_PORTS, is_credential_param

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Pairs = Sequence[tuple[str, str]]

_NAME = lazy_pattern(r"-?[!#$%&'*+.^_`|~0-9a-z][!#$%&'*+.^_`|~0-9a-z-]*")  # RFC 9110, 5.6.2
_ID = lazy_pattern(ID_HEADER)
_CREDENTIAL = lazy_pattern(CREDENTIAL_HEADER)
_BODY_HEADERS = frozenset({"content-type", "content-encoding"})
_NEUTRAL_ACCEPT = frozenset({"", "*/*", "application/json"})


_MOST = 1024  # names that are remembered: clients send the same ones with every request


class _Seen(dict[bytes, "str | None"]):
    """From a name as it is sent to its lower-case name, or None for one that is not looked at."""

    def __init__(self, decides: Callable[[str], bool]) -> None:
        self._decides = decides

    def __missing__(self, raw: bytes) -> str | None:
        name = raw.decode("latin-1").lower()
        seen = name if name in _BODY_HEADERS or self._decides(name) else None
        if len(self) < _MOST:
            self[raw] = seen
        return seen


class Deciding:
    """Choose the headers that are in the key. `seen` maps the name of a header, as it is sent, to
    its lower-case name if a key may depend on it, and to None if not."""

    def __init__(self, known: bool, key_headers: tuple[str, ...]) -> None:
        self.seen = _Seen(self._decides)
        self._names: dict[str, bool] = {}
        self._known = known
        self._added = frozenset(name for name in key_headers if not name.startswith("-"))
        self._removed = frozenset(name[1:] for name in key_headers if name.startswith("-"))

    def among(self, headers: Pairs) -> tuple[tuple[str, str], ...]:
        """Return those of the headers that decide the answer."""
        names = self._names
        try:
            return tuple([pair for pair in headers if names[pair[0]]])
        except KeyError:
            if len(names) > _MOST:
                names.clear()
            names.update((name, self._decides(name.lower())) for name, _ in headers)
            return tuple([pair for pair in headers if self._decides(pair[0].lower())])

    def _decides(self, name: str) -> bool:
        if name in self._added or name in self._removed:
            return name in self._added
        if name in KEY_HEADERS:
            return True
        if name in UNKEYED_HEADERS or name.startswith(UNKEYED_HEADER_PREFIXES):
            return False
        if _CREDENTIAL.fullmatch(name) or _ID.fullmatch(name):
            return False
        if not self._known or name.startswith(KEY_HEADER_PREFIXES):
            return True
        return any(part in name for part in KEY_HEADER_PARTS)


deciding = lru_cache(maxsize=64)(Deciding)


def check_key_headers(names: Any) -> tuple[str, ...]:
    """Return `key_headers` in lower case. Raises ConfigError for what is not a tuple of names.

    >>> check_key_headers(("X-Tenant", "-x-session"))
    ('x-tenant', '-x-session')
    """
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise ConfigError(
            f"key_headers={names!r} is not a tuple of header names; pass ('x-tenant', '-x-session')"
        )
    checked = []
    for name in names:
        lower = name.strip().lower() if isinstance(name, str) else ""
        if not _NAME.fullmatch(lower):
            raise ConfigError(
                f"key_headers holds {name!r}, which is not the name of a header; "
                "write 'x-tenant' to add one to the key, '-x-session' to take one out"
            )
        checked.append(lower)
    return tuple(checked)


def header_lines(headers: Pairs, url: str, plain: frozenset[str]) -> list[str]:
    """Return the lines of the canonical request for the headers that decide, sorted.

    `plain` are names whose values stand there as they are, besides those of the table.
    """
    values: dict[str, str] = {}
    for name, value in headers:  # on two lines or on one
        name = name.lower()
        values[name] = f"{values[name]}, {value}" if name in values else value
    lines = [_line(name, value.strip(), url, plain) for name, value in values.items()]
    return sorted(filter(None, lines))


def _line(name: str, value: str, url: str, plain: frozenset[str]) -> str:
    """A header in the canonical request, or an empty string if it says nothing there."""
    if name == "host":
        parts = urls.urlsplit(url)
        value = value.lower().removesuffix(f":{DEFAULT_PORTS.get(parts.scheme)}")
        own = (parts.netloc, parts.netloc.removesuffix(f":{parts.port}"))
        return "" if value in own else f"host: {value}"
    if name in LIST_HEADERS:
        items = {item.strip() for item in value.split(",")}
        if name == "accept":
            items = {item.partition(";")[0].strip().lower() for item in items} - _NEUTRAL_ACCEPT
        return f"{name}: {', '.join(sorted(items))}" if items else ""
    if name == "cookie":
        crumbs = sorted(filter(_decides, (crumb.strip() for crumb in value.split(";"))))
        if not crumbs:
            return ""
        value = "; ".join(crumbs)
    elif value.startswith("{"):
        value = _configuration(value)
    if _is_plain(name) or (name in plain and not _CREDENTIAL.fullmatch(name)):
        return f"{name}: {value}"
    short = hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return f"{name}: sha256:{short}"


def _decides(cookie: str) -> bool:
    return bool(cookie) and not cookie.lower().startswith(UNKEYED_COOKIES)


def _is_plain(name: str) -> bool:
    if name in PLAIN_HEADERS or name.endswith(("-version", "-language", "-region")):
        return True
    return any(part in name for part in KEY_HEADER_PARTS)


def _configuration(value: str) -> str:
    """A configuration in JSON, without the credentials in it."""
    try:
        data = orjson.loads(value)
    except (ValueError, RecursionError):
        return value
    return json.dumps(_without_credentials(data), sort_keys=True)


def _without_credentials(data: Any) -> Any:
    if isinstance(data, list):
        return [_without_credentials(item) for item in data]
    if not isinstance(data, dict):
        return data
    return {
        name: _without_credentials(value)
        for name, value in data.items()
        if not is_credential_param(name) and name != "virtual_key"
    }
