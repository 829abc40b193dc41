"""The arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

CacheDir = Annotated[
    str | None,
    typer.Option(
        "--cache-dir",
        "-C",
        metavar="DIR",
        help="The folder that holds .cachy. Default: the one that enable_cachy() uses.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Key = Annotated[
    str, typer.Argument(metavar="KEY", help="A key, its first digits, or the file of an entry.")
]
Model = Annotated[
    str, typer.Option(metavar="MODEL", help="Only entries of this model; * matches anything.")
]
Host = Annotated[
    str, typer.Option(metavar="HOST", help="Only entries of this host; * matches anything.")
]
