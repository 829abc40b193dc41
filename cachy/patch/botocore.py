"""botocore, under boto3: what urllib3 below it, which records and replays, cannot know.

Its `send` makes an HTTPClientError of every exception that it does not know; a miss is taken out
again. And it signs before anything is sent, so a replay would fail without credentials, although it
needs none: in replay mode, where its own chain finds none, there are placeholders.
"""

from __future__ import annotations

from copy import copy
from functools import wraps
from typing import TYPE_CHECKING, Any

from cachy.errors import CacheMiss
from cachy.patch.functions import Method

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from cachy.patch import Current

_PLACEHOLDER = "cachy-placeholder"
_OVER_THE_NETWORK = frozenset({"iam-role", "container-role"})
"""Where the chain asks an address for credentials: that of the machine's metadata, which outside of
the cloud takes seconds to give up."""


def patch(library: ModuleType, current: Current) -> list[Method]:
    """Return the methods to patch of botocore.httpsession or botocore.credentials."""
    module: Any = library
    if module.__name__ == "botocore.credentials":
        return [Method(module.CredentialResolver, "load_credentials", _resolving(module, current))]
    return [Method(module.URLLib3Session, "send", _sending)]


def _sending(original: Any) -> Any:
    @wraps(original)
    def send(session: Any, request: Any) -> Any:
        try:
            return original(session, request)
        except Exception as error:
            if isinstance(error.__context__, CacheMiss):
                raise error.__context__ from None
            raise

    return send


def _resolving(module: Any, current: Current) -> Callable[[Any], Any]:
    def is_replaying() -> bool:
        cache = current()
        return cache is not None and not cache.mode.calls

    class Placeholders(module.Credentials):  # type: ignore[misc]
        """Sign what is never sent. They may outlive the replay: then the chain is asked again."""

        def __init__(self, chain: Callable[[], Any]) -> None:
            super().__init__(_PLACEHOLDER, _PLACEHOLDER, method=_PLACEHOLDER)
            self._chain = chain

        def get_frozen_credentials(self) -> Any:
            if is_replaying():
                return super().get_frozen_credentials()
            found = self._chain()
            if found is None:
                from botocore.exceptions import NoCredentialsError

                raise NoCredentialsError
            return found.get_frozen_credentials()

    def make(original: Any) -> Any:
        @wraps(original)
        def load_credentials(resolver: Any) -> Any:
            if not is_replaying():
                return original(resolver)
            offline = copy(resolver)
            offline.providers = [
                each for each in resolver.providers if each.METHOD not in _OVER_THE_NETWORK
            ]
            return original(offline) or Placeholders(lambda: original(resolver))

        return load_credentials

    return make
