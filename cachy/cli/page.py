"""Commands for looking at a store in a browser: ui, report."""

from __future__ import annotations

import os
import signal
from threading import Thread
from typing import TYPE_CHECKING

import click

from cachy.cli import options
from cachy.cli.output import note, progress, say
from cachy.cli.units import show_size
from cachy.errors import ConfigError
from cachy.store.layout import short_path
from cachy.upkeep.find import root_of
from cachy.upkeep.index import open_store
from cachy.wording import count

if TYPE_CHECKING:
    from cachy.page.report import Report


@click.command("ui")
@options.cache_dir
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="The port. Default: one that is free."
)
@click.option("--no-open", is_flag=True, help="Print the address, and open no browser.")
@click.option(
    "--diff",
    "revisions",
    metavar="REV[..REV]",
    default=None,
    help="Show what differs between git revisions, too, named as for `cachy diff`.",
)
def ui_command(cache_dir: str | None, port: int, no_open: bool, revisions: str | None) -> None:
    """Look at the store in a browser.

    Search what was asked and answered, read entries as chats, compare them, see what they cost.
    The server answers this machine alone, and only who has the address that it prints. It needs
    the extra `ui`: pip install 'cachy-store[ui]'.
    """
    from cachy.page import server

    server.check_installed()
    root = open_store(root_of(cache_dir))
    if revisions is not None:
        from cachy.upkeep.diff import diff

        with progress("comparing") as show_progress:  # what git does not know is said now
            diff(root, revisions, progress=show_progress)
    page = server.PageServer(root, server.listen(port), revisions=revisions)
    say(page.address)
    note(f"the page of {short_path(root)}; Ctrl-C ends it")
    if not no_open:
        # In a thread: a browser in the terminal, such as lynx, returns when it is left.
        Thread(target=_open, args=(page.once,), daemon=True).start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to end in order, as by Ctrl-C
    page.run()


def _open(address: str) -> None:
    """Open a browser, if there is one: the address has been printed."""
    import webbrowser

    try:
        opened = webbrowser.open(address)
    except (webbrowser.Error, OSError):
        opened = False
    if not opened:
        note("no browser could be opened: open the address yourself")


@click.command("report")
@options.cache_dir
@click.option("--html", "path", required=True, metavar="FILE", help="The file to write.")
@click.option(
    "--diff",
    "revisions",
    metavar="REV[..REV]",
    default=None,
    help="What differs between git revisions, named as for `cachy diff`.",
)
@click.option(
    "--since",
    default="",
    metavar="WHEN",
    help="What was used since 30d, 2026-11-01, or last-run (the last that succeeded).",
)
@click.option("--notebook", default="", metavar="NAME", help="What a notebook or script used.")
def report_command(
    cache_dir: str | None, path: str, revisions: str | None, since: str, notebook: str
) -> None:
    """Write what changed or was used as one HTML file.

    It is the page of `cachy ui` with its data in it, and needs no network: an artifact of a CI job,
    or an attachment.
    """
    given = [revisions is not None, bool(since), bool(notebook)]
    if sum(given) != 1:
        raise ConfigError("give one of --diff REV, --since WHEN and --notebook NAME")
    report = _report(open_store(root_of(cache_dir)), revisions, since, notebook)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(report.html)
    size = show_size(os.path.getsize(path))
    say(f"{path}: {count(report.entries, 'entry')}, {size}")
    if report.left_out:
        note(f"{count(report.left_out, 'entry')} did not fit, or could not be read")


def _report(root: str, revisions: str | None, since: str, notebook: str) -> Report:
    from cachy.page import report

    with progress("reading") as show_progress:
        if revisions is not None:
            return report.of_changes(root, revisions, progress=show_progress)
        if since:
            return report.since(root, options.since(root, since), progress=show_progress)
        return report.of_notebook(root, notebook, progress=show_progress)
