"""What only requests has. What holds for all clients is in test_clients.py."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import requests
from clients import CHAT, PLAIN, STREAM
from requests.adapters import HTTPAdapter
from standin import Answer, Behaviour, Standin, json_answer, redirect
from urllib3 import Retry

from cachy import CacheMiss, disable_cachy, enable_cachy


@pytest.fixture
def cached(standin: Standin) -> Iterator[Any]:
    yield enable_cachy(store={})
    disable_cachy()


@pytest.fixture
def session(standin: Standin) -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def look(response: requests.Response) -> dict[str, Any]:
    return {
        "status": (response.status_code, response.reason, response.ok),
        "url": response.url,
        "request": (response.request.method, response.request.url, response.request.body),
        "encoding": (response.encoding, response.apparent_encoding),
        "text": response.text,
        "type": response.headers["content-type"],
        "links": response.links,
        "history": [(hop.status_code, hop.url, hop.content) for hop in response.history],
        "redirect": (response.is_redirect, response.is_permanent_redirect, response.next),
        "raw": (response.raw.status, response.raw.version, response.raw.closed),
        "repr": repr(response),
    }


LATIN = Answer(200, {"content-type": "text/plain"}, "naïve café".encode("latin-1"))


@pytest.mark.parametrize("answer", [None, LATIN, json_answer({"a": 1}, link='</b>; rel="next"')])
def test_a_hit_looks_like_its_miss(
    session: Any, standin: Standin, cached: Any, answer: Any
) -> None:
    standin.behave(Behaviour(answer=answer))
    miss, hit = (session.post(CHAT, json=PLAIN) for _ in range(2))
    assert look(hit) == look(miss)
    assert hit.raw.cachy["from"] == "store"
    assert len(standin.calls) == 1


def test_elapsed_is_that_of_the_recorded_call(session: Any, standin: Standin, cached: Any) -> None:
    """Until the answer begins, as requests measures it; hooks see it, too."""
    seen: list[timedelta] = []
    session.hooks["response"].append(lambda response, **options: seen.append(response.elapsed))
    with standin.behave(Behaviour(delay=0.2, pause=0.05)):
        for _ in range(2):
            assert session.post(CHAT, json=STREAM).elapsed == seen[-1]
    assert min(seen) >= timedelta(seconds=0.2)


@pytest.mark.parametrize("status", [302, 307])
def test_history(session: Any, standin: Standin, cached: Any, status: int) -> None:
    standin.behave(Behaviour(answer=json_answer({"moved": True})))
    standin.behave(redirect("/v1/new", status))
    miss, hit = (session.post(CHAT, json=PLAIN) for _ in range(2))
    assert look(hit) == look(miss)
    assert [hop.status_code for hop in hit.history] == [status]
    assert len(standin.calls) == 2
    alone = session.post(CHAT, json=PLAIN, allow_redirects=False)
    assert alone.next.url == "https://api.openai.com/v1/new"


def test_hooks_and_auth(session: Any, standin: Standin, cached: Any) -> None:
    seen: list[Any] = []

    def swap(response: requests.Response, **options: Any) -> requests.Response:
        seen.append((response.status_code, response.json()["model"], sorted(options)))
        response.reason = "Swapped"
        return response

    for _ in range(2):
        answer = session.post(CHAT, json=PLAIN, hooks={"response": swap}, auth=("me", "secret"))
        assert answer.reason == "Swapped"
    assert seen[0] == seen[1]
    assert len(standin.calls) == 1


def test_cookies_of_the_live_call(session: Any, standin: Standin, cached: Any) -> None:
    standin.behave(Behaviour(answer=json_answer({"a": 1}, set_cookie="__cf_bm=1")))
    assert session.post(CHAT, json=PLAIN).cookies.get_dict() == {"__cf_bm": "1"}
    assert session.cookies.get_dict() == {"__cf_bm": "1"}
    hit = session.post(CHAT, json=PLAIN)
    assert hit.cookies.get_dict() == {}
    assert len(standin.calls) == 1


def test_prepared_requests(session: Any, standin: Standin, cached: Any) -> None:
    prepared = session.prepare_request(requests.Request("POST", CHAT, json=PLAIN))
    texts = {session.send(prepared, stream=stream).text for stream in (False, True, False)}
    assert len(texts) == len(standin.calls) == 1
    assert prepared.hooks == {"response": []}


def test_reading_in_every_way(session: Any, standin: Standin, cached: Any) -> None:
    for ask in (
        lambda r: r.content,
        lambda r: [*r],
        lambda r: [*r.iter_content(None)],
        lambda r: [*r.iter_content(7, decode_unicode=True)],
        lambda r: [*r.iter_lines()],
        lambda r: [*r.iter_lines(decode_unicode=True)],
        lambda r: r.raw.read(),
    ):
        seen = [ask(session.post(CHAT, json=STREAM, stream=True)) for _ in range(2)]
        assert seen[0] == seen[1]
        assert seen[0]
    with session.post(CHAT, json=STREAM, stream=True) as response:
        next(response.iter_lines())
    assert len(standin.calls) == 1


def test_responses_can_be_pickled(session: Any, cached: Any) -> None:
    for _ in range(2):
        response = session.post(CHAT, json=PLAIN)
        again = pickle.loads(pickle.dumps(response))
        assert (again.content, again.elapsed) == (response.content, response.elapsed)
        assert (again.headers, again.url) == (response.headers, response.url)


def test_errors_raise_for_status(session: Any, standin: Standin) -> None:
    enable_cachy(store={}, errors=True)
    standin.behave(Behaviour(answer=json_answer({"error": {"message": "no"}}, 404)))
    said = set()
    for _ in range(2):
        with pytest.raises(requests.HTTPError) as failure:
            session.post(CHAT, json=PLAIN).raise_for_status()
        said.add(str(failure.value))
    assert len(said) == len(standin.calls) == 1
    disable_cachy()


def test_a_miss_is_no_exception_of_requests(session: Any, standin: Standin) -> None:
    """Who catches RequestException takes it for the network's fault, retries or goes on without an
    answer. A miss is a fault of the set-up, which must be seen."""
    session.mount("https://", HTTPAdapter(max_retries=Retry(5, backoff_factor=60)))
    enable_cachy(store={}, mode="replay")
    with pytest.raises(CacheMiss) as miss:
        session.post(CHAT, json=PLAIN)
    assert not isinstance(miss.value, requests.RequestException | OSError)
    assert standin.calls == []
    disable_cachy()


def test_a_slow_body_is_waited_for_where_it_is_read_at_once(standin: Standin, cached: Any) -> None:
    """Without `stream`, the caller reads all of it: others may wait as long as it takes."""
    seen: list[str] = []

    def ask() -> None:
        seen.append(requests.post(CHAT, json=PLAIN, timeout=20).text)

    with standin.behave(Behaviour(split=200, pause=0.4)):
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({*seen}) == len(standin.calls) == 1


def test_under_another_client_it_does_not_record(standin: Standin, cached: Any) -> None:
    """One call is one recording, that of the outermost client."""

    class Transport(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = requests.post(CHAT, json=PLAIN | {"seed": 1}, stream=True)
            return httpx.Response(200, content=answer.iter_content(None))

    with httpx.Client(transport=Transport()) as client:
        seen = {client.post(CHAT, json=PLAIN).content for _ in range(2)}
    assert len(seen) == len(standin.calls) == 1
    assert (cached.stats.recorded, cached.stats.misses, cached.stats.hits) == (1, 1, 1)
