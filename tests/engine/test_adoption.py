"""Answers of pycachy, adopted as they are asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cassettes import URL, answered, asked
from standin import Standin

from cachy import CachyWarning, ConfigError, Session, disable_cachy, enable_cachy, scope
from cachy.formats.pycachy import hashes
from cachy.rules.message import Request
from cachy.store.folder import entry_files, read_entry
from cachy.upkeep.imports import take

JSON = {"content-type": "application/json"}


@pytest.fixture(autouse=True)
def switched_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.delenv("CACHY_MODE", raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    disable_cachy()


def digits_of(text: str) -> str:
    accept = ("accept", "*/*")
    request = Request("POST", URL, [accept, *JSON.items()], asked(text).encode())
    return next(hashes(request))


def write(path: Path, **answers: str) -> Path:
    rows = [
        {"key": digits_of(text), "response": answer, "headers": JSON, "status_code": 200}
        for text, answer in answers.items()
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def ask(text: str) -> str:
    answer = httpx.post(URL, content=asked(text), headers=JSON, verify=False)
    return str(answer.json()["choices"][0]["message"]["content"])


async def aask(text: str) -> str:
    async with httpx.AsyncClient(verify=False) as client:
        answer = await client.post(URL, content=asked(text), headers=JSON)
        return str(answer.json()["choices"][0]["message"]["content"])


def test_an_answer_is_adopted_and_then_the_file_can_go(standin: Standin, tmp_path: Path) -> None:
    path = write(tmp_path / "cachy.jsonl", hi=answered("from pycachy"))
    standin.refuse = True
    session = enable_cachy(cache_dir=tmp_path)
    assert ask("hi") == asyncio.run(aask("hi")) == "from pycachy"
    assert (session.stats.hits, session.stats.misses, session.stats.recorded) == (2, 0, 1)
    path.unlink()
    enable_cachy(cache_dir=tmp_path, mode="replay")
    assert ask("hi") == "from pycachy"
    assert standin.calls == []


def test_other_requests_go_live(standin: Standin, tmp_path: Path) -> None:
    write(tmp_path / "cachy.jsonl", hi=answered("from pycachy"))
    enable_cachy(cache_dir=tmp_path)
    assert ask("other") != "from pycachy"
    assert len(standin.calls) == 1


def test_replaying_answers_and_writes_nothing(standin: Standin, tmp_path: Path) -> None:
    write(tmp_path / "cachy.jsonl", hi=answered("from pycachy"))
    enable_cachy(cache_dir=tmp_path, mode="replay")
    assert ask("hi") == "from pycachy"
    assert not entry_files(str(tmp_path / ".cachy"))


def test_a_refresh_adopts_nothing(standin: Standin, tmp_path: Path) -> None:
    write(tmp_path / "cachy.jsonl", hi=answered("from pycachy"))
    enable_cachy(cache_dir=tmp_path, mode="refresh")
    assert ask("hi") != "from pycachy"


def test_the_file_can_be_named_or_ignored(standin: Standin, tmp_path: Path) -> None:
    path = write(tmp_path / "elsewhere", hi=answered("from pycachy"))
    enable_cachy(cache_dir=tmp_path / "a", adopt=path)
    assert ask("hi") == "from pycachy"
    write(tmp_path / "cachy.jsonl", hi=answered("from pycachy"))
    enable_cachy(cache_dir=tmp_path / "b", adopt=False)
    assert ask("hi") != "from pycachy"


def test_a_mapping_adopts_from_where_pycachy_has_it(standin: Standin, tmp_path: Path) -> None:
    write(tmp_path / "cachy.jsonl", hi=answered("from pycachy"))
    kept: dict[str, bytes] = {}
    enable_cachy(kept)
    assert ask("hi") == "from pycachy"
    assert len(kept) == 1


@pytest.mark.parametrize("adopt", ["nowhere.jsonl", 7, None])
def test_what_is_no_file_is_refused(adopt: Any) -> None:
    with pytest.raises(ConfigError, match=r"cachy\.jsonl"):
        enable_cachy(adopt=adopt)


def test_an_answer_that_would_not_be_kept_is_not_adopted(standin: Standin, tmp_path: Path) -> None:
    write(tmp_path / "cachy.jsonl", hi='{"error": {"message": "overloaded"}}')
    session = enable_cachy(cache_dir=tmp_path)
    assert ask("hi")
    assert len(standin.calls) == 1
    assert dict(session.stats.skipped) == {
        "an answer of pycachy is not adopted: it carries an error": 1
    }


def test_a_credential_in_an_answer_stays_on_this_machine(standin: Standin, tmp_path: Path) -> None:
    write(tmp_path / "cachy.jsonl", hi=answered("AKIA" + "Q3EGRIXZ7WKP5T2M"))
    enable_cachy(cache_dir=tmp_path)
    with pytest.warns(CachyWarning, match="an AWS access key id"):
        assert ask("hi").startswith("AKIA")
    assert [file.private for file in entry_files(str(tmp_path / ".cachy"))] == [True]


def test_a_damaged_file_is_warned_of_and_the_call_goes_on(standin: Standin, tmp_path: Path) -> None:
    line = f'{{"key": "{digits_of("hi")}", "response": "cut\n'
    (tmp_path / "cachy.jsonl").write_text(line)
    enable_cachy(cache_dir=tmp_path)
    with pytest.warns(CachyWarning, match="the answers of pycachy cannot be read"):
        assert ask("hi")
    assert len(standin.calls) == 1


def test_it_is_the_answer_to_the_first_of_repeats_in_any_scope(
    standin: Standin, tmp_path: Path
) -> None:
    write(tmp_path / "cachy.jsonl", hi=answered("from pycachy"))
    enable_cachy(cache_dir=tmp_path, repeats="distinct")
    assert ask("hi") == "from pycachy"
    assert ask("hi") != "from pycachy"
    with scope("a"):
        assert ask("hi") == "from pycachy"


def test_import_says_how_many_were_adopted(standin: Standin, tmp_path: Path) -> None:
    path = write(tmp_path / "cachy.jsonl", hi=answered("a"), ho=answered("b"))
    session: Session = enable_cachy(cache_dir=tmp_path)
    ask("hi")
    report = take(str(session.store.root), [str(path)], session.cache.settings)
    assert [(each.answers, each.adopted) for each in report.waiting] == [(2, 1)]
    (file,) = entry_files(str(session.store.root))
    assert read_entry(file.path).head["client"] == f"pycachy/{digits_of('hi')}"
