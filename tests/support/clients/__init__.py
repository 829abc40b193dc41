"""Every client that is patched, behind one vocabulary: the rows of the battery in
tests/patch/test_clients.py. A new client is one more file here, and one more row."""

from __future__ import annotations

from clients.base import CHAT, HELLO, PLAIN, STREAM, Client, Seen, json_body
from clients.over_aiohttp import Aiohttp
from clients.over_httpx import Httpx, Httpx2, HttpxAsync
from clients.over_requests import Requests
from clients.over_urllib import Urllib
from clients.over_urllib3 import Urllib3

CLIENTS: tuple[type[Client], ...] = (Httpx, HttpxAsync, Httpx2, Requests, Urllib3, Urllib, Aiohttp)

__all__ = ["CHAT", "CLIENTS", "HELLO", "PLAIN", "STREAM", "Client", "Seen", "json_body"]
