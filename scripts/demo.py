"""What scripts/demo shows: calls answered from the committed store, then a recording run.

`python scripts/demo.py --record` makes the committed entries anew, from the local stand-in.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from cachy import disable_cachy, enable_cachy
from cachy.store.layout import FOLDER, shared_files

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(
    0, str(ROOT / "tests" / "support")
)  # the stand-in for the providers lives with the tests

console = Console(highlight=False)
PROMPT = "Explain caching in three words."


def openai_client() -> Any:
    from openai import OpenAI

    return OpenAI(api_key="none")


def openai_plain(client: Any) -> str:
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": PROMPT}]
    )
    return str(answer.choices[0].message.content)


def openai_stream(client: Any) -> str:
    stream = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": PROMPT}], stream=True
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def anthropic_client() -> Any:
    from anthropic import Anthropic

    return Anthropic(api_key="none")


ANTHROPIC = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": PROMPT}],
}


def anthropic_plain(client: Any) -> str:
    answer = client.messages.create(**ANTHROPIC)
    return "".join(block.text for block in answer.content if block.type == "text")


def anthropic_stream(client: Any) -> str:
    with client.messages.stream(**ANTHROPIC) as stream:
        return "".join(stream.text_stream)


def google_client() -> Any:
    from google import genai

    # Named, because the default differs between versions, and so would the key.
    return genai.Client(api_key="none", http_options={"api_version": "v1beta"})


def google_plain(client: Any) -> str:
    answer = client.models.generate_content(model="gemini-2.0-flash", contents=PROMPT)
    return str(answer.text)


def google_stream(client: Any) -> str:
    stream = client.models.generate_content_stream(model="gemini-2.0-flash", contents=PROMPT)
    return "".join(chunk.text or "" for chunk in stream)


class Sdk(NamedTuple):
    name: str
    client: Callable[[], Any]
    ways: dict[str, Callable[[Any], str]]


SDKS = [
    Sdk("openai", openai_client, {"plain": openai_plain, "streaming": openai_stream}),
    Sdk("anthropic", anthropic_client, {"plain": anthropic_plain, "streaming": anthropic_stream}),
    Sdk("google-genai", google_client, {"plain": google_plain, "streaming": google_stream}),
]


def calls() -> Iterator[tuple[str, str, Callable[[], str]]]:
    """SDK, way and call of each row, with a client open."""
    for sdk in SDKS:
        with sdk.client() as client:
            for way, call in sdk.ways.items():
                yield sdk.name, way, partial(call, client)


@contextmanager
def no_network() -> Iterator[None]:
    """Within the block, every attempt to connect fails, and says to whom it was."""

    def refuse(self: socket.socket, address: Any) -> None:
        raise OSError(f"the demo tried to reach {address}")

    connect = socket.socket.connect
    socket.socket.connect = refuse  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]


def timed(call: Callable[[], str]) -> tuple[str, float]:
    """What a call returns, and the milliseconds it took."""
    start = time.perf_counter()
    text = call()
    return text, (time.perf_counter() - start) * 1000


def replay_committed() -> None:
    console.rule("1. The committed .cachy: no key, no network", align="left")
    table = Table("SDK", "way", "answer", "time", box=None)
    table.columns[3].justify = "right"
    session = enable_cachy(cache_dir=ROOT, mode="replay")
    with no_network():
        for sdk, way, call in calls():
            call()  # the first use of an SDK imports most of it
            text, ms = timed(call)
            table.add_row(sdk, way, text if len(text) < 40 else text[:39] + "…", f"{ms:.1f} ms")
    console.print(table)
    console.print(str(session), soft_wrap=True)
    console.print("[dim]Nearly all of each time is the SDK's own work.[/dim]\n")
    disable_cachy()


def record_and_replay() -> Path:
    from standin import Behaviour, Standin

    console.rule(
        "2. Recording from a local stand-in for the providers, then replaying", align="left"
    )
    folder = Path(tempfile.mkdtemp(prefix="cachy-demo-"))
    table = Table("SDK", "way", "first run", "second run", "", box=None)
    for column in table.columns[2:]:
        column.justify = "right"
    with Standin() as standin, standin.reach():
        slow = Behaviour(delay=0.4, pause=0.03)  # as a fast model would answer
        for sdk, way, call in calls():
            enable_cachy(cache_dir=folder)
            with standin.behave(slow):
                first, live_ms = timed(call)
            enable_cachy(cache_dir=folder, mode="replay")
            second, replay_ms = timed(call)
            assert first == second, "a replay must say what was recorded"
            factor = f"{live_ms / replay_ms:,.0f} × faster"
            table.add_row(sdk, way, f"{live_ms:.0f} ms", f"{replay_ms:.1f} ms", factor)
        disable_cachy()
        console.print(table)
        console.print(f"The stand-in was called {len(standin.calls)} times, once for each row.\n")
    return folder


def show_store(folder: Path) -> None:
    console.rule("3. What lies in that store", align="left")
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "local" not in path.parts:
            size = f"{path.stat().st_size:,} bytes"
            console.print(f"  {path.relative_to(folder)}  [dim]{size}[/dim]", soft_wrap=True)
    console.print(
        "  .cachy/local/\n\n"
        "Commit it beside your notebooks: .gitignore keeps itself and local/ out.\n",
    )
    command = [sys.executable, "-m", "cachy", "ls"]
    console.print(f"[bold]$ cachy ls[/bold]    [dim]in {folder}[/dim]", soft_wrap=True)
    subprocess.run(command, cwd=folder, check=True)


def record_committed() -> None:
    """Make the entries of the repository's own store."""
    from standin import Standin

    store = ROOT / FOLDER
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir()
    for name, data in shared_files().items():
        (store / name).write_bytes(data)
    with Standin() as standin, standin.reach():
        enable_cachy(cache_dir=ROOT)
        for _, _, call in calls():
            print(call())
        disable_cachy()


def main() -> None:
    os.environ.pop("CACHY_MODE", None)
    if "--record" in sys.argv:
        record_committed()
        return
    replay_committed()
    folder = record_and_replay()
    try:
        show_store(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
