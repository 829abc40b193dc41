"""Placeholders for missing API keys: only in replay mode, never in place of a real key."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import pytest
from sdks import FAMILIES

from cachy import cachy, placeholders
from cachy.api_keys import PLACEHOLDER, missing

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
    with cachy("replay", store={}), placeholders():
        client: Any = CLIENTS[sdk]()
        getattr(client, "close", lambda: None)()


def test_they_are_removed_after_the_block() -> None:
    before = dict(os.environ)
    with cachy("replay", store={}), placeholders() as given:
        assert os.environ["OPENAI_API_KEY"] == PLACEHOLDER
        assert "ANTHROPIC_API_KEY" in given.names
        with placeholders() as again:
            assert again.names == []
        assert os.environ["OPENAI_API_KEY"] == PLACEHOLDER
    assert dict(os.environ) == before


def test_without_a_block() -> None:
    with cachy("replay", store={}):
        given = placeholders()
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


def test_other_tools_keep_their_credentials() -> None:
    shared = {"HF_TOKEN", "GITHUB_TOKEN", "AWS_ACCESS_KEY_ID", "GOOGLE_APPLICATION_CREDENTIALS"}
    assert not shared & missing({}).keys()
