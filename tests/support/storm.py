"""A team's git over a store, at random, and a model that knows what must come out.

    Storm ─▶ World ─▶ Clone …        a bare origin, three people, and a checkout that only reads

In each world people record, change prompts, refresh, collect and rename on branches of their own,
and integrate them in every way that git and its hosts know. After every integration: no conflict;
every recording that was not collected is there and replays, the newest stamp first; a fresh
checkout answers as the integrator's does; nothing that git sees was written by replaying.

The one rule: the model never asks git. A branch is a set of changes, a change is a set of names
added and a set dropped; whatever git calls an integration is a union of those sets, because no
name is ever used twice.

    python tests/support/storm.py --integrations 1000 --seeds 5 [--law list|stamps|mask|fixed off]

`--law` switches one law of the store off. Then the storm must find conflicts: it can fail.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import orjson

from cachy.rules import key as keys
from cachy.rules.outline import outline
from cachy.store import entry as codec
from cachy.store.entry import Entry
from cachy.store.folder import DirStore
from cachy.store.layout import FOLDER, MANIFEST
from cachy.store.names import SUFFIX, key_in, seal
from cachy.upkeep import gc as gc

PEOPLE = ("alice", "bob", "carol")
WORLD = 25
"""Integrations in a world: enough for branches to entangle, few enough to stay small."""
CROWD = 25
"""Keys that a collector leaves in a store at most."""
EPOCH = 1_790_000_000
ATTRIBUTES = ".cachy/** -text -merge -filter diff=cachy linguist-generated\n"


# ---- What is recorded: the contents that git takes for one another ----


class Prompt(NamedTuple):
    """A request: what kind of answer it has, and its text. Another text is another key."""

    kind: str
    text: str

    @property
    def request(self) -> keys.Request:
        path, body = {
            "embedding": ("embeddings", {"model": "embed-3", "input": [self.text]}),
            "image": ("images/generations", {"model": "image-1", "prompt": self.text}),
            "drawing": ("images/generations", {"model": "image-2", "prompt": self.text}),
        }.get(
            self.kind,
            (
                "chat/completions",
                {"model": self.kind, "messages": [{"role": "user", "content": self.text}]},
            ),
        )
        url = f"https://api.openai.com/v1/{path}"
        return keys.Request("POST", url, (), orjson.dumps(body))


ANSWERS = {"chat": 6, "same": 3, "embedding": 4, "image": 1, "drawing": 1, "tiny": 3}


class Provider:
    """Answers prompts, in the ways that are hard for git.

    chat       the same text under another id     same   the same bytes every time
    embedding  95 % of one payload                tiny   nothing, or next to it
    image      one image of 300 KB, as it is      huge   3 MB: must not be committed
    drawing    the same, in base64 in JSON
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._vector = random.randbytes(3072 * 4)
        self._image = random.randbytes(300_000)

    def prompt(self) -> Prompt:
        """One of few, so that people ask the same."""
        kind = pick(self._random, ANSWERS)
        return Prompt(kind, f"question {self._random.randrange(6)}. " + "Think twice. " * 20)

    def answer(self, prompt: Prompt) -> tuple[str, bytes]:
        """A content type and a body."""
        noise = self._random.randbytes
        if prompt.kind == "image":
            return "image/png", self._image
        if prompt.kind == "huge":
            return "application/octet-stream", noise(3_000_000)
        if prompt.kind == "tiny":
            return "application/json", self._random.choice([b"", b"{}", b'{"ok":true}'])
        if prompt.kind == "drawing":
            data: dict[str, Any] = {"data": [{"b64_json": base64.b64encode(self._image).decode()}]}
        elif prompt.kind == "embedding":
            start = self._random.randrange(int(len(self._vector) * 0.95))
            vector = bytearray(self._vector)
            vector[start : start + len(vector) // 20] = noise(len(vector) // 20)
            data = {"data": [{"embedding": base64.b64encode(vector).decode()}]}
        else:
            words = Random(prompt.text + prompt.kind)
            text = " ".join(words.randbytes(3).hex() for _ in range(words.choice([20, 200, 2000])))
            data = {"id": "chatcmpl-same", "choices": [{"message": {"content": text}}]}
            if prompt.kind == "chat":
                data["id"] = f"chatcmpl-{noise(12).hex()}"
        return "application/json", orjson.dumps(data)


def recording(prompt: Prompt, second: int, provider: Provider, random: Random) -> Entry:
    """The entry that `cachy.cache.Recording` would make."""
    content_type, body = provider.answer(prompt)
    request = prompt.request
    canonical = keys.canonical(request)
    moment = datetime.fromtimestamp(second, timezone.utc).replace(
        microsecond=random.randrange(10**6)
    )
    asked = outline(canonical)
    head = {
        "cachy": codec.FORMAT,
        "key": keys.digest(canonical),
        "recorded": moment.isoformat().replace("+00:00", "Z"),
        "nonce": random.randbytes(4).hex(),
        "method": request.method,
        "url": request.url,
        "status": 200,
        "headers": [["content-type", content_type], ["x-request-id", random.randbytes(8).hex()]],
        "client": "httpx",
        "ms": round(random.uniform(100, 9000), 1),
        "model": asked["body"]["model"],
        "stream": None,
        "usage": None,
        "request": asked,
    }
    return Entry(head, body)


def pick(random: Random, weights: dict[str, int]) -> str:
    return random.choices(list(weights), list(weights.values()))[0]


# ---- The store, and the store with one law off ----


class Shelf:
    """The store as its laws have it. One process has it open all the time, and records."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._kernel = DirStore(root)

    def path(self, name: str) -> Path:
        return self.root / name[:2] / (name + SUFFIX)

    def names(self) -> set[str]:
        """The entries that are shared, or will be."""
        return {path.name[: -len(SUFFIX)] for path in self.root.glob(f"??/*{SUFFIX}")}

    def get(self, key: str) -> Entry | None:
        """What a process answers that has just started."""
        return DirStore(self.root).get(key, lambda where, what: None)

    def long_get(self, key: str) -> Entry | None:
        """What a process answers that has been running all the time."""
        return self._kernel.get(key, lambda where, what: None)

    def put(self, key: str, frame: bytes, second: int) -> str:
        return self._kernel.put(key, frame, second).name

    def drop(self, names: set[str]) -> None:
        """Collect entries, as `cachy gc` does."""
        plan = gc.plan(str(self.root), gc.Policy(older_than=0, grace=0))
        removals = [each for each in plan.removals if each.row and each.row.name in names]
        gc.collect(plan._replace(removals=removals))


class Listed(Shelf):
    """Law 2 off: a list is committed."""

    def put(self, key: str, frame: bytes, second: int) -> str:
        name = super().put(key, frame, second)
        with self._list.open("a") as file:
            file.write(f'{{"name": "{name}", "bytes": {len(frame)}}}\n')
        return name

    def drop(self, names: set[str]) -> None:
        super().drop(names)
        lines = self._list.read_text().splitlines(keepends=True)
        self._list.write_text("".join(line for line in lines if line.split('"')[3] not in names))

    @property
    def _list(self) -> Path:
        return self.root / "index.jsonl"


class Foreign(Shelf):
    """A store of files that the library does not read."""

    def read(self, name: str) -> bytes:
        """The frame in a file."""
        raise NotImplementedError

    def get(self, key: str) -> Entry | None:
        names = sorted(name for name in self.names() if key_in(name) == key)
        return codec.loads(self.read(names[-1])) if names else super().get(key)

    def long_get(self, key: str) -> Entry | None:
        return self.get(key)

    def drop(self, names: set[str]) -> None:
        for name in names:
            self.path(name).unlink()


class Unstamped(Foreign):
    """Law 1 off: a recording replaces the one before it, under the same name."""

    def put(self, key: str, frame: bytes, second: int) -> str:
        name = super().put(key, frame, second)
        if not self.path(name).exists():
            return name  # local
        self.path(name).unlink()
        self.path(key).write_bytes(seal(key, frame))
        return key

    def read(self, name: str) -> bytes:
        masked = self.path(name).read_bytes()[1:]
        return seal(name, masked)[1:]  # masking undoes itself


class Unmasked(Foreign):
    """Law 3 off: recordings look as alike as their frames do."""

    def put(self, key: str, frame: bytes, second: int) -> str:
        name = super().put(key, frame, second)
        if self.path(name).exists():
            self.path(name).write_bytes(b"\0" + frame)
        return name

    def read(self, name: str) -> bytes:
        return self.path(name).read_bytes()[1:]


class Fixed(Shelf):
    """Law 5 off: enabling makes a file of a fixed name."""

    def put(self, key: str, frame: bytes, second: int) -> str:
        name = super().put(key, frame, second)
        (self.root / "manifest.json").write_bytes(MANIFEST)
        return name


LAWS: dict[str, type[Shelf]] = {
    "list": Listed,
    "stamps": Unstamped,
    "mask": Unmasked,
    "fixed": Fixed,
}
"""The laws that can be switched off, and the store without each."""


def collect(shelf: Shelf, random: Random) -> set[str]:
    """Drop the older recordings of each key, and a few that are no longer used."""
    newest: dict[str, str] = {}
    names = sorted(shelf.names())
    for name in names:
        newest[key_in(name)] = name
    gone = set(names) - set(newest.values())
    if random.random() < 0.7 and newest:
        unused = max(random.randint(1, 2), len(newest) - CROWD)
        gone |= {newest[key] for key in random.sample(list(newest), min(unused, len(newest)))}
    shelf.drop(gone)
    return gone


# ---- The model ----


@dataclass(frozen=True, eq=False)
class Change:
    """What one commit does to the store."""

    added: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()


History = frozenset[Change]
"""All that was ever done to reach a commit, in whatever way it was integrated."""


def recorded(history: History) -> set[str]:
    return {name for change in history for name in change.added}


def expected(history: History) -> set[str]:
    """The recordings that were not collected."""
    return recorded(history) - {name for change in history for name in change.dropped}


# ---- Git ----


class Fault(Exception):
    """The store failed its users: `kind` is conflicts, lost, disagreements or dirty."""

    def __init__(self, kind: str, text: str, count: int = 1) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind, self.count = kind, count


class Repo:
    """A folder to run git in, without any configuration."""

    now = EPOCH

    def __init__(self, path: Path, user: str) -> None:
        self.path = path
        self.user = user

    def git(self, *args: str) -> str:
        """Run what must succeed whatever the store holds."""
        done = self._run(args)
        if done.returncode:
            raise RuntimeError(f"git {' '.join(args)}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def integrate(self, *args: str) -> str:
        """Run what fails when the store's laws do. Any other failure is the storm's own."""
        done = self._run(args)
        text = f"{done.stdout}{done.stderr}"
        if "resulted in conflicts" in text:  # of an autostash: git reports success
            raise Fault("conflicts", f"git {' '.join(args)}: {text}")
        if done.returncode:
            if FOLDER not in text:
                raise RuntimeError(f"git {' '.join(args)}: {text}")
            raise Fault("conflicts", f"git {' '.join(args)}: {text}")
        return done.stdout.strip()

    def _run(self, args: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        date = f"{Repo.now} +0000"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.devnull,
            "LC_ALL": "C",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": self.user,
            "GIT_AUTHOR_EMAIL": f"{self.user}@example.com",
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": self.user,
            "GIT_COMMITTER_EMAIL": f"{self.user}@example.com",
            "GIT_COMMITTER_DATE": date,
            "GIT_EDITOR": "true",
        }
        command = ["git", "-C", str(self.path), *args]
        return subprocess.run(command, env=environment, capture_output=True, text=True)


class Clone(Repo):
    """A person's clone: always on the branch `work` and committed between two integrations."""

    def __init__(self, path: Path, user: str, shelf: type[Shelf], skew: int) -> None:
        super().__init__(path, user)
        self.skew = skew  # seconds that this clock is ahead
        self.work: History = frozenset()
        self.commits: list[tuple[str, Change]] = []
        self.private: set[str] = set()
        self._shelf = shelf

    @cached_property
    def shelf(self) -> Shelf:
        return self._shelf(self.path / FOLDER)

    def start(self, main: History) -> None:
        """A new branch, from the origin's main."""
        self.git("checkout", "-q", "-B", "work", "origin/main")
        self.work, self.commits = main, []

    def abandon(self, main: History) -> None:
        """Give up an integration that stopped half-way, and all that was to be integrated."""
        for command in ("rebase", "cherry-pick"):
            self._run((command, "--quit"))
        self.git("reset", "-q", "--hard")
        self.git("clean", "-q", "-f", "-d")
        self.git("stash", "clear")
        self.start(main)

    def commit(self, change: Change) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "work")
        self.work |= {change}
        self.commits.append((self.git("rev-parse", "HEAD"), change))


# ---- The storm ----


@dataclass
class Report:
    """What a storm has done, and the faults that it found."""

    integrations: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    replays: int = 0
    resurrected: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)

    def note(self, where: str, fault: Fault) -> None:
        self.faults[fault.kind] += fault.count
        self.details.append(f"{where}: {fault}")

    def add(self, other: Report) -> None:
        self.integrations += other.integrations
        self.actions += other.actions
        self.faults += other.faults
        self.details += other.details
        self.replays += other.replays
        self.resurrected += other.resurrected

    def __str__(self) -> str:
        lines = [
            f"{self.integrations.total()} integrations: {_counts(self.integrations)}",
            f"{self.actions.total()} actions: {_counts(self.actions)}",
            f"{self.replays:,} entries replayed; {self.resurrected} collected ones came back",
            ", ".join(f"{self.faults[kind]} {kind}" for kind in FAULTS),
        ]
        return "\n".join(lines)


FAULTS = ("conflicts", "lost", "disagreements", "dirty")


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items()))


class World:
    """One repository, from the day on which its people first enable cachy."""

    def __init__(self, folder: Path, report: Report, shelf: type[Shelf]) -> None:
        self.name, self.report = folder.name, report
        self.random = random = Random(self.name)
        self.provider = Provider(random)
        self.prompts: dict[str, Prompt] = {}
        self.made: dict[str, set[tuple[str, bytes]]] = {}  # name: (nonce, digest of the body)
        self.main: History = frozenset()
        folder.mkdir()
        self.origin = Repo(folder / "origin.git", "host")
        self.people = [
            Clone(folder / name, name, shelf, skew)
            for name, skew in zip(PEOPLE, (0, -90, 3600), strict=True)
        ]
        self.reader = Clone(folder / "reader", "reader", shelf, 0)
        self._found()

    def _found(self) -> None:
        """The repository before cachy: forty notebooks."""
        folder = Repo(self.origin.path.parent, "host")
        folder.git("init", "-q", "--bare", "-b", "main", self.origin.path.name)
        first, *others = self.people
        folder.git("clone", "-q", self.origin.path.name, first.user)
        first.git("checkout", "-q", "-b", "work")
        books = first.path / "notebooks"
        books.mkdir()
        self.notebooks = [f"notebook-{i}.ipynb" for i in range(40)]
        for book in self.notebooks:
            (books / book).write_text("\n".join(self.random.randbytes(9).hex() for _ in range(20)))
        first.commit(Change())
        first.git("push", "-q", "origin", "HEAD:main")
        for clone in (*others, self.reader):
            folder.git("clone", "-q", self.origin.path.name, clone.user)
        for clone in self.people:
            clone.git("fetch", "-q")
            clone.start(self.main)

    # What people do.

    def record(self, clone: Clone, prompt: Prompt) -> str | None:
        """Record an answer; returns its name unless it must stay on this machine."""
        Repo.now += self.random.choice([0, 1, 60])
        second = Repo.now + clone.skew
        entry = recording(prompt, second, self.provider, self.random)
        key = entry.head["key"][: keys.KEY_LENGTH]
        name = clone.shelf.put(key, codec.dumps(entry), second)
        self.prompts[key] = prompt
        self.made.setdefault(name, set()).add(_proof(entry))
        if prompt.kind == "huge":
            clone.private.add(name)
            return None
        return name

    def act(self, clone: Clone, *, committed: bool = True) -> Change:
        """A few things that a person does before a commit; the state that they leave."""
        added: set[str] = set()
        dropped: set[str] = set()
        for _ in range(self.random.randint(1, 4)):
            action = pick(self.random, ACTIONS if committed else UNCOMMITTED)
            self.report.actions[action] += 1
            known = sorted({key_in(name) for name in clone.shelf.names()})
            if action == "gc":
                dropped |= collect(clone.shelf, self.random) if known else set()
            elif action == "rename":
                self._rename(clone)
            elif action == "init":
                (clone.path / FOLDER).mkdir(exist_ok=True)
                (clone.path / FOLDER / "manifest.json").write_bytes(MANIFEST)
                (clone.path / ".gitattributes").write_text(ATTRIBUTES)
            else:
                prompt = self._prompt(action, known)
                if name := self.record(clone, prompt):
                    added.add(name)
        return Change(frozenset(added), frozenset(dropped))

    def _prompt(self, action: str, known: list[str]) -> Prompt:
        if action == "huge":
            return Prompt("huge", self.random.randbytes(4).hex())
        if action == "record" or not known:
            return self.provider.prompt()
        prompt = self.prompts[self.random.choice(known)]
        if action == "change":
            return prompt._replace(text=f"{prompt.text}, {self.random.randrange(10**6)}")
        return prompt

    def _rename(self, clone: Clone) -> None:
        """Each notebook once: that two people rename one is a conflict of their own."""
        if self.notebooks:
            book = self.notebooks.pop()
            clone.git("mv", f"notebooks/{book}", f"notebooks/final-{book}")
            with (clone.path / "notebooks" / f"final-{book}").open("a") as file:
                file.write("\nedited")

    # The ways to integrate. Each ends with a state that `_check` compares with the model.

    def first_day(self, clone: Clone) -> None:
        """Two people enable cachy for the same notebooks on the same day."""
        other = self.random.choice([one for one in self.people if one is not clone])
        prompts = [self.provider.prompt() for _ in range(6)]
        for one in (other, clone):
            names = [self.record(one, prompt) for prompt in prompts]
            change = Change(frozenset(filter(None, names)))
            if one is other:
                one.commit(change)
                one.git("push", "-q", "origin", "work:main")
                self.main = one.work
        clone.git("fetch", "-q")
        way = self.random.choice([self._pulled, self._stashed, self._committed])
        way(clone, change)

    def merge(self, clone: Clone) -> None:
        clone.git("checkout", "-q", "--detach", "origin/main")
        clone.integrate("merge", "-q", "--no-edit", *self._ff(), "work")
        self._publish(clone, self.main | clone.work)

    def update(self, clone: Clone) -> None:
        """Merge main into the branch, and leave main as it is."""
        clone.integrate("merge", "-q", "--no-edit", *self._ff(), "origin/main")
        clone.work |= self.main
        self._check(clone, clone.work)

    def squash(self, clone: Clone) -> None:
        clone.git("checkout", "-q", "--detach", "origin/main")
        clone.integrate("merge", "-q", "--squash", "work")
        clone.git("commit", "-q", "--allow-empty", "-m", "squash")
        self._publish(clone, self.main | clone.work)

    def rebase(self, clone: Clone) -> None:
        clone.integrate("rebase", "-q", "origin/main")
        self._publish(clone, self.main | clone.work)
        clone.start(self.main)

    def cherry_pick(self, clone: Clone) -> None:
        if not clone.commits:
            clone.commit(self.act(clone))
        count = self.random.randint(1, min(4, len(clone.commits)))
        picked = sorted(self.random.sample(range(len(clone.commits)), count))
        shas, changes = zip(*(clone.commits[i] for i in picked), strict=True)
        clone.git("checkout", "-q", "--detach", "origin/main")
        clone.integrate("cherry-pick", "--allow-empty", "--keep-redundant-commits", *shas)
        self._publish(clone, self.main | set(changes))

    def octopus(self, clone: Clone) -> None:
        for one in self.people:
            one.git("push", "-q", "-f", "origin", f"work:{one.user}")
        clone.git("fetch", "-q")
        clone.git("checkout", "-q", "--detach", "origin/main")
        branches = [f"origin/{one.user}" for one in self.people]
        clone.integrate("merge", "-q", "--no-edit", *branches)
        self._publish(clone, self.main.union(*(one.work for one in self.people)))

    def host(self, clone: Clone) -> None:
        """The button of a pull request: in a bare repository, to merge or to squash."""
        clone.git("push", "-q", "-f", "origin", f"work:{clone.user}")
        tree = self.origin.integrate("merge-tree", "--write-tree", "main", clone.user)
        parents = ["-p", "main"]
        if self.random.random() < 0.5:
            parents += ["-p", clone.user]
        commit = self.origin.git("commit-tree", tree, *parents, "-m", "merged by the host")
        self.origin.git("update-ref", "refs/heads/main", commit)
        clone.git("fetch", "-q")
        clone.git("checkout", "-q", "--detach", "origin/main")
        self._publish(clone, self.main | clone.work)

    def stash(self, clone: Clone) -> None:
        self._stashed(clone, self.act(clone, committed=False))

    def pull(self, clone: Clone) -> None:
        self._pulled(clone, self.act(clone, committed=False))

    def _stashed(self, clone: Clone, change: Change) -> None:
        """Stash recordings, staged or not; pull; pop."""
        before = clone.git("status", "--porcelain")
        if self.random.random() < 0.5:
            clone.git("add", "-A")
            clone.git("stash", "-q")
        else:
            clone.git("stash", "-q", "-u")
        clone.integrate("pull", "-q", "--no-edit", *self._how(), "origin", "main")
        if before:
            clone.integrate("stash", "pop", "-q")
        self._uncommitted(clone, change)

    def _pulled(self, clone: Clone, change: Change) -> None:
        """Pull with recordings in the work tree that git does not know yet."""
        how = self._how()
        if how == ["--rebase"]:
            how.append("--autostash")  # git rebases over no deletion that is uncommitted
        clone.integrate("pull", "-q", "--no-edit", *how, "origin", "main")
        self._uncommitted(clone, change)

    def _committed(self, clone: Clone, change: Change) -> None:
        clone.commit(change)
        clone.integrate("pull", "-q", "--no-edit", *self._how(), "origin", "main")
        self._publish(clone, self.main | clone.work)
        clone.start(self.main)

    def _uncommitted(self, clone: Clone, change: Change) -> None:
        """Check once with the recordings uncommitted, and once more when all have them."""
        self._check(clone, self.main | clone.work | {change}, committed=False)
        clone.commit(change)
        self._publish(clone, self.main | clone.work)
        clone.start(self.main)

    def _ff(self) -> list[str]:
        return self.random.choice([[], ["--no-ff"]])

    def _how(self) -> list[str]:
        return self.random.choice([["--no-rebase"], ["--rebase"]])

    def _publish(self, clone: Clone, history: History) -> None:
        """Make what `clone` has checked out the main branch, and compare it with a fresh one."""
        clone.git("push", "-q", "origin", "HEAD:main")
        self.main = history
        mine = self._check(clone, history)
        self.reader.git("fetch", "-q")
        self.reader.git("checkout", "-q", "--detach", "origin/main")
        theirs = self._check(self.reader, history)
        if mine != theirs:
            raise Fault("disagreements", f"{clone.user} and a fresh checkout of one commit")

    def _meet(self) -> None:
        """All check out the main branch, in clones with a past as in one without."""
        theirs = []
        for clone in (*self.people, self.reader):
            clone.git("fetch", "-q")
            clone.start(self.main)
            theirs.append(self._check(clone, self.main))
        if any(answers != theirs[0] for answers in theirs):
            raise Fault("disagreements", "the clones of one commit")

    # What must hold.

    def _check(
        self, clone: Clone, history: History, *, committed: bool = True
    ) -> dict[str, tuple[str, bytes]]:
        """Replay every key, and compare with the model. Returns what each key answers."""
        present = clone.shelf.names()
        before = "" if committed else clone.git("status", "--porcelain")
        if clone.git("ls-files", "--unmerged") or clone.git("stash", "list"):
            raise Fault("conflicts", f"{clone.user} has unmerged files, or a stash that stayed")
        must = expected(history)
        if lost := must - present:
            raise Fault("lost", f"{clone.user} has lost {sorted(lost)}", len(lost))
        if unknown := present - recorded(history):
            raise Fault(
                "lost", f"{clone.user} has entries that were never recorded: {sorted(unknown)}"
            )
        answers = {}
        newest = {key_in(name): name for name in sorted(present | clone.private)}
        for key, name in newest.items():
            entry = clone.shelf.get(key)
            if entry is None or _proof(entry) not in self.made[name]:
                raise Fault("lost", f"{clone.user} does not get {name}, the newest of its key")
            if clone.shelf.long_get(key) is None:
                raise Fault("lost", f"{clone.user}'s open notebook does not get {name}")
            if name not in clone.private:
                answers[key] = _proof(entry)
        if (after := clone.git("status", "--porcelain")) != before:
            raise Fault("dirty", f"{clone.user} has replayed, and git sees {after!r}")
        self.report.replays += len(newest)
        self.report.resurrected += len(present - must)
        return answers

    def run(self, integrations: int, kinds: Sequence[str]) -> None:
        """Raises Fault, unless it is a conflict: then the branch is given up."""
        for count in range(integrations):
            Repo.now += 3600
            clone = self.random.choice(self.people)
            if count == 0:
                kind: str = "first day"
                integrate: Callable[[Clone], None] = self.first_day
            else:
                for one in self.people:
                    for _ in range(self.random.choice([0, 1, 1, 2])):
                        one.commit(self.act(one))
                kind = self.random.choice(kinds)
                integrate = getattr(self, kind.replace("-", "_"))
                clone.git("fetch", "-q")
            self.report.integrations[kind] += 1
            try:
                integrate(clone)
            except Fault as fault:
                if fault.kind != "conflicts":
                    raise
                self.report.note(f"world {self.name}, {kind} {count}", fault)
                clone.abandon(self.main)
            if kind not in ("update", "first day") and self.random.random() < 0.5:
                clone.start(self.main)
            else:
                clone.git("checkout", "-q", "work")
        self._meet()


KINDS = (
    *("merge", "update", "squash", "rebase", "cherry-pick"),
    *("octopus", "host", "host", "stash", "pull"),
)
ACTIONS = {"record": 30, "change": 30, "refresh": 50, "gc": 25, "rename": 8, "init": 3, "huge": 2}
UNCOMMITTED = {"record": 30, "change": 30, "refresh": 50, "gc": 25, "huge": 2}


def _proof(entry: Entry) -> tuple[str, bytes]:
    """What tells a recording from any other, even of the same body."""
    return entry.head["nonce"], hashlib.sha256(entry.body).digest()


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder, in memory where there is some to spare: that halves the time."""
    memory = Path("/dev/shm")
    fits = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    with tempfile.TemporaryDirectory(prefix="storm-", dir=memory if fits else None) as folder:
        yield Path(folder)


def storm(
    folder: Path,
    seed: int,
    integrations: int,
    law: str | None = None,
    kinds: Sequence[str] = KINDS,
) -> Report:
    """Integrate so often, in as many worlds as that takes. `law` is the one to switch off."""
    report = Report()
    shelf = LAWS[law] if law else Shelf
    worlds = 0
    while (left := integrations - report.integrations.total()) > 0:
        Repo.now = EPOCH
        path = folder / f"{seed}-{worlds}"
        try:
            World(path, report, shelf).run(min(left, WORLD), kinds)
        except Fault as fault:  # what would come after it in this world would be its consequence
            report.note(f"world {path.name}", fault)
        finally:
            shutil.rmtree(path)
        worlds += 1
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--integrations", type=int, default=1000, help="in all seeds together")
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--law", nargs=2, metavar=("LAW", "off"), help=f"one of {', '.join(LAWS)}")
    options = parser.parse_args()
    law, switch = options.law or (None, "off")
    if (law is not None and law not in LAWS) or switch != "off":
        parser.error(f"--law takes one of {', '.join(LAWS)}, and `off`")
    total = Report()
    started = time.perf_counter()
    with scratch() as folder:
        for seed in range(options.seeds):
            share = options.integrations * (seed + 1) // options.seeds
            share -= options.integrations * seed // options.seeds
            total.add(storm(folder, seed, share, law))
    for detail in total.details[:5]:
        print(detail[:600], end="\n\n")
    print(total)
    print(f"{time.perf_counter() - started:.0f} s")
    return 1 if total.faults else 0


if __name__ == "__main__":
    sys.exit(main())
