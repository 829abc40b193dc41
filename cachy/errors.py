"""Everything that cachy raises or warns of.

Exception
└── CachyError              the root: catch it to catch them all
    ├── ConfigError         an argument or a setting that cannot be meant (also a ValueError)
    ├── CacheMiss           replay mode, and no recording answers this request
    └── Defect              an entry's bytes that must not be trusted; never leaves the library
        └── NewerFormat     … because a newer cachy wrote them
UserWarning
└── CachyWarning            something is wrong with the store; your call was not touched by it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

REMEDY = (
    'run it once with CACHY_MODE=auto, or enable_cachy(mode="auto"), where the API can be reached, '
    "and commit the new entry"
)


class CachyError(Exception):
    """The root of cachy's errors."""


class ConfigError(CachyError, ValueError):
    """A setting that cannot be meant. The message names the value and the remedy."""


class CacheMiss(CachyError):
    """In replay mode no recording answers a request, and the network was not asked.

    Attributes: `method`, `url` (without credentials), `model` (or None), `store` (what was
    searched, as text), `reason` (one sentence), `differences` from the closest recording, one a
    line, and `remedy` (one sentence). Its text tells them all.
    """

    status_code = 418
    """For SDKs that turn every failure into one with an HTTP status (litellm): a client's fault,
    which they do not retry, and which no API uses."""

    def __init__(
        self,
        *,
        method: str,
        url: str,
        model: str | None,
        store: str,
        reason: str,
        differences: Sequence[str] = (),
        remedy: str = REMEDY,
    ) -> None:
        self.method, self.url, self.model = method, url, model
        self.store, self.reason = store, reason
        self.differences, self.remedy = tuple(differences), remedy
        about = f" (model {model})" if model else ""
        super().__init__(
            f"cachy: no recording for {method} {url}{about}\n"
            f"  store:  {store}\n"
            f"  reason: {reason}\n"
            + "".join(f"    {difference}\n" for difference in differences)
            + f"  remedy: {remedy}"
        )

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only arguments do not pickle by themselves, and process pools
        # (pytest-xdist, multiprocessing) send them pickled.
        return (_rebuild_miss, (self.__dict__,))

    @classmethod
    def behind(cls, error: BaseException | None) -> CacheMiss | None:
        """The miss that an SDK's exception is made of, however it reached the SDK; or None."""
        seen: set[int] = set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            if isinstance(error, cls):
                return error
            about = getattr(getattr(error, "response", None), "extensions", {})
            if isinstance(about, dict) and (told := about.get("cachy")) and "miss" in told:
                return told["miss"]  # type: ignore[no-any-return]
            error = error.__cause__ or error.__context__
        return None


def _rebuild_miss(attributes: dict[str, Any]) -> CacheMiss:
    return CacheMiss(**attributes)


class Defect(CachyError):
    """Bytes that are no sound entry, and why. Readers pass over them; `cachy fsck` lists them."""


class NewerFormat(Defect):
    """An entry that a newer cachy would read."""


class CachyWarning(UserWarning):
    """Something is wrong with the store. It is said once, and the user's call goes on."""
