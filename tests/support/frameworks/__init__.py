"""Agents of real frameworks, each asked two questions that take three calls of a model each.

`LOOPS` holds them all, whatever is installed; each knows whether it is available here. The tests
run those of one framework in processes of their own: `python -m frameworks` is such a process.
"""

from __future__ import annotations

from sdks.way import Way

from frameworks import langgraph, litellm, openai_agents, pydantic_ai

LOOPS: list[Way] = [*pydantic_ai.LOOPS, *openai_agents.LOOPS, *langgraph.LOOPS, *litellm.LOOPS]

FRAMEWORKS = list(dict.fromkeys(loop.sdk for loop in LOOPS))
"""Their names on PyPI."""
