"""Everything that cachy raises or warns of.

Exception
└── CachyError              the root: catch it to catch them all
    ├── ConfigError         an argument or a setting that cannot be meant (also a ValueError)
    ├── CacheMiss           replay mode, and no recording answers this request
    └── Defect              an entry's bytes that must not be trusted; never leaves the library
UserWarning
└── CachyWarning            something is wrong with the store; your call was not touched by it
"""

from __future__ import annotations


class CachyError(Exception):
    """The root of cachy's errors."""


class ConfigError(CachyError, ValueError):
    """A setting that cannot be meant. The message names the value and the remedy."""


class CacheMiss(CachyError):
    """In replay mode no recording answers a request, and the network was not asked.

    Attributes: `method`, `url` (without credentials), `model` (or None), `store` (what was
    searched, as text), `reason` (one sentence).
    """

    def __init__(
        self, *, method: str, url: str, model: str | None, store: str, reason: str
    ) -> None:
        self.method, self.url, self.model = method, url, model
        self.store, self.reason = store, reason
        about = f" (model {model})" if model else ""
        super().__init__(
            f"cachy: no recording for {method} {url}{about}\n"
            f"  store:  {store}\n"
            f"  reason: {reason}\n"
            f'  remedy: run it once with CACHY_MODE=auto, or enable_cachy(mode="auto"), where the '
            f"API can be reached, and commit the new entry"
        )

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only arguments do not pickle by themselves, and process pools
        # (pytest-xdist, multiprocessing) send them pickled.
        return (_rebuild_miss, (self.method, self.url, self.model, self.store, self.reason))


def _rebuild_miss(method: str, url: str, model: str | None, store: str, reason: str) -> CacheMiss:
    return CacheMiss(method=method, url=url, model=model, store=store, reason=reason)


class Defect(CachyError):
    """Bytes that are no sound entry, and why. Readers pass over them; `cachy fsck` lists them."""


class CachyWarning(UserWarning):
    """Something is wrong with the store. It is said once, and the user's call goes on."""
