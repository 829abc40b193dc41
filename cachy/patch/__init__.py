"""Which libraries are patched, by which file, and when: now if loaded, else as soon as they are.

cachy never imports an HTTP library itself. That keeps `import cachy` cheap, and leaves
`httpx2.alias_httpx()`, which must run before anything imports httpx, free to run later.
"""

from __future__ import annotations

import importlib
import os
import sys
from threading import RLock, Thread
from typing import TYPE_CHECKING, Any

from cachy.patch.functions import is_ours, warn_unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from cachy.patch.functions import Method

    Current = Callable[[], Any]
    """Returns the `Cache` of the running task or thread, or None. This file does not look into it,
    so it does not import it."""

FAMILIES = {
    "httpx": "cachy.patch.httpx",
    "httpx2": "cachy.patch.httpx",
    "urllib3": "cachy.patch.urllib3",
    "requests": "cachy.patch.requests",
    "urllib.request": "cachy.patch.urllib_request",
    "botocore.httpsession": "cachy.patch.botocore",
    "botocore.credentials": "cachy.patch.botocore",
    "dspy._vendor.lm15.transports._sync": "cachy.patch.lm15",
    "dspy._vendor.lm15.transports._async": "cachy.patch.lm15",
    # Noticed only:
    "ssl": "cachy.patch.unrecorded",
    "grpc._channel": "cachy.patch.unrecorded",
    "grpc.aio._channel": "cachy.patch.unrecorded",
    "curl_cffi.requests.session": "cachy.patch.unrecorded",
    "pycurl": "cachy.patch.unrecorded",
    "aiohttp": "cachy.patch.aiohttp",
    "aiobotocore.httpsession": "cachy.patch.aiobotocore",
    "aiobotocore.httpxsession": "cachy.patch.aiobotocore",
}
"""HTTP library -> the module here whose `patch(library, current)` returns the methods to patch."""
CARRIERS = {
    "threading": "cachy.patch.threads",
    "concurrent.futures.thread": "cachy.patch.threads",
    "multiprocessing.process": "cachy.patch.processes",
}
"""The same for what starts threads and processes: they have what is in force where they start."""
_PATCHED = FAMILIES | CARRIERS


class Patches:
    """The patches of all families, put on with `install` and taken off with `remove`.

    `current` returns the cache of the running task or thread, or None where there is none.
    """

    def __init__(self, current: Current) -> None:
        self._current = current
        self._methods: dict[ModuleType, list[Method]] = {}
        self._watcher = _Watcher(self._patch)
        self._lock = RLock()  # reentrant, as a finalizer may interrupt and switch cachy off
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._lock = RLock()  # a thread of the parent may have held it

    def install(self) -> None:
        """Patch what is loaded, and have the rest patched when it is. Idempotent: patches that
        another tool has taken off are put on again."""
        with self._lock:
            if self._watcher not in sys.meta_path:
                sys.meta_path.insert(0, self._watcher)
        for name in _PATCHED:
            if name in sys.modules:
                # Another thread may be importing it: wait until it is whole.
                module = importlib.import_module(name)
                if _is_half_imported(module):  # by this very thread
                    Thread(target=self._patch_when_complete, args=(name,), daemon=True).start()
                elif module not in self._methods:
                    self._patch(name, module)
        with self._lock:
            if self._watcher in sys.meta_path:
                for method in self._all():
                    method.put()

    def remove(self) -> None:
        """Undo all patches. Idempotent."""
        with self._lock:
            if self._watcher in sys.meta_path:
                sys.meta_path.remove(self._watcher)
            for method in self._all():
                method.remove()
            self._methods.clear()

    def are_on(self) -> bool:
        """Tell whether this process is patched, perhaps by a cachy that was loaded before this."""
        return is_ours(Thread.start)

    def _all(self) -> list[Method]:
        return [method for methods in self._methods.values() for method in methods]

    def _patch(self, name: str, module: ModuleType) -> None:
        # Not under the lock: importing waits for other threads, and they may wait for the lock.
        family = importlib.import_module(_PATCHED[name])
        with self._lock:
            if self._watcher not in sys.meta_path:
                return  # they have been removed meanwhile
            try:
                methods = family.patch(module, self._current)
                for method in methods:
                    method.put()
            except AttributeError:  # it is not what it is called, or not what it was
                warn_unsupported(name, str(getattr(module, "__version__", "as it is here")))
                return
            self._methods[module] = self._methods.get(module, []) + methods

    def _patch_when_complete(self, name: str) -> None:
        """Patch a library that the thread which asked for it is importing itself."""
        try:
            module = importlib.import_module(name)  # waits for that
        except Exception:  # noqa: BLE001 - it is reported where the library is imported
            return
        self._patch(name, module)


def _is_half_imported(module: ModuleType) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


class _Watcher:
    """A finder that finds nothing itself: it lets the others find a library that is waited for,
    and calls back when that library has been executed."""

    def __init__(self, loaded: Callable[[str, ModuleType], None]) -> None:
        self._loaded = loaded

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _PATCHED and not _is_loaded_again(name, target):
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            if find is not None and (spec := find(name, path, target)) is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, self._loaded)
                return spec  # type: ignore[no-any-return]
        return None


class _Loader:
    """A library's own loader, with a call afterwards."""

    def __init__(self, loader: Any, loaded: Callable[[str, ModuleType], None]) -> None:
        self._loader, self._loaded = loader, loaded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        if (spec := module.__spec__) is not None and spec.loader is self:  # type: ignore[comparison-overlap]
            spec.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        if name not in _PATCHED:  # a part of a library, loaded again
            name = name.partition(".")[0]
            module = sys.modules.get(name, module)
        self._loaded(name, module)


def _is_loaded_again(name: str, target: ModuleType | None) -> bool:
    """Tell whether `importlib.reload` makes new classes for a library."""
    return target is not None and name.partition(".")[0] in FAMILIES
