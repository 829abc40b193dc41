"""The remote behind a store: which one there is, and what is pushed to it.

It is looked for when a request first misses. Nothing of `cachy.remote` is imported in a session
that has no remote.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from cachy.engine.context import over
from cachy.errors import ConfigError
from cachy.settings import NO_REMOTE
from cachy.store import layout
from cachy.store.disk import is_dir
from cachy.trust import narrowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from cachy.remote.address import Address
    from cachy.remote.tier import Remote
    from cachy.settings import Settings
    from cachy.store.base import Store

_remotes: dict[tuple[Address, str], Remote] = {}


class Behind:
    """The remote of a session, if there is one. It is looked for once, when it is first needed."""

    def __init__(self, settings: Settings, store: Store) -> None:
        """Raises ConfigError for a URL that cannot be meant."""
        self._settings, self._store = settings, store
        self._given = _given(settings) if store.root is not None else None
        self._looked = store.root is None or settings.remote == NO_REMOTE
        self._found: Address | None = None
        self.remote: Remote | None = None
        self.pushes = False
        if settings.trust and store.root is not None and is_dir(layout.fetched(store.root)):
            _settle(store.root, lambda root: trusted_at(root, settings))

    @property
    def label(self) -> str:
        """What messages call the remote; an empty string as long as none is known."""
        if self.remote is not None:
            return self.remote.address.label
        return "" if self._given is None else self._given.label

    @property
    def is_to_be_read(self) -> bool:
        """Whether a remote is given, and the files that say more of it have not been read yet."""
        return self._given is not None and not self._looked

    def look(self, warn: Callable[[str], None]) -> Remote | None:
        """Return the remote. What is wrong with files that name it is a warning."""
        if self.remote is None and (address := self.find(warn)) is not None:
            assert self._store.root is not None
            self._store.expect_fetched()
            if address.signatures.are_demanded:
                _settle(self._store.root, lambda _: address.signatures.trusted)
            self.remote = remote_at(address, self._store.root)
        return self.remote

    def find(self, warn: Callable[[str], None]) -> Address | None:
        """Return where the remote is. What is used for it is not imported yet."""
        if not self._looked:
            try:
                self._found, self.pushes = self._find(warn)
            except ConfigError as error:
                warn(f"there is no remote: {error}")
            self._looked = True  # now: another thread may ask meanwhile
        return self._found

    def _find(self, warn: Callable[[str], None]) -> tuple[Address | None, bool]:
        """Return where the remote is, and whether to push to it. Raises ConfigError."""
        from cachy import config  # not on the path of a hit

        root, asked = self._store.root, self._settings.push
        assert root is not None
        user, projects = config.user_settings(), config.project_settings(os.path.dirname(root))
        trusted = narrowed(self._settings.trust or user.trust, projects.trust)
        address, push = self._given, asked if asked is not None else bool(user.push)
        if address is None and user.remote != NO_REMOTE:
            said = user if user.remote else projects
            if said.ignored:
                warn(said.ignored)
            if said.remote:
                from cachy.remote.address import parse

                address = parse(said.remote, said.origin, trusted=said.trusted)
        if push and address is not None and not address.trusted:
            warn(
                f"nothing is pushed to {address.label}, because a file of the repository names it: "
                f"set CACHY_REMOTE={address.label}"
            )
        push = push and address is not None and address.trusted
        if address is not None:
            address = signed(address, trusted)
        return address, push

    def push(
        self,
        name: str,
        told: Callable[[str, str], None],
        warn: Callable[[str], None],
        *,
        anew: bool,
    ) -> None:
        """Have a recording pushed that was just kept, if the session pushes. Raises nothing.

        `anew`: it was made in place of another. `told` is called, perhaps in another thread, with
        what the remote is called, and what went wrong, or an empty string.
        """
        if (remote := self.look(warn)) is None or not self.pushes:
            return
        from cachy.remote.uploads import Upload

        label, path = remote.address.label, self._store.locate(name)
        upload = Upload(name, path, anew, lambda said: told(label, said))
        if not remote.push(upload) and not (remote.read_only or remote.unusable):
            told(label, "takes recordings too slowly: `cachy push` sends the rest")


def signed(address: Address, trusted: tuple[str, ...]) -> Address:
    """Return an address with the signatures that are demanded and made there."""
    from cachy.remote.signatures import SIGN_VARIABLE, Signatures

    file = os.path.expanduser(os.environ.get(SIGN_VARIABLE, "").strip())
    return address._replace(signatures=Signatures(trusted, file))


def trusted_at(root: str, settings: Settings) -> tuple[str, ...]:
    """Return the public keys whose recordings are taken, behind the store at `root`. Raises
    ConfigError."""
    from cachy import config

    projects = config.project_settings(os.path.dirname(root))
    return narrowed(settings.trust or config.user_settings().trust, projects.trust)


def remote_at(address: Address, root: str) -> Remote:
    """Return the remote at an address, behind the store at `root`; one for all of the process."""
    if (found := _remotes.get((address, root))) is None:
        from cachy.remote.tier import Remote

        found = _remotes.setdefault((address, root), Remote(address, root, _leave_alone))
    return found


def _settle(root: str, trusted: Callable[[str], tuple[str, ...]]) -> None:
    """Have nothing used that was fetched while others were trusted."""
    from cachy.remote.fetched import settle

    with suppress(OSError, ConfigError):  # what is wrong with files is said with the first miss
        settle(root, trusted(root))


def _leave_alone() -> None:
    """Have the calls of this thread be none of cachy's: those to a remote are its own."""
    over.set(None)


def _given(settings: Settings) -> Address | None:
    if settings.remote in ("", NO_REMOTE):
        return None
    from cachy.remote.address import parse

    return parse(settings.remote)
