"""An HTTP proxy: CONNECT for https, whole URLs for http."""

from __future__ import annotations

import socket
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit


class Proxy:
    """A proxy on the loopback, while the context lasts."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.requests))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Proxy:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(requests: list[str]) -> Any:
    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            requests.append(self.path)
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port))) as far:
                self.send_response(200)
                self.end_headers()
                back = Thread(target=_pump, args=(far, self.connection), daemon=True)
                back.start()
                _pump(self.connection, far)
                back.join(5)
            self.close_connection = True

        def do_POST(self) -> None:
            requests.append(self.path)
            target = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["content-length"]))
            there = HTTPConnection(target.netloc)
            there.request("POST", target.path, body, dict(self.headers))
            answer = there.getresponse()
            data = answer.read()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() != "transfer-encoding":
                    self.send_header(name, value)
            if "content-length" not in answer.headers:
                self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            there.close()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    return Handler


def _pump(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)
