"""Write the example in docs/laws-and-format.md: the bytes of a file from the entry beside them.

    python scripts/format_example.py            after a change of the head or the request there
    python scripts/format_example.py --check    exit code 1 if the page would change

Within format 1 the bytes that a reader accepts stay the same; those that another version of zstd
writes may differ, and the page need not follow.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from cachy.rules.key import digest
from cachy.rules.outline import outline
from cachy.store.entry import Entry, dumps
from cachy.store.names import name_of, seal

PAGE = Path(__file__).resolve().parent.parent / "docs" / "laws-and-format.md"
SECOND = 0x6B06CDC0  # 12:00:00 UTC on 25 November 2026, as the page says
SHOWN = re.compile(r"(?<=of it, with line breaks:\n\n```\n).*?(?=\n```)", re.DOTALL)
DUMP = re.compile(r"[0-9,]+ bytes:\n\n```\n.*?\n```", re.DOTALL)
KEY = re.compile(r"(?<=sha256 starts with `)[0-9a-f]{32}")
PATH = re.compile(r"\.cachy/[0-9a-f]{2}/[0-9a-f]{32}-[0-9a-f]{24}\.entry")


def rewritten(page: str) -> str:
    """Return the page with the file of the canonical request, the head and the body on it."""
    canonical = re.findall(r"```\n(POST .*?)\n```", page, re.DOTALL)[1].encode()
    shown = SHOWN.search(page)
    assert shown
    head_text, _, body = shown[0].split("\n\n")
    request = outline(canonical)
    head = json.loads(head_text) | {"key": digest(canonical)}
    frame = dumps(Entry(head | {"request": request}, body.encode()))
    name = name_of(head["key"], SECOND, frame)
    data = seal(name, frame)
    parts = (json.dumps(head, indent=2, ensure_ascii=False), json.dumps(request), body)
    for pattern, text in (
        (SHOWN, "\n\n".join(parts)),
        (DUMP, f"{len(data):,} bytes:\n\n```\n{_hex(data)}\n```"),
        (KEY, name[:32]),
        (PATH, f".cachy/{name[:2]}/{name}.entry"),
    ):
        page, count = pattern.subn(lambda _, text=text: text, page)  # type: ignore[misc]
        assert count == 1, f"{count} places on the page match {pattern.pattern}"
    return page


def _hex(data: bytes) -> str:
    lines = (data[at : at + 16].hex(" ", -2) for at in range(0, len(data), 16))
    return "\n".join(f"{16 * number:04x}: {line}" for number, line in enumerate(lines))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    page = PAGE.read_text("utf-8")
    text = rewritten(page)
    if parser.parse_args().check:
        return int(text != page)
    PAGE.write_text(text, "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
