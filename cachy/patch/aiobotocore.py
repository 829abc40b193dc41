"""aiobotocore: aiohttp or httpx below it, which record and replay, cannot get a miss past it.

`send` of its sessions makes a HTTPClientError of every exception that it does not know. A miss is
taken out of it again.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from cachy.errors import CacheMiss
from cachy.patch.functions import Method

if TYPE_CHECKING:
    from types import ModuleType

    from cachy.patch import Current

_SESSIONS = ("AIOHTTPSession", "HttpxSession")


def patch(library: ModuleType, current: Current) -> list[Method]:
    """Return the methods to patch of aiobotocore.httpsession or httpxsession."""

    def make(original: Any) -> Any:
        @wraps(original)
        async def send(session: Any, request: Any) -> Any:
            try:
                return await original(session, request)
            except Exception as error:
                if isinstance(error.__context__, CacheMiss):
                    raise error.__context__ from None
                raise

        return send

    found = [getattr(library, name) for name in _SESSIONS if name in vars(library)]
    return [Method(session, "send", make) for session in found]
