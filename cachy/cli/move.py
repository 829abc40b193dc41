"""Commands that bring recordings in and take them out: import, export."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from cachy.cli.options import CacheDir, Host, Json, Model
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


Scope = Annotated[
    str,
    typer.Option(
        metavar="none|test|module",
        help="A scope for each file, or for each folder. Default: test where pytest's ini file "
        "has cachy_vcr, otherwise none.",
    ),
]
Repeats = Annotated[
    str,
    typer.Option(
        metavar="same|distinct",
        help="Keep one answer to a request, or number them. Default: as for --scope.",
    ),
]
Requests = Annotated[
    str,
    typer.Option(metavar="full|outline|none", help="What of a request is kept with its answer."),
]


def import_command(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="VCR cassettes, HAR files, JSON lines of `cachy export`, files of pycachy; "
            "folders of them, and patterns with *.",
        ),
    ],
    cache_dir: CacheDir = None,
    scope: Scope = "",
    repeats: Repeats = "",
    doms: Annotated[
        list[str] | None,
        typer.Option("--doms", metavar="HOST", help="A host to take besides the known ones."),
    ] = None,
    errors: Annotated[
        bool, typer.Option("--errors", help="Keep client errors that would repeat, too.")
    ] = False,
    requests: Requests = "full",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be taken, and write nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take recordings of other tools into the store.

    The exit code is 1 if something was not understood, 2 if nothing was.
    """
    from cachy.upkeep.imports import SCOPES, take

    root = root_of(cache_dir)
    ini = _ini(root)
    moving = ini.get("cachy_vcr", "").lower() not in ("", "false", "no", "0")
    scope = scope or (ini.get("cachy_scope") or "test" if moving else "none")
    if scope not in SCOPES:
        raise ConfigError(f"invalid --scope {scope!r}: give one of {', '.join(SCOPES)}")
    settings = _settings(
        [*(doms or ()), *ini.get("cachy_doms", "").split()],
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
    if report.code:
        raise typer.Exit(report.code)


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


def _print_counts(label: str, counts: Counter[str]) -> None:
    for reason, number in counts.most_common(_MOST_LISTED):
        say(f"{label}: {number:,}: {reason}")


# ---- export ----


def export_command(
    output: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="A file ending in .yaml (VCR), .har or .jsonl; or a folder, for a cassette of VCR "
            "for each scope.",
        ),
    ],
    cache_dir: CacheDir = None,
    to: Annotated[
        str, typer.Option(metavar="vcr|har|jsonl", help="The format. Default: by PATH.")
    ] = "",
    model: Model = "",
    host: Host = "",
    private: Annotated[
        bool, typer.Option("--private", help="Also what stays on this machine.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    as_json: Json = False,
) -> None:
    """Write the recordings for other tools.

    VCR cassettes, an HTTP archive (HAR), or JSON lines for pandas, sqlite-utils and the like.
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
    from cachy.upkeep.exports import FORMATS

    return next((kind for kind, suffix in FORMATS.items() if output.endswith(suffix)), "vcr")
