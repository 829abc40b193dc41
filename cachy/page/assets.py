"""The files of the page, and the page with its data in one file."""

from __future__ import annotations

import base64
import hashlib
import os
from functools import cache
from typing import Any

from cachy.upkeep.transcript import to_json

KINDS = {
    "page.html": "text/html; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "data.js": "text/javascript; charset=utf-8",
    "views.js": "text/javascript; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "preact-htm.js": "text/javascript; charset=utf-8",
}
"""The files, each with its media type."""

_SCRIPTS = ("preact-htm.js", "data.js", "views.js", "page.js")


@cache
def asset(name: str) -> bytes:
    """Return the bytes of a file of the page."""
    loader: Any = __spec__.loader  # which also reads from a zip file
    return bytes(loader.get_data(os.path.join(os.path.dirname(__file__), "static", name)))


def inlined(title: str, data: Any) -> str:
    """Return the page in one file, with its data in it, that asks nobody for anything: its policy
    names its scripts and styles by their hashes."""
    html = asset("page.html").decode()
    style = asset("page.css").decode()
    scripts = [asset(name).decode() for name in _SCRIPTS]
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, scripts))}; "
        f"style-src {_hash(style)}; img-src data:; media-src data:; base-uri 'none'; "
        f"form-action 'none'"
    )
    for name, script in zip(_SCRIPTS, scripts, strict=True):
        tag = f'<script src="/{name}" defer></script>'
        html = html.replace(tag, "")
        assert "</script" not in script
    html = html.replace('<link rel="stylesheet" href="/page.css">', f"<style>{style}</style>")
    html = html.replace(
        "<title>cachy</title>",
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{_escaped(title)}</title>",
    )
    # Within a script element only `<` could end it, or begin a comment.
    text = to_json(data).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    block = f'<script type="application/json" id="data">{text}</script>\n'
    code = "".join(f"<script>{script}</script>\n" for script in scripts)
    return html.replace("</body>", f"{block}{code}</body>")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
