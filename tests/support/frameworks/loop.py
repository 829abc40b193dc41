"""What an agent's loop is, and how the modules of this package declare theirs.

A conversation has two questions. For each the model calls `weather` and `population` at once, then
`compare`, then it answers: the stand-in calls all tools but the last together, then the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from inspect import iscoroutinefunction
from typing import Any, Literal

from sdks.way import Result, Way

CALLS = 6
"""How many calls of the model one loop makes."""

Ask = Callable[[Any, str, Any], Any]
"""A function from the agent, a question and the history (None at first) to the answer and the
history; or a coroutine function."""


def weather(city: str) -> str:
    """Return the weather in a city."""
    return f"Sunny in {city}, 21 °C"


def population(city: str, year: int) -> int:
    """Return how many people lived in a city in a year."""
    return 1000 * len(city) + year


def compare(first: str, second: str) -> str:
    """Compare two texts."""
    return f"{first} is not {second}"


TOOLS: list[Callable[..., Any]] = [weather, population, compare]


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    """One for all loops: some frameworks keep their HTTP clients for the life of the process."""
    return asyncio.new_event_loop()


def declare(
    loops: list[Way], framework: str, api: str, agent: Callable[[], Any], *, streaming: bool = False
) -> Callable[[Ask], Ask]:
    """Declare a loop: an async one, if the function that asks is a coroutine function."""

    def declared(ask: Ask) -> Ask:
        colour: Literal["sync", "async"] = "async" if iscoroutinefunction(ask) else "sync"
        # Each loop has questions of its own: it is never answered with another's recordings.
        words = f"{framework} {api} {colour} {'streaming' if streaming else 'plain'}"
        questions = [f"What is best about Zürich? ({words})", "And what else?"]

        def run() -> Result:
            made, history, answers = agent(), None, {}
            for question in questions:
                answers[question], history = ask(made, question, history)
            return answers

        async def run_async() -> Result:
            made, history, answers = agent(), None, {}
            for question in questions:
                answers[question], history = await ask(made, question, history)
            return answers

        def run_in_loop() -> Result:
            return event_loop().run_until_complete(run_async())

        runs = run_in_loop if colour == "async" else run
        loops.append(Way(framework, api, colour, streaming, runs))
        return ask

    return declared
