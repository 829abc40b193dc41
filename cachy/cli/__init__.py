"""The command line. A command parses its options, calls one function of `cachy.upkeep`, and prints
the report.

    look.py     ls, show, cat, why, stats: what is in a store
    review.py   diff, check: a change that is about to be shared
    care.py     init, fsck, gc: changes to a store
    move.py     import, export: recordings of other tools
    run.py      run another command
    options.py  output.py  units.py

A command imports what only it needs when it is called, so that all of them start fast: git calls
`cachy cat` for each file of a diff.

Exit codes: 0; 1 if there is a problem, or something could not be done; 2 for invalid arguments.
"""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from cachy.cli import care, look, move, review, run
from cachy.cli.output import fail
from cachy.errors import CachyError, ConfigError


class _Commands(TyperGroup):
    """Turns what the library raises into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `cachy ls | head` is no error
        except ConfigError as error:
            fail(str(error), 2)
        except CachyError as error:
            fail(str(error), 1)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            fail(f"{where}{error.strerror or error}", 1)


app = typer.Typer(
    name="cachy",
    cls=_Commands,
    help="Inspect and maintain a store of recorded LLM API calls.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("init")(care.init_command)
app.command("ls")(look.ls_command)
app.command("show")(look.show_command)
app.command("cat")(look.cat_command)
app.command("why")(look.why_command)
app.command("stats")(look.stats_command)
app.command("diff")(review.diff_command)
app.command("check")(review.check_command)
app.command("fsck")(care.fsck_command)
app.command("gc")(care.gc_command)
app.command("import")(move.import_command)
app.command("export")(move.export_command)
app.command(
    "run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)(run.run_command)


def main() -> None:
    """Run the command `cachy`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # for characters the terminal cannot show
    app()
