"""Stands in for the providers: a real HTTPS server that clients reach at the usual addresses.

with Standin() as standin, standin.reach():
    OpenAI(api_key="any").models.list()
    assert standin.calls[0].path == "/v1/models"
"""

from standin.behaviour import (
    Behaviour,
    empty,
    error,
    error_event,
    error_object,
    failure,
    redirect,
)
from standin.reach import NetworkReachedError
from standin.server import Standin
from standin.wire import (
    Answer,
    Call,
    Event,
    Provider,
    json_answer,
    ndjson,
    sse,
    stream_answer,
)

__all__ = [
    "Answer",
    "Behaviour",
    "Call",
    "Event",
    "NetworkReachedError",
    "Provider",
    "Standin",
    "empty",
    "error",
    "error_event",
    "error_object",
    "failure",
    "json_answer",
    "ndjson",
    "redirect",
    "sse",
    "stream_answer",
]
