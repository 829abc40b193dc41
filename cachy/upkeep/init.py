"""Set a repository up for a store, once for a team: `cachy init`. Recording works without it."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from cachy.errors import CachyError, ConfigError, Defect
from cachy.store.files import flush_folder, read_file, write_whole
from cachy.store.folder import DirStore
from cachy.store.layout import make_local, shared_files, show_path, tmp
from cachy.upkeep.git import Repo, attribute_rule
from cachy.upkeep.hook import add as add_hook
from cachy.upkeep.hook import driver, textconv

ATTRIBUTES = "-text -merge -filter diff=cachy linguist-generated"
TEXTCONV = "diff.cachy.textconv"
_CACHED = "diff.cachy.cachetextconv"
_DRIVER = "diff.cachy.command"
_CACHE = "refs/notes/textconv/cachy"
"""Where git keeps the texts of entries: also those that it got while cachy was not there."""


class Setup(NamedTuple):
    """What init created, what it left unchanged, what else it can do, and what is wrong: paths or
    short sentences."""

    store: str
    created: list[str]
    unchanged: list[str]
    suggestions: list[str]
    warnings: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as `--json` prints it."""
        return {**self._asdict(), "store": show_path(self.store)}


def init(root: str, *, git: bool = False, hook: bool = False) -> Setup:
    """Create the store with its manifest and dictionary, and its line in `.gitattributes`.

    `git` also makes `git diff` show entries as text in this clone; `hook` makes git check the
    recordings in every commit. Idempotent.

    Raises ConfigError for a store of a newer format, or for `git` or `hook` outside a repository;
    CachyError for a hook that is not a shell script; OSError if something cannot be written.
    """
    setup = Setup(root, [], [], [], [])
    _write_shared(root, setup)
    repo = Repo.around(root)
    if repo is None:
        if git or hook:
            raise ConfigError(f"{root} is not in a git repository: run `git init` first")
        return setup
    _add_attributes(repo, setup)
    if rule := attribute_rule(root):
        setup.warnings.append(
            f"the git attribute {rule!r} applies to the store and would damage entries on "
            f"checkout: move the line of {repo.prefix} to the end of .gitattributes"
        )
    if git:
        _show_as_text(repo, setup)
    elif not repo.config(TEXTCONV):
        setup.suggestions.append("`cachy init --git` makes git diff show entries as text")
    if hook:
        path, changed = add_hook(repo)
        (setup.created if changed else setup.unchanged).append(path)
    return setup


def _show_as_text(repo: Repo, setup: Setup) -> None:
    """Let git call cachy for how entries changed (`git diff`), and for the text of an entry. That
    is kept: git calls it for each entry, and `git show` of 40 took 9 s each time."""
    wanted = {TEXTCONV: textconv(), _CACHED: "true", _DRIVER: driver()}
    same = all(repo.config(name) == value for name, value in wanted.items())
    for name, value in wanted.items():
        repo.configure(name, value)
    repo.forget(_CACHE)
    (setup.unchanged if same else setup.created).append(
        "git diff shows entries as text in this clone"
    )


def _write_shared(root: str, setup: Setup) -> None:
    """Write the manifest and the dictionary, unless they are there. Raises ConfigError for a store
    of a newer format, whose files are never replaced."""
    DirStore(root)
    for name, data in shared_files().items():
        path = os.path.join(root, name)
        try:
            if read_file(path) == data:
                setup.unchanged.append(path)
                continue
        except (FileNotFoundError, Defect):
            pass
        os.makedirs(root, exist_ok=True)
        make_local(root)
        write_whole(path, data, tmp(root))
        flush_folder(root)
        setup.created.append(path)


def _add_attributes(repo: Repo, setup: Setup) -> None:
    path = repo.path_of(".gitattributes")
    pattern = _pattern(repo.prefix)
    try:
        text = read_file(path)
    except FileNotFoundError:
        text = b""
    except Defect as defect:  # a link, which git would not follow either
        raise CachyError(f"{path}: {defect}") from None
    line = f"{pattern} {ATTRIBUTES}".encode()
    if any(
        old.strip().startswith((pattern.encode() + b" ", pattern.encode() + b"\t"))
        for old in text.splitlines()
    ):
        setup.unchanged.append(path)
        return
    end = b"\r\n" if b"\r\n" in text else b"\n"
    before = end if text and not text.endswith(b"\n") else b""
    with open(path, "ab") as file:
        file.write(before + line + end)
    setup.created.append(path)


def _pattern(prefix: str) -> str:
    """Return the anchored pattern of all files in a store, quoted for `.gitattributes`."""
    escaped = "".join(f"\\{char}" if char in "\\*?[" else char for char in prefix)
    pattern = f"{escaped}/**"
    if pattern.startswith(("!", "#")):  # they mean something there
        pattern = f"/{pattern}"
    if not any(char in pattern for char in ' \t"\\'):
        return pattern
    return '"' + pattern.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
