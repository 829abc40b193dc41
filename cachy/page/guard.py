"""Who may ask the server: the browser of the one who started it, and no other page in it.

Any web site can make a browser send requests to 127.0.0.1, and by DNS rebinding even read the
answers. So, in this order: the host that is asked must be this server's own; a browser must say
that the request comes from its own pages or the address bar; and it must have the token of the
address that was printed, which is kept as a cookie. What changes the store needs a header that
other sites cannot send without asking first, and is answered for this origin only.
"""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]

HEADER = b"x-cachy"
"""The header of requests that change something."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The content security policy: the page's own files, and nothing inline."""
_HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]
_METHODS = ("GET", "HEAD", "POST")


class Guard:
    """Let only requests through to `app` that may ask. `port` is the one that is listened on."""

    def __init__(self, app: App, port: int, token: str = "") -> None:
        self._app = app
        self.token = token or secrets.token_urlsafe(24)
        self._tickets: set[str] = set()
        self.cookie = f"cachy-{port}"  # browsers share cookies between ports
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    def ticket(self) -> str:
        """Return a token that is good for one visit: for the command line of a browser, which every
        user of this machine can read."""
        ticket = secrets.token_urlsafe(24)
        self._tickets.add(ticket)
        return ticket

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no websockets
        status, text = self._judge(scope)
        if status == 200:
            await self._app(scope, receive, _with_headers(send))
        elif status == 303:
            cookie = f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
            extra = [(b"location", b"/"), (b"set-cookie", cookie.encode())]
            await _answer(send, status, text, extra)
        else:
            await _answer(send, status, text)

    def _judge(self, scope: Message) -> tuple[int, str]:
        """Return the status of the answer to a request: 200 lets it through."""
        headers = dict(reversed(scope["headers"]))
        host = headers.get(b"host", b"").decode("latin-1")
        if host not in self._hosts:
            return 421, "This server answers for 127.0.0.1 only."
        if headers.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin"):
            return 403, "Another site asked: open the address that `cachy ui` printed by itself."
        if scope["method"] not in _METHODS:
            return 405, "This server knows GET and POST."
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if given and scope["path"] == "/" and scope["method"] == "GET" and self._admits(given):
            return 303, "Welcome."
        if not self._is_token(_cookie(headers.get(b"cookie", b""), self.cookie)):
            return 403, "Open the address that `cachy ui` printed, with its token."
        if scope["method"] == "POST":
            ours = headers.get(b"origin") == f"http://{host}".encode()
            if not ours or headers.get(HEADER) != b"1":
                return 403, "Only the page itself may change the store."
        return 200, ""

    def _admits(self, token: str) -> bool:
        if token in self._tickets:
            self._tickets.discard(token)
            return True
        return self._is_token(token)

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self.token.encode())


def _cookie(header: bytes, name: str) -> str:
    try:
        found = SimpleCookie(header.decode("latin-1")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _with_headers(send: Send) -> Send:
    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}
            more = [(name, value) for name, value in _HEADERS if name not in own]
            message["headers"] = [*message["headers"], *more]
        await send(message)

    return send_guarded


async def _answer(
    send: Send, status: int, text: str, extra: list[tuple[bytes, bytes]] | None = None
) -> None:
    body = text.encode() + b"\n"
    headers = [
        *_HEADERS,
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *(extra or ()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
