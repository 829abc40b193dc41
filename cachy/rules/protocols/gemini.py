"""Google's Gemini: `generateContent` and interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.rules.content import Piece, as_dict, as_dicts, as_text, call_text, text_of
from cachy.rules.protocols import Finish, Protocol, Tokens, finish, is_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.protocols import Data


_BARE = frozenset({"usageMetadata", "modelVersion", "responseId", "createTime", "promptFeedback"})


def empty(data: Data) -> bool:
    """A prompt blocked for a reason is an answer; no candidate and no reason is a failure, and so
    is a candidate that stopped by itself and says nothing."""
    if candidates := as_dicts(data.get("candidates")):
        return all(map(_is_silent, candidates))
    if blocked := as_dict(data.get("promptFeedback")).get("blockReason"):
        return blocked in ("OTHER", 2)
    return "usageMetadata" in data and data.keys() <= _BARE


def _is_silent(candidate: Data) -> bool:
    content = candidate.get("content")
    silent = isinstance(content, dict) and content.keys() <= {"role"}
    return silent and candidate.get("finishReason") in ("STOP", 1)


def finishes(data: Data) -> Iterator[Finish]:
    return map(_finish, as_dicts(data.get("candidates")))


def _finish(candidate: Data) -> Finish:
    """A reason may be a number, and the first one says that there is none yet."""
    if candidate.get("finishReason") in (0, "FINISH_REASON_UNSPECIFIED"):
        return Finish(str(candidate.get("index", 0)), "", True)
    return finish(candidate)


def usage(data: Data) -> Tokens:
    """What was thought is generated, too, and what tools returned is read. In interactions the
    names are others, and the last event has them inside its interaction."""
    for place in (data, as_dict(data.get("response")), as_dict(data.get("interaction"))):
        if counts := as_dict(place.get("usageMetadata") or place.get("usage_metadata")):
            return Tokens(
                _sum(counts, "promptTokenCount", "toolUsePromptTokenCount"),
                _sum(counts, "candidatesTokenCount", "thoughtsTokenCount"),
                counts.get("cachedContentTokenCount"),
            )
        counts = as_dict(place.get("usage"))
        if "total_input_tokens" in counts:
            return Tokens(
                counts["total_input_tokens"],
                _sum(counts, "total_output_tokens", "total_thought_tokens"),
                counts.get("total_cached_tokens"),
            )
    return Tokens(None, None)


def _sum(counts: Data, *names: str) -> int | None:
    present = [counts[name] for name in names if is_count(counts.get(name))]
    return sum(present) if present else None


def pieces(data: Data) -> Iterator[Piece]:
    for candidate in as_dicts(data.get("candidates")):
        index = candidate.get("index", 0)
        for part in as_dicts(as_dict(candidate.get("content")).get("parts")):
            if call := as_dict(part.get("functionCall")):
                yield Piece(None, "tool call", call_text(call.get("name"), call.get("args")))
            elif "text" in part:
                kind = "thinking" if part.get("thought") else "assistant"
                yield Piece(index, kind, as_text(part["text"]))
            else:
                yield Piece(index, "assistant", text_of(part))


PROTOCOL = Protocol(
    last_events=frozenset({"interaction.completed", "interaction.complete"}),
    event_prefixes=("interaction.",),
    index_fields=("index",),
    empty=empty,
    finishes=finishes,
    bad_finishes=frozenset(
        {
            *("malformed_function_call", "malformed_response", "unexpected_tool_call"),
            *("too_many_tool_calls", "missing_thought_signature"),
            *("other", "image_other", "no_image"),
            # `$alt=json;enum-encoding=int`: other, and what is malformed or another of these at
            # Google AI or Vertex AI, which number them differently from 9 on.
            *("5", "9", "10", "12", "13"),
        }
    ),
    usage=usage,
    pieces=pieces,
    system_fields=("systemInstruction", "system_instruction"),
    turn_fields=("contents",),
    prompt_fields=("content",),
)
