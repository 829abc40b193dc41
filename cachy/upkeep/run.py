"""Run a command, and note all sessions that it starts as one run."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cachy import clock
from cachy.api_keys import missing
from cachy.errors import ConfigError
from cachy.store import journal
from cachy.store.journal import RUN_VARIABLE, Note
from cachy.upkeep.find import root_of


class RunReport(NamedTuple):
    """What a run did. `code` is the exit code of its command; `store` the path of the store, empty
    if there is none; `keys` counts the different keys that its sessions used; `problem` says why
    the run is not in the journal, or is empty."""

    code: int
    store: str = ""
    sessions: int = 0
    keys: int = 0
    hits: int = 0
    misses: int = 0
    recorded: int = 0
    problem: str = ""


def run(command: Sequence[str], cache_dir: str | None = None, *, replay: bool = False) -> RunReport:
    """Run a command, wait for it, and note the run in the journal of the store.

    `replay` sets replay mode for it, and placeholders for the API keys that are not set. The store
    is the one that is there afterwards: in `cache_dir`, or by default as `enable_cachy` finds it.

    Raises FileNotFoundError if there is no such command, other OSErrors if it cannot be started,
    ConfigError if `cache_dir` is a file.
    """
    started = clock.now()
    run_id = f"{int(started):08x}-{os.urandom(4).hex()}"
    code = _call(command, _environment(run_id, replay=replay))
    root = root_of(cache_dir)
    if not os.path.isdir(root):
        problem = f"the command ran, but there is no store at {root}: does it enable cachy?"
        return RunReport(code, problem=problem)
    sessions = [note for note in journal.read(root) if note.run == run_id]
    problem = ""
    own = Note(
        run_id, f"$ {' '.join(command)}", run_id, started, clock.now(), 0, 0, 0, 0.0, (), code
    )
    try:
        journal.write(root, own)
    except OSError as error:
        problem = f"the run cannot be noted in {root}: {error.strerror}"
    return RunReport(
        code,
        root,
        len(sessions),
        len({key for note in sessions for key in note.keys}),
        sum(note.hits for note in sessions),
        sum(note.misses for note in sessions),
        sum(note.recorded for note in sessions),
        problem,
    )


def _environment(run_id: str, *, replay: bool) -> Mapping[str, str]:
    environment = {**os.environ, RUN_VARIABLE: run_id}
    if replay:
        environment |= {"CACHY_MODE": "replay", **missing(environment)}
    return environment


def _call(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end, and return its exit code as a shell would: 128 and the number of
    the signal that ended it."""
    program = shutil.which(command[0])
    if program is None:
        raise FileNotFoundError(errno.ENOENT, "there is no such command", command[0])
    with subprocess.Popen([program, *command[1:]], env=environment) as process:
        while True:
            try:
                code = process.wait()
                return code if code >= 0 else 128 - code
            except KeyboardInterrupt:
                continue  # the command received it too, and decides


def last_run(root: str) -> float:
    """Return when the last successful run began, in seconds since 1970.

    Raises ConfigError if there was none.
    """
    # The note of a run itself has the run's id. A run that was killed has no such note.
    runs = [note for note in journal.read(root) if note.run and note.id == note.run]
    starts = [note.started for note in runs if note.code == 0]
    if not starts:
        what = "no run that succeeded" if runs else "no run"
        raise ConfigError(f"the journal of {root} has {what}: use `cachy run -- COMMAND`")
    return max(starts)
