"""Placeholders for missing API keys: only in replay mode, never in place of a real key."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from many import add, make_entry
from sdks import FAMILIES
from stores import OLD

from cachy import CachyWarning, cachy, disable_cachy, enable_cachy, placeholders
from cachy.api_keys import PLACEHOLDER, missing, wants_key

# How users make a client, without a key in the code.
CLIENTS = {
    "openai": lambda: import_module("openai").OpenAI(),
    "anthropic": lambda: import_module("anthropic").Anthropic(),
    "google-genai": lambda: import_module("google.genai").Client(),
    "groq": lambda: import_module("groq").Groq(),
    "cohere": lambda: import_module("cohere").ClientV2(),
    "mistralai": lambda: import_module("mistralai.client").Mistral(),
    "ollama": lambda: import_module("ollama").Client(),
}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {*missing({}), "GOOGLE_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CACHY_MODE"}:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("sdk", CLIENTS)
def test_clients_can_be_made(sdk: str) -> None:
    available = {
        way.sdk.split()[0] for family in FAMILIES for way in family.ways if way.available()
    }
    if sdk not in available:
        pytest.skip(f"{sdk} is not installed here")
    with cachy("replay", store={}):
        client: Any = CLIENTS[sdk]()
        getattr(client, "close", lambda: None)()


def test_they_are_removed_after_the_block() -> None:
    before = dict(os.environ)
    with placeholders("replay") as given:
        assert os.environ["OPENAI_API_KEY"] == PLACEHOLDER
        assert "ANTHROPIC_API_KEY" in given.names
        with placeholders("replay") as again:
            assert again.names == []
        assert os.environ["OPENAI_API_KEY"] == PLACEHOLDER
    assert dict(os.environ) == before


def test_without_a_block() -> None:
    given = placeholders("replay")
    assert os.environ["OPENAI_API_KEY"] == PLACEHOLDER
    os.environ["OPENAI_API_KEY"] = "set since"
    given.take_back()
    given.take_back()
    assert os.environ.pop("OPENAI_API_KEY") == "set since"
    assert "GROQ_API_KEY" not in os.environ


def test_a_real_key_is_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    monkeypatch.setenv("GOOGLE_API_KEY", "mine")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "mine")
    monkeypatch.setenv("GROQ_API_KEY", "")  # what CI makes of a secret that it lacks
    with placeholders("replay"):
        assert os.environ["OPENAI_API_KEY"] == "mine"
        assert "GEMINI_API_KEY" not in os.environ
        assert "ANTHROPIC_API_KEY" not in os.environ
        assert os.environ["GROQ_API_KEY"] == PLACEHOLDER
    assert os.environ["GROQ_API_KEY"] == ""


@pytest.mark.parametrize("mode", ["auto", "refresh", "off"])
def test_only_in_replay_mode(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with cachy(mode, store={}), placeholders() as given:
        assert given.names == []
    with placeholders() as given:
        assert given.names == []
    monkeypatch.setenv("CACHY_MODE", "replay")
    with placeholders() as given:  # before anything is enabled
        assert given.names


# ---- By themselves ----


def test_a_session_that_replays_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "mine")
    before = dict(os.environ)
    session = enable_cachy(store={}, mode="replay")
    assert os.environ["OPENAI_API_KEY"] == PLACEHOLDER
    assert os.environ["GROQ_API_KEY"] == "mine"
    session.mode = "auto"
    assert dict(os.environ) == before
    session.mode = "replay"
    enable_cachy(store={})
    assert dict(os.environ) == before
    enable_cachy(store={}, mode="replay")
    assert os.environ["OPENAI_API_KEY"] == PLACEHOLDER
    disable_cachy()
    assert dict(os.environ) == before


def test_a_block_that_replays_has_them() -> None:
    before = dict(os.environ)
    with cachy("replay", store={}):
        with cachy("replay"):
            pass
        assert os.environ["OPENAI_API_KEY"] == PLACEHOLDER
    assert dict(os.environ) == before
    session = enable_cachy(store={}, mode="replay")
    with cachy("auto"), cachy("replay"):
        pass
    assert os.environ["OPENAI_API_KEY"] == PLACEHOLDER
    assert session.mode == "replay"
    disable_cachy()
    assert dict(os.environ) == before


# ---- Where one is missing ----

ASK = """
import os
from openai import OpenAI
from cachy import enable_cachy

enable_cachy(cache_dir=os.environ["HERE"])
{code}
"""
ADVICE = "an API key is missing. Recording needs one; to replay .*CACHY_MODE=replay"


@pytest.mark.parametrize(
    ("code", "recorded", "advised"),
    [
        ("OpenAI()", True, True),
        ("OpenAI()", False, False),  # there is nothing to replay
        ("OpenAI(api_key='none')", True, False),
        ("raise ValueError('set the API key')", True, False),  # of the user's own
        ("try: OpenAI()\nexcept Exception: pass", True, False),
    ],
)
def test_a_script_that_ends_for_want_of_a_key_is_advised(
    code: str, recorded: bool, advised: bool, tmp_path: Path
) -> None:
    if recorded:
        add(tmp_path / ".cachy", make_entry(1), OLD)
    environment = {**os.environ, "HERE": str(tmp_path)}
    command = [sys.executable, "-c", ASK.format(code=code)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert len(re.findall(ADVICE, done.stderr)) == advised, done.stderr
    environment["CACHY_MODE"] = "replay"
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert "an API key is missing" not in done.stderr


def _run_twice(shell: Any, code: str) -> None:
    for _ in range(2):
        shell.run_cell(code)


def test_a_cell_that_fails_for_want_of_a_key_is_advised(tmp_path: Path) -> None:
    shell: Any = import_module("IPython.core.interactiveshell").InteractiveShell.instance()
    add(tmp_path / ".cachy", make_entry(1), OLD)
    try:
        enable_cachy(cache_dir=tmp_path)
        shell.run_cell("from openai import OpenAI")
        with pytest.warns(CachyWarning, match=ADVICE) as warned:
            _run_twice(shell, "OpenAI()")
        assert len([w for w in warned if w.category is CachyWarning]) == 1
    finally:
        disable_cachy()
        type(shell).clear_instance()


def _ask(sdk: str) -> None:
    client: Any = CLIENTS[sdk]()
    client.messages.create(model="m", max_tokens=1, messages=[])  # Anthropic's asks only now


@pytest.mark.parametrize("sdk", ["openai", "groq", "google-genai", "anthropic"])
def test_what_sdks_raise_for_want_of_a_key(sdk: str) -> None:
    pytest.importorskip({"google-genai": "google.genai"}.get(sdk, sdk))
    with pytest.raises(Exception) as raised:
        _ask(sdk)
    assert wants_key(raised.value)


def test_a_refused_key_is_no_missing_one() -> None:
    openai: Any = pytest.importorskip("openai")
    httpx: Any = import_module("httpx2" if openai.__version__ >= "3" else "httpx")
    request = httpx.Request("POST", "https://api.openai.com/v1/responses")
    response = httpx.Response(401, request=request)
    assert not wants_key(openai.AuthenticationError("bad API key", response=response, body=None))
    assert not wants_key(None)
    assert not wants_key(ValueError("credentials"))


def test_pycachy_beside_it_is_told(tmp_path: Path) -> None:
    """Both have installed their files into one folder."""
    package = Path(import_module("cachy").__file__ or "").parent
    shutil.copytree(package, tmp_path / "cachy", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", "import cachy; cachy.enable_cachy(store={})"]
    for expected in (0, 1):
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, cwd=tmp_path
        )
        assert done.stderr.count("pycachy is installed, too") == expected
        (tmp_path / "cachy" / "_modidx.py").touch()


def test_other_tools_keep_their_credentials() -> None:
    shared = {"HF_TOKEN", "GITHUB_TOKEN", "AWS_ACCESS_KEY_ID", "GOOGLE_APPLICATION_CREDENTIALS"}
    assert not shared & missing({}).keys()
