"""Environment variables that change what cachy, the SDKs, git or a terminal do.

A test sets those that it is about; none may come from the machine that runs the tests.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from fnmatch import fnmatchcase

KEPT = {"CACHY_CORPUS", "CACHY_CASSETTES"}
"""Where tests/system/test_corpus.py and test_cassettes.py find their data."""

MISLEADING = (
    "CACHY_*",
    # SDKs: keys, addresses, accounts, clouds
    *("*_API_KEY", "*_AUTH_TOKEN", "*_ACCESS_TOKEN", "*_BASE_URL", "*_API_BASE", "*_ENDPOINT"),
    *("OPENAI_*", "ANTHROPIC_*", "CLAUDE_*", "GOOGLE_*", "GEMINI_*", "VERTEX*", "CLOUDSDK_*"),
    *("AZURE_*", "AWS_*", "BOTO*", "COHERE_*", "CO_API_*", "GROQ_*", "MISTRAL_*", "DEEPSEEK_*"),
    *("HF_*", "HUGGING*", "OLLAMA_*", "LITELLM_*", "OPENROUTER_*", "XAI_*", "OTEL_*"),
    # the network
    *("*_PROXY", "SSL_CERT_*", "SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"),
    # git, also what it sets for its hooks
    *("GIT_*", "PRE_COMMIT*"),
    # notebooks, and pytest in pytest
    *("JPY_*", "JUPYTER_*", "IPYTHON*", "PYTEST_ADDOPTS", "PYTEST_PLUGINS"),
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD",
    # width, colour and length of output
    *("NO_COLOR", "FORCE_COLOR", "CLICOLOR*", "PY_COLORS", "TTY_*", "COLUMNS", "LINES"),
    *("_CACHY_*", "GITHUB_ACTIONS", "CI", "BUILD_NUMBER", "PAGER"),
    # the interpreter
    *("PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONDEVMODE"),
    *("PYTHONASYNCIODEBUG", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONSAFEPATH"),
)
"""Patterns of names, in upper case."""


def is_misleading(name: str) -> bool:
    """Whether a variable of this name could change the outcome of a test."""
    upper = name.upper()
    return upper not in KEPT and any(fnmatchcase(upper, pattern) for pattern in MISLEADING)


def clean(environ: MutableMapping[str, str]) -> None:
    """Remove every misleading variable, and keep git from reading this machine's settings.

    Call it before an SDK is imported: some read their variables then. Child processes inherit the
    result.
    """
    for name in [name for name in environ if is_misleading(name)]:
        del environ[name]
    environ.update({"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"})
