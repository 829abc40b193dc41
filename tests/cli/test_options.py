"""What a shell completes, through a real call as the shell makes it."""

from __future__ import annotations

import os
from pathlib import Path

from commands import python
from many import add, make_entry
from stores import OLD, key_of


def completed(*words: str) -> list[str]:
    variables = {
        "_CACHY_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["cachy", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = python(env={**os.environ, **variables})
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_options_and_keys(root: Path) -> None:
    keys = sorted(key_of(add(root, make_entry(number), OLD)) for number in range(30))
    assert completed("st") == ["status", "stats"]
    assert "--newer-than" in completed("ls", "--n")
    assert completed("show", keys[3][:3]) == [key for key in keys if key.startswith(keys[3][:3])]
    assert set(completed("cat", keys[3][0])) == {key for key in keys if key[0] == keys[3][0]}
    assert completed("show", "zz") == []


def test_no_store_completes_nothing(folder: Path) -> None:
    assert completed("show", "ab") == []
