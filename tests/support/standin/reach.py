"""Leads every client of this process to the stand-in, and none to the network."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from typing import Any
from unittest.mock import patch
from weakref import WeakSet

LOOPBACK = "127.0.0.1"
PLAIN_PORTS = (80, 11434)
INTERNET = (socket.AF_INET, socket.AF_INET6)


class NetworkReachedError(RuntimeError):
    """A test tried to leave the machine. Not an OSError: clients would retry it."""


@contextmanager
def reach(secure: int, plain: int, authority: str) -> Iterator[None]:
    """Port 443 of any host name is `secure` here; 80 and 11434 (Ollama) are `plain`.

    `authority` is the file of the certificates to trust.
    """
    ports = {443: secure} | dict.fromkeys(PLAIN_PORTS, plain)
    trusted = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), authority)
    kept = {name: value for name, value in os.environ.items() if not _misleads(name)}
    with ExitStack() as patches:
        patches.enter_context(patch.dict(os.environ, kept | trusted, clear=True))
        _lead_names(patches, ports)
        _lead_connections(patches, ports)
        _lend_trust(patches, authority)
        yield


def _misleads(variable: str) -> bool:
    """Whether the variable would send a client through a proxy or to other certificates."""
    return variable.lower().endswith("_proxy") or variable in ("SSL_CERT_DIR", "CURL_CA_BUNDLE")


def _lead_names(patches: ExitStack, ports: dict[int, int]) -> None:
    resolve = socket.getaddrinfo

    def getaddrinfo(
        host: bytes | str | None,
        port: int | str | None,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not name or not _is_here(name):
            return resolve(host, port, family, type, proto, flags)
        number = int(port) if isinstance(port, str) and port.isdigit() else port
        led = ports.get(number, number) if isinstance(number, int) else number
        return resolve(LOOPBACK, led, socket.AF_INET, type, proto, flags)

    patches.enter_context(patch.object(socket, "getaddrinfo", getaddrinfo))


def _lead_connections(patches: ExitStack, ports: dict[int, int]) -> None:
    """Addresses given as numbers never pass `getaddrinfo`, so connecting is led as well."""

    def led(opened: socket.socket, address: Any) -> Any:
        if opened.family not in INTERNET:
            return address
        host, port, *rest = address
        if not _is_here(host):
            opened.close()
            raise NetworkReachedError(f"a test tried to reach the network: {host} port {port}")
        return (host, ports.get(port, port), *rest)

    for method in ("connect", "connect_ex"):
        real = getattr(socket.socket, method)

        def connect(opened: socket.socket, address: Any, real: Any = real) -> Any:
            return real(opened, led(opened, address))

        patches.enter_context(patch.object(socket.socket, method, connect))


def _lend_trust(patches: ExitStack, authority: str) -> None:
    """A client made earlier (some are, on import) read its certificates before we set any."""
    taught: WeakSet[ssl.SSLContext] = WeakSet()

    for method in ("wrap_socket", "wrap_bio"):
        real = getattr(ssl.SSLContext, method)

        def wrap(context: ssl.SSLContext, *args: Any, real: Any = real, **kwargs: Any) -> Any:
            if context.verify_mode != ssl.CERT_NONE and context not in taught:
                context.load_verify_locations(authority)
                taught.add(context)
            return real(context, *args, **kwargs)

        patches.enter_context(patch.object(ssl.SSLContext, method, wrap))


def _is_here(host: str) -> bool:
    """Whether the host is this machine: all names are, and the loopback addresses."""
    try:
        address = ip_address(host)
    except ValueError:
        return True
    return address.is_loopback or address.is_unspecified
