"""What servers and libraries complain of, in a few words that say what to do."""

from __future__ import annotations

_TO_SAY = (
    (("RequestTimeTooSkewed",), "the clock of this machine is off, says the server: set it"),
    (("NoSuchBucket", "ContainerNotFound"), "the bucket is not there: create it, or mend the URL"),
    (("InvalidAccessKeyId",), "the server does not know these credentials"),
    (("SignatureDoesNotMatch", "AuthenticationFailed"), "the server refuses these credentials"),
    (("ExpiredToken",), "the credentials have expired"),
    (("PermanentRedirect", "AuthorizationHeaderMalformed"), "the region is another: set ?region="),
    (("SlowDown", "503"), "the server is busy (503)"),
)
"""Words in what obstore says, and what is said in their place."""


def said_of(text: str) -> str:
    """Return in a few words what is wrong, for what the library says at length."""
    for words, said in _TO_SAY:
        if any(word in text for word in words):
            return said
    return _short(text)


def _short(text: str) -> str:
    line = text.partition("\n")[0].partition("Debug source")[0]
    for begin in ("Server returned non-2xx status code: ", "HTTP error: "):
        if begin in line:
            line = line.rpartition(begin)[2]
    return line[:160].strip() or "it fails without a word"
