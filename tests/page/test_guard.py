"""Who may ask the server, over real sockets."""

from __future__ import annotations

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import shown
from many import add, make_entry
from serving import Serve
from stores import NOW


class Visitor:
    """Sends requests as they are given, whatever they say of their host."""

    def __init__(self, address: str) -> None:
        self.address = address
        parts = urlsplit(address)
        self.port = parts.port or 0
        self.host = f"127.0.0.1:{self.port}"
        self.token = parts.query.removeprefix("token=")
        self.cookie = f"cachy-{self.port}={self.token}"

    def ask(
        self, path: str, method: str = "GET", body: str = "", **headers: str
    ) -> tuple[int, str]:
        """Return the status and the text of an answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body or None, {"host": self.host, **named})
            response = connection.getresponse()
            self.headers = {name.lower(): value for name, value in response.getheaders()}
            return response.status, response.read().decode()
        finally:
            connection.close()


@pytest.fixture
def visitor(root: Path, serve: Serve) -> Visitor:
    """Of the page of a store with one entry."""
    add(root, make_entry(1), NOW)
    return Visitor(serve(root).address)


def test_the_token_becomes_a_cookie(visitor: Visitor) -> None:
    with httpx.Client(trust_env=False) as client:
        first = client.get(visitor.address)
        assert (first.status_code, first.headers["location"]) == (303, "/")
        cookie = first.headers["set-cookie"]
        assert cookie.startswith(f"cachy-{visitor.port}={visitor.token};")
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        page = client.get(f"http://{visitor.host}/")
        assert "<title>cachy</title>" in page.text
        assert client.get(f"http://{visitor.host}/api/status").json()["problem"] == ""


def test_without_the_token_nothing_is_told(visitor: Visitor) -> None:
    for path in ("/", "/page.js", "/api/rows", "/?token=wrong", "/?token=", "/media/x/0"):
        status, text = visitor.ask(path)
        assert (status, "cachy ui" in text) == (403, True), path
    assert visitor.ask("/", cookie=f"cachy-1={visitor.token}")[0] == 403
    assert visitor.ask("/", cookie="cachy; ; =;;\x01")[0] == 403
    assert visitor.ask(f"/api/rows?token={visitor.token}")[0] == 403
    assert visitor.ask("/api/rows", cookie=visitor.cookie)[0] == 200


def test_a_ticket_is_good_for_one_visit(root: Path, serve: Serve) -> None:
    page = serve(root)
    visitor = Visitor(page.address)
    path = page.once.partition(visitor.host)[2]
    assert visitor.token not in path
    assert visitor.ask(path)[0] == 303
    assert visitor.headers["set-cookie"].startswith(visitor.cookie)
    assert visitor.ask(path)[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost.evil.example:80", ""])
def test_another_host_is_not_answered(visitor: Visitor, host: str) -> None:
    """As after DNS rebinding, where the browser thinks that it asks another site."""
    status, text = visitor.ask(f"/?token={visitor.token}", cookie=visitor.cookie, host=host)
    assert status == 421
    assert visitor.token not in text


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_is_not_answered(visitor: Visitor, site: str) -> None:
    """same-site is another port of this machine."""
    headers = {"cookie": visitor.cookie, "sec-fetch-site": site}
    assert visitor.ask("/api/rows", **headers)[0] == 403
    assert visitor.ask(f"/?token={visitor.token}", **headers)[0] == 403
    assert visitor.ask("/", cookie=visitor.cookie, sec_fetch_site="none")[0] == 200


def test_only_the_page_changes_the_store(visitor: Visitor, root: Path) -> None:
    (path,) = root.glob("??/*.entry")
    body = f'{{"names": ["{path.stem}"]}}'
    good = {
        "cookie": visitor.cookie,
        "origin": f"http://{visitor.host}",
        "x_cachy": "1",
        "sec_fetch_site": "same-origin",
    }
    for name, value in (("origin", "http://evil.example"), ("x_cachy", "0"), ("cookie", "x=1")):
        assert visitor.ask("/api/forget", "POST", body, **{**good, name: value})[0] == 403
    for name in ("origin", "x_cachy"):
        rest = {other: value for other, value in good.items() if other != name}
        assert visitor.ask("/api/forget", "POST", body, **rest)[0] == 403
    assert visitor.ask("/api/forget", "GET", **good)[0] == 404
    assert visitor.ask("/api/forget", "DELETE", **good)[0] == 405
    assert path.exists()
    assert visitor.ask("/api/forget", "POST", body, **good)[0] == 200
    assert not path.exists()


def test_every_answer_has_its_headers(visitor: Visitor) -> None:
    for path, cookie in (("/", visitor.cookie), ("/api/status", visitor.cookie), ("/", "")):
        visitor.ask(path, cookie=cookie)
        assert visitor.headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in visitor.headers["content-security-policy"]
        assert visitor.headers["x-content-type-options"] == "nosniff"
        assert visitor.headers["cache-control"] == "no-store"
        assert visitor.headers["referrer-policy"] == "no-referrer"
        assert "server" not in visitor.headers


def test_images_are_served_in_a_sandbox(root: Path, serve: Serve) -> None:
    path = add(root, shown.picture(), NOW)
    visitor = Visitor(serve(root).address)
    status, _ = visitor.ask(f"/media/{path.stem}/1", cookie=visitor.cookie)
    assert status == 404
    connection = http.client.HTTPConnection("127.0.0.1", visitor.port, timeout=10)
    connection.request("GET", f"/media/{path.stem}/0", headers={"cookie": visitor.cookie})
    response = connection.getresponse()
    assert response.read().startswith(b"\x89PNG")
    assert response.getheader("content-type") == "image/png"
    assert "sandbox" in (response.getheader("content-security-policy") or "")
    connection.close()
