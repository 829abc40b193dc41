"""Which answers are worth keeping, and what they say of themselves.

    flaw(answer)         why an answer, now complete, is not one to replay for ever; None if it is
    Watch                notices the end of a stream while it passes
    kept_headers, model_of, usage_of, stream_kind

The one rule: in doubt it is not kept. A call too many costs money once; a wrong answer in a store
costs trust. Nothing here does any IO.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.lazy import lazy_pattern, orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEPT_HEADERS = re.compile(
    r"content-(type|language|disposition|length)|date|location|operation-location|link|retry-after"
    r"|(x-)?request-id|x-amzn-requestid|apim-request-id|x-ms-request-id|mistral-correlation-id"
    r"|x-amzn-bedrock-[a-z-]+|openai-(model|version|processing-ms)|x-model-id"
    r"|(x|anthropic)-ratelimit-[a-z0-9-]+|x-compute-[a-z-]+|x-generation-id"
)
"""The response headers that are kept. Nothing that names an account, and nothing that is secret."""

_NEVER_KEPT = lazy_pattern(
    r".*(cookie|authorization|authenticate|api-?key|(^|-)key$|secret|token$|signature|credential"
    r"|organi[sz]ation|project|account|workspace|tenant).*"
    r"|(content|transfer)-encoding"  # the body is decoded
)

REPEATABLE_ERRORS = frozenset({400, 404, 405, 410, 413, 415, 422})
"""With `errors=True` these are kept too: the same request would fail in the same way tomorrow."""


def kept_headers(
    headers: Sequence[tuple[str, str]], extra: frozenset[str] = frozenset(), encoded: bool = False
) -> list[tuple[str, str]]:
    """The response headers that a client sees, on a miss as on every hit after it.

    `extra` are the names that the user asked for; `encoded` says that the body came with a content
    encoding, whose length is not that of the body that clients read.
    """
    kept = []
    for name, value in headers:
        lower = name.lower()
        if KEPT_HEADERS.fullmatch(lower) or lower in extra:
            if _NEVER_KEPT.fullmatch(lower) or (encoded and lower == "content-length"):
                continue
            kept.append((lower, value))
    return kept


class Answer(NamedTuple):
    """A response as far as it was read. `ended` says that its end was reached."""

    status: int
    content_type: str
    body: bytes
    ended: bool


def candidate(status: int, *, errors: bool = False) -> bool:
    """Whether a response of this status may turn out worth keeping."""
    whole = 200 <= status < 300 and status != 206  # Partial Content: who knows which part
    return whole or (errors and status in REPEATABLE_ERRORS)


_GET_OF_SOMETHING_ELSE = "of GETs, only lists of models and polls that have ended are kept"


def flaw(
    answer: Answer, *, poll: bool = False, known: bool = True, get: bool = False
) -> str | None:
    """Why an answer is not worth keeping, in a few words; None if it is.

    `poll` says that only the end of a poll is worth keeping, `known` that the host is known to be
    an API, `get` that the request was a GET.
    """
    kind = stream_kind(answer.content_type, answer.body)
    if answer.status >= 400:
        return None if answer.ended else "it was cut or left before its end"
    if kind:
        return _STREAMS[kind](answer)
    if not answer.ended:
        return "it was cut or left before its end"
    if known and "html" in answer.content_type.lower():
        return "it is a web page: no API, but something on the way to it answered"
    if "json" in answer.content_type.lower() and answer.status not in _BODILESS:
        return _flaw_of_json(answer, poll, get)
    return _GET_OF_SOMETHING_ELSE if poll else None


_BODILESS = (204, 205)


def _flaw_of_json(answer: Answer, poll: bool, get: bool) -> str | None:
    if not answer.body.strip():
        return "it is empty, and says that it is JSON"
    try:
        data = orjson.loads(answer.body)
    except ValueError:
        return _unreadable(answer.body)
    if data is None or (isinstance(data, dict) and not data.get("choices", True)):
        return "it holds no answer"
    if is_error(data):
        return "it carries an error"
    if poll and not _poll_ended(data):
        return _GET_OF_SOMETHING_ELSE
    if get and (answer.status == 202 or _poll_goes_on(data)):
        return "it is a poll of what still goes on"
    return None


_NDJSON = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/stream+json",
)


def stream_kind(content_type: str, body: bytes = b"") -> str | None:
    """`sse`, `ndjson`, `json-array`, `aws-eventstream`, or None for a body in one piece."""
    kind = content_type.partition(";")[0].strip().lower()
    # Some servers call their event streams JSON, and some proxies call them nothing.
    if kind == "text/event-stream":
        return "sse"
    if body.startswith((b"data:", b"event:")) and (
        not kind.startswith("text/") or b"data:" in body
    ):
        return "sse"
    if kind in _NDJSON:
        return "ndjson"
    if kind == "application/vnd.amazon.eventstream" or (not kind and b":event-type" in body[:64]):
        return "aws-eventstream"
    # Gemini streams a JSON array of chunks where `alt=sse` is not asked for.
    if kind == "application/json" and body[:1] == b"[" and b'"candidates"' in body:
        return "json-array"
    return None


def is_error(data: Any) -> bool:
    """Whether a decoded JSON body, or one event of a stream, says that the call failed."""
    if isinstance(data, list):
        return any(isinstance(item, dict) and is_error(item) for item in data)
    if not isinstance(data, dict):
        return False
    if data.get("error") or data.get("type") in ("error", "response.failed"):
        return True
    # The polls of OpenAI's responses and of operations that ended badly.
    if _state(data) in _ENDED_BADLY:
        return True
    if data.get("success") is False:  # Cloudflare
        return True
    base = data.get("base_resp")  # MiniMax
    if isinstance(base, dict) and base.get("status_code"):
        return True
    choices = data.get("choices")
    # OpenRouter tells it in a choice, Cohere at the top or in the last event's delta or response.
    for place in (data, data.get("delta"), data.get("response"), *_dicts(choices)):
        if isinstance(place, dict) and str(place.get("finish_reason")).lower() in _BAD_FINISHES:
            return True
    return any(choice.get("error") for choice in _dicts(choices))


def _dicts(data: Any) -> list[dict[str, Any]]:
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


# Why a model stopped, where that was no end of its own.
_BAD_FINISHES = frozenset(
    {
        "error",  # OpenRouter, Mistral, Cohere
        "error_toxic",
        "error_limit",
        "timeout",
        "user_cancel",
        "insufficient_system_resource",  # DeepSeek
        "network_error",  # Z.ai
        "abort",  # vLLM, SGLang
    }
)
# The states of a job, in the words of the APIs that have them.
_ENDED_WELL = frozenset(
    {"completed", "complete", "succeeded", "success", "successful", "done", "finished", "ready"}
)
_ENDED_BADLY = frozenset({"failed", "failure", "error", "cancelled", "canceled", "expired"})
_GOES_ON = lazy_pattern(
    r"not_(yet_)?(ready|done|started|finished|completed?)|partially_completed?|still_\w+"
    r"|in_?(progress|queue)|running|pending|(en)?queued|waiting|processing|starting|started"
    r"|submitted|scheduled|initiali[sz]ing|preparing|validating|generating|executing"
    r"|finali[sz]ing|cancell?ing"
)
_STATE_PREFIX = lazy_pattern(r"^((job|batch|operation|task|run|file)_)?(state|status)_")


def _state(data: dict[str, Any]) -> str:
    """What a job says of itself, in one spelling: `JOB_STATE_RUNNING` is `running`."""
    told = data.get("status", data.get("state"))
    if not isinstance(told, str):
        return ""
    return _STATE_PREFIX.sub("", re.sub(r"[ -]", "_", told.lower()))


def _poll_ended(data: Any) -> bool:
    return isinstance(data, dict) and (data.get("done") is True or _state(data) in _ENDED_WELL)


def _poll_goes_on(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    return data.get("done") is False or bool(_GOES_ON.fullmatch(_state(data)))


def _unreadable(body: bytes) -> str | None:
    """The verdict on JSON that orjson refuses: NaN is Python's own and common; a cut is neither."""
    import json

    try:
        json.loads(body)
    except ValueError:
        return "its JSON is broken: it was cut on the way"
    return None


_CUT = "the stream was cut or left before its end"
_FAILED = "the stream carries an error event"
_SILENT = "the stream holds no event that says something"
_LINE = lazy_pattern(rb"\r\n|\r|\n")
_EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")


def sse_data(body: bytes) -> Iterator[bytes]:
    """The data of each event of an event stream that has any (WHATWG HTML, 9.2.6)."""
    data: list[bytes] = []
    for line in _LINE.split(body):
        if not line and data:
            yield b"\n".join(data)
            data = []
        elif line.startswith(b"data:"):
            data.append(line[6:] if line[5:6] == b" " else line[5:])
    if data:
        yield b"\n".join(data)


def _loads(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except ValueError:
        return None


_LAST_EVENTS = frozenset(
    {
        "message_stop",  # Anthropic
        "message-end",  # Cohere
        "stream-end",  # Cohere v1
        "response.completed",  # OpenAI responses
        "response.incomplete",
        "response.done",
        "transcript.text.done",  # OpenAI audio
        "speech.audio.done",
        "image_generation.completed",
        "image_edit.completed",
        "interaction.completed",  # Gemini interactions
        "interaction.complete",
    }
)
# Events of protocols that have a last one.
_OF_A_PROTOCOL = lazy_pattern(
    r"(response|transcript|speech|image_generation|image_edit|interaction)\."  # OpenAI, Gemini
    r"|(message|content_block)_"  # Anthropic
    r"|(message|content)-|stream-start$"  # Cohere
)
_PINGS = ("ping", "keepalive", "keep-alive", "heartbeat")


def _events(answer: Answer, events: Iterator[Any], *, done: bool = False) -> str | None:
    """The verdict on a stream of decoded events; `done` says that `[DONE]` came last.

    A stream that speaks a protocol with a last event, or with a finish reason for each choice, must
    have had it. One that speaks neither is whole if its end was reached.
    """
    over = protocol = usage_due = promised = False
    silent = True
    choices: dict[str, bool] = {}  # index -> finished
    for event in events:
        if not isinstance(event, dict):
            silent = False
            continue
        if is_error(event):
            return _FAILED
        kind = str(event.get("type") or event.get("event_type"))
        silent = silent and (not event or kind in _PINGS)
        over = over or kind in _LAST_EVENTS or event.get("done") is True
        protocol = protocol or bool(_OF_A_PROTOCOL.match(kind))
        for choice in _dicts(event.get("choices") or event.get("candidates")):
            promised = promised or "finish_reason" in choice  # Snowflake never tells it
            ends = choice.get("finish_reason") or choice.get("finishReason")
            index = str(choice.get("index", 0))
            choices[index] = choices.get(index, False) or bool(ends)
        if "usage" in event and event.get("object") == "chat.completion.chunk":
            usage_due = not event["usage"]  # null in each chunk: the numbers come last
    if silent:
        return _SILENT if answer.ended or done else _CUT
    over = over or (done and (any(choices.values()) or not (promised or protocol)))
    finished = bool(choices) and all(choices.values())
    if over or (answer.ended and (finished or not (choices or protocol))):
        return None
    return None if finished and not usage_due else _CUT


def _sse(answer: Answer) -> str | None:
    if b"event: error" in answer.body or b"event:error" in answer.body:
        names = [line[6:].strip() for line in _LINE.split(answer.body) if line[:6] == b"event:"]
        if b"error" in names:
            return _FAILED
    if not answer.ended and not answer.body.endswith(_EVENT_ENDS):
        return _CUT  # left in the middle of an event
    pieces = [piece for piece in map(bytes.strip, sse_data(answer.body)) if piece]
    done = bool(pieces) and pieces[-1] == b"[DONE]"
    return _events(answer, map(_loads, pieces[:-1] if done else pieces), done=done)


def _ndjson(answer: Answer) -> str | None:
    lines = [line for line in _LINE.split(answer.body) if line.strip()]
    if lines and _loads(lines[-1]) is None:
        return _CUT
    events = [_loads(line) for line in lines]
    last = events[-1] if events and isinstance(events[-1], dict) else {}
    if answer.ended and (last.get("done") is False or last.get("is_finished") is False):
        return _CUT  # Ollama and Cohere say so in every line
    return _events(answer, iter(events))


def _json_array(answer: Answer) -> str | None:
    events = _loads(answer.body)
    return _events(answer, iter(events)) if isinstance(events, list) else _CUT


def _aws_eventstream(answer: Answer) -> str | None:
    """Amazon's binary frames: total length, header length, checksum, headers, payload, checksum."""
    body, at, opened, over = answer.body, 0, False, False
    while at + 16 <= len(body):
        length = int.from_bytes(body[at : at + 4], "big")
        if length < 16 or at + length > len(body):
            return _CUT
        headers = body[at + 12 : at + 12 + int.from_bytes(body[at + 4 : at + 8], "big")]
        if b"exception" in headers or b":error-code" in headers:
            return _FAILED
        opened = opened or b"messageStart" in headers
        over = over or b"messageStop" in headers
        at += length
    if at != len(body):
        return _CUT
    if answer.ended and not body:
        return _SILENT
    return None if over or (answer.ended and not opened) else _CUT


_STREAMS = {
    "sse": _sse,
    "ndjson": _ndjson,
    "json-array": _json_array,
    "aws-eventstream": _aws_eventstream,
}


class Watch:
    """Looks for the end of a stream in its pieces as they pass, for the price of a few searches.

    Some clients (litellm) leave a stream without closing it, so its end must be noticed on the way.
    """

    _LAST = (b"[DONE]", b'"done":true', *(kind.encode() for kind in sorted(_LAST_EVENTS)))
    # Anthropic tells the stop reason in the last event but one; litellm reads no further.
    _LAST_BUT_ONE = re.compile(rb'"message_delta".*"stop_reason":\s*"', re.DOTALL)

    def __init__(self) -> None:
        self._event = b""  # what came since the end of the last event

    def see(self, piece: bytes) -> str:
        """`last` if the stream may be over now, `last but one`, or an empty string."""
        seen = self._event + piece
        if not seen.endswith((*_EVENT_ENDS, b"}\n")):
            # Long events (whole answers, images) come in many pieces: keep only what can matter.
            if len(seen) > 65536:
                seen = seen[:4096] + seen[-4096:]
            self._event = seen
            return ""
        self._event = b""
        if any(mark in seen for mark in self._LAST):
            return "last"
        return "last but one" if self._LAST_BUT_ONE.search(seen) else ""


# ---- What an answer says of itself ----

_MODEL_IN_PATH = lazy_pattern(r"/(?:models|model|deployments)/([^/:?]+(?:%3A\d+|:\d+)?)")


def model_of(url: str, outline_body: Any) -> str | None:
    """The model that a request names, in its body or its path."""
    if isinstance(outline_body, dict):
        model = outline_body.get("model") or outline_body.get("modelId")
        if isinstance(model, str):
            return model
    if found := _MODEL_IN_PATH.search(url):
        return found[1].replace("%3A", ":")
    return None


def usage_of(answer: Answer) -> dict[str, int] | None:
    """Tokens as `{"input": n, "output": n}`, where the answer tells."""
    kind = stream_kind(answer.content_type, answer.body)
    if kind == "sse":
        events: Iterator[Any] = map(_loads, sse_data(answer.body))
    elif kind == "ndjson":
        events = map(_loads, answer.body.splitlines())
    elif "json" in answer.content_type:
        data = _loads(answer.body)
        events = iter(data if isinstance(data, list) else [data])
    else:
        return None
    usage: dict[str, int] = {}
    for event in events:
        if not isinstance(event, dict):
            continue
        # Anthropic and OpenAI responses wrap it; Ollama has it at the top.
        for place in (event, event.get("message"), event.get("response"), event.get("delta")):
            if isinstance(place, dict):
                _add_usage(usage, place)
    return usage or None


_USAGE = {
    "input": ("input_tokens", "prompt_tokens", "promptTokenCount", "inputTokens"),
    "output": ("output_tokens", "completion_tokens", "candidatesTokenCount", "outputTokens"),
}


def _add_usage(usage: dict[str, int], place: dict[str, Any]) -> None:
    told = place.get("usage") or place.get("usageMetadata") or place.get("usage_metadata")
    if isinstance(told, dict) and isinstance(told.get("tokens"), dict):
        told = told["tokens"]  # Cohere
    if isinstance(told, dict):
        for name, spellings in _USAGE.items():
            for spelling in spellings:
                if isinstance(count := told.get(spelling), int | float):
                    usage[name] = int(count)
    for name, spelling in (("input", "prompt_eval_count"), ("output", "eval_count")):
        if isinstance(count := place.get(spelling), int):
            usage[name] = count
