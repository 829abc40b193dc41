"""What libraries complain of, in a few words."""

from __future__ import annotations

import pytest

from cachy.remote.complaints import said_of


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("403: <Code>RequestTimeTooSkewed</Code>", "the clock of this machine is off"),
        ("404 <Code>NoSuchBucket</Code>", "the bucket is not there"),
        ("<Code>ExpiredToken</Code>", "the credentials have expired"),
        ("Server returned non-2xx status code: 503 Slow", "busy (503)"),
        ("Generic S3 error: HTTP error: error sending request\n\nDebug source: x", "error sending"),
        ("", "it fails without a word"),
    ],
)
def test_what_is_said(text: str, said: str) -> None:
    assert said in said_of(text)
    assert "\n" not in said_of(text)


def test_it_is_short() -> None:
    assert len(said_of("x" * 5000)) <= 160
