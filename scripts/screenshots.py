"""Make the pictures of the page in docs/images: `scripts/screenshots`.

They are taken in a real browser, of a store of made-up recordings, and kept small: few colours.
"""

from __future__ import annotations

import os
import struct
import tempfile
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import shown
from browser import Tab, browser

from cachy.page.server import PageServer, listen

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"


class Shot(NamedTuple):
    """A picture: its name, the prompt of the entry to open or the address of the view, what must be
    there, and the window."""

    name: str
    place: str
    needs: str
    width: int = 1400
    height: int = 760
    scheme: str = "light"


SHOTS = (
    Shot("chat", "Clean up the build folder, please.", ".turn.call"),
    Shot("stream", "Tell me three things about sea otters./events", ".events tr"),
    Shot("changes", "#/branch", ".change ins", height=460),
    Shot("costs-dark", "#/costs", ".sums", height=640, scheme="dark"),
)


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TZ"] = "UTC"
        root = shown.repository(Path(folder, "project"))
        page = PageServer(str(root), listen(0), revisions="HEAD")
        thread = threading.Thread(target=page.run)
        thread.start()
        try:
            with browser() as started:
                for shot in SHOTS:
                    take(started, page.address, shot)
        finally:
            page.stop()
            thread.join()


def take(started: Any, address: str, shot: Shot) -> None:
    """Take a picture."""
    tab = Tab(
        started,
        address,
        viewport={"width": shot.width, "height": shot.height},
        color_scheme=shot.scheme,
    )
    tab.until("document.querySelectorAll('.row a').length > 5")
    prompt, _, view = shot.place.partition("/")
    if prompt == "#":
        tab.go(shot.place)
    elif prompt:
        tab.page.click(f".row a:has-text({prompt!r})")
        tab.until("document.querySelector('.tabs')")
        if view:
            tab.page.click(f".tabs a[href$='/{view}']")
    tab.until(f"document.querySelector({shot.needs!r})")
    tab.page.mouse.move(0, 0)
    tab.page.wait_for_timeout(400)
    path = IMAGES / f"page-{shot.name}.png"
    path.write_bytes(with_few_colors(tab.page.screenshot()))
    tab.close()
    print(f"{path.relative_to(IMAGES.parent.parent)}: {path.stat().st_size:,} bytes")


def with_few_colors(png: bytes) -> bytes:
    """Return a screenshot with at most 256 colours, which takes a third of the bytes."""
    width, height, pixels = _pixels(png)
    colors = [color for color, _ in Counter(pixels).most_common()]
    palette = colors[:256]
    index = {color: at for at, color in enumerate(palette)}
    for color in colors[256:]:
        index[color] = min(range(256), key=lambda at: _distance(palette[at], color))
    rows = (pixels[at : at + width] for at in range(0, width * height, width))
    data = b"".join(b"\0" + bytes(map(index.__getitem__, row)) for row in rows)
    size = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = (b"IHDR", size), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(data, 9))
    return PNG + b"".join(_chunk(kind, data) for kind, data in (*chunks, (b"IEND", b"")))


PNG = b"\x89PNG\r\n\x1a\n"


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def _pixels(png: bytes) -> tuple[int, int, list[bytes]]:
    """Return width, height and the colours of the pixels of a PNG without transparency."""
    at, data = len(PNG), b""
    while at < len(png):
        length, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        content = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", content[:10])
            assert depth == 8
            step = {2: 3, 6: 4}[color]
        data += content if kind == b"IDAT" else b""
        at += length + 12
    lines = _unfiltered(zlib.decompress(data), width * step, step)
    return (
        width,
        height,
        [bytes(line[at : at + 3]) for line in lines for at in range(0, width * step, step)],
    )


def _unfiltered(data: bytes, length: int, step: int) -> Iterator[bytearray]:
    """Yield the lines of a PNG without their filters."""
    above = bytearray(length)
    for start in range(0, len(data), length + 1):
        kind, line = data[start], bytearray(data[start + 1 : start + 1 + length])
        for at in range(length) if kind else ():
            left = line[at - step] if at >= step else 0
            up = above[at]
            corner = above[at - step] if at >= step else 0
            guess = (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]
            line[at] = (line[at] + guess) & 255
        yield line
        above = line


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


if __name__ == "__main__":
    main()
