"""Commands that bring recordings in and take them out: import, export."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from cachy.cli import options
from cachy.cli.output import note, note_skipped, print_json, progress, say
from cachy.errors import ConfigError
from cachy.store.layout import show_path
from cachy.upkeep.find import root_of
from cachy.upkeep.index import open_store
from cachy.wording import count

if TYPE_CHECKING:
    from collections import Counter

    from cachy.settings import Settings
    from cachy.upkeep.imports import Report

_MOST_LISTED = 20


# ---- import ----


@click.command("import")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@options.cache_dir
@click.option(
    "--scope",
    default="",
    metavar="none|test|module",
    help="A scope for each file, or for each folder. Default: test where pytest's ini file has "
    "cachy_vcr, otherwise none.",
)
@click.option(
    "--repeats",
    default="",
    metavar="same|distinct",
    help="Keep one answer to a request, or number them. Default: as for --scope.",
)
@click.option(
    "--doms", multiple=True, metavar="HOST", help="A host to take besides the known ones."
)
@click.option("--errors", is_flag=True, help="Keep client errors that would repeat, too.")
@click.option(
    "--requests",
    default="full",
    metavar="full|outline|none",
    help="What of a request is kept with its answer.",
    show_default=True,
)
@click.option("--dry-run", is_flag=True, help="Show what would be taken, and write nothing.")
@options.as_json
def import_command(
    paths: tuple[str, ...],
    cache_dir: str | None,
    scope: str,
    repeats: str,
    doms: tuple[str, ...],
    errors: bool,
    requests: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take recordings of other tools into the store.

    PATH is a VCR cassette, a HAR file, JSON lines of `cachy export`, or a file of pycachy; a folder
    of them; or a pattern with *. The exit code is 1 if something was not understood, 2 if nothing
    was.
    """
    from cachy.upkeep.imports import SCOPES, take

    root = root_of(cache_dir)
    ini = _ini(root)
    moving = ini.get("cachy_vcr", "").lower() not in ("", "false", "no", "0")
    scope = scope or (ini.get("cachy_scope") or "test" if moving else "none")
    if scope not in SCOPES:
        raise ConfigError(f"invalid --scope {scope!r}: give one of {', '.join(SCOPES)}")
    settings = _settings(
        [*doms, *ini.get("cachy_doms", "").split()],
        repeats=repeats or ini.get("cachy_repeats") or ("distinct" if moving else "same"),
        errors=errors or moving,
        requests=requests,
    )
    with progress("importing") as show_progress:
        report = take(root, paths, settings, scope=scope, dry_run=dry_run, progress=show_progress)
    if as_json:
        print_json(report.as_dict())
    else:
        _print_report(report, dry_run=dry_run)
    if moving or report.of_tests:
        _print_hints(report, [*doms], ini, moving=moving or scope != "none")
    if report.code:
        raise Exit(report.code)


def _ini(root: str) -> dict[str, str]:
    """Return what pytest's ini file, beside the store or here, says of cachy."""
    from cachy.upkeep.pytest_ini import read_ini

    return read_ini(os.path.dirname(root)) or read_ini(os.getcwd())


def _settings(more: list[str], *, repeats: str, errors: bool, requests: str) -> Settings:
    from cachy.rules.hosts import doms
    from cachy.settings import check

    return check(
        {"doms": (*doms, *more), "repeats": repeats, "errors": errors, "requests": requests}
    )


def _print_report(report: Report, *, dry_run: bool) -> None:
    verb = "would take" if dry_run else "took"
    if report.taken or report.present or not report.waiting:
        say(f"{verb} {count(report.taken, 'recording')} from {count(report.files, 'file')}")
    if report.present:
        say(f"already there: {report.present:,}")
    _print_counts("stays on this machine", report.private)
    _print_counts("not kept", report.skipped)
    for waiting in report.waiting:
        say(
            f"{show_path(waiting.file)}: {count(waiting.answers, 'answer')} of pycachy, "
            f"{waiting.adopted:,} adopted so far"
        )
        if waiting.adopted < waiting.answers:
            say("  the others are adopted when your code asks for them, with enable_cachy()")
    for problem in report.problems[:_MOST_LISTED]:
        note(f"not understood: {problem}")
    if len(report.problems) > _MOST_LISTED:
        note(f"not understood: {len(report.problems) - _MOST_LISTED:,} more, see --json")


def _print_hints(report: Report, doms: list[str], ini: dict[str, str], *, moving: bool) -> None:
    """Tell what pytest's ini file still lacks for tests with cassettes."""
    if not moving:
        note(
            "if these are the cassettes of pytest-recording or pytest-vcr: put `cachy_vcr = true` "
            "into pytest's ini file first, so that each test keeps the answers of its own cassette"
        )
    lacking = {*doms, *report.foreign} - {*ini.get("cachy_doms", "").split()}
    if lacking:
        note(
            f"pytest's ini file needs `cachy_doms = {' '.join(sorted(lacking))}`, too, for tests "
            f"that call {'these hosts' if len(lacking) > 1 else 'this host'}"
        )


def _print_counts(label: str, counts: Counter[str]) -> None:
    for reason, number in counts.most_common(_MOST_LISTED):
        say(f"{label}: {number:,}: {reason}")


# ---- export ----


@click.command("export")
@click.argument("output", metavar="PATH")
@options.cache_dir
@click.option("--to", default="", metavar="vcr|har|jsonl", help="The format. Default: by PATH.")
@options.model
@options.host
@click.option("--private", is_flag=True, help="Also what stays on this machine.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@options.as_json
def export_command(
    output: str,
    cache_dir: str | None,
    to: str,
    model: str,
    host: str,
    private: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write the recordings for other tools.

    PATH is a file ending in .yaml (VCR), .har (an HTTP archive) or .jsonl (JSON lines, for pandas,
    sqlite-utils and the like); or a folder, for a cassette of VCR for each scope.
    """
    from cachy.upkeep.exports import FORMATS, export

    root = open_store(root_of(cache_dir))
    kind = to or _kind_of(output)
    if kind not in FORMATS:
        raise ConfigError(f"invalid --to {to!r}: give one of {', '.join(FORMATS)}")
    with progress("exporting") as show_progress:
        done = export(
            root,
            output,
            kind,
            model=model,
            host=host,
            private=private,
            force=force,
            progress=show_progress,
        )
    if as_json:
        print_json(done.as_dict())
        return
    say(f"wrote {count(done.recordings, 'recording')} to {count(len(done.files), 'file')}")
    for path in done.files[:_MOST_LISTED]:
        say(f"  {show_path(path)}")
    if done.outlined:
        say(
            f"of {done.outlined:,} the request is not whole, because the store keeps an outline of "
            f'it: requests="full" keeps all of it'
        )
    if done.private:
        say(f"left out: {done.private:,} that stay on this machine; --private takes them, too")
    note_skipped(done.broken)


def _kind_of(output: str) -> str:
    """Return the format that a path names. Raises ConfigError for a file of another kind."""
    from cachy.upkeep.exports import FORMATS

    suffix = os.path.splitext(output)[1]
    kinds = {**{ending: kind for kind, ending in FORMATS.items()}, ".yml": "vcr"}
    if suffix and suffix not in kinds and not os.path.isdir(output):
        raise ConfigError(
            f"cannot tell the format of {output}: give a file that ends in {', '.join(kinds)}, "
            f"a folder (with / at its end), or --to"
        )
    return kinds.get(suffix, "vcr")
