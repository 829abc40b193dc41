"""A throw-away authority, one per process: some clients keep what they trust for ever."""

from __future__ import annotations

import atexit
import os
import ssl
import tempfile
from functools import cache

import trustme


@cache
def authority() -> Authority:
    return Authority()


class Authority:
    """Vouches for any host, and issues the certificate when the host is first asked for."""

    def __init__(self) -> None:
        self._ca = trustme.CA()
        self._hosts: dict[str, ssl.SSLContext] = {}
        handle, self.file = tempfile.mkstemp(prefix="standin-", suffix=".pem")
        os.close(handle)
        self._ca.cert_pem.write_to_path(self.file)
        atexit.register(_remove, self.file)

    def context(self) -> ssl.SSLContext:
        """For a server: clients that name no host are the ones that called an address."""
        context = self._issue("localhost", "127.0.0.1", "::1")
        context.sni_callback = self._show
        return context

    def _show(self, connection: ssl.SSLObject, host: str | None, _: ssl.SSLContext) -> None:
        if host:
            if host not in self._hosts:
                self._hosts[host] = self._issue(host)
            connection.context = self._hosts[host]

    def _issue(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        self._ca.issue_cert(*names).configure_cert(context)
        return context


def _remove(file: str) -> None:
    if os.path.exists(file):
        os.remove(file)
