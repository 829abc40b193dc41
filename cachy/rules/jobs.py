"""Jobs that run in the background: one request starts them, others ask how far they are.

    POST /v1/videos       {"id": "video_1", "status": "queued"}        the start: kept
    GET  /v1/videos/…_1   {"id": "video_1", "status": "in_progress"}   a poll: not kept
    GET  /v1/videos/…_1   {"id": "video_1", "status": "completed"}     the last poll: kept

The start is kept although its job still goes on: without it no background job could be replayed
offline. It says so once and for all. A poll that says so is never kept, whatever its method: the
client would ask again, and get the same answer for ever. Replayed, the start gives the recorded id,
and the first poll is answered as the last one was: the job ends at once.

    state(data)             what an answer says of its job, in one spelling
    is_finished(data)       the job has ended well
    is_running(data, …)     the job goes on
    starts(asked, data, …)  the answer is that to the start of a job, and no poll

What tells a start from a poll: it is a POST, and the answer names a job, which the request does not
name yet. In doubt it is a poll.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cachy.lazy import lazy_pattern, urls
from cachy.rules import protocols

if TYPE_CHECKING:
    from collections.abc import Iterator

# ---- States, as the APIs that have them name them ----

FAILED = frozenset({"failed", "failure", "fail", "error", "cancelled", "canceled", "expired"})
"""The states of jobs that have ended, and give no answer."""

_FINISHED = frozenset(
    {
        *("completed", "complete", "succeeded", "succeed", "success", "successful", "done"),
        *("finished", "ready", "ended"),
        "incomplete",  # OpenAI: an answer that ended at its limit of tokens
    }
)
_RUNNING = lazy_pattern(
    r"not_?(yet_)?(ready|done|started|finished|running|completed?)|partially_completed?|still_\w+"
    r"|in_?(progress|queue)|running|pending|(en)?queued|queue?ing|waiting|processing|starting"
    r"|started|submitted|scheduled|initiali[sz]ing|preparing|validating|generating|executing"
    r"|rendering|finali[sz]ing|cancell?ing"
    r"|throttled|dreaming"  # Runway, Luma
)
_FIELDS = ("status", "state", "task_status", "processing_status")
_INNER = frozenset({"output", "data"})  # DashScope, Kling: a task within the answer
_LOOKED_AT = _INNER.union(_FIELDS)
_PREFIX = lazy_pattern(r"^((job|batch|operation|task|run|file)_)?(state|status)_")


def state(data: dict[str, Any]) -> str:
    """Return the state of a job in one spelling, an empty string where there is none.

    >>> state({"state": "JOB_STATE_RUNNING"}), state({"output": {"task_status": "SUCCEEDED"}})
    ('running', 'succeeded')
    """
    if _LOOKED_AT.isdisjoint(data):
        return ""
    said = next((data[name] for name in _FIELDS if isinstance(data.get(name), str)), None)
    for name in _INNER if said is None else ():
        inner = data.get(name)
        if isinstance(inner, dict) and isinstance(inner.get("task_status"), str):
            said = inner["task_status"]
    return "" if said is None else _PREFIX.sub("", re.sub(r"[ -]", "_", said.lower()))


def is_finished(data: Any) -> bool:
    """Return whether a job says that it has ended well; one that gives its answer has (xAI)."""
    if not isinstance(data, dict):
        return False
    if data.get("done") is True or state(data) in _FINISHED:
        return True
    finishes = list(protocols.known().finishes(data))
    return bool(finishes) and all(finish.reason for finish in finishes)


def is_running(data: Any, *, known: bool) -> bool:
    """Return whether a job says that it goes on.

    `known`: the host is known to be an LLM API. Elsewhere `done: false` means that only of an
    operation (google.longrunning): a list of things to do has it, too.
    """
    if not isinstance(data, dict):
        return False
    done = data.get("done")
    operation = "/" in (name := str(data.get("name"))) and "operations/" in name
    if done is False:
        return known or operation or "metadata" in data
    if operation and done is None and "response" not in data and "error" not in data:
        return True  # they leave `done` out until it is true
    return bool(_RUNNING.fullmatch(state(data)))


# ---- Polls, and the start of a job ----

_POST_POLL = lazy_pattern(r":fetchPredictOperation$|/operations/[^/]+:wait$|/get_result$")
_ASKING_PATH = lazy_pattern(
    r"[/:_-](get|fetch|poll|wait|check|query|status|progress|results?|retrieve)[\w-]*$"
)
_ASKING_FIELD = lazy_pattern(
    r'"((task|job|operation|prediction)_?ids?|operation_?names?)"[:,]\[?"?(?!null)\w', re.IGNORECASE
)
_NAMES = (
    *("id", "job_id", "task_id", "request_id", "prediction_id", "operation_id", "generation_id"),
    *("jobId", "taskId", "requestId", "uuid"),
)
LINKS = ("operation-location", "azure-asyncoperation", "location", "nvcf-reqid")
"""Response headers that name the job which a request has started."""


def is_poll(path: str) -> bool:
    """Return whether a POST to this path of a known host asks how far a job is."""
    return _POST_POLL.search(path) is not None


def starts(asked: bytes, data: Any, link: str = "") -> bool:
    """Return whether an answer is that to the start of a job.

    `asked` is the canonical request, `link` the value of one of the headers `LINKS` of the answer.

    >>> starts(b"POST https://a.example/videos\\n\\n{}", {"id": "video_1", "status": "queued"})
    True
    >>> starts(b"POST https://a.example/videos/video_1\\n\\n{}", {"id": "video_1"})
    False
    """
    method, _, rest = asked.partition(b" ")
    head, _, content = rest.partition(b"\n\n")
    url = urls.unquote(head.partition(b"\n")[0].decode("utf-8", "replace"))
    if method != b"POST" or _ASKING_PATH.search(url.partition("?")[0]):
        return False
    body = content.decode("utf-8", "replace")
    names = {*_job_names(data), *filter(None, [_last(link)])}
    return (
        bool(names)
        and not _ASKING_FIELD.search(body)
        and not any(_is_named(name, url, body) for name in names)
    )


def _job_names(data: Any) -> Iterator[str]:
    """The ids that an answer gives, of which one is that of its job."""
    if not isinstance(data, dict):
        return
    for place in (data, *(data.get(name) for name in _INNER)):
        if isinstance(place, dict):
            for name in _NAMES:
                if isinstance(value := place.get(name), str | int) and str(value):
                    yield _last(str(value))
    if "/" in (operation := str(data.get("name"))):
        yield _last(operation)


def _last(name: str) -> str:
    """The last part of the path of a resource."""
    return name.partition("?")[0].rstrip("/").rpartition("/")[2]


def _is_named(name: str, url: str, body: str) -> bool:
    if name in re.split(r"[/:?&=]", url):
        return True
    # A short one may stand in a body as anything: a number of pictures, for example.
    before = r"(?<![\w-])" if len(name) > 3 else r'(id|name)"[:,]"?([^"]*/)?'
    return re.search(rf"{before}{re.escape(name)}(?![\w-])", body, re.IGNORECASE) is not None
