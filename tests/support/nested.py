"""pytest in pytest."""

from __future__ import annotations

PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "cachy.pytest_plugin"}
"""Variables that give a pytest cachy's plugin alone: the others take two seconds to import."""
