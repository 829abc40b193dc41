"""Where a remote is: its URL, or its folder, understood and checked.

s3://bucket/prefix  gs://bucket/prefix  az://container/prefix
redis://host:6379/0  rediss://user:password@host
https://host/path                     http:// only to this machine
/mnt/team/.cachy  ~/shared/.cachy     a folder
"""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from typing import NamedTuple

from cachy.errors import ConfigError
from cachy.lazy import urls
from cachy.remote.signatures import NONE as UNSIGNED
from cachy.remote.signatures import Signatures
from cachy.store.disk import absolute

NONE = frozenset({"none", "off", "no", "false", "0"})
"""What says that there is to be no remote, in the place of its URL."""

BUCKETS = ("s3", "gs", "az")
OPTIONS = {
    "s3": ("endpoint", "region", "anonymous", "metadata"),
    "gs": ("anonymous", "metadata"),
    "az": ("account", "endpoint", "metadata"),
    "redis": ("prefix",),
    "rediss": ("prefix",),
    "https": (),
    "http": (),
}
"""What may stand behind the `?` of a URL, by its scheme."""

_EXAMPLES = (
    "s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, redis://host:6379/0, "
    "https://host/path, or a folder such as /mnt/team/.cachy"
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_FLAGS = {"1": True, "true": True, "0": False, "false": False}


class Address(NamedTuple):
    """Where a remote is. `place` is the bucket, the host with its port, or the folder; `prefix` a
    path below it, without slashes around. `label` is how messages call it: the URL without
    credentials. `origin` says where it was set; `trusted` is false for a file of the repository,
    which may name a remote to read, and nothing else. `signatures`
    are those that its objects must carry, or are given."""

    scheme: str
    place: str
    prefix: str = ""
    label: str = ""
    user: str = ""
    password: str = ""
    options: tuple[tuple[str, str], ...] = ()
    origin: str = "remote"
    trusted: bool = True
    signatures: Signatures = UNSIGNED

    def option(self, name: str) -> str:
        """Return an option of the URL; an empty string where it is not given."""
        return dict(self.options).get(name, "")

    def flag(self, name: str) -> bool:
        """Return whether an option is switched on."""
        return _FLAGS.get(self.option(name).lower(), False)


def parse(text: object, origin: str = "remote", *, trusted: bool = True) -> Address:
    """Return the address in a URL or a path. `origin` is what it was given as. Raises ConfigError
    for one that cannot be meant, and for more than a place where it is not `trusted`."""
    if not isinstance(text, str | os.PathLike):
        raise ConfigError(f"invalid {origin}={text!r}: give {_EXAMPLES}")
    said = os.fspath(text).strip()
    scheme, colon, _ = said.partition("://")
    if not colon:
        return _folder(said, origin, trusted=trusted)
    scheme = scheme.lower()
    if scheme == "file":
        return _folder(urls.unquote(urls.urlsplit(said).path), origin, trusted=trusted)
    if scheme not in OPTIONS:
        close = get_close_matches(scheme, OPTIONS, n=1)
        hint = f"; did you mean {close[0]}://?" if close else ""
        raise ConfigError(f"{origin}={_public(said)!r} is no remote: give {_EXAMPLES}{hint}")
    try:
        parts = urls.urlsplit(said)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigError(f"invalid {origin}={_public(said)!r} ({error})") from None
    address = Address(
        scheme,
        _place(scheme, parts.netloc.rpartition("@")[2], host, port),
        parts.path.strip("/"),
        _public(said),
        urls.unquote(parts.username or ""),
        urls.unquote(parts.password or ""),
        tuple(urls.parse_qsl(parts.query, keep_blank_values=True)),
        origin,
        trusted,
    )
    if problem := _problem(address, host, parts.fragment):
        raise ConfigError(f"invalid {origin}={address.label!r}: {problem}")
    return address


def _place(scheme: str, netloc: str, host: str, port: int | None) -> str:
    if scheme in BUCKETS:
        return netloc
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else shown


def _problem(address: Address, host: str, fragment: str) -> str:
    """Return what is wrong with an address, and what to write; or an empty string."""
    scheme = address.scheme
    if scheme in BUCKETS:
        what = "container" if scheme == "az" else "bucket"
        if address.user or address.password:
            return (
                "credentials do not stand in the URL of a bucket, but in the variables of its cloud"
            )
        if not _BUCKET.fullmatch(address.place):
            return f"{address.place!r} is not the name of a {what}: write {scheme}://{what}/prefix"
    elif not host:
        return f"it names no host: write {scheme}://host"
    if scheme == "http" and host not in _HERE:
        return "http:// is for this machine alone: use https://"
    if scheme.startswith("redis") and address.prefix and not address.prefix.isdecimal():
        return f"{address.prefix!r} is not the number of a database: write {scheme}://host/0"
    if ".." in address.prefix.split("/"):
        return "its path holds `..`"
    if fragment:
        return "it holds a `#`: write it as %23"
    if not address.trusted and (address.user or address.password or address.options):
        return (
            "a file of the repository may name a place alone: credentials and options go into "
            "CACHY_REMOTE, or your own configuration file"
        )
    return _problem_of_options(address)


def _problem_of_options(address: Address) -> str:
    known = OPTIONS[address.scheme]
    for name, value in address.options:
        if name not in known:
            may = f"give {', '.join(known)}" if known else "it takes none"
            return f"{address.scheme}:// has no option {name!r}: {may}"
        if name in ("anonymous", "metadata") and value.lower() not in _FLAGS:
            return f"{name}={value!r} is neither 1 nor 0"
        if name == "endpoint" and not value.startswith(("https://", "http://")):
            return f"endpoint={value!r} is no URL: write endpoint=https://host"
    return ""


def _folder(text: str, origin: str, *, trusted: bool) -> Address:
    path = os.path.expanduser(text)
    if not (os.path.isabs(path) or path.startswith(".")):
        raise ConfigError(f"{origin}={text!r} is no remote: give {_EXAMPLES}")
    path = absolute(path)
    return Address("file", path, label=path, origin=origin, trusted=trusted)


def _public(text: str) -> str:
    """Return a URL without what may be a credential in it."""
    before, colon, rest = text.partition("://")
    rest = rest.partition("?")[0].partition("#")[0]
    netloc, slash, path = rest.partition("/")
    return f"{before}{colon}{netloc.rpartition('@')[2]}{slash}{path}"
