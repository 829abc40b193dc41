"""How two revisions of a store differ: keys added, removed, and recorded again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from cachy.engine.secret_search import masked
from cachy.errors import ConfigError, Defect
from cachy.store.entry import Entry
from cachy.store.files import read_file
from cachy.store.folder import File, entry_files, unpack
from cachy.store.names import SUFFIX, is_name, key_in, place_of
from cachy.upkeep import index
from cachy.upkeep.compare import NOTHING, RISKS, Comparison, alone, compare
from cachy.upkeep.git import Repo
from cachy.upkeep.index import Flaw, Progress, Row, silent
from cachy.upkeep.transcript import answered, one_line

WORK_TREE = "the work tree"
_ANSWER_LENGTH = 60


class Change(NamedTuple):
    """What happened to a key. `kind` is added, removed or re-recorded; `row` the recording that is
    served after the change, or that was before a removal; `answer` its first words; `same_answer`
    whether a new recording has the same body as the old; `compared` what differs between the two,
    or what an added or removed one holds."""

    kind: str
    row: Row
    answer: str
    same_answer: bool = False
    compared: Comparison = NOTHING

    @property
    def risk(self) -> int:
        """How late in the list it stands: what may do the most harm comes first."""
        if self.kind != "re-recorded":
            return len(RISKS) + 2 * list(KINDS).index(self.kind) + (not self.compared.notes)
        if self.same_answer:
            return len(RISKS) + 2 * len(KINDS)
        return RISKS.index(self.compared.risk)

    @property
    def same_text(self) -> bool:
        """Whether a new recording says the same as the old, though its body is another."""
        return self.kind == "re-recorded" and not (self.same_answer or self.compared.risk)

    def without_parts(self) -> Change:
        """Return the change without the texts, which may be long."""
        return self._replace(compared=self.compared._replace(parts=[]))

    def as_dict(self, *, full: bool = False) -> dict[str, Any]:
        """Return the change as `--json` prints it; `full` with the texts word by word."""
        compared = self.compared
        parts = [{"role": part.role, "pieces": part.pieces} for part in compared.parts]
        return {
            "kind": self.kind,
            **self.row.as_dict(),
            "answer": self.answer,
            "same_answer": self.same_answer,
            "changed": compared.risk,
            "notes": compared.notes,
            "difference": str(compared.excerpt) if self.kind == "re-recorded" else "",
            **({"parts": parts} if full else {}),
        }


class Diff(NamedTuple):
    """The changes from the revision `old` to `new`, the greatest risk first: recorded again with
    other tool calls, with a refusal, with another text; added; removed; the same. `same` counts the
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

    def as_dict(self, *, full: bool = False) -> dict[str, Any]:
        """Return the comparison as `--json` prints it; `full` with the texts word by word."""
        changes = [change.as_dict(full=full) for change in self.changes]
        return {**self._asdict(), "changes": changes, "flaws": [f.as_dict() for f in self.flaws]}


KINDS = {"added": "+", "removed": "-", "re-recorded": "~"}
"""The kinds of change, and the sign that marks each in a list."""

_Side = dict[str, str]
"""The files of a revision: path in the work tree to blob. An empty blob means the file on disk."""


def diff(
    root: str, revisions: str = "", *, full: bool = False, progress: Progress = silent
) -> Diff:
    """Compare two revisions, `A..B`; B with its merge base with A, `A...B`; or one revision, by
    default HEAD, with the work tree. The changes have the texts of the answers, word by word, only
    if `full`.

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
    return _compare(repo, old_name, _entries(old), new_name, _entries(new), full, progress)


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
    full: bool,
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
    reader = _Reader(repo, wanted)
    changes = []
    for done, key in enumerate(changed):
        if not done % 32:
            progress(done, len(changed))
        was = reader.read() if key in before else None
        now = reader.read() if key in after else None
        kind = "added" if key not in before else "removed" if key not in after else "re-recorded"
        if (change := _change(kind, was, now)) is not None:
            changes.append(change if full else change.without_parts())
    reader.close()
    progress(len(changed), len(changed))
    changes.sort(key=lambda change: (change.risk, -change.row.second, change.row.name))
    served = {*before.values(), *after.values()}
    tidied = sum(name not in served for name in old.keys() - new.keys())
    unchanged = len(before.keys() | after.keys()) - len(changed)
    return Diff(old_name, new_name, changes, unchanged, tidied, sorted(reader.flaws))


class _Read(NamedTuple):
    row: Row
    entry: Entry


class _Reader:
    """Reads entries one by one, in the order in which they are wanted, so that no more than two are
    in memory at a time. `flaws` are those that are not sound."""

    def __init__(self, repo: Repo, wanted: list[tuple[str, dict[str, tuple[str, str]]]]) -> None:
        self._repo, self._wanted = repo, iter(wanted)
        self._blobs = repo.blobs([blob for name, side in wanted if (blob := side[name][1])])
        self.flaws: list[Flaw] = []

    def read(self) -> _Read | None:
        """Return the next, or None if it is not sound."""
        name, side = next(self._wanted)
        path, blob = side[name]
        file = File(self._repo.path_of(path), name, False)
        try:
            data = next(self._blobs) if blob else read_file(file.path)
            entry = unpack(name, data)
        except (Defect, FileNotFoundError) as problem:
            what = str(problem) if isinstance(problem, Defect) else "it was removed meanwhile"
            self.flaws.append(Flaw(file.path, what, isinstance(problem, Defect)))
            return None
        return _Read(index.row_of(file, len(data), entry), entry)

    def close(self) -> None:
        """Let git end."""
        next(self._blobs, None)


def _change(kind: str, was: _Read | None, now: _Read | None) -> Change | None:
    shown = now or was
    if shown is None:
        return None
    same = was is not None and now is not None and was.entry.body == now.entry.body
    if was is not None and now is not None:
        compared = compare(was.entry, now.entry)
    else:
        compared = alone(shown.entry, "-" if kind == "removed" else "+")
    return Change(kind, shown.row, first_words(shown.entry), same, compared)


def first_words(entry: Entry) -> str:
    """Return the first words of the answer: of its text, where it has one."""
    turns = answered(entry)
    texts = [turn.text for turn in turns if turn.role == "assistant"] or [t.text for t in turns]
    return one_line(masked(texts[0][: 8 * _ANSWER_LENGTH]), _ANSWER_LENGTH) if texts else ""
