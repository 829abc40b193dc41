"""The request that missed, and the parts of a URL by which requests are compared."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from cachy.rules.key import redacted_url
from cachy.rules.outline import Outline, outline
from cachy.rules.usage import MODEL_IN_PATH, model_of


class MissedRequest(NamedTuple):
    """A request without a recording. `outline` is short, as in a head; `full` has whole texts."""

    method: str
    url: str
    outline: Outline
    full: Outline

    @classmethod
    def from_canonical(cls, canonical: bytes) -> MissedRequest:
        """Read a canonical request."""
        method, _, url = canonical.partition(b"\n")[0].decode().partition(" ")
        url = redacted_url(url)  # as it is stored
        return cls(method, url, outline(canonical), outline(canonical, full=True))

    @classmethod
    def from_head(cls, head: dict[str, Any]) -> MissedRequest:
        """Read the head of a recording, which was made because the request had missed before."""
        outline = head.get("request", {})
        return cls(head.get("method", ""), head.get("url", ""), outline, outline)


class Address(NamedTuple):
    """The parts of a URL. `endpoint` is the path with `*` for the model; `action` its last part,
    which is the same behind another gateway."""

    scheme: str
    host: str
    path: str
    endpoint: str
    action: str
    model: str | None
    query: dict[str, str]

    @classmethod
    def from_url(cls, url: str) -> Address:
        """Split a URL."""
        parts = urlsplit(url)
        endpoint = MODEL_IN_PATH.sub(r"/\1/*", parts.path)
        action = endpoint.rpartition("/")[2]
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        model = model_of(parts.path, None)
        return cls(parts.scheme, parts.netloc, parts.path, endpoint, action, model, query)

    @property
    def fields(self) -> dict[str, Any]:
        """What may differ between requests to one endpoint."""
        return {"model": self.model, "query": self.query}
