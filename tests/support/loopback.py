"""A small HTTP server on the loopback interface, for programs in processes of their own.

with Loopback() as server:
    httpx.post(server.url, json={"text": "hi", "delay": 0.5})
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EVENTS = 3


class Loopback:
    """Answers each request with what it was asked, so that a wrong body shows. The request says
    how: after `delay` seconds, as an event `stream`, or once `together` such requests are here."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self._barrier: threading.Barrier | None = None
        handler = type("Handler", (_Handler,), {"loopback": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}/v1/chat/completions"
        self._lock = threading.Lock()

    def __enter__(self) -> Loopback:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def barrier(self, parties: int) -> threading.Barrier:
        """Return the barrier at which requests that must be here together meet."""
        with self._lock:
            self._barrier = self._barrier or threading.Barrier(parties, timeout=10)
            return self._barrier


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200

    def handle_error(self, *_: object) -> None:
        """A client that leaves is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    loopback: Loopback

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.loopback.calls.append(asked)
        if parties := asked.get("together"):
            self.loopback.barrier(parties).wait()
        time.sleep(asked.get("delay", 0))
        body = answer(asked)
        self.send_response(200)
        kind = "text/event-stream" if asked.get("stream") else "application/json"
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def answer(asked: dict[str, Any]) -> bytes:
    """Return the body that answers a request."""
    text = json.dumps(asked, sort_keys=True)
    if not asked.get("stream"):
        return json.dumps({"answer": text}).encode()
    event = json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]})
    return f"data: {event}\n\n".encode() * EVENTS + b"data: [DONE]\n\n"
