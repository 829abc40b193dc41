"""What an SDK's user sees of a miss.

A miss is raised, and `except cachy.CacheMiss` works, unless the SDK takes every exception for a
lost connection: then it would retry, with pauses, and end in "Connection error.". Those SDKs are
made by Stainless, say so in their requests, and obey `x-should-retry`: they get a response with
the text of the miss as its error, and raise that at once. In November 2026:

    httpx, httpx2            raised    CacheMiss
    requests, urllib3        raised    CacheMiss, above all retries. It is none of their exceptions,
                                       nor an OSError: those are taken for the network's fault
    urllib.request           raised    CacheMiss; neither URLError nor OSError, likewise
    aiohttp 3                raised    CacheMiss, through its middlewares. It is no ClientError:
                                       those are taken for the network's fault, and retried
    boto3 1, aiobotocore 3   raised    CacheMiss, taken out of its HTTPClientError; not retried
    dspy 3.4, its transport  raised    CacheMiss
    google-genai 3           raised    CacheMiss; it retries its own and transient network errors
    mistralai 3              raised    CacheMiss; likewise
    cohere 7                 raised    CacheMiss; likewise
    ollama 0.6               raised    CacheMiss; retries nothing
    huggingface_hub 1, 2     raised    CacheMiss; likewise
    litellm 1                raised    its BadRequestError, APIError or InternalServerError, all
                                       with the text, by the miss's status_code; through the
                                       openai SDK for some providers: then as there
    openai 2                 response  APIStatusError with the text; retries any exception
    openai 3                 response  the same; 3.0 retries any exception, 3.54 only transient
                                       network errors; shows of an error only `error.message`
    anthropic 2              response  the same as openai 2
    groq 1                   response  the same as openai 2

Where plain text is shown as it is, JSON would be shown on one line, with escaped line ends: so
JSON is for those that need it, or may.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cachy.errors import CacheMiss

# The name of the client's class, in front of the version of the SDK: `AsyncAnthropic/Python 2.12.0`
_SHOWS_TEXT = re.compile(r"\w+/Python [012]\.")


class MissAnswer(NamedTuple):
    """A response that tells of a miss. It has the fields of an entry that an adapter needs for a
    response; `head["miss"]` is the miss itself."""

    head: dict[str, Any]
    body: bytes
    wire: Sequence[tuple[bytes, bytes]] = ()


def answer(miss: CacheMiss, headers: Mapping[str, str]) -> MissAnswer:
    """Return the response that tells of a miss, to a client that sends these headers.

    Raises the miss itself where the client lets it pass.
    """
    if "x-stainless-lang" not in headers:
        raise miss
    agent = headers.get("user-agent", "")
    if _SHOWS_TEXT.match(agent):
        kind, body = "text/plain; charset=utf-8", str(miss).encode()
    else:
        import orjson

        kind = "application/json"
        body = orjson.dumps({"error": {"message": str(miss), "type": "cachy_miss"}})
    head = {
        "status": miss.status_code,
        "reason": "No recording",
        "headers": [["content-type", kind], ["x-should-retry", "false"]],
        "ms": 0.0,
        "miss": miss,
    }
    return MissAnswer(head, body)
