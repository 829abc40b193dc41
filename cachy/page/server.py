"""The server of the page: routes, and running it. starlette and uvicorn are the extra `ui`."""

from __future__ import annotations

import errno
import socket
import threading
from typing import TYPE_CHECKING, Any

from cachy.errors import CachyError, ConfigError
from cachy.page.api import Api, Gone
from cachy.page.assets import KINDS, asset
from cachy.page.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

ADDRESS = "127.0.0.1"
_MISSING = "the page needs starlette and uvicorn: `pip install 'cachy-store[ui]'` installs them"
_LARGEST_POST = 2**16
_MEDIA_POLICY = {"content-security-policy": "default-src 'none'; sandbox"}


def check_installed() -> None:
    """Raise ConfigError unless what the server needs is installed."""
    try:
        import starlette
        import uvicorn
    except ImportError:
        raise ConfigError(_MISSING) from None
    del starlette, uvicorn


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of this machine alone; 0 takes any that is free.

    Raises ConfigError if the port is in use, or may not be used.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} is in use: name another one with --port, or none, for any that is "
                f"free"
            ) from None
        raise ConfigError(f"port {port} cannot be used: {error.strerror}") from None
    listener.listen(128)
    return listener


class PageServer:
    """The page of the store at `root`, served on a socket that listens already. `address` is where
    it is, with its token; `once` the same for a single visit."""

    def __init__(self, root: str, listener: socket.socket, *, revisions: str | None = None) -> None:
        import uvicorn

        port = listener.getsockname()[1]
        self.api = Api(root, revisions=revisions)
        self._guard = Guard(app_of(self.api), port)
        self.address = f"http://{ADDRESS}:{port}/?token={self._guard.token}"
        self.once = f"http://{ADDRESS}:{port}/?token={self._guard.ticket()}"
        self._listener = listener
        config = uvicorn.Config(
            self._guard, lifespan="off", log_level="error", access_log=False, ws="none",
            server_header=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until `stop` is called, or the process is interrupted."""
        threading.Thread(target=self.api.refresh, daemon=True).start()
        try:
            self._server.run(sockets=[self._listener])
        except KeyboardInterrupt:
            pass  # uvicorn has ended in order, and says it again
        finally:
            self._listener.close()
            self.api.close()

    def stop(self) -> None:
        """End `run`, from another thread."""
        self._server.should_exit = True


def app_of(api: Api) -> Starlette:
    """Return the application: the files of the page, and what it asks for."""
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    def file(name: str) -> Callable[[Request], Response]:
        return lambda request: Response(asset(name), headers={"content-type": KINDS[name]})

    def read(request: Request) -> Response:
        what = request.path_params["what"]
        return _respond(lambda: api.read(what, dict(request.query_params)))

    async def change(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST_POST:
                return Response("too long", 413)
        what = request.path_params["what"]
        return await run_in_threadpool(_respond, lambda: api.change(what, body))

    def medium(request: Request) -> Response:
        params = request.path_params
        try:
            kind, data = api.medium(params["name"], params["number"])
        except CachyError as error:
            return Response(str(error), 404)
        return Response(data, headers={"content-type": kind, **_MEDIA_POLICY})

    def body(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            data = api.body(name)
        except CachyError as error:
            return Response(str(error), 404)
        attachment = f'attachment; filename="{name}.body"'
        kind = "application/octet-stream"
        return Response(data, headers={"content-type": kind, "content-disposition": attachment})

    return Starlette(
        routes=[
            Route("/", file("page.html")),
            *(Route(f"/{name}", file(name)) for name in KINDS if name != "page.html"),
            Route("/favicon.ico", lambda request: Response(status_code=204)),
            Route("/api/{what}", read, methods=["GET"]),
            Route("/api/{what}", change, methods=["POST"]),
            Route("/media/{name}/{number:int}", medium),
            Route("/body/{name}", body),
        ]
    )


def _respond(answer: Callable[[], Any]) -> Response:
    from starlette.responses import Response

    from cachy.upkeep.transcript import to_json

    status = 200
    try:
        value = answer()
    except Gone as error:
        status, value = 404, {"error": str(error)}
    except CachyError as error:
        status, value = 400, {"error": str(error)}
    except OSError as error:
        status, value = 500, {"error": f"{error.filename or ''}: {error.strerror or error}"}
    return Response(to_json(value), status, headers={"content-type": "application/json"})
