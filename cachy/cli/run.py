"""The command that runs another: run."""

from __future__ import annotations

from typing import Annotated

import typer

from cachy.cli.options import CacheDir
from cachy.cli.output import fail, note
from cachy.wording import count


def run_command(
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND…", show_default=False)],
    cache_dir: CacheDir = None,
    replay: Annotated[
        bool,
        typer.Option(
            "--replay", help="Set replay mode, and placeholders for the API keys that are not set."
        ),
    ] = False,
) -> None:
    """Run a command, and note what it uses.

    All that the command uses counts as one run, for `cachy gc --unused --since last-run`. The exit
    code is that of the command.
    """
    from cachy.upkeep.run import run

    try:
        report = run(command, cache_dir, replay=replay)
    except FileNotFoundError as error:
        fail(f"{error.filename}: {error.strerror}", 127)
    if report.problem:
        note(f"cachy: {report.problem}")
    if report.store:
        note(
            f"cachy: {count(report.sessions, 'session')} used {count(report.keys, 'key')}: "
            f"{count(report.hits, 'hit')}, {report.recorded:,} recorded"
        )
    raise typer.Exit(report.code)
