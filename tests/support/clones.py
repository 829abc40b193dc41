"""A git repository with a store in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

LINE = ".cachy/** -text -merge -filter diff=cachy linguist-generated"
"""What `cachy init` adds to `.gitattributes`."""


class Clone:
    """A work tree, and git in it. `root` is the path of its store."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.root = top / ".cachy"

    def git(self, *arguments: str) -> str:
        """Run git, and return what it prints."""
        done = subprocess.run(
            ["git", "-C", self.top, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout

    def commit(self, message: str = "change") -> str:
        """Commit everything, and return the id of the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "--no-verify", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def write(self, name: str, text: str) -> Path:
        """Write a file of the work tree."""
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="")
        return path
