"""Everything that cachy raises or warns about.

Exception
└── CachyError              the root: catch it to catch them all
    ├── ConfigError         an invalid argument or setting (also a ValueError)
    ├── CacheMiss           replay mode, and no recording answers this request
    └── Defect              an entry's bytes that must not be trusted; never reaches users
        └── NewerFormat     … because a newer cachy wrote them
UserWarning
└── CachyWarning            something is wrong with the store; your call went on unaffected
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
    """An invalid argument or setting. The message names the value and the remedy."""


class CacheMiss(CachyError):
    """In replay mode no recording answers a request, and nothing was sent.

    Attributes: `method`, `url` (without credentials), `model` (or None), `store` (what was
    searched, as text), `reason` (one sentence), `differences` from the closest recording, one a
    line, `remedy` (one sentence), and `whence` the call comes, where that is hard to see (in a run
    of pytest, outside of the tests). Its text contains them all.
    """

    status_code = 418
    """For SDKs that turn every failure into one with an HTTP status (litellm): a client error,
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
        whence: str = "",
    ) -> None:
        self.method, self.url, self.model = method, url, model
        self.store, self.reason = store, reason
        self.differences, self.remedy = tuple(differences), remedy
        self.whence = whence
        about = f" (model {model})" if model else ""
        super().__init__(
            f"cachy: no recording: {reason}\n"
            + "".join(f"    {difference}\n" for difference in differences)
            + f"  request: {method} {url}{about}\n"
            + (f"  call:    {whence}\n" if whence else "")
            + f"  store:   {store}\n"
            f"  remedy:  {remedy}"
        )

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only arguments do not pickle by themselves, and process pools
        # (pytest-xdist, multiprocessing) send them pickled.
        return (_rebuild_miss, (self.__dict__,))

    @classmethod
    def behind(cls, error: BaseException | None) -> CacheMiss | None:
        """Return the miss behind an SDK's exception, however it reached the SDK; or None.

        try:
            client.chat.completions.create(…)
        except openai.APIStatusError as error:
            print(CacheMiss.behind(error))
        """
        seen: set[int] = set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            if isinstance(error, cls):
                return error
            about = getattr(getattr(error, "response", None), "extensions", {})
            if isinstance(about, dict) and "miss" in (origin := about.get("cachy") or {}):
                return origin["miss"]  # type: ignore[no-any-return]
            error = error.__cause__ or error.__context__
        return None


def _rebuild_miss(attributes: dict[str, Any]) -> CacheMiss:
    return CacheMiss(**attributes)


class Defect(CachyError):
    """Why bytes are not a sound entry. Readers skip them; `cachy fsck` lists them."""


class NewerFormat(Defect):
    """An entry that only a newer cachy can read."""


class CachyWarning(UserWarning):
    """Something is wrong with the store. Issued once; the user's call goes on."""
