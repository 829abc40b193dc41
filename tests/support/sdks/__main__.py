"""Runs every available way against the stand-in, without cachy.

In `tests`: `python -m sdks`, or `python -m sdks WORD` for the ways with that word in the name.
"""

from __future__ import annotations

import sys
import traceback

from standin import Standin

from sdks import WAYS, Way


def main(word: str = "") -> int:
    """The number of ways that failed."""
    chosen = [way for way in WAYS if way.available() and word in str(way)]
    with Standin() as standin, standin.reach():
        return sum(not works(standin, way) for way in chosen)


def works(standin: Standin, way: Way) -> bool:
    standin.reset()
    try:
        result = way.run()
        assert all(result.values()), result
    except Exception:  # noqa: BLE001 - whatever an SDK raises, the other ways want their turn
        print(f"fail  {way}\n{traceback.format_exc()}")
        return False
    print(f"ok    {way!s:56} {len(standin.calls)} calls  {str(result)[:100]}")
    return True


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
