"""Every way of calling, recorded once and replayed with the network gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sdks import WAYS, Way
from sdks.table import markdown
from standin import Standin

from cachy import CacheMiss, disable_cachy, enable_cachy


@contextmanager
def session(**options: Any) -> Iterator[None]:
    """A session, past which nothing went."""
    session = enable_cachy(**options)
    try:
        yield
        assert not session.stats.bypassed
    finally:
        disable_cachy()


@pytest.mark.parametrize("way", [way for way in WAYS if way.available()], ids=str)
def test_replays_what_it_recorded(way: Way, standin: Standin, tmp_path: Path) -> None:
    with session(cache_dir=tmp_path):
        recorded = way.run()
    assert all(recorded.values())
    assert standin.calls

    standin.reset()
    standin.refuse = True
    with session(cache_dir=tmp_path, mode="replay"):
        assert way.run() == recorded
    assert standin.calls == []


RAISED = {
    "openai": "openai.APIStatusError",
    "anthropic": "anthropic.APIStatusError",
    "groq": "groq.APIStatusError",
    "litellm": "litellm.exceptions.(BadRequestError|APIError|InternalServerError)",
    "dspy": "dspy.utils.exceptions.LMUnexpectedError",
}
"""By SDK: what its users see of a miss, if that is not the miss itself. See docs/clients.md."""


@pytest.mark.parametrize("way", [way for way in WAYS if way.available()], ids=str)
def test_a_miss_reaches_the_user_at_once(way: Way, standin: Standin, tmp_path: Path) -> None:
    """Explained, and not tried again, whatever the SDK makes of it."""
    session = enable_cachy(cache_dir=tmp_path, mode="replay")
    with pytest.raises(Exception) as raised:
        way.run()
    disable_cachy()
    miss = CacheMiss.behind(raised.value)
    assert miss is not None
    assert miss.reason in str(raised.value)
    kind = type(raised.value)
    expected = RAISED.get(way.sdk.split()[0], "cachy.errors.CacheMiss")
    assert re.fullmatch(expected, f"{kind.__module__}.{kind.__qualname__}")
    assert session.stats.misses == 1
    # huggingface_hub asks the Hub, which is no model, about the model.
    assert [call for call in standin.calls if call.method == "POST"] == []


def test_no_two_ways_share_a_name() -> None:
    assert len({str(way) for way in WAYS}) == len(WAYS)


def test_table_names_each_sdk_once() -> None:
    rows = markdown(WAYS).splitlines()[2:]
    named = [sdk for row in rows for sdk in row.split(" | ")[0].removeprefix("| ").split(", ")]
    assert sorted(named) == sorted({way.sdk for way in WAYS})
