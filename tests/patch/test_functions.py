"""Functions are replaced beneath the proxies of instrumentation, and put back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
import wrapt

from cachy.errors import CachyWarning
from cachy.patch.functions import Method, warn_unsupported


def make_client() -> Any:
    class Client:
        def send(self) -> list[str]:
            return ["sent"]

    return Client


def ours(original: Any) -> Any:
    def send(client: Any) -> list[str]:
        return ["cachy", *original(client)]

    return send


def instrument(client: Any) -> Callable[[], None]:
    """As OpenTelemetry does. Returns how it undoes it."""

    def spanned(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> list[str]:
        return ["span", *wrapped(*args, **kwargs)]

    wrapt.wrap_function_wrapper(client, "send", spanned)

    def undo() -> None:
        client.send = client.__dict__["send"].__wrapped__

    return undo


@pytest.mark.parametrize("first", ["instrumentation", "cachy"])
@pytest.mark.parametrize("first_off", ["instrumentation", "cachy"])
def test_spans_are_over_cachy_in_every_order(first: str, first_off: str) -> None:
    client = make_client()
    plain = client.__dict__["send"]
    cachy = Method(client, "send", ours)
    if first == "instrumentation":
        uninstrument = instrument(client)
        cachy.put()
    else:
        cachy.put()
        uninstrument = instrument(client)
    assert client().send() == ["span", "cachy", "sent"]
    cachy.put()
    assert client().send() == ["span", "cachy", "sent"]
    steps = [("instrumentation", uninstrument), ("cachy", cachy.remove)]
    steps.sort(key=lambda step: step[0] != first_off)
    steps[0][1]()
    left = "span" if first_off == "cachy" else "cachy"
    assert client().send() == [left, "sent"]
    steps[1][1]()
    assert client.__dict__["send"] is plain


def test_a_wrapper_that_merely_notes_what_it_wraps_is_wrapped() -> None:
    client = make_client()
    original = client.send

    @functools.wraps(original)
    def outer(self: Any) -> list[str]:
        return ["outer", *original(self)]

    client.send = outer
    cachy = Method(client, "send", ours)
    cachy.put()
    assert client().send() == ["cachy", "outer", "sent"]
    cachy.remove()
    assert client.__dict__["send"] is outer


def test_what_was_put_over_cachy_is_not_taken_away() -> None:
    client = make_client()
    cachy = Method(client, "send", ours)
    cachy.put()
    client.send = lambda self: ["theirs"]
    cachy.remove()
    assert client().send() == ["theirs"]


def test_what_was_taken_off_is_put_on_again() -> None:
    client = make_client()
    plain = client.__dict__["send"]
    client.send = lambda self: ["theirs", *plain(self)]
    cachy = Method(client, "send", ours)
    cachy.put()
    assert client().send() == ["cachy", "theirs", "sent"]
    client.send = plain  # they are taken off, and ours with them
    for _ in range(2):
        cachy.put()
        assert client().send() == ["cachy", "sent"]
    for _ in range(2):
        cachy.remove()
        assert client.__dict__["send"] is plain


def test_one_that_is_hidden_is_put_over_it_again() -> None:
    client = make_client()
    cachy = Method(client, "send", ours)
    cachy.put()
    first = client.send
    client.send = theirs = lambda self: ["theirs", *first(self)]
    cachy.put()
    assert client().send() == ["cachy", "theirs", "cachy", "sent"]
    cachy.remove()
    assert client.__dict__["send"] is theirs
    client.send = functools.wraps(first)(theirs)  # one that tells what it wraps
    cachy.put()
    assert client().send() == ["theirs", "cachy", "sent"]


def test_a_version_is_warned_of_once() -> None:
    with pytest.warns(CachyWarning, match=r"cachy: x 3\.0 cannot be patched.*supported are x 2"):
        warn_unsupported("x", "3.0", "x 2")
    warn_unsupported("x", "3.0", "x 2")
