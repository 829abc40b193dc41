"""Call git. Paths are read with `-z`, so they may contain any character."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from cachy.errors import CachyError, ConfigError
from cachy.store.layout import FOLDER
from cachy.store.names import NAME_LENGTH, SUFFIX, is_name, place_of

STORES = f":(top,glob)**/{FOLDER}/**"
"""The pathspec of all files in all stores of a repository."""

_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR")


class Staged(NamedTuple):
    """A file in git's index: its path from the top of the work tree, and the id of its blob."""

    path: str
    blob: str


class Change(NamedTuple):
    """A file that a commit added or removed, by its path from the top of the work tree, and the id
    of its blob."""

    path: str
    blob: str
    removed: bool
    commit: str
    date: str
    author: str
    subject: str


class Repo:
    """The git repository of a store: `top` is the folder of its work tree, `prefix` the path of the
    store in it, with `/`."""

    def __init__(self, top: str, prefix: str) -> None:
        self.top, self.prefix = top, prefix

    @classmethod
    def around(cls, root: str) -> Repo | None:
        """Return the repository that a store is in; None outside a repository or without git."""
        folder = os.path.dirname(os.path.realpath(root))
        try:
            done = _run(["rev-parse", "--show-toplevel"], folder)
        except OSError:
            return None  # no git, or no such folder
        if done.returncode:
            return None
        top = os.path.realpath(os.fsdecode(done.stdout.rstrip(b"\r\n")))
        path = os.path.relpath(os.path.join(folder, os.path.basename(root)), top)
        return None if path.startswith(os.pardir) else cls(top, path.replace(os.sep, "/"))

    def path_of(self, name: str) -> str:
        """Return the path on disk of a file, from its path in git."""
        return os.path.join(self.top, *name.split("/"))

    def commit(self, rev: str) -> str:
        """Return the id of a commit. Raises ConfigError if git does not know the revision."""
        done = _run(
            ["rev-parse", "--verify", "--quiet", "--end-of-options", rev + "^{commit}"], self.top
        )
        if done.returncode:
            raise ConfigError(
                f"git does not know the revision {rev!r}: `git branch -a` and `git log` list those "
                f"that exist, and a shallow clone may need `git fetch --unshallow`"
            )
        return done.stdout.decode().strip()

    def merge_base(self, one: str, other: str) -> str:
        """Return the merge base of two commits. Raises ConfigError if there is none."""
        done = _run(["merge-base", one, other], self.top)
        if done.returncode:
            raise ConfigError(
                f"{one[:12]} and {other[:12]} have no commit in common here: "
                f"`git fetch --unshallow` fetches the whole history"
            )
        return done.stdout.decode().strip()

    def has_commits(self) -> bool:
        """Return whether HEAD is a commit."""
        return not _run(["rev-parse", "--verify", "--quiet", "HEAD"], self.top).returncode

    def tree(self, commit: str) -> dict[str, str]:
        """Return the files of the store in a commit: path to blob."""
        output = self._output("ls-tree", "-r", "-z", "--full-tree", commit, "--", self.prefix + "/")
        pairs = (line.split(b"\t", 1) for line in output.split(b"\0") if line)
        return {os.fsdecode(path): meta.split()[2].decode() for meta, path in pairs}

    def staged(self, *, changed: bool = False) -> list[Staged]:
        """Return the files of the store in git's index; with `changed`, only those that the next
        commit adds or changes."""
        if changed:
            return self._added(self._pathspec())
        output = self._output("ls-files", "-s", "-z", "--full-name", "--", self._pathspec())
        pairs = (line.split(b"\t", 1) for line in output.split(b"\0") if line)
        return [Staged(os.fsdecode(path), meta.split()[1].decode()) for meta, path in pairs]

    def stores_staged(self) -> list[str]:
        """Return the stores of the repository in which the next commit adds or changes a file."""
        parts = [file.path.split("/") for file in self._added(STORES)]
        roots = {"/".join(path[: path.index(FOLDER) + 1]) for path in parts}
        return [self.path_of(root) for root in sorted(roots)]

    def _added(self, pathspec: str) -> list[Staged]:
        against = "HEAD" if self.has_commits() else self._empty_tree()
        output = self._output(
            "diff-index", "--cached", "-z", "--no-renames", "--diff-filter=d", against,
            "--", pathspec,
        )  # fmt: skip
        fields = output.split(b"\0")
        return [
            Staged(os.fsdecode(path), meta.split()[3].decode())
            for meta, path in zip(fields[::2], fields[1::2], strict=False)
        ]

    def not_checked_out(self) -> set[str]:
        """Return the files of the store that a sparse checkout leaves out of the work tree."""
        output = self._output("ls-files", "-t", "-z", "--full-name", "--", self._pathspec())
        return {os.fsdecode(line[2:]) for line in output.split(b"\0") if line[:2] == b"S "}

    def blobs(self, ids: Iterable[str]) -> Iterator[bytes]:
        """Yield the bytes of blobs, in order, from one process.

        Raises CachyError for a missing blob.
        """
        wanted = list(ids)
        if not wanted:
            return
        command = ["git", "cat-file", "--batch"]
        with subprocess.Popen(
            command, cwd=self.top, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                for blob in wanted:
                    # One request at a time: two full pipes would wait for each other.
                    process.stdin.write(blob.encode() + b"\n")
                    process.stdin.flush()
                    header = process.stdout.readline().split()
                    if len(header) != 3:
                        raise CachyError(f"git object {blob} is missing: see `git fsck`")
                    data = process.stdout.read(int(header[2]))
                    process.stdout.read(1)
                    yield data
            finally:
                process.stdin.close()

    def log(self, start: str) -> list[Change]:
        """Return what the commits of HEAD did to the files of the store whose paths start so,
        newest first: of a merge, what none of the commits that it merged had done."""
        if not self.has_commits():
            return []
        escaped = "".join(f"\\{char}" if char in "\\*?[" else char for char in self.prefix)
        output = self._output(
            "log", "-z", "--no-renames", "--raw", "--no-abbrev", "--diff-merges=combined",
            "--format=%x01%H%x02%aI%x02%an%x02%s", "--", f":(top,glob){escaped}/{start}*",
        )  # fmt: skip
        changes = []
        for commit in output.split(b"\1")[1:]:
            head, *fields = [field for field in commit.split(b"\0") if field.strip()]
            about = [os.fsdecode(part) for part in head.split(b"\2")]
            of_commit = []
            for meta, path in zip(fields[::2], fields[1::2], strict=False):
                # For each parent, and the result: modes, then blobs; then what happened.
                parents = meta.split(b" ")[0].count(b":")
                *befores, after, kind = meta.split()[parents + 1 :]
                removed = kind.endswith(b"D")
                blob = (befores[0] if removed else after).decode()
                of_commit.append(Change(os.fsdecode(path), blob, removed, *about))
            changes += sorted(of_commit, key=lambda change: change.removed)
        return changes

    def attributes(self, path: str) -> dict[str, str]:
        """Return the attributes of a file."""
        output = self._output("check-attr", "-z", "--all", "--", path)
        fields = [os.fsdecode(field) for field in output.split(b"\0")]
        return dict(zip(fields[1::3], fields[2::3], strict=False))

    def config(self, name: str) -> str:
        """Return a setting of this clone, or the empty string."""
        return _run(["config", "--get", name], self.top).stdout.decode().strip()

    def configure(self, name: str, value: str) -> None:
        """Change a setting of this clone."""
        self._output("config", "--local", name, value)

    def forget(self, ref: str) -> None:
        """Delete a reference of this clone, if it is there."""
        self._output("update-ref", "-d", ref)

    def hook(self, name: str) -> str:
        """Return the path of a hook of this clone, which need not exist."""
        path = self._output("rev-parse", "--git-path", f"hooks/{name}").rstrip(b"\r\n")
        return os.path.join(self.top, os.fsdecode(path))

    def _pathspec(self) -> str:
        return f":(top,literal){self.prefix}"

    def _empty_tree(self) -> str:
        done = _run(["hash-object", "-t", "tree", os.devnull], self.top)
        return done.stdout.decode().strip()

    def _output(self, *arguments: str) -> bytes:
        done = _run(list(arguments), self.top)
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip()
            raise CachyError(f"`git {arguments[0]}` failed in {self.top}: {reason}")
        return done.stdout


class History:
    """The recordings that the repository around a folder has, in any of its stores."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def recordings(self, key: str) -> Iterator[dict[str, str]]:
        """Yield the recordings of a key, name to blob: those in the index, then those in the last
        commits of HEAD that added or removed one. Yields nothing if git fails."""
        where = f":(top,glob)**/{FOLDER}/{key[:2]}/{key}-*"
        yield _recordings(self._ask("ls-files", "-s", "-z", "--", where), _of_index)
        yield _recordings(
            self._ask(
                "log", "-n", str(_COMMITS), "-z", "--no-renames", "--raw", "--no-abbrev",
                "--diff-merges=first-parent", "--format=", "--", where,
            ),
            _of_log,
        )  # fmt: skip

    def blob(self, blob: str) -> bytes:
        """Return the bytes of a blob. Raises CachyError if it is missing."""
        done = _run(["cat-file", "blob", blob], self._folder)
        if done.returncode:
            raise CachyError(f"git object {blob} is missing: see `git fsck`")
        return done.stdout

    def _ask(self, *arguments: str) -> list[bytes]:
        done = _run(list(arguments), self._folder)
        return [] if done.returncode else [field for field in done.stdout.split(b"\0") if field]


_COMMITS = 50
"""Commits of one key that are looked at."""


def _recordings(
    fields: list[bytes], read: Callable[[list[bytes]], Iterator[tuple[str, str]]]
) -> dict[str, str]:
    """Return the blobs of entries by their names."""
    found: dict[str, str] = {}
    for path, blob in read(fields):
        name = path.rpartition("/")[2].removesuffix(SUFFIX)
        if is_name(name):
            found.setdefault(name, blob)
    return found


def _of_index(fields: list[bytes]) -> Iterator[tuple[str, str]]:
    for field in fields:
        meta, _, path = field.partition(b"\t")
        yield os.fsdecode(path), meta.split()[1].decode()


def _of_log(fields: list[bytes]) -> Iterator[tuple[str, str]]:
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        _, _, before, after, kind = meta.split()
        yield os.fsdecode(path), (before if kind == b"D" else after).decode()


def _run(arguments: list[str], folder: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=_environment(), capture_output=True, check=False
    )


def _environment() -> dict[str, str]:
    """Return the environment for git. A hook's variables may be relative to the folder where git
    started it, and this runs git elsewhere."""
    places = {name: os.path.abspath(os.environ[name]) for name in _PLACES if name in os.environ}
    environment = {**os.environ, **places, "LC_ALL": "C"}
    if "GIT_WORK_TREE" not in places:
        # With GIT_DIR alone, git takes the folder it is started in as the top of the work tree.
        for name in ("GIT_DIR", "GIT_COMMON_DIR"):
            environment.pop(name, None)
    return environment


def attribute_rule(root: str) -> str:
    """Return the git attribute that would damage entries on checkout, or the empty string."""
    repo = Repo.around(root)
    if repo is None:
        return ""
    sample = f"{repo.prefix}/{place_of('0' * NAME_LENGTH)}"
    attributes = repo.attributes(sample)
    text = attributes.get("text")
    if text in ("set", "input"):
        return "text"
    if text not in ("unset", "auto"):  # then git looks at `crlf`, the old name, and at `eol`
        for name, harmful in (("crlf", ("set", "input")), ("eol", ("lf", "crlf"))):
            if (value := attributes.get(name)) in harmful:
                return name if value == "set" else f"{name}={value}"
            if name == "crlf" and value in ("unset", "auto"):
                break
    if attributes.get("ident") == "set":
        return "ident"
    for name in ("filter", "working-tree-encoding"):
        if (kind := attributes.get(name, "unset")) not in ("unset", "unspecified"):
            return f"{name}={kind}"
    return ""
