"""Commands for remotes: push, pull, sync, remote check; and `gc --remote`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from cachy.cli import options
from cachy.cli.output import fail, note, print_json, progress, say
from cachy.cli.units import parse_age, show_size
from cachy.errors import ConfigError
from cachy.upkeep.find import root_of
from cachy.upkeep.index import open_store
from cachy.wording import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from cachy.upkeep.remote import Transfer, Wanted

_MOST_LISTED = 10


def _shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that push, pull and sync share."""
    for add in (
        options.as_json,
        click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing."),
        click.option(
            "--run", "run", default="", metavar="COMMAND", help="Only what `cachy run` of it used."
        ),
        click.option(
            "--notebook", default="", metavar="NAME", help="Only what a notebook or script used."
        ),
        _remote,
        options.cache_dir,
    ):
        function = add(function)
    return function


_remote = click.option(
    "--remote", "url", default="", metavar="URL", help="Default: the one that sessions have."
)


def _wanted(notebook: str, run: str) -> Wanted:
    from cachy.upkeep.remote import Wanted

    return Wanted(notebook, run)


@click.command("push")
@_shared
@click.option("--replace", is_flag=True, help="Send what is newer than what is there, too.")
def push_command(
    cache_dir: str | None,
    url: str,
    notebook: str,
    run: str,
    dry_run: bool,
    as_json: bool,
    replace: bool,
) -> None:
    """Send recordings to the remote.

    Those that it has not; what stays on this machine stays. Also tells it what each notebook and
    each command of `cachy run` uses, so that others can fetch just that.
    """
    from cachy.upkeep.remote import push, target

    root = open_store(root_of(cache_dir))
    address = target(root, url, pushes=True)
    with progress("pushing") as show:
        done = push(
            root,
            address,
            _wanted(notebook, run),
            replace=replace,
            dry_run=dry_run,
            progress=show,
        )
    _report([("push", done)], as_json=as_json, dry_run=dry_run)


@click.command("pull")
@_shared
def pull_command(
    cache_dir: str | None, url: str, notebook: str, run: str, dry_run: bool, as_json: bool
) -> None:
    """Fetch recordings from the remote.

    All that it has, or what a notebook or command uses; into local/fetched, which git ignores.
    """
    from cachy.upkeep.remote import pull, target

    root = root_of(cache_dir)
    address = target(root, url)
    with progress("pulling") as show:
        done = pull(root, address, _wanted(notebook, run), dry_run=dry_run, progress=show)
    _report([("pull", done)], as_json=as_json, dry_run=dry_run)


@click.command("sync")
@_shared
def sync_command(
    cache_dir: str | None, url: str, notebook: str, run: str, dry_run: bool, as_json: bool
) -> None:
    """Push, then pull."""
    from cachy.upkeep.remote import pull, push, target

    root = open_store(root_of(cache_dir))
    address, wanted = target(root, url, pushes=True), _wanted(notebook, run)
    with progress("pushing") as show:
        pushed = push(root, address, wanted, dry_run=dry_run, progress=show)
    with progress("pulling") as show:
        pulled = pull(root, address, wanted, dry_run=dry_run, progress=show)
    _report([("push", pushed), ("pull", pulled)], as_json=as_json, dry_run=dry_run)


def _report(transfers: list[tuple[str, Transfer]], *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        told = {name: done.as_dict() for name, done in transfers}
        print_json(told if len(told) > 1 else next(iter(told.values())))
    else:
        for name, done in transfers:
            _print(name, done, dry_run=dry_run)
    if any(done.code for _, done in transfers):
        raise Exit(1)


def _print(name: str, done: Transfer, *, dry_run: bool) -> None:
    verb = {
        ("push", False): "pushed",
        ("push", True): "would push",
        ("pull", False): "fetched",
        ("pull", True): "would fetch",
    }[name, dry_run]
    said = f"{verb} {count(done.done, 'recording')} ({show_size(done.bytes)})"
    if done.there:
        said += f"; {done.there:,} already {'there' if name == 'push' else 'here'}"
    if done.absent:
        said += f"; {done.absent:,} not there"
    if done.unsigned:
        said += f"; {done.unsigned:,} not signed by a trusted key"
    say(f"{said}: {done.remote}")
    for what, faults in (("broken", done.broken), ("failed", done.failed)):
        for fault in faults[:_MOST_LISTED]:
            note(f"{what}: {fault}")
        if len(faults) > _MOST_LISTED:
            note(f"{what}: {len(faults) - _MOST_LISTED:,} more, see --json")


# ---- remote check ----


@click.group("remote")
def remote_command() -> None:
    """Try the remote out, or make a key to sign with."""


@remote_command.command("keygen")
@click.argument("file", type=click.Path(dir_okay=False))
def _keygen(file: str) -> None:
    """Make a key pair for signatures.

    Writes the private key to FILE, which only you may read, and prints the public one. CI that
    pushes gets CACHY_SIGN=FILE; who fetches, CACHY_TRUST or `trust` with the line that is printed.
    """
    from cachy.remote.signatures import make_key

    say(make_key(file))


@remote_command.command("check")
@_remote
@options.cache_dir
@options.as_json
def _check(url: str, cache_dir: str | None, as_json: bool) -> None:
    """Try the remote out.

    Reads, writes, creates twice, replaces, lists and removes an object of its
    own, and says what the server lacks. The exit code is 1 if it cannot be read.
    """
    from cachy.upkeep.remote import target
    from cachy.upkeep.remote_check import check

    report = check(target(root_of(cache_dir), url))
    if as_json:
        print_json(report.as_dict())
    else:
        say(f"{report.remote}: a look-up takes {report.ms:,.1f} ms")
        for each in report.findings:
            say(f"  {each.what:<17}{each.state}{each.said and ': ' + each.said}")
    if report.code:
        raise Exit(report.code)


# ---- gc --remote ----


def clear_remote(
    root: str, older_than: str, others: bool, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Remove what is old from the remote: `cachy gc --remote --older-than AGE`."""
    from cachy.upkeep.remote import clear, target

    if not older_than or others:
        raise ConfigError("--remote takes --older-than AGE, and no other choice")
    address, seconds = target(root, pushes=True), parse_age(older_than)
    if not (dry_run or yes):
        try:
            question = f"Remove for good what is older than {older_than} from {address.label}?"
            if not click.confirm(question, err=True):
                raise Exit(1)
        except click.Abort:
            fail("no answer, so nothing was removed: use --yes to skip the question", 1)
    with progress("removing") as show:
        done = clear(address, seconds, dry_run=dry_run, progress=show)
    if as_json:
        print_json(done.as_dict())
    else:
        verb = "would remove" if dry_run else "removed"
        say(
            f"{verb} {count(done.done, 'object')} ({show_size(done.bytes)}), "
            f"keep {done.there:,}: {address.label}"
        )
