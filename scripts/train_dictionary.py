"""Train the zstd dictionary of the store's format: cachy/store/dictionary.

    python scripts/train_dictionary.py --check    whether another run gives the bytes that ship
    python scripts/train_dictionary.py --write    make it anew: never after a release, since entries
                                                  need the bytes that they were compressed with

It is trained on made-up entries of every protocol (scripts/dictionary), never on anyone's traffic.
`scripts/bench --only disk` measures what it saves. A run gives the same bytes as the last, until
the stand-in of the tests, the samples or the version of zstd changes. A better dictionary would be
added beside this one, with an id of its own.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import zstandard

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "support")]

from dictionary.samples import frames  # noqa: E402

TARGET = ROOT / "cachy" / "store" / "dictionary"
DICT_ID = 0xCAC2
"""Ids from 32,768 on are for private use; below 65,536 they take two bytes in a frame."""
SIZE = 32 * 1024
SEGMENT = 500
"""Bytes that the trainer chooses at once. Shorter ones tear the lists of headers apart."""
MATCH = 8
"""Bytes that must be equal for two samples to have something in common."""


def train() -> bytes:
    """Return the dictionary."""
    samples: list[Any] = list(frames())
    trained = zstandard.train_dictionary(
        SIZE, samples, dict_id=DICT_ID, level=9, k=SEGMENT, d=MATCH
    )
    return bytes(trained.as_bytes())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    trained = train()
    if options.write:
        TARGET.write_bytes(trained)
    same = trained == TARGET.read_bytes()
    print(f"{len(trained):,} bytes, {'those' if same else 'not those'} of {TARGET.name}")
    return 0 if same or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
