"""The command that teaches a shell the commands: completion."""

from __future__ import annotations

import os

import click

from cachy.errors import ConfigError

SHELLS = ("bash", "zsh", "fish")
_VARIABLES = {  # of click's templates
    "complete_func": "_cachy_completion",
    "complete_var": "_CACHY_COMPLETE",
    "prog_name": "cachy",
}


@click.command("completion")
@click.argument("shell", metavar="[SHELL]", default=None, type=click.Choice(SHELLS))
def completion_command(shell: str | None) -> None:
    """Print a script with which a shell completes commands and keys.

    SHELL is bash, zsh or fish; by default the one of $SHELL. For bash and zsh, put
    eval "$(cachy completion)" into ~/.bashrc or ~/.zshrc; for fish, cachy completion fish | source
    into ~/.config/fish/config.fish.
    """
    from click.shell_completion import get_completion_class

    name = shell or os.path.basename(os.environ.get("SHELL", ""))
    kind = get_completion_class(name) if name in SHELLS else None
    if kind is None:
        raise ConfigError(f"name the shell to complete for: {', '.join(SHELLS)}")
    click.echo(kind.source_template % _VARIABLES)
