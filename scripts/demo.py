"""What scripts/demo shows: replays from the committed store, then a recording, a miss and a merge.

`python scripts/demo.py --record` makes the committed entries anew, from the local stand-in.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))  # the stand-in lives with the tests

from environment import is_misleading  # noqa: E402

from cachy import CacheMiss, cachy, disable_cachy, enable_cachy  # noqa: E402
from cachy.cli.text import bold, dim  # noqa: E402
from cachy.store.layout import FOLDER, shared_files  # noqa: E402
from cachy.upkeep.stats import stats  # noqa: E402
from cachy.wording import count  # noqa: E402

SHOWN = ("COLUMNS", "LINES", "NO_COLOR", "TERM")
"""Variables that the demo obeys. Keys, addresses, modes and proxies it does not."""


class Question(NamedTuple):
    prompt: str
    answer: str
    """What the stand-in says when it is recorded."""


QUESTIONS = {
    ("openai", "plain"): Question(
        "Explain caching in three words.", "Store once, reuse. (Or, shorter: remember the answer.)"
    ),
    ("openai", "streaming"): Question(
        "What is a cache miss?",
        "A lookup for something that has not been stored yet: it has to be fetched, and the next "
        "lookup will find it.",
    ),
    ("anthropic", "plain"): Question(
        "What makes a good test?",
        "It fails when the behaviour breaks and at no other time, it runs in moments, and anyone "
        "who reads it learns what the code promises.",
    ),
    ("anthropic", "streaming"): Question(
        "Why record the answers of a model?",
        "Because then your tests are fast, cost nothing, and give the same result for everybody.",
    ),
    ("google-genai", "plain"): Question(
        "How do you say “cache” in German?",
        "“Zwischenspeicher”, although most programmers simply say “Cache”.",
    ),
    ("google-genai", "streaming"): Question(
        "Write a haiku about a cache.",
        "Asked once, then again; / the second time nobody calls: / the disk remembers.",
    ),
}
SCRIPT = {question.prompt: question.answer for question in QUESTIONS.values()}


# ---- The calls ----


def openai_client() -> Any:
    from openai import OpenAI

    return OpenAI()


def openai_plain(client: Any, prompt: str, **more: Any) -> str:
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": prompt}], **more
    )
    return str(answer.choices[0].message.content)


def openai_stream(client: Any, prompt: str) -> str:
    stream = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": prompt}], stream=True
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def anthropic_client() -> Any:
    from anthropic import Anthropic

    return Anthropic()


def _to_anthropic(prompt: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": "claude-sonnet-4-6", "max_tokens": 100, "messages": messages}


def anthropic_plain(client: Any, prompt: str) -> str:
    answer = client.messages.create(**_to_anthropic(prompt))
    return "".join(block.text for block in answer.content if block.type == "text")


def anthropic_stream(client: Any, prompt: str) -> str:
    with client.messages.stream(**_to_anthropic(prompt)) as stream:
        return "".join(stream.text_stream)


def google_client() -> Any:
    from google import genai

    # Named, because the default differs between versions, and so would the key.
    return genai.Client(http_options={"api_version": "v1beta"})


def google_plain(client: Any, prompt: str) -> str:
    return str(client.models.generate_content(model="gemini-2.0-flash", contents=prompt).text)


def google_stream(client: Any, prompt: str) -> str:
    stream = client.models.generate_content_stream(model="gemini-2.0-flash", contents=prompt)
    return "".join(chunk.text or "" for chunk in stream)


class Sdk(NamedTuple):
    name: str
    client: Callable[[], Any]
    ways: dict[str, Callable[[Any, str], str]]


SDKS = [
    Sdk("openai", openai_client, {"plain": openai_plain, "streaming": openai_stream}),
    Sdk("anthropic", anthropic_client, {"plain": anthropic_plain, "streaming": anthropic_stream}),
    Sdk("google-genai", google_client, {"plain": google_plain, "streaming": google_stream}),
]


class Call(NamedTuple):
    title: str
    question: Question
    ask: Callable[[], str]


def calls() -> Iterator[Call]:
    """The calls of all SDKs, each with its client open. They need a key, or a placeholder."""
    for sdk in SDKS:
        with sdk.client() as client:
            for way, ask in sdk.ways.items():
                question = QUESTIONS[sdk.name, way]
                yield Call(f"{sdk.name}, {way}", question, partial(ask, client, question.prompt))


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


@contextmanager
def keys() -> Iterator[None]:
    """Within the block there are keys: the stand-in takes any."""
    names = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY")
    os.environ.update(dict.fromkeys(names, "for the stand-in"))
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)


def as_a_fast_model() -> Any:
    """How the stand-in behaves: seconds before an answer, and between its pieces."""
    from standin import Behaviour

    return Behaviour(delay=0.4, pause=0.03)


def timed(call: Callable[[], str]) -> tuple[str, float]:
    """What a call returns, and the milliseconds it took."""
    start = time.perf_counter()
    text = call()
    return text, (time.perf_counter() - start) * 1000


# ---- What is printed ----


def width() -> int:
    return min(shutil.get_terminal_size().columns, 100)


def title(text: str) -> None:
    print(f"\n{bold(f'── {text} ' + '─' * max(width() - len(text) - 4, 0))}\n")


def say(text: str, indent: str = "") -> None:
    print(textwrap.fill(text, width(), initial_indent=indent, subsequent_indent=indent))


def show(left: str, right: str) -> None:
    print(f"  {bold(left)}{right:>{width() - len(left) - 2}}")


# ---- The parts ----


def replay_committed() -> None:
    title("1. Replay what is committed: no API key, no network")
    session = enable_cachy(cache_dir=ROOT, mode="replay")
    with no_network():
        for call in calls():
            call.ask()  # the first use of an SDK imports most of it
            text, ms = timed(call.ask)
            show(call.title, f"{ms:.1f} ms")
            say(call.question.prompt, "    ")
            say(f"→ {text}", "    ")
    saved = session.stats.seconds_saved / 2  # each was asked twice
    print()
    say(
        f"{count(session.stats.hits // 2, 'call')} answered from {FOLDER}, a folder in this "
        f"repository. "
        f"Live they took {saved:.1f} s. (Nearly all of the time above is the SDKs' own.)"
    )
    disable_cachy()


def record_and_replay(folder: Path, standin: Any) -> None:
    title("2. Record, then replay")
    say("A local server stands in for the providers, as fast as a fast model.")
    print()
    for call in calls():
        enable_cachy(cache_dir=folder)
        with standin.behave(as_a_fast_model()):
            first, live_ms = timed(call.ask)
        with cachy("replay"):
            second, replay_ms = timed(call.ask)
        assert first == second, "a replay must say what was recorded"
        times = f"{live_ms:6.0f} ms recorded  {replay_ms:6.1f} ms replayed"
        show(call.title, f"{times}  {live_ms / replay_ms:5.0f} ×")


def show_a_miss(folder: Path) -> None:
    title("3. A miss says what changed")
    prompt = "Explain caching in five words."
    say(f"In replay mode, with another prompt and a temperature: {prompt!r}")
    print()
    enable_cachy(cache_dir=folder, mode="replay")
    with no_network(), openai_client() as client:
        try:
            openai_plain(client, prompt, temperature=0.2)
        except Exception as error:
            if (miss := CacheMiss.behind(error)) is None:
                raise
            print(textwrap.indent(str(miss), "  "))
    disable_cachy()


def merge_two_branches(folder: Path, standin: Any) -> None:
    title("4. Two branches record, git merges them")
    if shutil.which("git") is None:
        say("(There is no git here, so this part is left out.)")
        return

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        command = ["git", *who, "-c", "commit.gpgsign=false", *arguments]
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout

    def record(mode: str, *prompts: str) -> None:
        enable_cachy(cache_dir=folder, mode=mode)
        with keys(), openai_client() as client:
            for prompt in prompts:
                openai_plain(client, prompt)
        disable_cachy()
        git("add", "-A")
        git("commit", "-qm", f"Record: {', '.join(prompts)}")

    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "Record")
    git("checkout", "-q", "-b", "ada")
    record("refresh", "Explain caching in three words.", "Is it fast?")
    git("checkout", "-q", "main")
    record("refresh", "Explain caching in three words.", "Is it safe?")
    say("Both recorded the same question again, and a new one each:")
    print()
    merged = git("merge", "--no-edit", "--stat", "ada").splitlines()
    print(dim("  $ git merge ada"))
    for line in merged:
        if "Merge made" in line or "changed" in line:
            print(f"  {line.strip()}")
    print()
    say("No conflict, no merge driver, no configuration: no two recordings share a file.")


def look_after(folder: Path) -> None:
    title("5. Look after the store")
    for command in (["ls", "--limit", "4"], ["status"]):
        print(dim(f"$ cachy {' '.join(command)}"), flush=True)
        subprocess.run([sys.executable, "-m", "cachy", *command], cwd=folder, check=True)
        print()


def sum_up(folder: Path) -> None:
    title("6. What that saved, and what to do next")
    total = stats(str(ROOT / FOLDER)).total
    say(
        f"The {count(total.entries, 'entry')} committed here took {total.ms / 1000:.0f} s and "
        f"{total.input + total.output:,} tokens to record. Each replay of them, by you, a "
        f"colleague or CI, takes milliseconds and no tokens."
    )
    print(
        f"""
  {bold("pip install cachy-store")}

  from cachy import enable_cachy
  enable_cachy()

  Commit {FOLDER} beside your code. In CI: CACHY_MODE=replay.
  README.md says more; scripts/quickstart.ipynb is the same in a notebook.
"""
    )


def record_committed() -> None:
    """Make the entries of the repository's own store."""
    from standin import Standin
    from standin.content import scripted

    store = ROOT / FOLDER
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir()
    for name, data in shared_files().items():
        (store / name).write_bytes(data)
    with Standin() as standin, standin.reach(), scripted(SCRIPT), keys():
        enable_cachy(cache_dir=ROOT)
        with standin.behave(as_a_fast_model()):
            for call in calls():
                print(call.ask())
        disable_cachy()


def main() -> None:
    for name in [name for name in os.environ if is_misleading(name) and name not in SHOWN]:
        del os.environ[name]
    if "--record" in sys.argv:
        record_committed()
        return
    from standin import Standin
    from standin.content import scripted

    replay_committed()
    folder = Path(tempfile.mkdtemp(prefix="cachy-demo-"))
    try:
        with Standin() as standin, standin.reach(), scripted(SCRIPT):
            with keys():
                record_and_replay(folder, standin)
            show_a_miss(folder)
            merge_two_branches(folder, standin)
        look_after(folder)
        sum_up(folder)
    finally:
        disable_cachy()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
