"""A server on the loopback that counts its calls, for processes that the stand-in cannot reach."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import cachy

PACKAGE = Path(cachy.__file__).parent
TIMEOUT = 120  # seconds, for a process that stands still


class Counting:
    """`calls` are the JSON bodies that came, in order; no two answers are alike."""

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}/v1/chat"
        self.calls: list[Any] = []


@contextmanager
def counting() -> Iterator[Counting]:
    """Within the block the server runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            server.calls.append(json.loads(self.rfile.read(length)))
            data = json.dumps({"number": len(server.calls)}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *details: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = Counting(http.server_port)
        thread = Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def installed(folder: Path) -> dict[str, str]:
    """Return an environment in which every Python starts as where cachy is installed: it reads the
    `.pth` file of the package, whether or not this interpreter has it."""
    site = folder / "site"
    site.mkdir(exist_ok=True)
    shutil.copy(PACKAGE / "cachy_process.pth", site)
    (site / "sitecustomize.py").write_text(f"import site\nsite.addsitedir({str(site)!r})\n")
    paths = os.pathsep.join([str(site), str(PACKAGE.parent)])
    return {**os.environ, "PYTHONPATH": paths, "NO_PROXY": "*"}


def python(
    *command: object, folder: Path, variables: Mapping[str, str] | None = None, code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, as `installed` there."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env={**installed(folder), **(variables or {})},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == code, done.stderr + done.stdout
    return done
