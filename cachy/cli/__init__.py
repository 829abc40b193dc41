"""The command line. A command parses its options, calls one function of `cachy.upkeep`, and prints
the report.

    listing.py  ls, status, stats: what is in a store
    read.py     show, cat, why, log: one entry
    review.py   diff, check: a change that is about to be shared
    page.py     ui, report: a page to look at
    care.py     init, fsck, gc: changes to a store
    move.py     import, export: recordings of other tools
    remote.py   push, pull, sync, remote: a store that many share
    run.py      run another command
    shell.py    completion
    options.py  output.py  text.py  units.py

All of them start fast, because git calls `cachy cat` for each file of a diff: the module of a
command is imported when the command is called, and what only a command needs, within it.

Exit codes: 0; 1 if there is a problem, or something could not be done; 2 for invalid arguments.
"""

from __future__ import annotations

import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn, cast

import click

from cachy import __version__
from cachy.errors import CachyError, ConfigError

THEMES = {
    "Look around": {
        "ls": "listing",
        "show": "read",
        "cat": "read",
        "why": "read",
        "log": "read",
        "status": "listing",
        "stats": "listing",
        "ui": "page",
    },
    "Review": {"diff": "review", "check": "review", "report": "page"},
    "Maintain": {"init": "care", "fsck": "care", "gc": "care"},
    "Move": {"import": "move", "export": "move"},
    "Share": {"push": "remote", "pull": "remote", "sync": "remote", "remote": "remote"},
    "Use": {"run": "run", "completion": "shell"},
}
"""The commands, each with the module of its function `NAME_command`."""
_HIDDEN = {"git-diff": "review"}
"""What only git calls."""


class _Commands(click.Group):
    """The commands, imported when they are called. What the library raises becomes a message and an
    exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for theme in THEMES.values() for name in theme]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for theme in (*THEMES.values(), _HIDDEN):
            if cmd_name in theme:
                module = import_module(f"cachy.cli.{theme[cmd_name]}")
                name = f"{cmd_name.replace('-', '_')}_command"
                command: click.Command = getattr(module, name)
                return command
        return None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0]
        if name == "help":  # `cachy help ls`, as git has it
            args = [*(each for each in args[1:2]), "--help"]
            if len(args) == 1:
                click.echo(ctx.get_help())
                ctx.exit()
            name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            close = get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"there is no command {name!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.list_commands(ctx)))
        for title, names in THEMES.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name.ljust(width), self._summary(ctx, name)) for name in names]
                )

    def _summary(self, ctx: click.Context, name: str) -> str:
        """Return the first line of a command's help, in full."""
        command = self.get_command(ctx, name)
        text = (command.help or "") if command is not None else ""
        return text.partition("\n\n")[0].replace("\n", " ").removesuffix(".")

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `cachy ls | head` is no error
        except ConfigError as error:
            _refuse(str(error), 2)
        except CachyError as error:
            _refuse(str(error), 1)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            _refuse(f"{where}{error.strerror or error}", 1)


def _refuse(message: str, code: int) -> NoReturn:
    from cachy.cli.output import fail

    fail(message, code)


@click.group(
    name="cachy",
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`cachy COMMAND -h` describes a command.",
)
@click.option(
    "-C", "folder", metavar="DIR", type=click.Path(), help="As --cache-dir of each command."
)
@click.version_option(__version__, "--version", prog_name="cachy", message="%(prog)s %(version)s")
@click.pass_context
def app(ctx: click.Context, folder: str | None) -> None:
    """Inspect and maintain a store of recorded LLM API calls."""
    name = ctx.invoked_subcommand
    if name is None:
        click.echo(ctx.get_help())
    elif folder is not None:
        values = {"cache_dir": folder}
        command = cast("_Commands", ctx.command).get_command(ctx, name)
        below = getattr(command, "commands", ())
        ctx.default_map = {name: values | dict.fromkeys(below, values)}


def main() -> None:
    """Run the command `cachy`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # for characters the terminal cannot show
    app(prog_name="cachy")
