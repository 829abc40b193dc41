"""The command line: parse, call one function, print.

Exit codes: 0; 1 where a fault was found or something could not be done; 2 for input that cannot be
meant. Results go to stdout; questions, progress and remarks to stderr.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from cachy import api_keys as credentials
from cachy import explain as misses
from cachy.cli import units
from cachy.errors import CachyError, ConfigError
from cachy.store import journal
from cachy.store.layout import show_path
from cachy.upkeep import check as checking
from cachy.upkeep import diff as compare
from cachy.upkeep import find, index, transcript
from cachy.upkeep import gc as collect
from cachy.upkeep import init as setup
from cachy.upkeep import stats as figures
from cachy.upkeep.index import Flaw, Row

_SHOWN = 20
_KEY_DIGITS = 10
_LONGEST_CELL = 200
_LONGEST_FACT = 2000


class _Commands(TyperGroup):
    """Turns what the library raises into one sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `| head` is no fault
        except ConfigError as error:
            _fail(str(error), 2)
        except CachyError as error:
            _fail(str(error), 1)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            _fail(f"{where}{error.strerror or error}", 1)


def _fail(message: str, code: int) -> NoReturn:
    _remark(f"cachy: {message}")
    raise typer.Exit(code)


app = typer.Typer(
    name="cachy",
    cls=_Commands,
    help="Tend a store of recorded LLM API calls.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

CacheDir = Annotated[
    str | None,
    typer.Option(
        "--cache-dir",
        "-C",
        metavar="DIR",
        help="The folder that holds .cachy. Default: as enable_cachy finds it.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Key = Annotated[
    str, typer.Argument(metavar="KEY", help="A key, the first digits of one, or an entry's file.")
]
Model = Annotated[str, typer.Option(metavar="MODEL", help="Of this model; * matches anything.")]
Host = Annotated[str, typer.Option(metavar="HOST", help="Of this host; * matches anything.")]


def main() -> None:
    """The command `cachy`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # whatever the terminal cannot show
    app()


@app.command()
def init(
    cache_dir: CacheDir = None,
    git: Annotated[bool, typer.Option("--git", help="Let git diff show entries as text.")] = False,
    hook: Annotated[
        bool, typer.Option("--hook", help="Check every commit before it is made.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the store, with its manifest and the line in .gitattributes. Commit what it made.

    Never needed: enable_cachy alone is enough.
    """
    done = setup.init(find.root_of(cache_dir), git=git, hook=hook)
    if as_json:
        _print_json(done.as_dict())
        return
    for what, sentences in (("made", done.made), ("kept", done.kept)):
        for sentence in sentences:
            _say(f"{what}  {sentence}")
    for offer in done.offers:
        _say(f"      {offer}")
    for warning in done.warnings:
        _remark(f"warning: {warning}")


@app.command()
def ls(
    cache_dir: CacheDir = None,
    model: Model = "",
    host: Host = "",
    newer_than: Annotated[str, typer.Option(metavar="AGE", help="Such as 12h or 30d.")] = "",
    older_than: Annotated[str, typer.Option(metavar="AGE", help="Such as 12h or 30d.")] = "",
    text: Annotated[
        str, typer.Option(metavar="TEXT", help="Said in the prompt or the answer.")
    ] = "",
    notebook: Annotated[
        str, typer.Option(metavar="FILE", help="Used by this notebook or script.")
    ] = "",
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, help="At most so many; 0: all.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """List the entries, newest first."""
    root = index.open_store(find.root_of(cache_dir))
    now = time.time()
    wanted = find.Filter(
        model=model,
        host=host,
        after=now - units.parse_age(newer_than) if newer_than else None,
        before=now - units.parse_age(older_than) if older_than else None,
        text=text,
        notebook=notebook,
    )
    with _progress("reading") as progress:
        listing = index.scan(root, progress=progress)
    rows: Iterable[Row] = find.select(root, listing.rows, wanted)
    if limit:
        rows = (row for row, _ in zip(rows, range(limit), strict=False))
    if as_json:
        _print_json_lines(row.as_dict() for row in rows)
    else:
        _print_table(
            ("key", "age", "model", "host", "status", ">size", "prompt"),
            (
                (
                    row.key[:_KEY_DIGITS],
                    units.show_age(now - row.second),
                    row.model or "-",
                    row.host,
                    str(row.status),
                    units.show_size(row.bytes),
                    row.prompt,
                )
                for row in rows
            ),
        )
    _remark_flaws(listing.flaws)


@app.command()
def show(key: Key, cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """Show an entry as a chat: what was asked, what was answered, and what it took."""
    found = find.find(_store_for(key, cache_dir), key)
    head = found.entry.head
    turns = transcript.asked(head), transcript.answered(found.entry)
    if as_json:
        asked, answered = ([turn._asdict() for turn in some] for some in turns)
        path = show_path(found.path)
        _print_json({"file": path, "head": head, "asked": asked, "answered": answered})
        return
    usage = head.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    facts = {
        "key": str(head["key"])[:32],
        "file": show_path(found.path),
        "recorded": head.get("recorded"),
        "request": f"{head.get('method')} {head.get('url')}",
        "model": head.get("model") or transcript.form(head).get("model"),
        "status": head["status"],
        "took": f"{units.show_duration(head['ms'] / 1000)} live",
        "stream": head.get("stream"),
        "tokens": ", ".join(f"{n:,} {name}" for name, n in usage.items() if isinstance(n, int)),
        "body": f"{len(found.entry.body):,} bytes",
    }
    for name, value in facts.items():
        if value:
            fact = transcript.one_line(str(value), _LONGEST_FACT)
            typer.echo(f"{typer.style(f'{name:<9}', dim=True)}{fact}")
    for turn in (*turns[0], transcript.Turn("", ""), *turns[1]):
        if turn.role:
            typer.secho(f"\n{transcript.one_line(turn.role, _LONGEST_CELL)}", bold=True)
            typer.echo(_indented(_visible(turn.text)))
        elif turns[0] and turns[1]:
            typer.secho("\n→", dim=True, nl=False)


@app.command()
def why(
    key: Annotated[
        str, typer.Argument(metavar="[KEY]", help="As for show; by default the newest entry.")
    ] = "",
    cache_dir: CacheDir = None,
    as_json: Json = False,
) -> None:
    """Say why an entry had to be recorded: what differs from the closest that was there before.

    What was missed in replay mode says so itself; with CACHY_LOG=1 every miss does.
    """
    root = _store_for(key, cache_dir)
    if not key:
        rows = index.scan(root).rows
        if not rows:
            _fail(f"{root} holds no entry that could be explained", 2)
        key = rows[0].file.path
    found = find.find(root, key)
    told = misses.why(root, found.entry.head)
    if as_json:
        asked = str(found.entry.head["key"])[:32]
        _print_json({"key": asked, "reason": told.reason, "differences": told.differences})
        return
    for line in (told.reason, *(f"  {difference}" for difference in told.differences)):
        _say(line)


@app.command()
def cat(
    key: Key,
    cache_dir: CacheDir = None,
    head: Annotated[bool, typer.Option("--head", help="Its head, as JSON.")] = False,
    text: Annotated[
        bool, typer.Option("--text", help="Head and body as one text, of whatever file: for git.")
    ] = False,
) -> None:
    """Print the body of an entry as it was received, or its head."""
    if text and os.path.isfile(key):
        typer.echo(_visible(_text_of_file(key)), nl=False)
        return
    entry = find.find(_store_for(key, cache_dir), key).entry
    if text:
        typer.echo(_visible(transcript.readable(entry)), nl=False)
    elif head:
        _print_json(entry.head)
    else:
        typer.echo(entry.body, nl=False)


@app.command()
def stats(cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """Show what the store holds and saves."""
    root = index.open_store(find.root_of(cache_dir))
    with _progress("reading") as progress:
        report = figures.stats(root, progress=progress)
    if as_json:
        _print_json(report.as_dict())
        return
    total, recent = report.total, report.recent
    typer.echo(
        f"{_count(total.entries, 'entry')} of {_count(report.keys, 'key')}, "
        + units.show_size(total.bytes)
        + (f"; {_count(report.older, 'older recording')}" if report.older else "")
        + (f"; {report.private:,} never committed" if report.private else "")
    )
    typer.echo(
        f"recorded in {units.show_duration(total.ms / 1000)} of live calls, "
        f"with {total.input:,} tokens in and {total.output:,} out"
    )
    for title, groups in (("model", report.models), ("host", report.hosts)):
        typer.echo()
        _print_table(
            (title, ">entries", ">size", ">live", ">tokens in", ">out"),
            [
                (
                    name,
                    f"{group.entries:,}",
                    units.show_size(group.bytes),
                    units.show_duration(group.ms / 1000),
                    f"{group.input:,}",
                    f"{group.output:,}",
                )
                for name, group in groups.items()
            ],
        )
    typer.echo(
        f"\nlast 30 days, here: {recent.sessions:,} sessions, {recent.hits:,} hits, "
        f"{recent.misses:,} misses, {recent.recorded:,} recorded; "
        f"saved {units.show_duration(recent.seconds_saved)} "
        f"and at least {recent.input + recent.output:,} tokens"
    )
    _remark_flaws(report.flaws)


@app.command()
def diff(
    revisions: Annotated[
        str,
        typer.Argument(
            metavar="REV[..REV]", help="REV alone: against the work tree. Default: HEAD."
        ),
    ] = "",
    cache_dir: CacheDir = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="For a pull request.")] = False,
    as_json: Json = False,
) -> None:
    """Show what was added, removed and recorded again between two revisions.

    `A...B` compares B with the commit where it left A, as a pull request does.
    """
    with _progress("reading") as progress:
        report = compare.diff(find.root_of(cache_dir), revisions, progress=progress)
    if as_json:
        _print_json(report.as_dict())
        return
    if as_markdown:
        typer.echo(compare.markdown(report), nl=False)
        return
    _print_table(
        (),
        [
            (
                compare.KINDS[change.kind],
                change.row.key[:_KEY_DIGITS],
                change.row.model or "-",
                change.row.host,
                transcript.one_line(change.row.prompt, 60) or "-",
                "→ the same answer" if change.same_answer else f"→ {change.answer}",
            )
            for change in report.changes
        ],
    )
    _say(f"{report.old} → {report.new}: {report.summary()}")
    for flaw in report.flaws:
        _remark(f"{show_path(flaw.path)}: {flaw.what}")


@app.command()
def fsck(
    cache_dir: CacheDir = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Move what is broken to local/trash.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check every file of the store. Exit code 1 if something is wrong."""
    root = index.open_store(find.root_of(cache_dir))
    with _progress("checking") as progress:
        report = checking.fsck(root, repair=repair, progress=progress)
    if as_json:
        _print_json(report.as_dict())
    else:
        for flaw in report.flaws:
            _say(f"{show_path(flaw.path)}: {flaw.what}")
        for stray in report.strays:
            _say(f"{show_path(stray)}: no part of a store, and no harm")
        if report.rule:
            _say(
                f"the git attribute {report.rule!r} applies to the store and would damage entries "
                f"on checkout: run `cachy init`"
            )
        faults = f"{len(report.flaws):,} at fault" if report.flaws else "all sound"
        typer.echo(f"{_count(report.checked, 'file')}, {units.show_size(report.bytes)}: {faults}")
        if report.moved:
            _say(f"moved {len(report.moved):,} to {show_path(report.trash)}")
        elif any(flaw.broken for flaw in report.flaws):
            typer.echo("`cachy fsck --repair` moves what is broken to the trash")
    if not report.sound:
        raise typer.Exit(1)


@app.command()
def gc(
    cache_dir: CacheDir = None,
    unused: Annotated[bool, typer.Option("--unused", help="What no session here used.")] = False,
    since: Annotated[
        str, typer.Option(metavar="WHEN", help="With --unused: 30d, 2026-11-01, or last-run.")
    ] = "",
    older_than: Annotated[str, typer.Option(metavar="AGE", help="Such as 90d.")] = "",
    max_size: Annotated[
        str, typer.Option(metavar="SIZE", help="Least recently used first, until 50MB are left.")
    ] = "",
    model: Model = "",
    host: Host = "",
    grace: Annotated[str, typer.Option(metavar="AGE", help="What is younger stays.")] = "1d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Bring back what the last gc moved.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Move to local/trash what can never be served: older recordings of a key, broken files,
    temporary files over a day old. With options also entries to which all of these apply.

    The trash is kept for two weeks.
    """
    root = index.open_store(find.root_of(cache_dir))
    if undo:
        back = collect.undo(root)
        if as_json:
            _print_json({"restored": [show_path(path) for path in back.moved]})
        else:
            typer.echo(f"brought back {_count(len(back.moved), 'file')}")
        return
    if since and not unused:
        raise ConfigError("--since goes with --unused: add that, or use --older-than AGE")
    policy = collect.Policy(
        unused=unused,
        since=_moment(root, since) if since else None,
        older_than=units.parse_age(older_than) if older_than else None,
        model=model,
        host=host,
        max_size=units.parse_size(max_size) if max_size else None,
        grace=units.parse_age(grace),
    )
    with _progress("reading") as progress:
        plan = collect.plan(root, policy, progress=progress)
    asks = policy.is_given and not (dry_run or yes) and bool(plan.doomed)
    if not as_json or asks:
        _show_plan(plan, to_stderr=as_json, listed=dry_run or asks)
    if asks and not _confirmed(f"Move {_count(len(plan.doomed), 'file')} to the trash?"):
        raise typer.Exit(1)
    done = collect.Collected([], "") if dry_run or not plan.doomed else collect.collect(plan)
    if as_json:
        moved = [show_path(path) for path in done.moved]
        _print_json({**plan.as_dict(), "moved": moved, "trash": show_path(done.trash)})
    elif done.moved:
        _say(
            f"moved {len(done.moved):,} to {show_path(done.trash)}; "
            f"`cachy gc --undo` brings them back"
        )
    _remark_flaws(plan.flaws)


@app.command()
def check(
    cache_dir: CacheDir = None,
    staged: Annotated[
        bool,
        typer.Option(
            "--staged", help="Only what the next commit adds, to any store here: for a hook."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check what git has of the store: sound, under the size limit, and nothing that is not for
    others. Exit code 1 if something is wrong."""
    from cachy.engine.secrets import in_entry

    root = find.root_of(cache_dir)
    with _progress("checking") as progress:
        if staged and cache_dir is None:
            report = checking.check_staged(secrets=in_entry, progress=progress)
        else:
            report = checking.check(root, staged=staged, secrets=in_entry, progress=progress)
    if not report.checked and not staged:
        index.open_store(root)
    if as_json:
        _print_json(report.as_dict())
    else:
        for flaw in report.flaws:
            _say(f"{show_path(flaw.path)}: {flaw.what}")
        faults = f"{len(report.flaws):,} at fault" if report.flaws else "all sound"
        if report.flaws or not staged:
            where = "staged" if staged else f"of {show_path(root)}"
            _say(f"{_count(report.checked, 'file')} {where}: {faults}")
    if report.flaws:
        raise typer.Exit(1)


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def run(
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND…", show_default=False)],
    cache_dir: CacheDir = None,
    replay: Annotated[
        bool,
        typer.Option(
            "--replay", help="In replay mode, with placeholders for the API keys that are not set."
        ),
    ] = False,
) -> None:
    """Run a command, and note all that it uses as one run, for `gc --unused --since last-run`.

    Its exit code is the command's.
    """
    started = time.time()
    run_id = f"{int(started):08x}-{os.urandom(4).hex()}"
    program = shutil.which(command[0])
    if program is None:
        _fail(f"{command[0]}: there is no such command", 127)
    environment = {**os.environ, journal.RUN_VARIABLE: run_id}
    if replay:
        environment |= {"CACHY_MODE": "replay", **credentials.missing(environment)}
    code = _call([program, *command[1:]], environment)
    root = find.root_of(cache_dir)
    if not os.path.isdir(root):
        _remark(f"cachy: the command ran, but there is no store at {root}: does it enable cachy?")
        raise typer.Exit(code)
    notes = [note for note in journal.read(root) if note.run == run_id]
    ended = time.time()
    shown = " ".join(command)
    try:
        note = journal.Note(run_id, f"$ {shown}", run_id, started, ended, 0, 0, 0, 0.0, (), code)
        journal.write(root, note)
    except OSError as error:
        _remark(f"cachy: the run cannot be noted in {root}: {error.strerror}")
    keys = {key for note in notes for key in note.keys}
    hits, recorded = sum(note.hits for note in notes), sum(note.recorded for note in notes)
    _remark(
        f"cachy: {_count(len(notes), 'session')} used {_count(len(keys), 'key')}: "
        f"{_count(hits, 'hit')}, {recorded:,} recorded"
    )
    raise typer.Exit(code)


def _confirmed(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        _fail("nobody answered, so nothing was moved: --yes moves without a question", 1)


def _count(number: int, thing: str) -> str:
    several = f"{thing[:-1]}ies" if thing.endswith("ry") else f"{thing}s"
    return f"{number:,} {thing if number == 1 else several}"


def _call(command: list[str], environment: dict[str, str]) -> int:
    with subprocess.Popen(command, env=environment) as process:
        while True:
            try:
                code = process.wait()
                return code if code >= 0 else 128 - code  # as a shell tells of a signal
            except KeyboardInterrupt:
                continue  # the command got it too, and decides


def _store_for(key: str, cache_dir: str | None) -> str:
    """The store to look in; a file needs none."""
    root = find.root_of(cache_dir)
    return root if find.is_file_name(key) else index.open_store(root)


def _text_of_file(path: str) -> str:
    """A file as text, whatever it is: if this failed, `git diff` would."""
    try:
        return transcript.readable(find.find_file(path).entry)
    except CachyError as error:
        with open(path, "rb") as file:
            data = file.read()
        return f"({error})\n" if b"\0" in data else data.decode(errors="replace")


def _moment(root: str, text: str) -> float:
    """Seconds since 1970: an age, a date, or last-run. Raises ConfigError."""
    if text == "last-run":
        return collect.last_run(root)
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        pass
    try:
        return time.time() - units.parse_age(text)
    except ConfigError:
        raise ConfigError(
            f"--since {text!r} is no time: give an age such as 30d, a date such as 2026-11-01, "
            f"or last-run"
        ) from None


# ---- Printing ----


def _show_plan(plan: collect.Plan, *, to_stderr: bool, listed: bool) -> None:
    whys: dict[str, list[int]] = {}
    for each in plan.doomed:
        whys.setdefault(each.why, []).append(each.bytes)
    if listed:
        for each in plan.doomed[:_SHOWN]:
            name = os.path.relpath(show_path(each.path), show_path(plan.store))
            prompt = transcript.one_line(each.row.prompt, 40) if each.row else ""
            _say(f"  {name}  {prompt}".rstrip(), err=to_stderr)
        if len(plan.doomed) > _SHOWN:
            typer.echo(f"  … and {len(plan.doomed) - _SHOWN:,} more", err=to_stderr)
    most = sorted(whys.items(), key=lambda item: -len(item[1]))
    for why, sizes in most[:_SHOWN]:
        verb = "goes" if len(sizes) == 1 else "go"
        what = f"{len(sizes):,} {verb} ({units.show_size(sum(sizes))}): {why}"
        typer.echo(transcript.one_line(what, 2 * _LONGEST_CELL), err=to_stderr)
    verb = "stays" if plan.left == 1 else "stay"
    stay = f"{_count(plan.left, 'entry')} {verb} ({units.show_size(plan.left_bytes)})"
    young = f"; {plan.young:,} of them are in the grace period" if plan.young else ""
    over = f"; {units.show_size(plan.over)} more than wanted" if plan.over else ""
    typer.echo(f"{stay}{young}{over}", err=to_stderr)


def _print_json(value: Any) -> None:
    typer.echo(transcript.to_json(value, indent=True))


def _print_json_lines(values: Iterable[dict[str, Any]]) -> None:
    """A JSON array, one element a line, never as a whole in memory."""
    before = "[\n"
    for value in values:
        sys.stdout.write(before + transcript.to_json(value))
        before = ",\n"
    sys.stdout.write("\n]\n" if before[0] == "," else "[]\n")


def _print_table(titles: Sequence[str], rows: Iterable[tuple[str, ...]]) -> None:
    """Aligned columns, `>` to the right; on a terminal the last is cut to fit its width."""
    on_terminal = sys.stdout.isatty()
    lines = [tuple(title.lstrip(">") for title in titles)] if titles else []
    lines += [tuple(transcript.one_line(cell, _LONGEST_CELL) for cell in row) for row in rows]
    if len(lines) == bool(titles):
        return
    right = [title.startswith(">") for title in titles] or [False] * len(lines[0])
    widths = [max(map(len, column)) for column in islice(zip(*lines, strict=True), len(right) - 1)]
    room = sum(widths) + 2 * len(widths)
    width = max(shutil.get_terminal_size().columns - room, 20)

    def text_of(line: tuple[str, ...]) -> str:
        cells = [
            cell.rjust(size) if to_right else cell.ljust(size)
            for cell, size, to_right in zip(line, widths, right, strict=False)
        ]
        last = transcript.one_line(line[-1], width) if on_terminal else line[-1]
        return "  ".join([*cells, last.rjust(4) if right[-1] else last]).rstrip()

    texts = map(text_of, lines)
    if titles:
        typer.secho(next(texts), dim=True)
    while some := list(islice(texts, 1000)):
        typer.echo("\n".join(some))


def _say(text: str, *, err: bool = False) -> None:
    typer.echo(_visible(text), err=err)


def _remark(text: str) -> None:
    _say(text, err=True)


def _remark_flaws(flaws: list[Flaw]) -> None:
    if flaws:
        files = "1 file is" if len(flaws) == 1 else f"{len(flaws):,} files are"
        _remark(f"{files} passed over: `cachy fsck` tells why")


def _visible(text: str) -> str:
    """Text without what a terminal would obey."""
    text = text.replace("\r\n", "\n")
    return "".join(char if char.isprintable() or char in "\n\t" else "·" for char in text)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, for work that lasts over half a second; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield index.silent
        return
    started = time.monotonic()
    bars: list[Any] = []
    with ExitStack() as stack:

        def show(done: int, total: int) -> None:
            if not bars and total and time.monotonic() - started > 0.5:
                bar = typer.progressbar(length=total, label=label, file=sys.stderr)
                bars.append(stack.enter_context(bar))
            for bar in bars:
                bar.update(done - bar.pos)

        yield show
