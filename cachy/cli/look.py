"""Commands that show what is in a store: ls, show, cat, why, stats."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cachy.cli.options import CacheDir, Host, Json, Key, Model
from cachy.cli.output import (
    KEY_DIGITS,
    LONGEST_CELL,
    fail,
    indent,
    note_skipped,
    print_json,
    print_json_array,
    print_table,
    printable,
    progress,
    say,
)
from cachy.cli.units import parse_age, show_age, show_duration, show_size
from cachy.engine.secret_search import masked, masked_data
from cachy.errors import CachyError
from cachy.rules.content import as_dict
from cachy.store.layout import show_path
from cachy.store.names import key_of
from cachy.upkeep import transcript
from cachy.upkeep.find import (
    Filter,
    find_entry,
    find_file,
    is_file_name,
    newest_entry,
    root_of,
    select,
)
from cachy.upkeep.index import open_store, scan
from cachy.wording import count

if TYPE_CHECKING:
    from cachy.upkeep.find import FoundEntry
    from cachy.upkeep.index import Row
    from cachy.upkeep.stats import StoreStats, Total

_LONGEST_FACT = 2000


def ls_command(
    cache_dir: CacheDir = None,
    model: Model = "",
    host: Host = "",
    newer_than: Annotated[
        str, typer.Option(metavar="AGE", help="Only entries younger than this, such as 12h or 30d.")
    ] = "",
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Only entries older than this, such as 12h or 30d.")
    ] = "",
    text: Annotated[
        str, typer.Option(metavar="TEXT", help="Only entries with this in the prompt or answer.")
    ] = "",
    notebook: Annotated[
        str, typer.Option(metavar="FILE", help="Only entries that this notebook or script used.")
    ] = "",
    limit: Annotated[
        int,
        typer.Option(
            "--limit", "-n", metavar="N", min=0, help="List at most N entries; 0 lists all."
        ),
    ] = 0,
    as_json: Json = False,
) -> None:
    """List the entries, newest first."""
    root = open_store(root_of(cache_dir))
    now = time.time()
    wanted = Filter(
        model=model,
        host=host,
        after=now - parse_age(newer_than) if newer_than else None,
        before=now - parse_age(older_than) if older_than else None,
        text=text,
        notebook=notebook,
    )
    with progress("reading") as show_progress:
        contents = scan(root, progress=show_progress)
    rows: Iterable[Row] = select(root, contents.rows, wanted)
    rows = islice(rows, limit or None)
    if as_json:
        print_json_array(row.as_dict() for row in rows)
    else:
        titles = ("key", "age", "model", "host", "status", ">size", "prompt")
        print_table(titles, (_cells(row, now) for row in rows))
    note_skipped(len(contents.flaws))


def _cells(row: Row, now: float) -> tuple[str, ...]:
    return (
        row.key[:KEY_DIGITS],
        show_age(now - row.second),
        row.model or "-",
        row.host,
        str(row.status),
        show_size(row.bytes),
        row.shown,
    )


def show_command(key: Key, cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """Show an entry as a chat."""
    found = find_entry(_store_for(key, cache_dir), key)
    request = transcript.asked(found.entry.head)
    answer = transcript.answered(found.entry)
    if as_json:
        print_json(
            {
                "file": show_path(found.path),
                "head": masked_data(found.entry.head),
                "asked": masked_data([turn._asdict() for turn in request]),
                "answered": masked_data([turn._asdict() for turn in answer]),
            }
        )
        return
    for name, value in _facts(found).items():
        if value:
            fact = transcript.one_line(str(value), _LONGEST_FACT)
            typer.echo(f"{typer.style(f'{name:<9}', dim=True)}{fact}")
    _print_turns(request)
    if request and answer:
        typer.secho("\n→", dim=True, nl=False)
    _print_turns(answer)


def _facts(found: FoundEntry) -> dict[str, Any]:
    head = found.entry.head
    usage = as_dict(head.get("usage"))
    return {
        "key": key_of(head["key"]),
        "file": show_path(found.path),
        "recorded": head.get("recorded"),
        "request": f"{head.get('method')} {head.get('url')}",
        "model": transcript.model(head),
        "status": head["status"],
        "took": f"{show_duration(head['ms'] / 1000)} live",
        "stream": head.get("stream"),
        "tokens": ", ".join(f"{n:,} {name}" for name, n in usage.items() if isinstance(n, int)),
        "body": f"{len(found.entry.body):,} bytes",
    }


def _print_turns(turns: Iterable[transcript.Turn]) -> None:
    for turn in turns:
        if turn.role:
            typer.secho(f"\n{transcript.one_line(turn.role, LONGEST_CELL)}", bold=True)
            typer.echo(indent(printable(masked(turn.text))))


def cat_command(
    key: Key,
    cache_dir: CacheDir = None,
    head: Annotated[
        bool, typer.Option("--head", help="Print its head (the metadata) as JSON instead.")
    ] = False,
    text: Annotated[
        bool,
        typer.Option(
            "--text", help="Print head and body as text instead; for git diff, of any file."
        ),
    ] = False,
) -> None:
    """Print the body of an entry, as it was received."""
    if text and os.path.isfile(key):
        typer.echo(printable(_text_of_file(key)), nl=False)
        return
    entry = find_entry(_store_for(key, cache_dir), key).entry
    if text:
        typer.echo(printable(transcript.readable(entry)), nl=False)
    elif head:
        print_json(entry.head)
    else:
        typer.echo(entry.body, nl=False)


def _text_of_file(path: str) -> str:
    """Return any file as text: if this failed, `git diff` would fail."""
    try:
        return transcript.readable(find_file(path).entry)
    except CachyError as error:
        with open(path, "rb") as file:
            data = file.read()
        return f"({error})\n" if b"\0" in data else data.decode(errors="replace")


def why_command(
    key: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="A key, its first digits, or the file of an entry. Default: the newest entry.",
        ),
    ] = "",
    cache_dir: CacheDir = None,
    as_json: Json = False,
) -> None:
    """Explain why an entry was recorded.

    Shows how its request differs from the closest one that was recorded before. In replay mode the
    error explains a miss in the same way; with CACHY_LOG=1 every miss is explained.
    """
    from cachy.explain import why
    from cachy.store.folder import DirStore

    root = _store_for(key, cache_dir)
    found = find_entry(root, key) if key else newest_entry(root)
    if found is None:
        fail(f"{root} has no entries to explain", 2)
    head = found.entry.head
    explanation = why(DirStore(root), head)
    asked = transcript.to_json(head.get("request"))
    reason = masked(explanation.reason, of=asked)
    differences = [masked(each, of=asked) for each in explanation.differences]
    if as_json:
        print_json(
            {
                "key": key_of(head["key"]),
                "reason": reason,
                "differences": differences,
            }
        )
        return
    say(reason)
    for difference in differences:
        say(f"  {difference}")


def _store_for(key: str, cache_dir: str | None) -> str:
    """Return the store to search. It must exist, unless `key` is the path of a file."""
    root = root_of(cache_dir)
    return root if is_file_name(key) else open_store(root)


def stats_command(cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """Show what a store holds and saves."""
    from cachy.upkeep.stats import stats

    root = open_store(root_of(cache_dir))
    with progress("reading") as show_progress:
        report = stats(root, progress=show_progress)
    if as_json:
        print_json(report.as_dict())
        return
    _print_totals(report)
    for title, groups in (("model", report.models), ("host", report.hosts)):
        typer.echo()
        _print_groups(title, groups)
    recent = report.recent
    typer.echo(
        f"\nlast 30 days, on this machine: {count(recent.sessions, 'session')}, "
        f"{count(recent.hits, 'hit')}, {recent.misses:,} misses, {recent.recorded:,} recorded; "
        f"saved {show_duration(recent.seconds_saved)} "
        f"and at least {recent.input + recent.output:,} tokens"
    )
    note_skipped(len(report.flaws))


def _print_totals(report: StoreStats) -> None:
    total = report.total
    typer.echo(
        f"{count(total.entries, 'entry')} of {count(report.keys, 'key')}, "
        + show_size(total.bytes)
        + (f"; {count(report.older, 'older recording')}" if report.older else "")
        + (f"; {report.private:,} never committed" if report.private else "")
    )
    typer.echo(
        f"recorded in {show_duration(total.ms / 1000)} of live calls, "
        f"with {total.input:,} tokens in and {total.output:,} out"
    )


def _print_groups(title: str, groups: dict[str, Total]) -> None:
    print_table(
        (title, ">entries", ">size", ">live", ">tokens in", ">out"),
        [
            (
                name,
                f"{total.entries:,}",
                show_size(total.bytes),
                show_duration(total.ms / 1000),
                f"{total.input:,}",
                f"{total.output:,}",
            )
            for name, total in groups.items()
        ],
    )
