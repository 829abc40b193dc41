"""One request through hosts, key and store."""

from __future__ import annotations

from typing import Any

import pytest
from canned import BODY

from cachy.engine.cache import Cache, Missing
from cachy.engine.events import MANY_HITS, Events, Log
from cachy.errors import CacheMiss, CachyWarning
from cachy.rules.message import Request
from cachy.settings import check
from cachy.store.entry import Entry
from cachy.store.mapping import MappingStore

CHAT = "https://api.openai.com/v1/chat/completions"
REQUEST = Request("POST", CHAT, [("content-type", "application/json")], BODY)


def cache(store: Any = None, **arguments: Any) -> Cache:
    mapping = {} if store is None else store
    return Cache(MappingStore(mapping), check(arguments), Events(Log()))


def keep(cache: Cache, missing: Missing, body: bytes = b"{}") -> None:
    head = {
        "cachy": 1, "key": missing.key, "status": 200, "headers": [], "ms": 1500.0,
        "method": "POST", "url": CHAT, "model": "m", "usage": {"input": 3, "output": 4},
    }  # fmt: skip
    cache.keep(Entry(head, body))


def lookup(cache: Cache, request: Request = REQUEST) -> Any:
    route = cache.route(request.method, request.url)
    assert route is not None
    return cache.lookup(request, route)


@pytest.mark.parametrize(
    ("mode", "method", "url", "treated"),
    [
        ("auto", "POST", CHAT, True),
        ("auto", "POST", "https://api.openai.com/v1/files", False),
        ("auto", "POST", "https://example.com/", False),
        ("replay", "POST", "https://api.openai.com/v1/files", True),
        ("replay", "POST", "https://example.com/", False),
        ("refresh", "POST", CHAT, True),
        ("off", "POST", CHAT, False),
    ],
)
def test_which_requests_are_treated(mode: str, method: str, url: str, treated: bool) -> None:
    assert (cache(mode=mode).route(method, url) is not None) == treated


def test_a_look_up_gives_the_entry_or_what_is_missing() -> None:
    made = cache()
    missing = lookup(made)
    assert isinstance(missing, Missing)
    assert missing.model() == "gpt-4o"
    keep(made, missing, b"the answer")
    assert lookup(made).body == b"the answer"
    stats = made.stats
    assert (stats.hits, stats.recorded, stats.tokens_saved, stats.seconds_saved) == (1, 1, 7, 1.5)


def test_refreshing_reads_nothing() -> None:
    store: dict[str, bytes] = {}
    keep(made := cache(store), lookup(made))
    assert isinstance(lookup(cache(store, mode="refresh")), Missing)
    assert isinstance(lookup(cache(store)), Entry)


def test_a_cache_in_another_mode_shares_the_rest() -> None:
    made = cache()
    other = made.in_mode(cache(mode="replay").mode)
    assert (other.store, other.events, other.flights) == (made.store, made.events, made.flights)
    assert other.mode.name == "replay"


def test_a_miss_explains_itself() -> None:
    made = cache(mode="replay")
    miss = made.miss(lookup(made))
    assert isinstance(miss, CacheMiss)
    assert miss.model == "gpt-4o"
    assert made.stats.misses == 1


def test_a_store_that_fails_warns_once() -> None:
    class Broken(dict[str, bytes]):
        def __setitem__(self, key: str, value: bytes) -> None:
            raise OSError("full")

    made = cache(Broken())
    missing = lookup(made)
    with pytest.warns(CachyWarning, match="nothing is kept"):
        keep(made, missing)
    keep(made, missing)  # where a second warning would be an error
    assert made.stats.recorded == 0


def test_a_conversation_that_the_server_keeps_is_numbered() -> None:
    made = cache()
    request = REQUEST._replace(
        url="https://api.openai.com/v1/responses",
        body=b'{"model":"m","conversation":"conv_1","input":"go on"}',
    )
    keys = set()
    for _ in range(3):
        missing = lookup(made, request)
        keys.add(missing.key)
        keep(made, missing)
    assert len(keys) == 3


def test_many_identical_hits_warn_once() -> None:
    made = cache()
    keep(made, lookup(made))
    for _ in range(MANY_HITS - 1):
        lookup(made)
    with pytest.warns(CachyWarning, match=r'repeats="distinct".*scope'):
        lookup(made)
    for _ in range(2 * MANY_HITS):  # where a second warning would be an error
        lookup(made)
