"""How two revisions of a store differ: keys added, removed, and recorded again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from cachy.engine.secret_search import masked
from cachy.errors import ConfigError, Defect
from cachy.store.entry import Entry
from cachy.store.files import read_file
from cachy.store.folder import File, entry_files, unpack
from cachy.store.names import SUFFIX, is_name, key_in, place_of
from cachy.upkeep import index
from cachy.upkeep.git import Repo
from cachy.upkeep.index import Flaw, Progress, Row, silent
from cachy.upkeep.transcript import answered, one_line

WORK_TREE = "the work tree"
_MARKDOWN_ROWS = 200
_ANSWER_LENGTH = 60
_LONGEST_CELL = 200
_ESCAPED = {ord(char): f"&#{ord(char)};" for char in "\\`*_[]<>|#@~&"}


class Change(NamedTuple):
    """What happened to a key. `kind` is added, removed or re-recorded; `row` the recording that is
    served after the change, or that was before a removal; `answer` its first words; `same_answer`
    whether a new recording has the same body as the old."""

    kind: str
    row: Row
    answer: str
    same_answer: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the change as `--json` prints it."""
        return {
            "kind": self.kind,
            **self.row.as_dict(),
            "answer": self.answer,
            "same_answer": self.same_answer,
        }


class Diff(NamedTuple):
    """The changes from the revision `old` to `new`, by kind, then newest first. `same` counts the
    keys that are served as before; `tidied` the removed files that were not served any more;
    `flaws` are the unsound entries."""

    old: str
    new: str
    changes: list[Change]
    same: int
    tidied: int
    flaws: list[Flaw]

    def count(self, kind: str) -> int:
        """Return the number of changes of a kind."""
        return sum(change.kind == kind for change in self.changes)

    def summary(self) -> str:
        """Return the counts as text: `3 added, 1 removed, 40 unchanged`. Zeros are left out."""
        counts = [f"{n} {kind}" for kind in KINDS if (n := self.count(kind))]
        counts += [f"{self.same} unchanged"] if self.same else []
        counts += [f"{self.tidied} older files removed"] if self.tidied else []
        counts += [f"{len(self.flaws)} unsound"] if self.flaws else []
        return ", ".join(counts) or "no entries"

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as `--json` prints it."""
        changes = [change.as_dict() for change in self.changes]
        return {**self._asdict(), "changes": changes, "flaws": [f.as_dict() for f in self.flaws]}


KINDS = {"added": "+", "removed": "-", "re-recorded": "~"}
"""The kinds of change, and the sign that marks each in a list."""

_Side = dict[str, str]
"""The files of a revision: path in the work tree to blob. An empty blob means the file on disk."""


def diff(root: str, revisions: str = "", *, progress: Progress = silent) -> Diff:
    """Compare two revisions, `A..B`; B with its merge base with A, `A...B`; or one revision, by
    default HEAD, with the work tree.

    Raises ConfigError for a revision that git does not know, or a store outside a repository;
    CachyError if git fails.
    """
    repo = Repo.around(root)
    if repo is None:
        raise ConfigError(
            f"{root} is not in a git repository, so there is nothing to compare it with"
        )
    first, dots, second = revisions.partition("..")
    from_base = second.startswith(".")
    second = second.removeprefix(".")
    old_name, new_name = first or "HEAD", (second or "HEAD") if dots else WORK_TREE
    if not first and not dots and not repo.has_commits():
        old: _Side = {}
    else:
        commit = repo.commit(old_name)
        if from_base:
            commit = repo.merge_base(commit, repo.commit(new_name))
        old = repo.tree(commit)
    new = repo.tree(repo.commit(new_name)) if dots else _work_tree(root, repo)
    return _compare(repo, old_name, _entries(old), new_name, _entries(new), progress)


def _work_tree(root: str, repo: Repo) -> _Side:
    side = {}
    absent = repo.not_checked_out()
    for file in repo.staged() if absent else ():
        if file.path in absent:
            side[file.path] = file.blob
    for entry_file in entry_files(root):
        if not entry_file.private:
            side[f"{repo.prefix}/{place_of(entry_file.name)}"] = ""
    return side


def _entries(side: _Side) -> dict[str, tuple[str, str]]:
    """Return path and blob of each entry of a side, by its name."""
    entries = {}
    for path, blob in side.items():
        name = path.rpartition("/")[2].removesuffix(SUFFIX)
        if path.endswith(SUFFIX) and is_name(name):
            entries[name] = (path, blob)
    return entries


def _newest(names: Iterable[str]) -> dict[str, str]:
    return {key_in(name): name for name in sorted(names)}


def _compare(
    repo: Repo,
    old_name: str,
    old: dict[str, tuple[str, str]],
    new_name: str,
    new: dict[str, tuple[str, str]],
    progress: Progress,
) -> Diff:
    before, after = _newest(old), _newest(new)
    changed = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    wanted = [
        (name, side)
        for key in changed
        for name, side in ((before.get(key), old), (after.get(key), new))
        if name is not None
    ]
    read, flaws = _read_all(repo, wanted, progress)
    changes = []
    for key in changed:
        was, now = read.get(before.get(key, "")), read.get(after.get(key, ""))
        shown = now or was
        if shown is None:
            continue
        kind = "added" if key not in before else "removed" if key not in after else "re-recorded"
        same = was is not None and now is not None and was.body == now.body
        changes.append(Change(kind, shown.row, shown.answer, same))
    order = list(KINDS)
    changes.sort(key=lambda change: (order.index(change.kind), -change.row.second, change.row.name))
    served = {*before.values(), *after.values()}
    tidied = sum(name not in served for name in old.keys() - new.keys())
    unchanged = len(before.keys() | after.keys()) - len(changed)
    return Diff(old_name, new_name, changes, unchanged, tidied, flaws)


class _Read(NamedTuple):
    row: Row
    answer: str
    body: str


def _read_all(
    repo: Repo, wanted: list[tuple[str, dict[str, tuple[str, str]]]], progress: Progress
) -> tuple[dict[str, _Read], list[Flaw]]:
    """Return the entries of these names, and the unsound ones."""
    blobs = repo.blobs(blob for name, side in wanted if (blob := side[name][1]))
    read: dict[str, _Read] = {}
    flaws = []
    for done, (name, side) in enumerate(wanted):
        if not done % 64:
            progress(done, len(wanted))
        path, blob = side[name]
        file = File(repo.path_of(path), name, False)
        try:
            data = next(blobs) if blob else read_file(file.path)
            entry = unpack(name, data)
        except (Defect, FileNotFoundError) as problem:
            what = str(problem) if isinstance(problem, Defect) else "it was removed meanwhile"
            flaws.append(Flaw(file.path, what, isinstance(problem, Defect)))
            continue
        read[name] = _Read(index.row_of(file, len(data), entry), first_words(entry), _digest(entry))
    next(blobs, None)
    progress(len(wanted), len(wanted))
    return read, sorted(flaws)


def first_words(entry: Entry) -> str:
    """Return the first words of the answer: of its text, where it has one."""
    turns = answered(entry)
    texts = [turn.text for turn in turns if turn.role == "assistant"] or [t.text for t in turns]
    return one_line(masked(texts[0][: 8 * _ANSWER_LENGTH]), _ANSWER_LENGTH) if texts else ""


def _digest(entry: Entry) -> str:
    from hashlib import sha256

    return sha256(entry.body).hexdigest()


def markdown(diff: Diff) -> str:
    """Return the comparison as Markdown, for a pull request or the summary of a CI job."""
    lines = [f"**cachy** · {_cell(diff.old)} → {_cell(diff.new)}: {diff.summary()}"]
    if diff.changes:
        lines += ["", "| | key | model | host | prompt | answer |", "|---|---|---|---|---|---|"]
    for change in diff.changes[:_MARKDOWN_ROWS]:
        row = change.row
        answer = "(unchanged)" if change.same_answer else _cell(change.answer)
        lines.append(
            f"| {change.kind} | `{row.key[:8]}` | {_cell(row.model)} | {_cell(row.host)} "
            f"| {_cell(one_line(row.shown, _ANSWER_LENGTH))} | {answer} |"
        )
    if (more := len(diff.changes) - _MARKDOWN_ROWS) > 0:
        lines += ["", f"… and {more} more"]
    if diff.flaws:
        lines += ["", "Unsound:", ""]
        lines += [f"- `{os.path.basename(flaw.path)}`: {_cell(flaw.what)}" for flaw in diff.flaws]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Return text that Markdown shows as it is, in a cell of a table."""
    return one_line(text, _LONGEST_CELL).translate(_ESCAPED)
