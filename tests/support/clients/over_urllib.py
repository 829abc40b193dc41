"""urllib.request: an opener. Its errors are responses, too."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from clients.base import CHAT, JSON, Client, Response, until_empty


class _Redirects(HTTPRedirectHandler):
    """Follow a POST with a POST, as the other clients do."""

    http_error_308 = HTTPRedirectHandler.http_error_302  # which Python 3.10 does not have

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        if code in (307, 308):
            return Request(newurl, req.data, dict(req.header_items()), method=req.get_method())
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Urllib(Client):
    name = "urllib"
    ways = ("read", "read1", "readinto", "lines", "readline")
    errors = (OSError, http.client.HTTPException)
    encodings = ()
    reads_whole = False

    def send(
        self,
        url: str = CHAT,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        method: str = "POST",
        timeout: float = 10,
        proxy: str | None = None,
    ) -> Response:
        proxies = ProxyHandler({"http": proxy, "https": proxy} if proxy else {})
        request = Request(url, body, headers or {}, method=method)
        try:
            return build_opener(_Redirects, proxies).open(request, timeout=timeout)
        except HTTPError as error:
            return error

    def open(self, url: str = CHAT, body: Any = None, *, timeout: float = 10) -> Response:
        return self.send(url, body, JSON, timeout=timeout)

    def read(self, response: Response) -> bytes:
        with response:
            return bytes(response.read())

    def pieces(self, response: Response, way: str) -> Iterator[bytes]:
        if way == "lines":
            yield from response
        elif way == "readinto":
            buffer = bytearray(1)
            while count := response.readinto(buffer):
                yield bytes(buffer[:count])
        else:
            reads = {
                "read": lambda: response.read(1),
                "read1": lambda: response.read1(512),
                "readline": response.readline,
            }
            yield from until_empty(reads[way])
        response.close()

    def look(self, response: Response) -> tuple[int, str, str, str, list[tuple[str, str]]]:
        pairs = [(name.lower(), value) for name, value in response.info().items()]
        version = "HTTP/1.1"  # an HTTPError does not tell
        return response.status, response.reason, version, response.geturl(), pairs
