"""A process that runs all loops of one framework with cachy, and prints what came of them as JSON.

usage: python -m frameworks FRAMEWORK FOLDER SECURE PLAIN AUTHORITY

FOLDER holds the store. The last three lead to the stand-in: two ports, a file of certificates.
"""

from __future__ import annotations

import atexit
import json
import sys
from contextlib import ExitStack
from typing import Any

from sdks.way import Way
from standin.reach import reach

from cachy import CacheMiss, enable_cachy
from frameworks import LOOPS


def main(framework: str, folder: str, secure: str, plain: str, authority: str) -> None:
    reached = ExitStack()
    atexit.register(reached.close)  # not earlier: some frameworks call when a process ends
    reached.enter_context(reach(int(secure), int(plain), authority))
    session = enable_cachy(cache_dir=folder)
    answers = {str(loop): outcome(loop) for loop in LOOPS if loop.sdk == framework}
    stats = session.stats
    counts = {"hits": stats.hits, "misses": stats.misses, "recorded": stats.recorded}
    counts |= {"bypassed": stats.bypassed.total()}
    print(json.dumps({"answers": answers} | counts))


def outcome(loop: Way) -> dict[str, Any]:
    """The answers, or what went wrong: the other loops want their turn."""
    try:
        return loop.run()
    except Exception as error:  # noqa: BLE001 - each framework has errors of its own
        miss = CacheMiss.behind(error)
        return {"error": repr(error), "miss": str(miss) if miss else ""}


if __name__ == "__main__":
    main(*sys.argv[1:])
