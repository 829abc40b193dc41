"""The arguments and options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_MOST_COMPLETED = 50


def cache_dir(function: F) -> F:
    """Add `--cache-dir`."""
    return click.option(
        "--cache-dir",
        "-C",
        metavar="DIR",
        type=click.Path(),
        help="The folder that holds .cachy. Default: the one that enable_cachy() uses.",
    )(function)


def as_json(function: F) -> F:
    """Add `--json`, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def model(function: F) -> F:
    """Add `--model`."""
    return click.option(
        "--model",
        default="",
        metavar="MODEL",
        help="Only entries of this model; * matches anything.",
    )(function)


def host(function: F) -> F:
    """Add `--host`."""
    return click.option(
        "--host", default="", metavar="HOST", help="Only entries of this host; * matches anything."
    )(function)


def key(function: F) -> F:
    """Add the argument KEY, empty by default."""
    return click.argument("key", metavar="[KEY]", default="", shell_complete=_keys)(function)


def _keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the keys of the store that start so, for the shell to complete."""
    from cachy.errors import CachyError
    from cachy.store.folder import entry_files
    from cachy.store.names import key_in
    from cachy.upkeep.find import root_of

    try:
        shard = incomplete[:2] if len(incomplete) >= 2 else ""  # one shard, or all
        files = entry_files(root_of(ctx.params.get("cache_dir")), shard)
    except CachyError:
        return []
    keys = sorted({key_in(file.name) for file in files if file.name.startswith(incomplete)})
    return keys[:_MOST_COMPLETED]


def since(root: str, text: str) -> float:
    """Return what `--since` names, in seconds since 1970: an age, a date, or `last-run`. Raises
    ConfigError."""
    import time

    from cachy.cli.units import parse_time
    from cachy.errors import ConfigError
    from cachy.upkeep.run import last_run

    if text == "last-run":
        return last_run(root)
    try:
        return parse_time(text, time.time())
    except ConfigError:
        raise ConfigError(
            f"invalid --since {text!r}: give an age such as 30d, a date such as 2026-11-01, "
            f"or last-run"
        ) from None
