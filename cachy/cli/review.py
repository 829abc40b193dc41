"""Commands for a change to a store that is about to be shared: diff, check."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from cachy.cli import options
from cachy.cli.output import KEY_DIGITS, Column, note, print_json, print_table, progress, say
from cachy.cli.text import bold, colored, dim, indent
from cachy.errors import CachyError
from cachy.store.layout import show_path
from cachy.store.names import SUFFIX
from cachy.upkeep.find import root_of
from cachy.upkeep.index import open_store
from cachy.upkeep.transcript import one_line
from cachy.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cachy.upkeep.compare import Part
    from cachy.upkeep.diff import Change

_PROMPT_LENGTH = 60
_LONGEST_LINE = 200
_COLUMNS = (
    Column(),
    Column(),
    Column(cut=True),
    Column(cut=True),
    Column(cut=True, weight=2),
    Column(cut=True, weight=2),
)


@click.command("diff")
@click.argument("revisions", metavar="[REV[..REV]]", default="")
@options.cache_dir
@click.option("--full", is_flag=True, help="Show the old and the new answers, word by word.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, for a pull request.")
@options.as_json
def diff_command(
    revisions: str, cache_dir: str | None, full: bool, as_markdown: bool, as_json: bool
) -> None:
    """Compare the entries of two git revisions.

    Shows which were added, removed and recorded again, and where the answers differ: what may do
    the most harm first, such as other tool calls. Name two revisions, A..B, or one to compare
    with the work tree; by default HEAD. `A...B` compares B with the commit where it branched off A,
    as a pull request does.
    """
    from cachy.upkeep.diff import diff
    from cachy.upkeep.diff_markdown import cost_of_recording, markdown

    with progress("reading") as show_progress:
        report = diff(root_of(cache_dir), revisions, full=full, progress=show_progress)
    if as_json:
        print_json(report.as_dict(full=full))
        return
    if as_markdown:
        click.echo(markdown(report, full=full), nl=False)
        return
    if full:
        for change in report.changes:
            _print_change(change)
    else:
        below = [_where(change) for change in report.changes]
        print_table(_COLUMNS, [_cells(change) for change in report.changes], below=below)
    say(f"{report.old} → {report.new}: {report.summary()}")
    if bill := cost_of_recording(report):
        say(bill)
    for flaw in report.flaws:
        note(f"{show_path(flaw.path)}: {flaw.what}")


def _cells(change: Change) -> tuple[str, ...]:
    from cachy.upkeep.diff import KINDS

    row = change.row
    return (
        KINDS[change.kind],
        row.key[:KEY_DIGITS],
        row.model or "-",
        row.host,
        one_line(row.shown, _PROMPT_LENGTH) or "-",
        _in_a_word(change),
    )


def _in_a_word(change: Change) -> str:
    """Return what happened to the answer, or its first words."""
    if change.same_answer:
        return "→ the same answer"
    if change.same_text:
        return "→ the same text"
    notes = "; ".join(change.compared.notes)
    if change.kind == "re-recorded":
        return f"→ {notes or 'another text'}"
    return f"→ {notes}" if notes else f"→ {change.compared.excerpt}"


def _where(change: Change) -> str:
    """Return the line below that of a change: where the answers differ."""
    excerpt = change.compared.excerpt
    if change.same_answer or not excerpt.pieces:
        return ""
    if change.kind != "re-recorded" and not change.compared.notes:
        return ""  # it stands in the line itself
    more = dim(f" (+{excerpt.more} more)") if excerpt.more else ""
    return "   " + colored(excerpt.pieces) + more


def _print_change(change: Change) -> None:
    """Print a change with its answers, word by word."""
    sign, key, model, host, prompt, said = _cells(change)
    click.echo(bold(one_line(f"{sign} {change.kind}  {key}  {model}  {host}", _LONGEST_LINE)))
    say(f"  {prompt}\n  {said}" if change.kind == "re-recorded" else f"  {prompt}")
    if not change.same_answer:
        _print_parts(change.compared.parts)
    click.echo()


def _print_parts(parts: Iterable[Part]) -> None:
    from cachy.upkeep.word_diff import folded

    for part in parts:
        click.echo(dim(f"  {one_line(part.role, _LONGEST_LINE)}"))
        click.echo(indent(indent(colored(folded(part.pieces)))))


# ---- What git calls ----


@click.command("git-diff", hidden=True)
@click.argument("path")
@click.argument("old")
@click.argument("old_hex")
@click.argument("old_mode")
@click.argument("new", default=os.devnull)
@click.argument("rest", nargs=-1)
def git_diff_command(
    path: str, old: str, old_hex: str, old_mode: str, new: str, rest: tuple[str, ...]
) -> None:
    """Show how an entry changed, for `git diff`, which gives the file's two sides."""
    from cachy.upkeep.git_diff import describe
    from cachy.upkeep.word_diff import Piece

    del old_hex, old_mode, rest
    if not path.endswith(SUFFIX):  # what else is in a store
        command = ["git", "--no-pager", "diff", "--no-index", "--no-ext-diff", "--", old, new]
        subprocess.run(command, check=False)
        return
    try:
        shown = describe(path, old, new)
    except CachyError as error:
        sides = [side if side == os.devnull else path for side in (old, new)]
        say(f"cachy: {' → '.join(sides)}: {error}")
        return
    click.echo(bold(one_line(f"cachy: {path}", _LONGEST_LINE)))
    click.echo(bold(f"{shown.op} {one_line(shown.title, 2 * _LONGEST_LINE)}".strip()))
    if shown.prompt:
        say(f"  {shown.prompt}")
    if shown.compared is not None:
        _print_parts(shown.compared.parts)
    elif shown.text:
        lines = [f"{shown.op}{line}" for line in shown.text.splitlines()]
        click.echo(colored([Piece(shown.op, "\n".join(lines))], marks=False))
    click.echo()


_TAKE_OUT = (
    "take such a file out with `git rm --cached FILE`, and revoke the credential if it is real; "
    "if it is none, `git commit --no-verify` commits the file"
)


@click.command("check")
@options.cache_dir
@click.option(
    "--staged",
    is_flag=True,
    help="Check only what the next commit adds, to any store of this repository. For a pre-commit "
    "hook.",
)
@options.as_json
def check_command(cache_dir: str | None, staged: bool, as_json: bool) -> None:
    """Check that the files of a store can be shared.

    Checks what git has of it, in its index: every file must be an undamaged entry below the size
    limit, without credentials. The exit code is 1 if there is a problem.
    """
    from cachy.engine.secrets import in_entry
    from cachy.upkeep.check import SECRET, check, check_staged

    root = root_of(cache_dir)
    with progress("checking") as show_progress:
        if staged and cache_dir is None:
            report = check_staged(secrets=in_entry, progress=show_progress)
        else:
            report = check(root, staged=staged, secrets=in_entry, progress=show_progress)
    if not report.checked and not staged:
        open_store(root)
    if as_json:
        print_json(report.as_dict())
    else:
        for flaw in report.flaws:
            say(f"{show_path(flaw.path)}: {flaw.what}")
        if report.flaws or not staged:
            where = "staged" if staged else f"of {show_path(root)}"
            problems = count(len(report.flaws), "problem") if report.flaws else "all sound"
            say(f"{count(report.checked, 'file')} {where}: {problems}")
        if any(flaw.what.startswith(SECRET) for flaw in report.flaws):
            say(_TAKE_OUT)
    if report.flaws:
        raise Exit(1)
