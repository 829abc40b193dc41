"""How an answer ended, which model gave it, and whether it refuses: what a reviewer asks first.

All of it is read from decoded JSON of unknown origin: each function accepts any value, and none
raises.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cachy.lazy import lazy_pattern
from cachy.rules import protocols
from cachy.rules.content import as_dict, as_dicts, as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_REFUSALS = frozenset(
    {
        "refusal",  # Anthropic
        "content_filter",  # OpenAI, Azure, Mistral
        "content_filtered",  # Bedrock
        "guardrail_intervened",
        "error_toxic",  # Cohere
        *("safety", "image_safety", "blocklist", "prohibited_content", "spii"),  # Gemini
    }
)
_IN_WORDS = lazy_pattern(
    r"\W*(?:(?:I['’]?m sorry|I am sorry|Sorry|I apologi[sz]e)\b[^.!?\n]{0,40}"
    r"\b(?:can['’]t|cannot|can not|unable|not able|won['’]t)\b"
    r"|I(?: can['’]t| cannot| can not|['’]?m unable to| am unable to|['’]?m not able to| won['’]t)"
    r"[^.!?\n]{0,60}\b(?:help|assist|comply|provide|fulfil|support|do that|share|create|discuss))",
    re.IGNORECASE,
)


def model_of_answer(events: Iterable[Any]) -> str:
    """Return the model that an answer says it is from; empty if it names none."""
    for event in events:
        data = as_dict(event)
        for place in (data, as_dict(data.get("message")), as_dict(data.get("response"))):
            if name := as_text(place.get("model")) or as_text(place.get("modelVersion")):
                return name
    return ""


def endings(events: Iterable[Any]) -> list[str]:
    """Return why an answer's choices ended, in lower case, each reason once."""
    known = protocols.known()
    found: dict[str, None] = {}
    for event in events:
        data = as_dict(event)
        reasons = [finish.reason for finish in known.finishes(data)]
        for reason in (*reasons, *_reasons(data)):
            if reason:
                found[reason.lower()] = None
    return list(found)


def _reasons(data: dict[str, Any]) -> Iterator[str]:
    """Where the verdict on an answer does not need to look."""
    for place in (data, as_dict(data.get("delta")), as_dict(data.get("messageStop"))):
        yield as_text(place.get("stop_reason")) or as_text(place.get("stopReason"))
    for place in (data, as_dict(data.get("response"))):
        yield as_text(as_dict(place.get("incomplete_details")).get("reason"))
    yield as_text(data.get("done_reason"))


def refuses(events: Iterable[Any], text: str) -> bool:
    """Return whether an answer, whose text this is, refuses: by a field of its protocol, or by the
    words that it begins with."""
    events = list(events)
    if not _REFUSALS.isdisjoint(endings(events)):
        return True
    if any(_says_so(as_dict(event)) for event in events):
        return True
    return _IN_WORDS.match(text[:300]) is not None


def _says_so(data: dict[str, Any]) -> bool:
    if as_dict(data.get("promptFeedback")).get("blockReason"):
        return True
    for choice in as_dicts(data.get("choices")):
        if as_dict(choice.get("delta") or choice.get("message")).get("refusal"):
            return True
    for place in (data, as_dict(data.get("response"))):
        for item in as_dicts(place.get("output")):
            if any(part.get("type") == "refusal" for part in as_dicts(item.get("content"))):
                return True
    return False
