"""Whether a request to any host, known or not, speaks the protocol of a model."""

from __future__ import annotations

from cachy.lazy import lazy_pattern

# What nothing but a model is asked by.
_SURE = lazy_pattern(
    r"/chat/completions$|:(streamG|g)enerateContent$|:(streamR|r)awPredict$"
    r"|/model/[^/]+/(converse(-stream)?|invoke(-with-response-stream)?)$"
)
# What other APIs have, too: those that send text messages, or fill in forms.
_PERHAPS = lazy_pattern(
    r"/(completions?|responses|messages|embeddings|rerank|api/chat|api/generate|v2/chat|v1/chat)$"
)
_ASKS = (b'"messages"', b'"input"', b'"prompt"', b'"contents"', b'"query"', b'"message"')


def may_ask_model(method: str, path: str) -> bool:
    """Tell whether a request could be one to a model, by its path alone.

    >>> may_ask_model("POST", "/v1/chat/completions"), may_ask_model("POST", "/v1/users")
    (True, False)
    """
    return method == "POST" and (_SURE.search(path) or _PERHAPS.search(path)) is not None


def asks_model(path: str, body: bytes | None) -> bool:
    """Tell whether a POST is one to a model. Where its path does not prove it, its body must name a
    model and have something to say to it.

    >>> asks_model("/v1/messages", b'{"to": "447700900001", "text": "Hi"}')
    False
    >>> asks_model("/v1/messages", b'{"model": "m", "messages": []}')
    True
    """
    if _SURE.search(path):
        return True
    return bool(body and b'"model"' in body and any(word in body for word in _ASKS))
