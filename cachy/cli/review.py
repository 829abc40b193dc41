"""Commands for a change to a store that is about to be shared: diff, check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cachy.cli.options import CacheDir, Json
from cachy.cli.output import KEY_DIGITS, note, print_json, print_table, progress, say
from cachy.store.layout import show_path
from cachy.upkeep.find import root_of
from cachy.upkeep.index import open_store
from cachy.upkeep.transcript import one_line
from cachy.wording import count

if TYPE_CHECKING:
    from cachy.upkeep.diff import Change

_PROMPT_LENGTH = 60


def diff_command(
    revisions: Annotated[
        str,
        typer.Argument(
            metavar="REV[..REV]",
            help="Two revisions, or one to compare with the work tree. Default: HEAD.",
        ),
    ] = "",
    cache_dir: CacheDir = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare the entries of two git revisions.

    Shows which were added, removed and recorded again. `A...B` compares B with the commit where it
    branched off A, as a pull request does.
    """
    from cachy.upkeep.diff import diff, markdown

    with progress("reading") as show_progress:
        report = diff(root_of(cache_dir), revisions, progress=show_progress)
    if as_json:
        print_json(report.as_dict())
        return
    if as_markdown:
        typer.echo(markdown(report), nl=False)
        return
    print_table((), [_cells(change) for change in report.changes])
    say(f"{report.old} → {report.new}: {report.summary()}")
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
        "→ the same answer" if change.same_answer else f"→ {change.answer}",
    )


def check_command(
    cache_dir: CacheDir = None,
    staged: Annotated[
        bool,
        typer.Option(
            "--staged",
            help="Check only what the next commit adds, to any store of this repository. "
            "For a pre-commit hook.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check that the files of a store can be shared.

    Checks what git has of it, in its index: every file must be an undamaged entry below the size
    limit, without credentials. The exit code is 1 if there is a problem.
    """
    from cachy.engine.secrets import in_entry
    from cachy.upkeep.check import check, check_staged

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
    if report.flaws:
        raise typer.Exit(1)
