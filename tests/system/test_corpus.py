"""Real recorded traffic through the same path: recorded, then replayed byte for byte.

The corpus is data of other projects and not in this repository. It is read from the folder that
CACHY_CORPUS names, else from `shared/corpus` beside the clone, and the test is skipped without it.
`python tests/system/test_corpus.py` prints how many interactions are kept, and why others are not.
"""

from __future__ import annotations

import base64
import io
import os
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import httpx2
import orjson
import pytest
import zstandard
from standin import Answer, Behaviour, Standin

from cachy import cachy
from cachy.rules.headers import kept_headers
from cachy.rules.hosts import Hosts, doms

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "corpus"
CORPUS = Path(os.environ.get("CACHY_CORPUS", BESIDE)) / "interactions.jsonl.zst"
SHARES = 8
FRAMING = {"content-encoding", "content-length", "transfer-encoding", "connection"}
TRUE_ALARMS = ("a signed Azure link", "an OpenAI organisation", "an AWS account")
"""What is in there: links to images, and whose account it was. All else would be a false alarm."""
hosts = Hosts(doms)


def interactions(share: int = 0, shares: int = 1) -> Iterator[dict[str, Any]]:
    with CORPUS.open("rb") as file:
        text = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        for number, line in enumerate(text):
            if number % shares == share:
                yield orjson.loads(line)


def body(value: str | dict[str, str] | None) -> bytes:
    if isinstance(value, dict):
        return base64.b64decode(value["b64"])
    return (value or "").encode("utf-8", "surrogatepass")


def answer(interaction: dict[str, Any]) -> Answer:
    headers = {
        name.lower(): value
        for name, value in interaction["resp_headers"]
        if name.lower() not in FRAMING
    }
    content = body(interaction["resp_body"])
    pieces = [content[at : at + 1000] for at in range(0, len(content), 1000)]
    streamed = interaction["stream"] and content
    return Answer(interaction["status"], headers, pieces if streamed else content)


def run(standin: Standin, folder: Path, share: int, shares: int) -> Counter[str]:
    """Record and replay each interaction; the outcomes by reason."""
    outcomes: Counter[str] = Counter()
    clients = [library.Client(timeout=30) for library in (httpx, httpx2)]
    for number, interaction in enumerate(interactions(share, shares)):
        client: Any = clients[number % 2]
        url = interaction["url"]
        route = hosts.route(interaction["method"], url)
        if not route.cached or urlsplit(url).scheme != "https":
            outcomes[route.reason or "not one of the hosts"] += 1
            continue
        dropped = {"content-length", "host", "content-encoding", "connection", "transfer-encoding"}
        headers = [pair for pair in interaction["req_headers"] if pair[0].lower() not in dropped]
        request = client.build_request(
            interaction["method"], url, headers=headers, content=body(interaction["req_body"])
        )
        with (
            standin.behave(Behaviour(answer=answer(interaction))),
            warnings.catch_warnings(record=True) as caught,
            cachy("refresh", cache_dir=folder) as session,
        ):
            warnings.simplefilter("always")
            live = client.send(request)
        alarms = [str(each.message) for each in caught if "looks like" in str(each.message)]
        assert all(any(kind in alarm for kind in TRUE_ALARMS) for alarm in alarms), alarms
        assert live.content == body(interaction["resp_body"])
        if session.stats.recorded == 0:
            outcomes.update(session.stats.skipped)
            continue
        called = len(standin.calls)
        with cachy("replay", cache_dir=folder):
            replayed = client.send(request)
        assert len(standin.calls) == called
        assert replayed.content == live.content
        assert replayed.status_code == live.status_code
        assert [*replayed.headers.multi_items()] == kept_headers(
            live.headers.multi_items(), encoded="content-encoding" in live.headers
        )
        outcomes["kept"] += 1
    for client in clients:
        client.close()
    return outcomes


@pytest.mark.skipif(not CORPUS.exists(), reason=f"no corpus at {CORPUS}")
@pytest.mark.parametrize("share", range(SHARES))
def test_replays_byte_for_byte(share: int, standin: Standin, tmp_path: Path) -> None:
    outcomes = run(standin, tmp_path, share, SHARES)
    assert outcomes["kept"] > 1200 / SHARES


def main() -> None:
    with Standin() as standin, standin.reach(), tempfile.TemporaryDirectory() as folder:
        outcomes = run(standin, Path(folder), 0, 1)
    for reason, count in outcomes.most_common():
        print(f"{count:6,}  {reason}")
    print(f"{outcomes.total():6,}  in all")


if __name__ == "__main__":
    main()
