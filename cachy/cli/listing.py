"""Commands that list and count what is in a store: ls, status, stats."""

from __future__ import annotations

import sys
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from cachy import prices
from cachy.cli import options
from cachy.cli.output import (
    KEY_DIGITS,
    Column,
    note,
    note_skipped,
    print_json,
    print_json_array,
    print_table,
    progress,
    rows_on_screen,
    say,
)
from cachy.cli.units import parse_age, show_age, show_duration, show_size
from cachy.store.layout import short_path
from cachy.upkeep.find import Filter, Selection, root_of
from cachy.upkeep.index import Row, by_time, open_store, scan
from cachy.wording import count

if TYPE_CHECKING:
    from cachy.prices import Bill
    from cachy.upkeep.stats import StoreStats, Total


# ---- ls ----

_COLUMNS = (
    Column("key"),
    Column("age"),
    Column("model", cut=True, middle=True),
    Column("host", cut=True),
    Column("status"),
    Column("size", right=True),
    Column("cost", right=True),
    Column("note"),
    Column("prompt", cut=True, weight=3),
)


@click.command("ls")
@options.cache_dir
@options.model
@options.host
@click.option(
    "--newer-than", default="", metavar="AGE", help="Only entries younger than this, as 12h or 30d."
)
@click.option(
    "--older-than", default="", metavar="AGE", help="Only entries older than this, as 12h or 30d."
)
@click.option(
    "--text", default="", metavar="TEXT", help="Only entries with this in the prompt or answer."
)
@click.option(
    "--notebook",
    default="",
    metavar="FILE",
    help="Only entries that this notebook or script used.",
)
@click.option(
    "--scope", default="", metavar="SCOPE", help="Only entries of this scope; * matches anything."
)
@click.option(
    "--limit",
    "-n",
    type=click.IntRange(min=0),
    metavar="N",
    help="List at most N entries; 0 lists all. Default: as many as fit on the terminal, else all.",
)
@options.as_json
def ls_command(
    cache_dir: str | None,
    model: str,
    host: str,
    newer_than: str,
    older_than: str,
    text: str,
    notebook: str,
    scope: str,
    limit: int | None,
    as_json: bool,
) -> None:
    """List the entries, newest first.

    A recording that a newer one of the same key has replaced is marked as superseded; one that git
    never sees, as private; one of a scope, as scoped; and the answers to a request that was
    repeated have the number of the repeat. `cachy show` tells the scope.
    """
    root = open_store(root_of(cache_dir))
    now = time.time()
    wanted = Filter(
        model=model,
        host=host,
        after=now - parse_age(newer_than) if newer_than else None,
        before=now - parse_age(older_than) if older_than else None,
        text=text,
        notebook=notebook,
        scope=scope,
    )
    with progress("reading") as show_progress:
        contents = scan(root, progress=show_progress)
    selection = Selection(root, by_time(contents.rows), wanted)
    if as_json:
        print_json_array(row.as_dict() for row in islice(selection, limit or None))
    else:
        most = rows_on_screen() if limit is None else limit
        _print_rows(root, list(selection), most, now, len(contents.rows))
    if selection.outlines:
        note(
            f"of {count(selection.outlines, 'entry')} only the outline of the request is stored, "
            f'so the middle of a long text was not searched: enable_cachy(requests="full") keeps it'
        )
    note_skipped(len(contents.flaws))


def _print_rows(root: str, rows: list[Row], most: int, now: float, total: int) -> None:
    shown = rows[:most] if most else rows
    odd_status = any(row.status != 200 for row in shown)
    hosts = {row.host for row in shown}
    one_host = len(hosts) == 1 and sys.stdout.isatty()  # where room is scarce
    print_table(_COLUMNS, [_cells(row, now, status=odd_status, host=not one_host) for row in shown])
    if one_host:
        note(f"host: {hosts.pop()}")
    if len(shown) < len(rows):
        note(f"… and {len(rows) - len(shown):,} older: `cachy ls --limit 0` lists all")
    if not total:
        note(f"{short_path(root)} has no entries yet")
    elif not rows:
        note(f"none of {count(total, 'entry')} matches")


def _cells(row: Row, now: float, *, status: bool, host: bool) -> tuple[str, ...]:
    return (
        row.key[:KEY_DIGITS],
        show_age(now - row.second),
        row.model or "-",
        row.host if host else "",
        str(row.status) if status else "",
        show_size(row.bytes),
        _cost(row),
        _note(row),
        row.shown,
    )


def _note(row: Row) -> str:
    words = (
        (row.superseded, "superseded"),
        (row.file.private and not row.superseded, "private"),
        (row.scope, "scoped"),
        (row.repeat, f"repeat {row.repeat}"),
    )
    return ", ".join(word for holds, word in words if holds)


def _cost(row: Row) -> str:
    """Return what a call cost: empty without tokens, "-" where their price is not known."""
    return prices.show(row.cost) if (row.input or row.output) and prices.installed() else ""


# ---- status ----


@click.command("status")
@options.cache_dir
@options.as_json
def status_command(cache_dir: str | None, as_json: bool) -> None:
    """Show at a glance what is new, private, superseded or unused.

    Nothing is read but names, so it is fast in a store of any size. `cachy stats` sums up what the
    entries hold, `cachy fsck` verifies them.
    """
    from cachy.upkeep.status import status

    report = status(open_store(root_of(cache_dir)))
    if as_json:
        print_json(report.as_dict())
        return
    say(
        f"{short_path(report.store)}: {count(report.entries, 'entry')} of "
        f"{count(report.keys, 'key')}, {show_size(report.bytes)}"
    )
    rows = (
        (report.uncommitted, "not committed", "`git add` and commit them to share them"),
        (report.private, "private", "they stay on this machine: too large, or a possible secret"),
        (report.superseded, "superseded", "`cachy gc` removes them when they are a day old"),
        (report.unused, "unused", "no session of this machine used them: `cachy gc --unused`"),
    )
    print_table(
        (Column(), Column(), Column(cut=True)),
        [(f"{number:>6,}", what, hint) for number, what, hint in rows if number],
    )


# ---- stats ----


@click.command("stats")
@options.cache_dir
@options.as_json
def stats_command(cache_dir: str | None, as_json: bool) -> None:
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
        if groups:
            click.echo()
            _print_groups(title, groups)
    recent = report.recent
    click.echo(
        f"\nlast 30 days, on this machine: {count(recent.sessions, 'session')}, "
        f"{count(recent.hits, 'hit')}, {count(recent.misses, 'miss')}, {recent.recorded:,} "
        f"recorded; saved {show_duration(recent.seconds_saved)} "
        f"and at least {recent.input + recent.output:,} tokens{_worth(recent.cost)}"
    )
    if prices.installed():
        note(f"prices are those of {prices.source()}, on the day of each call")
    elif report.total.input or report.total.output:
        note(prices.HINT)
    note_skipped(len(report.flaws))


def _print_totals(report: StoreStats) -> None:
    total = report.total
    click.echo(
        f"{count(total.entries, 'entry')} of {count(report.keys, 'key')}, "
        + show_size(total.bytes)
        + (f"; {count(report.older, 'older recording')}" if report.older else "")
        + (f"; {report.private:,} never committed" if report.private else "")
    )
    click.echo(
        f"recorded in {_live(total)}, "
        f"with {total.input:,} tokens in and {total.output:,} out{_worth(total.cost)}"
    )


def _live(total: Total) -> str:
    """Return how long live calls took, as far as that is known."""
    if not total.untimed:
        return f"{show_duration(total.ms / 1000)} of live calls"
    if total.untimed == total.entries:
        return "live calls whose time is not known"
    return f"{show_duration(total.ms / 1000)} of live calls (not known of {total.untimed:,})"


def _worth(bill: Bill) -> str:
    """Return what tokens cost, as the end of a sentence; empty where no prices are installed."""
    return f", {bill}" if prices.installed() and (bill.priced or bill.unpriced) else ""


def _print_groups(title: str, groups: dict[str, Total]) -> None:
    numbers = ("entries", "size", "live", "tokens in", "out", "cost")
    print_table(
        (Column(title, cut=True), *(Column(name, right=True) for name in numbers)),
        [(name, *_numbers(total)) for name, total in groups.items()],
    )


def _numbers(total: Total) -> tuple[Any, ...]:
    return (
        f"{total.entries:,}",
        show_size(total.bytes),
        show_duration(total.ms / 1000) if total.untimed < total.entries else "-",
        f"{total.input:,}",
        f"{total.output:,}",
        _sum(total.cost),
    )


def _sum(bill: Bill) -> str:
    if not prices.installed() or not (bill.priced or bill.unpriced):
        return ""
    return prices.show(bill.dollars if bill.priced else None)
