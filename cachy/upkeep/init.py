"""What a team sets up once, in one commit: `cachy init`. No recording needs it."""

from __future__ import annotations

import os
import stat
from typing import Any, NamedTuple

from cachy.errors import CachyError, ConfigError, Defect
from cachy.store import entry as codec
from cachy.store.files import flush_folder, read_file, write_whole
from cachy.store.folder import DirStore
from cachy.store.layout import MANIFEST, make_local, show_path, tmp
from cachy.upkeep.check import attribute_rule
from cachy.upkeep.git import STORES, Repo

ATTRIBUTES = "-text -merge -filter diff=cachy linguist-generated"
TEXTCONV = (
    "diff.cachy.textconv",
    # Where there is no cachy, git still shows that two recordings differ.
    'sh -c \'cachy cat --text "$1" 2>/dev/null || git hash-object --no-filters "$1"\' -',
)
CHECK = "cachy check --staged || exit 1"
HOOK = f"""\
if command -v cachy >/dev/null; then {CHECK}
elif ! git diff --cached --quiet --diff-filter=d -- '{STORES}'; then
  echo 'The recordings in this commit cannot be checked, as cachy is not on the PATH.' >&2
  echo 'Put it there, or commit with --no-verify.' >&2
  exit 1
fi"""


class Setup(NamedTuple):
    """What init made, what was there, what it offers, and what it warns of; each one sentence."""

    store: str
    made: list[str]
    kept: list[str]
    offers: list[str]
    warnings: list[str]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {**self._asdict(), "store": show_path(self.store)}


def init(root: str, *, git: bool = False, hook: bool = False) -> Setup:
    """Make the store with its manifest, and the line of the repository's `.gitattributes`.

    `git`: also let this clone's `git diff` show entries as text; `hook`: and check every commit.
    What is there already stays. Raises ConfigError for a store of a newer format, or where `git`
    or `hook` is asked for outside a repository; OSError if it cannot be written.
    """
    setup = Setup(root, [], [], [], [])
    _write_manifest(root, setup)
    repo = Repo.around(root)
    if repo is None:
        if git or hook:
            raise ConfigError(f"{root} is in no git repository: run `git init` first")
        return setup
    _add_attributes(repo, setup)
    if rule := attribute_rule(root):
        setup.warnings.append(
            f"the git attribute {rule!r} applies to the store and would damage entries on "
            f"checkout: move the line of {repo.prefix} to the end of .gitattributes"
        )
    if repo.config(TEXTCONV[0]):
        setup.kept.append("git diff shows entries as text here")
    elif git:
        repo.configure(*TEXTCONV)
        setup.made.append("git diff shows entries as text in this clone")
    else:
        setup.offers.append("`cachy init --git` lets git diff show entries as text in this clone")
    if hook:
        _add_hook(repo, setup)
    return setup


def _write_manifest(root: str, setup: Setup) -> None:
    path = os.path.join(root, "manifest.json")
    try:
        DirStore(root)
    except ConfigError:
        # A newer format is not ours to touch; what is no manifest at all is replaced.
        if not os.path.isdir(root) or _names_a_format(path):
            raise
    try:
        if read_file(path) == MANIFEST:
            setup.kept.append(path)
            return
    except (FileNotFoundError, Defect):
        pass
    os.makedirs(root, exist_ok=True)
    make_local(root)
    write_whole(path, MANIFEST, tmp(root))
    flush_folder(root)
    setup.made.append(path)


def _names_a_format(path: str) -> bool:
    import json

    try:
        data = json.loads(read_file(path))
        return bool(data["format"] == "cachy" and data["version"] > codec.FORMAT)
    except (OSError, Defect, ValueError, KeyError, TypeError, RecursionError):
        return False


def _add_attributes(repo: Repo, setup: Setup) -> None:
    path = repo.path_of(".gitattributes")
    pattern = _pattern(repo.prefix)
    try:
        text = read_file(path)
    except FileNotFoundError:
        text = b""
    except Defect as defect:  # a link, that git would not follow either
        raise CachyError(f"{path}: {defect}") from None
    line = f"{pattern} {ATTRIBUTES}".encode()
    if any(
        old.strip().startswith((pattern.encode() + b" ", pattern.encode() + b"\t"))
        for old in text.splitlines()
    ):
        setup.kept.append(path)
        return
    end = b"\r\n" if b"\r\n" in text else b"\n"
    before = end if text and not text.endswith(b"\n") else b""
    with open(path, "ab") as file:
        file.write(before + line + end)
    setup.made.append(path)


def _pattern(prefix: str) -> str:
    """The pattern of everything in the store, anchored, in the quotes that git wants."""
    escaped = "".join(f"\\{char}" if char in "\\*?[" else char for char in prefix)
    pattern = f"{escaped}/**"
    if pattern.startswith(("!", "#")):  # they mean something there
        pattern = f"/{pattern}"
    if not any(char in pattern for char in ' \t"\\'):
        return pattern
    return '"' + pattern.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'


def _add_hook(repo: Repo, setup: Setup) -> None:
    path = repo.hook("pre-commit")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        text = "#!/bin/sh\n"
    except UnicodeDecodeError:
        raise CachyError(f"{path} is no script: call `{CHECK}` from it yourself") from None
    if "cachy check" in text:
        setup.kept.append(path)
        return
    first, _, rest = text.partition("\n")
    if not (first.startswith("#!") and first.rstrip().endswith("sh")):
        raise CachyError(f"{path} is no shell script: call `{CHECK}` from it yourself")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(f"{first}\n{HOOK}\n{rest}")
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    setup.made.append(path)
