"""The files of the page, and the page in one file."""

from __future__ import annotations

import base64
import hashlib
import re

from cachy.page.assets import KINDS, asset, inlined


def test_the_page_names_its_own_files_alone() -> None:
    html = asset("page.html").decode()
    assert set(re.findall(r'(?:src|href)="/([^"]+)"', html)) == KINDS.keys() - {"page.html"}
    for name in KINDS:
        for url in re.findall(r"https?://[\w./-]+", asset(name).decode()):
            # Namespaces of SVG and MathML in preact, which fetches nothing.
            assert url.startswith("http://www.w3.org/"), (name, url)
    for name in ("data.js", "views.js", "page.js"):
        code = asset(name).decode()
        assert "innerhtml" not in code.lower(), name
        assert len(code.splitlines()) <= 450


def test_one_file_has_all_its_scripts_by_their_hashes() -> None:
    html = inlined("<title> & more", {"text": "</script><script>alert(1)</script><!--"})
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert "unsafe" not in policy[1]
    assert "connect-src" not in policy[1]
    scripts = re.findall(r"<script>(.*?)</script>", html, re.S)
    assert len(scripts) == 4
    for text in scripts:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]
    assert "alert(1)</script>" not in html
    assert "<title>&lt;title&gt; &amp; more</title>" in html
    assert not re.findall(r'(?:src|href)="', html.partition("<script")[0])
