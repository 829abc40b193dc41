"""The server: real sockets, real TLS, every provider behind one pair of ports."""

from __future__ import annotations

import importlib
import pkgutil
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any
from urllib.parse import urlsplit

import standin
from standin.behaviour import Behaviour
from standin.certificates import authority
from standin.reach import LOOPBACK, reach
from standin.wire import Answer, Call, Provider, json_answer

USUAL = Behaviour()
BODILESS = (204, 304)
FRAMING = ("content-length", "transfer-encoding")


@cache
def providers() -> tuple[Provider, ...]:
    """The `answer` of every module of this package that has one."""
    names = sorted(module.name for module in pkgutil.iter_modules(standin.__path__))
    modules = [importlib.import_module(f"standin.{name}") for name in names]
    return tuple(module.answer for module in modules if hasattr(module, "answer"))


class Standin:
    """All providers at once, on ephemeral ports of the loopback, while the context lasts."""

    def __init__(self) -> None:
        self.refuse = False
        """Count calls, but answer them with status 599: nothing is supposed to get here."""
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._serial = 0
        self._behaviours: list[_Active] = []
        self._closing = ExitStack()

    def __enter__(self) -> Standin:
        self._secure = self._listen(authority().context())
        self._plain = self._listen(None)
        return self

    def __exit__(self, *raised: object) -> None:
        self.stopping.set()
        self._closing.close()

    @property
    def calls(self) -> list[Call]:
        """The calls that arrived, oldest first."""
        with self._lock:
            return list(self._calls)

    def reset(self) -> None:
        """Forget calls and behaviours. The serial goes on, so that answers never repeat."""
        with self._lock:
            self._calls.clear()
            self._behaviours.clear()
        self.refuse = False

    @property
    def url(self) -> str:
        """Where it is, without TLS."""
        return f"http://127.0.0.1:{self._plain}"

    def reach(self) -> AbstractContextManager[None]:
        """Lead the clients of this process here."""
        return reach(self._secure, self._plain, authority().file)

    def behave(self, behaviour: Behaviour) -> AbstractContextManager[None]:
        """Behave so from now on, or until the end of the block if used with `with`.

        The latest behaviour that matches a call is the one that acts.
        """
        active = _Active(behaviour)
        with self._lock:
            self._behaviours.append(active)
        return self._until_left(active)

    def take(self, call: Call) -> tuple[Answer, Behaviour]:
        """Count a call; find its answer and how to send it."""
        with self._lock:
            self._serial += 1
            self._calls.append(call)
            serial = self._serial
            if self.refuse:
                return _refusal(call), USUAL
            behaviour = next((b.use() for b in self._behaviours[::-1] if b.acts(call)), USUAL)
        return _answer(call, serial, behaviour), behaviour

    @contextmanager
    def _until_left(self, active: _Active) -> Iterator[None]:
        try:
            yield
        finally:
            with self._lock, suppress(ValueError):
                self._behaviours.remove(active)

    def _listen(self, context: ssl.SSLContext | None) -> int:
        listener = _Listener(self, context)
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self._closing.callback(thread.join)
        self._closing.callback(listener.stop)
        return int(listener.server_address[1])


class _Active:
    """A behaviour and how often it may still act."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.left = behaviour.times

    def acts(self, call: Call) -> bool:
        return self.left != 0 and self.behaviour.when(call)

    def use(self) -> Behaviour:
        if self.left is not None:
            self.left -= 1
        return self.behaviour


def _answer(call: Call, serial: int, behaviour: Behaviour) -> Answer:
    if isinstance(behaviour.answer, Answer):
        return behaviour.answer
    if behaviour.answer:
        return behaviour.answer(call, serial)
    answers = (provider(call, serial) for provider in providers())
    return next(filter(None, answers), None) or _unknown(call)


def _refusal(call: Call) -> Answer:
    body = {"error": {"message": f"the stand-in refuses {call.method} {call.host}{call.path}"}}
    return json_answer(body, 599, x_should_retry="false")


def _unknown(call: Call) -> Answer:
    body = {"error": {"message": f"no stand-in knows {call.method} {call.host}{call.path}"}}
    return json_answer(body, 404, x_should_retry="false")


class _Listener(ThreadingTCPServer):
    """Accepts connections, and can hang up on all of them."""

    request_queue_size = 128

    def __init__(self, owner: Standin, context: ssl.SSLContext | None) -> None:
        super().__init__((LOOPBACK, 0), _Conversation)
        self.owner = owner
        self._context = context
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def get_request(self) -> tuple[socket.socket, Any]:
        """The handshake is left to the conversation's thread: a client may never speak."""
        opened, address = super().get_request()
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context:
            opened = self._context.wrap_socket(
                opened, server_side=True, do_handshake_on_connect=False
            )
        with self._lock:
            self._open.add(opened)
        return opened, address

    def close_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up when they have read enough; anything else is a mistake of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        self.shutdown()
        with self._lock:
            for opened in self._open:
                with suppress(OSError):
                    socket.socket.shutdown(opened, socket.SHUT_RDWR)
        self.server_close()


class _Conversation(BaseHTTPRequestHandler):
    """One connection and the calls made over it."""

    protocol_version = "HTTP/1.1"
    server: _Listener

    def setup(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        super().setup()

    def serve(self) -> None:
        answer, behaviour = self.server.owner.take(self._call())
        stopping = self.server.owner.stopping
        if behaviour.hang:
            stopping.wait()
        stopping.wait(behaviour.delay)
        if stopping.is_set():
            self.close_connection = True
        elif self.command == "HEAD" or answer.status in BODILESS:
            self._send_head(answer, {})
        else:
            self._send(answer, behaviour)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the calls are the log."""

    def _call(self) -> Call:
        target = urlsplit(self.path)
        return Call(
            method=self.command,
            host=self.headers.get("host", "").rsplit(":", 1)[0],
            path=target.path,
            query=target.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._body(),
        )

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, answer: Answer, behaviour: Behaviour) -> None:
        streamed = isinstance(answer.body, list)
        body = behaviour.body(answer)
        headers = {"content-encoding": behaviour.encoding} if behaviour.encoding else {}
        if streamed:
            headers["transfer-encoding"] = "chunked"
        else:
            body = [b"".join(body)]
            headers["content-length"] = str(len(body[0]) + behaviour.misstate_length)
        self._send_head(answer, headers)
        if behaviour.breaks:
            self.close_connection = True
        allowed = behaviour.cut_after
        for number, piece in enumerate(behaviour.portions(body)):
            if number:
                self._wait(behaviour)
            sent = piece[:allowed]
            self.wfile.write(b"%x\r\n%b" % (len(piece), sent) if streamed else sent)
            if allowed is not None:
                allowed -= len(sent)
                if not allowed:
                    return
            if streamed:
                self.wfile.write(b"\r\n")
        if streamed and behaviour.cut_after_pieces is None:
            self.wfile.write(b"0\r\n\r\n")

    def _send_head(self, answer: Answer, framing: dict[str, str]) -> None:
        self.send_response_only(answer.status)
        given = {name.lower(): value for name, value in answer.headers.items()}
        for name in FRAMING:
            given.pop(name, None)
        for name, value in ({"date": self.date_time_string()} | given | framing).items():
            for line in value.split("\n"):
                self.send_header(name, line)
        self.end_headers()

    def _wait(self, behaviour: Behaviour) -> None:
        stopping = self.server.owner.stopping
        if behaviour.gate:
            while not (behaviour.gate.wait(0.01) or stopping.is_set()):
                pass
        stopping.wait(behaviour.pause)
