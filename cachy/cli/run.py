"""The command that runs another: run."""

from __future__ import annotations

import click
from click.exceptions import Exit

from cachy.cli import options
from cachy.cli.output import fail, note
from cachy.wording import count


@click.command(
    "run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.argument("command", metavar="-- COMMAND…", nargs=-1, required=True, type=click.UNPROCESSED)
@options.cache_dir
@click.option(
    "--replay",
    is_flag=True,
    help="Set replay mode, and placeholders for the API keys that are not set.",
)
def run_command(command: tuple[str, ...], cache_dir: str | None, replay: bool) -> None:
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
            f"{count(report.hits, 'hit')}, {count(report.misses, 'miss')}, "
            f"{report.recorded:,} recorded"
        )
    if report.misses and replay:
        requests = "1 request" if report.misses == 1 else f"{report.misses:,} requests"
        note(
            f"cachy: {requests} had no recording and failed: the errors say why, and the same "
            f"without --replay records them, where the API can be reached"
        )
    raise Exit(report.code)
