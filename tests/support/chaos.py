"""A proxy before a server that makes it ill.

with Chaos(port) as chaos:
    chaos.illness = "black hole"

well          passes everything on, after `delay` seconds each way
black hole    takes requests, and never answers
reset         resets each connection when its request is there
refuse        takes no connection
cut           ends the answer amid
503           answers that it is busy
trickle       passes the answer on, a byte every 50 ms
late          passes the answer on after 3 seconds
html          answers with a page, as a proxy does
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress

ILLNESSES = ("black hole", "reset", "refuse", "cut", "503", "trickle", "late")
_RESET = struct.pack("ii", 1, 0)
_BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 8\r\nConnection: close\r\n\r\nSlowDown"
_PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"
_HTML = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n"
    b'ETag: "page"\r\nLast-Modified: Wed, 21 Oct 2026 07:28:00 GMT\r\nConnection: close\r\n\r\n%s'
) % (len(_PAGE), _PAGE)


class Chaos:
    """The proxy, on a port of its own. `illness` may change at any time; `delay` is in seconds,
    one way. `connections` counts those that came."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._illness = "well"
        self.delay = 0.0
        self.connections = 0
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self._ended = False
        self.port = 0

    def __enter__(self) -> Chaos:
        self._listen()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended = True
        self._close_listener()
        for each in self._open:
            _close(each)

    @property
    def illness(self) -> str:
        return self._illness

    @illness.setter
    def illness(self, illness: str) -> None:
        """Connections that are open are closed: their server fell ill, too."""
        self._illness = illness
        for each in self._open:
            _close(each)
        self._open.clear()
        if illness == "refuse":
            self._close_listener()
        elif self._listener is None:
            self._listen()

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(200)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _close_listener(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            _close(listener)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(near)
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        illness = self._illness
        with suppress(OSError):
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if illness == "black hole":
                while near.recv(65536):
                    pass
                return
            if illness in ("reset", "503", "html"):
                near.recv(65536)
                if illness == "reset":
                    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                else:
                    near.sendall(_HTML if illness == "html" else _BUSY)
                near.close()
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(far)
            threading.Thread(target=self._pass_on, args=(near, far, "well"), daemon=True).start()
            self._pass_on(far, near, illness)

    def _pass_on(self, source: socket.socket, target: socket.socket, illness: str) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self.delay:
                    time.sleep(self.delay)
                if illness == "late":
                    time.sleep(3)
                if illness == "trickle":
                    for at in range(len(data)):
                        target.sendall(data[at : at + 1])
                        time.sleep(0.05)
                elif illness == "cut":
                    target.sendall(data[: len(data) // 2])
                    break
                else:
                    target.sendall(data)
        _close(source)
        _close(target)


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
