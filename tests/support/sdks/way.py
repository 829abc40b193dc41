"""What a way of calling is, and how the modules of this package declare theirs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from inspect import isawaitable
from typing import Any, Literal

Result = dict[str, Any]
"""What came back, small and fit for JSON. A value that is empty says that content got lost."""
Ask = Callable[[Any], Any]
"""A call: a function from a client to what the SDK gives, awaitable or not."""


@dataclass(frozen=True)
class Way:
    """One call of one SDK, in one colour, with its answer whole or streamed."""

    sdk: str  # the name on PyPI; the major version where that makes another client of it; more
    call: str
    colour: Literal["sync", "async"]
    streaming: bool
    run: Callable[[], Result]

    def __str__(self) -> str:
        mode = "streaming" if self.streaming else "plain"
        return "-".join([*self.sdk.split(), *self.call.split(), self.colour, mode])

    def available(self) -> bool:
        """Whether the SDK is installed here, in that version."""
        name, major, *_ = [*self.sdk.split(), ""]
        if name.partition(".")[0] in sys.stdlib_module_names:
            return True
        try:
            installed = version(name)
        except PackageNotFoundError:
            return False
        return installed.startswith(f"{major}." if major else "")


@dataclass(frozen=True)
class Family:
    """An SDK whose sync and async clients share their methods: each call declares the sync
    and the async way, if it has one.

    A call is a function from a client to what the SDK gives, awaitable or not; its `read` makes
    the result, of the answer or, when streaming, of the list of its pieces.
    """

    sdks: tuple[str, ...]
    client: Callable[[], AbstractContextManager[Any]] | None = None
    async_client: Callable[[], AbstractAsyncContextManager[Any]] | None = None
    ways: list[Way] = field(default_factory=list)

    def call(
        self, name: str, read: Callable[[Any], Result], *, streaming: bool = False
    ) -> Callable[[Ask], Ask]:
        """A call that gives its answer, or with `streaming` an iterable of pieces."""

        def declare(ask: Ask) -> Ask:
            def run() -> Result:
                assert self.client
                with self.client() as client:
                    answer = ask(client)
                    return read(list(answer) if streaming else answer)

            async def run_async() -> Result:
                assert self.async_client
                async with self.async_client() as client:
                    answer = ask(client)
                    answer = await answer if isawaitable(answer) else answer
                    return read([piece async for piece in answer] if streaming else answer)

            self._declare(name, streaming, run, lambda: asyncio.run(run_async()))
            return ask

        return declare

    def stream(
        self,
        name: str,
        read: Callable[[list[Any]], Result],
        pieces: Callable[[Any], Any] = lambda stream: stream,
    ) -> Callable[[Callable[[Any], Any]], None]:
        """A call that gives a context manager around its stream."""

        def declare(ask: Callable[[Any], Any]) -> None:
            def run() -> Result:
                assert self.client
                with self.client() as client, ask(client) as stream:
                    return read(list(pieces(stream)))

            async def run_async() -> Result:
                assert self.async_client
                async with self.async_client() as client, ask(client) as stream:
                    return read([piece async for piece in pieces(stream)])

            self._declare(name, True, run, lambda: asyncio.run(run_async()))

        return declare

    def _declare(
        self,
        call: str,
        streaming: bool,
        run: Callable[[], Result],
        run_async: Callable[[], Result],
    ) -> None:
        for sdk in self.sdks:
            if self.client:
                self.ways.append(Way(sdk, call, "sync", streaming, run))
            if self.async_client:
                self.ways.append(Way(sdk, call, "async", streaming, run_async))
