"""Commands that change a store: init, fsck, gc."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from cachy.cli import options
from cachy.cli.output import (
    LONGEST_CELL,
    fail,
    note,
    note_skipped,
    print_json,
    progress,
    say,
)
from cachy.cli.units import parse_age, parse_size, show_size
from cachy.errors import ConfigError
from cachy.store.layout import show_path
from cachy.upkeep.find import root_of
from cachy.upkeep.index import open_store
from cachy.upkeep.transcript import one_line
from cachy.wording import count

if TYPE_CHECKING:
    from cachy.upkeep.check import FsckReport
    from cachy.upkeep.gc import Plan, Policy

_MOST_LISTED = 20
_PROMPT_LENGTH = 40


# ---- init ----


@click.command("init")
@options.cache_dir
@click.option("--git", is_flag=True, help="Make git diff show entries as text in this clone.")
@click.option(
    "--hook",
    is_flag=True,
    help="Check the entries in every commit, with a pre-commit hook in this clone.",
)
@options.as_json
def init_command(cache_dir: str | None, git: bool, hook: bool, as_json: bool) -> None:
    """Set up a store in a repository.

    Creates the store, its manifest and dictionary, and a line in .gitattributes: commit them. This
    is optional, enable_cachy() alone is enough to record and replay.
    """
    from cachy.upkeep.init import init

    setup = init(root_of(cache_dir), git=git, hook=hook)
    if as_json:
        print_json(setup.as_dict())
        return
    for label, lines in (
        ("created", setup.created),
        ("unchanged", setup.unchanged),
        ("", setup.suggestions),
    ):
        for line in lines:
            say(f"{label:<9}  {line}")
    for warning in setup.warnings:
        note(f"warning: {warning}")


# ---- fsck ----


@click.command("fsck")
@options.cache_dir
@click.option(
    "--repair",
    is_flag=True,
    help="Move broken files to local/trash. One that git can restore stays.",
)
@options.as_json
def fsck_command(cache_dir: str | None, repair: bool, as_json: bool) -> None:
    """Verify every file of a store.

    The exit code is 1 if there is a problem.
    """
    from cachy.upkeep.check import fsck

    root = open_store(root_of(cache_dir))
    with progress("checking") as show_progress:
        report = fsck(root, repair=repair, progress=show_progress)
    if as_json:
        print_json(report.as_dict())
    else:
        _print_fsck(report)
    if not report.sound:
        raise Exit(1)


def _print_fsck(report: FsckReport) -> None:
    for flaw in report.flaws:
        say(f"{show_path(flaw.path)}: {flaw.what}")
    for stray in report.strays:
        say(f"{show_path(stray)}: does not belong to the store, ignored")
    if report.rule:
        say(
            f"the git attribute {report.rule!r} applies to the store and would damage entries on "
            f"checkout: run `cachy init`"
        )
    problems = count(len(report.flaws), "problem") if report.flaws else "all sound"
    click.echo(f"{count(report.checked, 'file')}, {show_size(report.bytes)}: {problems}")
    if report.moved:
        say(f"moved {count(len(report.moved), 'file')} to {show_path(report.trash)}")
    elif any(flaw.broken for flaw in report.flaws):
        click.echo("`cachy fsck --repair` moves the broken files to the trash")


# ---- gc ----


@click.command("gc")
@options.cache_dir
@click.option("--unused", is_flag=True, help="Entries that no session used on this machine.")
@click.option(
    "--since",
    default="",
    metavar="WHEN",
    help="With --unused: since 30d, 2026-11-01, or last-run (the last that succeeded).",
)
@click.option(
    "--older-than", default="", metavar="AGE", help="Entries older than this, such as 90d."
)
@click.option(
    "--max-size",
    default="",
    metavar="SIZE",
    help="The least recently used entries, until the rest fits, such as 50MB.",
)
@options.model
@options.host
@click.option(
    "--grace",
    default="1d",
    metavar="AGE",
    show_default=True,
    help="Keep everything that is younger than this.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--remote", is_flag=True, help="Of the remote; needs --older-than.")
@click.option("--undo", is_flag=True, help="Restore what the last gc or %cachy forget removed.")
@options.as_json
def gc_command(
    cache_dir: str | None,
    unused: bool,
    since: str,
    older_than: str,
    max_size: str,
    model: str,
    host: str,
    grace: str,
    dry_run: bool,
    yes: bool,
    remote: bool,
    undo: bool,
    as_json: bool,
) -> None:
    """Remove files that are not needed.

    These are the files that can never be served: older recordings of a key, broken files, and
    temporary files over a day old. With options, also the entries to which all of the options
    apply. Removed files stay in local/trash for two weeks.
    """
    from cachy.upkeep.gc import Policy

    if remote:
        from cachy.cli.remote import clear_remote

        others = any((unused, since, max_size, model, host, undo))
        root = root_of(cache_dir)
        clear_remote(root, older_than, others, dry_run=dry_run, yes=yes, as_json=as_json)
        return
    root = open_store(root_of(cache_dir))
    if undo:
        _undo(root, as_json=as_json)
        return
    if since and not unused:
        raise ConfigError("--since needs --unused: add it, or use --older-than AGE instead")
    policy = Policy(
        unused=unused,
        since=options.since(root, since) if since else None,
        older_than=parse_age(older_than) if older_than else None,
        model=model,
        host=host,
        max_size=parse_size(max_size) if max_size else None,
        grace=parse_age(grace),
    )
    _collect(root, policy, dry_run=dry_run, yes=yes, as_json=as_json)


def _collect(root: str, policy: Policy, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    from cachy.upkeep.gc import Collected, collect, plan

    with progress("reading") as show_progress:
        planned = plan(root, policy, progress=show_progress)
    number = len(planned.removals)
    asks = policy.is_given and number > 0 and not (dry_run or yes)
    if not as_json or asks:
        _print_plan(planned, to_stderr=as_json, listed=dry_run or asks)
    if asks and not _confirmed(f"Move {count(number, 'file')} to the trash?"):
        raise Exit(1)
    done = Collected([], "") if dry_run or not number else collect(planned)
    if as_json:
        moved = [show_path(path) for path in done.moved]
        print_json({**planned.as_dict(), "moved": moved, "trash": show_path(done.trash)})
    elif done.moved:
        say(
            f"moved {count(len(done.moved), 'file')} to {show_path(done.trash)}; "
            f"`cachy gc --undo` restores them"
        )
    note_skipped(len(planned.flaws))


def _undo(root: str, *, as_json: bool) -> None:
    from cachy.upkeep.trash import undo

    restored = undo(root)
    if as_json:
        print_json({"restored": [show_path(path) for path in restored]})
    else:
        click.echo(f"restored {count(len(restored), 'file')}")


def _confirmed(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        fail("no answer, so nothing was moved: use --yes to skip the question", 1)


def _print_plan(plan: Plan, *, to_stderr: bool, listed: bool) -> None:
    if listed:
        for removal in plan.removals[:_MOST_LISTED]:
            name = os.path.relpath(show_path(removal.path), show_path(plan.store))
            prompt = one_line(removal.row.shown, _PROMPT_LENGTH) if removal.row else ""
            say(f"  {name}  {prompt}".rstrip(), err=to_stderr)
        if len(plan.removals) > _MOST_LISTED:
            click.echo(f"  … and {len(plan.removals) - _MOST_LISTED:,} more", err=to_stderr)
    sizes: dict[str, list[int]] = {}
    for removal in plan.removals:
        sizes.setdefault(removal.reason, []).append(removal.bytes)
    by_number = sorted(sizes.items(), key=lambda item: -len(item[1]))
    for reason, of_reason in by_number[:_MOST_LISTED]:
        size = show_size(sum(of_reason))
        line = f"remove {count(len(of_reason), 'file')} ({size}): {reason}"
        click.echo(one_line(line, 2 * LONGEST_CELL), err=to_stderr)
    click.echo(_remaining(plan), err=to_stderr)


def _remaining(plan: Plan) -> str:
    text = f"keep {count(plan.remaining, 'entry')} ({show_size(plan.remaining_bytes)})"
    if plan.in_grace:
        text += f"; {plan.in_grace:,} only because they are younger than --grace"
    if plan.excess:
        text += f"; {show_size(plan.excess)} above --max-size"
    return text
