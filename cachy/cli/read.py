"""Commands that show one entry: show, cat, why, log."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from cachy import prices
from cachy.cli import options
from cachy.cli.output import (
    KEY_DIGITS,
    LONGEST_CELL,
    Column,
    fail,
    note,
    print_json,
    print_table,
    say,
)
from cachy.cli.text import bold, dim, indent, printable, wrap
from cachy.cli.units import show_duration
from cachy.engine.secret_search import masked, masked_data
from cachy.errors import CachyError, ConfigError
from cachy.rules.content import as_dict
from cachy.store.layout import short_path, show_path
from cachy.store.names import SUFFIX, is_name, key_of, second_in
from cachy.upkeep import transcript
from cachy.upkeep.find import find_entry, find_file, is_file_name, newest_entries, root_of
from cachy.upkeep.index import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cachy.upkeep.find import FoundEntry
    from cachy.upkeep.history import Event

_LONGEST_FACT = 2000


def _find(key: str, cache_dir: str | None) -> FoundEntry:
    """Return the entry of a key or file, or the newest. Exits where there is none."""
    return _newest(cache_dir, 1)[0] if not key else find_entry(_store_for(key, cache_dir), key)


def _newest(cache_dir: str | None, number: int) -> list[FoundEntry]:
    root = open_store(root_of(cache_dir))
    return newest_entries(root, number) or fail(f"{short_path(root)} has no entries yet", 2)


def _store_for(key: str, cache_dir: str | None) -> str:
    """Return the store to search. It must exist, unless `key` is the path of a file."""
    root = root_of(cache_dir)
    return root if is_file_name(key) else open_store(root)


# ---- show ----


@click.command("show")
@options.key
@click.option(
    "--last", type=click.IntRange(min=1), metavar="N", help="Show the newest N, the newest last."
)
@options.cache_dir
@options.as_json
def show_command(key: str, last: int | None, cache_dir: str | None, as_json: bool) -> None:
    """Show an entry as a chat: by default the newest.

    KEY is a key, its first digits, or the file of an entry.
    """
    if key and last:
        raise ConfigError("give a KEY or --last, not both")
    found = _newest(cache_dir, last)[::-1] if last else [_find(key, cache_dir)]
    if as_json:
        shown = [_as_dict(each) for each in found]
        print_json(shown if last else shown[0])
        return
    for number, each in enumerate(found):
        if number:
            click.echo(dim(f"\n{'─' * 60}\n"))
        _print_entry(each)


def _as_dict(found: FoundEntry) -> dict[str, Any]:
    head = found.entry.head
    return {
        "file": show_path(found.path),
        "head": masked_data({**head, "ms": head["ms"] or None}),  # not known of what was imported
        **({"cost": _dollars(found)} if prices.installed() else {}),
        "asked": masked_data([turn._asdict() for turn in transcript.asked(found.entry.head)]),
        "answered": masked_data([turn._asdict() for turn in transcript.answered(found.entry)]),
    }


def _print_entry(found: FoundEntry) -> None:
    for name, value in _facts(found).items():
        if value:
            fact = wrap(transcript.one_line(str(value), _LONGEST_FACT), _width(9))
            click.echo(dim(f"{name:<9}") + fact.replace("\n", "\n" + " " * 9))
    request = transcript.asked(found.entry.head)
    answer = transcript.answered(found.entry)
    _print_turns(request)
    _print_turns(answer, before="→ " if request else "")


def _facts(found: FoundEntry) -> dict[str, Any]:
    head = found.entry.head
    usage, asked = as_dict(head.get("usage")), as_dict(head.get("request"))
    return {
        "key": key_of(head["key"]),
        "file": show_path(short_path(found.path)),
        "recorded": head.get("recorded"),
        "request": f"{head.get('method')} {head.get('url')}",
        "model": transcript.model(head),
        "scope": masked(str(asked.get("scope") or "")),
        "repeat": asked.get("repeat"),
        "status": head["status"],
        "took": f"{show_duration(head['ms'] / 1000)} live" if head["ms"] else "",
        "stream": head.get("stream"),
        "tokens": ", ".join(
            f"{n:,} {_COUNTED.get(name, name)}" for name, n in usage.items() if isinstance(n, int)
        ),
        "cost": _cost(found),
        "body": f"{len(found.entry.body):,} bytes",
    }


_COUNTED = {"cache_read": "from the provider's cache", "cache_write": "into it"}


def _cost(found: FoundEntry) -> str:
    """Return what the call cost, and by which prices; empty where none are installed."""
    cost = _dollars(found)
    if not as_dict(found.entry.head.get("usage")) or not prices.installed():
        return ""
    return "no price known" if cost is None else f"{prices.show(cost)} ({prices.source()})"


def _dollars(found: FoundEntry) -> float | None:
    head = found.entry.head
    name = os.path.basename(found.path).removesuffix(SUFFIX)
    second = second_in(name) if is_name(name) else time.time()
    return prices.price(head.get("url"), transcript.model(head), head.get("usage"), second)


def _print_turns(turns: Iterable[transcript.Turn], before: str = "") -> None:
    for turn in turns:
        if turn.role:
            role = transcript.one_line(turn.role, LONGEST_CELL)
            click.echo(f"\n{dim(before) if before else ''}{bold(role)}")
            click.echo(indent(wrap(printable(masked(turn.text)), _width(2))))


def _width(indented: int) -> int:
    """Return how many cells a line has beside its indentation; 0, for any, where stdout is no
    terminal."""
    return max(shutil.get_terminal_size().columns - indented, 20) if sys.stdout.isatty() else 0


# ---- cat ----


@click.command("cat")
@options.key
@options.cache_dir
@click.option("--head", is_flag=True, help="Print its head (the metadata) as JSON instead.")
@click.option("--text", is_flag=True, help="Print all of it as text; for git diff, of any file.")
def cat_command(key: str, cache_dir: str | None, head: bool, text: bool) -> None:
    """Print the body of an entry, as received: by default of the newest.

    KEY is a key, its first digits, or the file of an entry.
    """
    if text and os.path.isfile(key):
        click.echo(printable(_text_of_file(key)), nl=False)
        return
    entry = _find(key, cache_dir).entry
    if text:
        click.echo(printable(transcript.readable(entry)), nl=False)
    elif head:
        print_json(entry.head)
    else:
        click.echo(entry.body, nl=False)


def _text_of_file(path: str) -> str:
    """Return any file as text: if this failed, `git diff` would fail. What is in the place of an
    older recording begins with what changed."""
    from cachy.upkeep.git_diff import changes

    try:
        entry = find_file(path).entry
        return changes(path, entry) + transcript.readable(entry)
    except CachyError as error:
        with open(path, "rb") as file:
            data = file.read()
        return f"({error})\n" if b"\0" in data else data.decode(errors="replace")


# ---- why ----


@click.command("why")
@options.key
@options.cache_dir
@options.as_json
def why_command(key: str, cache_dir: str | None, as_json: bool) -> None:
    """Explain why an entry was recorded: by default the newest.

    Shows how its request differs from the closest one that was recorded before. In replay mode the
    error explains a miss in the same way; with CACHY_LOG=1 every miss is explained.

    KEY is a key, its first digits, or the file of an entry.
    """
    from cachy.explain import why
    from cachy.store.folder import DirStore

    found = _find(key, cache_dir)
    head = found.entry.head
    explanation = why(DirStore(root_of(cache_dir)), head)
    asked = transcript.to_json(head.get("request"))
    reason = masked(explanation.reason, of=asked)
    differences = [masked(each, of=asked) for each in explanation.differences]
    if as_json:
        print_json({"key": key_of(head["key"]), "reason": reason, "differences": differences})
        return
    say(reason)
    for difference in differences:
        say(f"  {difference}")


# ---- log ----


@click.command("log")
@options.key
@options.cache_dir
@options.as_json
def log_command(key: str, cache_dir: str | None, as_json: bool) -> None:
    """Show the history of a key in git: by default of the newest entry.

    Shows the commits that added its recordings (+) or removed them (-), newest first, with the
    answers; of several recordings the one that is served is marked. KEY is a key, its first
    digits, or the file of an entry, also of one that is gone.
    """
    from cachy.upkeep.history import history

    root = root_of(cache_dir)
    start = key or key_of(_newest(cache_dir, 1)[0].entry.head["key"])
    events = history(root, start)
    if as_json:
        print_json([event._asdict() for event in events])
        return
    if not events:
        note(f"git knows no recording of a key that starts with {start!r}")
    print_table(_COLUMNS, [_cells(event) for event in events])


_COLUMNS = (
    Column(),
    Column(),
    Column(),
    Column(cut=True),
    Column(cut=True),
    Column(cut=True, weight=2),
    Column(),
)


def _cells(event: Event) -> tuple[str, ...]:
    return (
        event.sign,
        event.commit[:KEY_DIGITS] or "-",
        event.date[:10],
        event.author,
        event.subject or "(not committed)",
        f"→ {event.answer}" if event.answer else "",
        "in force" if event.in_force else "",
    )
