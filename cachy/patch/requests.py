"""requests: what urllib3 below it, which records and replays, cannot know.

`HTTPAdapter.send` is told whether the body will be read at once. `dispatch_hook`, which a session
calls for each hop of a redirect before anybody sees its response, is where `elapsed` becomes that
of the recorded call: the time until its first piece. (`Session.send` is left to instrumentation.)
"""

from __future__ import annotations

from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any

from cachy.patch.functions import Method
from cachy.patch.urllib3 import reads_whole

if TYPE_CHECKING:
    from types import ModuleType

    from cachy.patch import Current


def patch(requests: ModuleType, current: Current) -> list[Method]:
    """Return the methods to patch of requests."""

    def make_send(original: Any) -> Any:
        @wraps(original)
        def send(
            adapter: Any, request: Any, stream: bool = False, *arguments: Any, **options: Any
        ) -> Any:
            if current() is None:
                return original(adapter, request, stream, *arguments, **options)
            token = reads_whole.set(not stream)
            try:
                return original(adapter, request, stream, *arguments, **options)
            finally:
                reads_whole.reset(token)

        return send

    def make_dispatch(original: Any) -> Any:
        @wraps(original)
        def dispatch_hook(key: str, hooks: Any, hook_data: Any, **options: Any) -> Any:
            head = getattr(getattr(hook_data, "raw", None), "_cachy_head", None)
            if head is not None:
                hook_data.elapsed = _elapsed(head)
            return original(key, hooks, hook_data, **options)

        return dispatch_hook

    library: Any = requests
    return [
        Method(library.adapters.HTTPAdapter, "send", make_send),
        Method(library.sessions, "dispatch_hook", make_dispatch),
    ]


def _elapsed(head: dict[str, Any]) -> timedelta:
    """Return how long it took until the recorded answer began."""
    times = head.get("times")
    return timedelta(milliseconds=times[0][1] if times else head["ms"])
