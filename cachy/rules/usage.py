"""What a call is accounted by: its model and its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachy.lazy import lazy_pattern
from cachy.rules import protocols

if TYPE_CHECKING:
    from cachy.rules.verdict import Answer

MODEL_IN_PATH = lazy_pattern(r"/(models|model|deployments)/([^/:?]+(?:%3A\d+|:\d+)?)")
"""A model in a path, with the version that Amazon writes after it, and what stands before it."""


def model_of(url: str, outline_body: Any) -> str | None:
    """Return the model that a request names, in its body or in its path.

    >>> model_of("https://api.example.com/v1/models/gemini-2.0-flash:generateContent", {})
    'gemini-2.0-flash'
    """
    body = outline_body if isinstance(outline_body, dict) else {}
    if isinstance(model := body.get("model"), str) and model:
        return model
    if match := MODEL_IN_PATH.search(url):
        return match[2].replace("%3A", ":")
    names = (body.get(field) for field in protocols.known().model_fields if field in body)
    return next((name for name in names if isinstance(name, str)), None)


def usage_of(answer: Answer) -> dict[str, int] | None:
    """Return the tokens that an answer reports, as `{"input": n, "output": n}`; None if it reports
    none. In a stream the last report counts. Where the provider's prompt cache was used, there are
    `cache_read` and `cache_write`, too, which `input` includes."""
    if answer.kind is None and "json" not in answer.content_type:
        return None
    known = protocols.known()
    usage: dict[str, int] = {}
    for event in answer.events:
        for data in event.data if isinstance(event.data, list) else (event.data,):
            if isinstance(data, dict):
                usage.update(known.usage(data))
    cached = usage.get("cache_read", 0) + usage.get("cache_write", 0)
    if usage.get("input", cached) < cached:  # the last event of a stream told of the rest alone
        usage["input"] += cached
    return usage or None
