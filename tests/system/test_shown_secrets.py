"""Secrets that stand in prompts and answers are not shown: not in the text of a miss, in the log,
by commands, or by pytest. What they look like stands in their place."""

from __future__ import annotations

import json
import os
import random
import string
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import call
from many import add, make_entry
from standin import Answer, Behaviour, Standin, json_answer
from stores import OLD

import cachy

URL = "https://api.openai.com/v1/chat/completions"
_random = random.Random(11)
KEY = "sk-proj-" + "".join(_random.choices(string.ascii_letters + string.digits, k=120))
HEX = "".join(_random.choices("0123456789abcdef", k=32))
PASSWORD = "Xq7Kd93mQpL2vR8s"
PLACES = {
    "a key": f"my key is {KEY}.",
    "a key at the end of a long text": f"{'lorem ipsum ' * 40}{KEY}",
    "a key at the start of a long text": f"{KEY} {'lorem ipsum ' * 40}",
    "a key in a long text": f"{'lorem ipsum ' * 40}{KEY} {'lorem ipsum ' * 40}",
    "a key cut by a table": f"{'x ' * 35}{KEY}",
    "by name": f"AZURE_OPENAI_API_KEY={HEX}\nDB_PASSWORD={PASSWORD}\n",
}
"""Prompts by what is in them."""


def leaked(text: str) -> set[str]:
    """The pieces of the secrets that are in a text."""
    return {
        secret[at : at + 12]
        for secret in (KEY[8:], HEX, PASSWORD)
        for at in range(len(secret) - 11)
        if secret[at : at + 12] in text
    }


def says(text: str) -> Answer:
    message = {"role": "assistant", "content": text}
    return json_answer({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})


def chat(text: str) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("GIT_", "CACHY_"))]:
        monkeypatch.delenv(name)
    return tmp_path


def record(standin: Standin, prompt: str, answer: str = "fine") -> None:
    with (
        warnings.catch_warnings(),
        standin.behave(Behaviour(answer=says(answer))),
        cachy.cachy(),
    ):
        warnings.simplefilter("ignore")
        httpx.post(URL, json=chat(prompt))


@pytest.mark.parametrize("place", PLACES)
def test_in_a_miss(
    place: str,
    standin: Standin,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CACHY_LOG", str(folder / "calls.jsonl"))
    prompt = PLACES[place]
    record(standin, "what is it?")
    record(standin, f"{prompt} So what?")
    missed = ["what is it", f"{prompt} And now?", f"Now: {prompt}", prompt[: len(prompt) - 3] + "x"]
    for text in missed:
        with (
            cachy.cachy("replay", debug=True),
            pytest.raises(cachy.CacheMiss) as raised,
        ):
            httpx.post(URL, json=chat(text))
        assert raised.value.differences or "no prompt like this" in str(raised.value)
        assert leaked(str(raised.value)) == set()
        assert leaked("".join(raised.value.differences)) == set()
    log = Path("calls.jsonl").read_text()
    assert log.count('"miss"') == len(missed) + 2
    assert leaked(log) == set()
    assert leaked(capsys.readouterr().out) == set()


def test_the_kind_is_shown(standin: Standin, folder: Path) -> None:
    record(standin, "what is it?")
    with cachy.cachy("replay"), pytest.raises(cachy.CacheMiss) as raised:
        httpx.post(URL, json=chat(f"my key is {KEY}."))
    assert "my key is <OpenAI key>" in str(raised.value)


def test_in_a_url_that_is_printed(
    standin: Standin, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with cachy.cachy(doms=("a.example",), debug=True):
        httpx.get(f"https://a.example/v1?appid={HEX}&bearer={PASSWORD}")
    said = capsys.readouterr().out
    assert "https://a.example/v1?appid=REDACTED&bearer=REDACTED" in said
    assert leaked(said) == set()


@pytest.mark.parametrize("place", PLACES)
def test_by_commands(place: str, standin: Standin, folder: Path) -> None:
    record(standin, "what is it?")
    record(standin, PLACES[place], f"Sure: {PLACES[place]}")
    (path,) = Path(".cachy/local/entries").rglob("*.entry")
    for command in (
        ("ls",), ("ls", "--json"), ("show", str(path)), ("show", str(path), "--json"),
        ("why", str(path)), ("why", str(path), "--json"),
        ("gc", "--older-than", "0s", "--grace", "0s", "--dry-run"),
    ):  # fmt: skip
        said = call(*command).stdout
        assert said
        assert leaked(said) == set(), command
        if "--json" in command:
            json.loads(said)
    assert leaked(call("cat", str(path)).stdout)  # the body as it is, which is what it is for


@pytest.mark.parametrize("place", PLACES)
def test_by_diff(place: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    subprocess.run(["git", "init", "-q", "-b", "main"], check=True)
    add(folder / ".cachy", make_entry(1, prompt=PLACES[place], answer=PLACES[place]), OLD)
    subprocess.run(["git", "add", "-A"], check=True)
    for command in (("diff",), ("diff", "--markdown"), ("diff", "--json")):
        said = call(*command).stdout
        assert "gpt-4o" in said
        assert leaked(said) == set(), command


def test_by_pytest(folder: Path) -> None:
    for number, prompt in enumerate(PLACES.values()):
        add(folder / ".cachy", make_entry(number, prompt=prompt), OLD)
    Path("test_it.py").write_text("def test_it(cachy): pass\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--cachy-unused"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"{len(PLACES)} unused" in said
    assert "gpt-4o" in said
    assert leaked(said) == set()


def test_a_hit_loads_none_of_it(standin: Standin, folder: Path) -> None:
    record(standin, "hi")
    code = (
        "import cachy, httpx, sys\n"
        "with cachy.cachy('replay'):\n"
        f"    httpx.post({URL!r}, json={chat('hi')!r})\n"
        "sys.exit('cachy.engine.secret_search' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
