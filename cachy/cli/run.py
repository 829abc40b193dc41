"""The command that runs another: run."""

from __future__ import annotations

import click
from click.exceptions import Exit

from cachy.cli import options
from cachy.cli.output import fail, note, progress
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
@click.option(
    "--prefetch", is_flag=True, help="First fetch what it used last time, from the remote."
)
def run_command(
    command: tuple[str, ...], cache_dir: str | None, replay: bool, prefetch: bool
) -> None:
    """Run a command, and note what it uses.

    All that the command uses counts as one run, for `cachy gc --unused --since last-run`. The exit
    code is that of the command.
    """
    from cachy.upkeep.run import run

    if prefetch:
        _prefetch(command, cache_dir)
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
    if report.store and not report.code and (problem := _tell(command, report.store)):
        note(f"cachy: the remote does not learn what this run used: {problem}")
    if report.misses and replay:
        requests = "1 request" if report.misses == 1 else f"{report.misses:,} requests"
        note(
            f"cachy: {requests} had no recording and failed: the errors say why, and the same "
            f"without --replay records them, where the API can be reached"
        )
    raise Exit(report.code)


def _prefetch(command: tuple[str, ...], cache_dir: str | None) -> None:
    """Fetch what a command used last time, as far as the remote can tell. The command runs anyway:
    what is not here then is fetched one by one."""
    from cachy.errors import CachyError
    from cachy.upkeep.find import root_of
    from cachy.upkeep.remote import Wanted, pull, target

    try:
        root = root_of(cache_dir)
        with progress("fetching") as show:
            done = pull(root, target(root), Wanted(run=" ".join(command)), progress=show)
    except CachyError as error:
        note(f"cachy: nothing is fetched beforehand: {error}")
    else:
        said = f"; {done.unsigned:,} not signed by a trusted key" if done.unsigned else ""
        note(f"cachy: fetched {count(done.done, 'recording')}, {done.there:,} were here{said}")


def _tell(command: tuple[str, ...], root: str) -> str:
    """Tell the remote what a command used, where sessions push. Return what went wrong."""
    from cachy.settings import MODES, mode_in_force

    if not mode_in_force(MODES["auto"]).keeps:
        return ""
    from cachy.upkeep.remote import tell_run

    return tell_run(root, " ".join(command))
