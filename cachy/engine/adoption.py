"""Answers of pycachy, adopted by running: its files hold a hash of each request, and no request.

    Adoption(adopt, root)      where the file is, found with the first miss
    adopted(adoption, …)     the entry made of its answer to a request, kept as if recorded now

A session without such a file pays a look at a few paths, once, with its first miss.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cachy.engine.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachy.engine.recording import Listener, Question
    from cachy.engine.secret_search import Finding
    from cachy.formats.pycachy import Answer, Answers
    from cachy.rules.message import Request
    from cachy.settings import Settings
    from cachy.store.entry import Entry


class Adoption:
    """The file of pycachy that a session adopts answers from. `adopt`: its path, or True to look
    for it beside the store at `root` and where pycachy has it, or False for none."""

    def __init__(self, adopt: bool | str | os.PathLike[str], root: str | None) -> None:
        self._adopt, self._root = adopt, root
        self._answers: Answers | None = None
        self._looked = adopt is False

    def answer(self, request: Request) -> Answer | None:
        """Return the answer to a request, or None. Raises OSError, NotUnderstood."""
        if not self._looked:
            self._looked = True
            self._answers = self._load()
        if not self._answers:
            return None
        from cachy.formats.pycachy import hashes

        for digits in hashes(request):
            if (answer := self._answers.answer(digits)) is not None:
                return answer
        return None

    def _load(self) -> Answers | None:
        from cachy.formats import pycachy

        if isinstance(self._adopt, bool):
            beside = [os.path.dirname(self._root)] if self._root else []
            path = pycachy.locate([*beside, *pycachy.upstream_folders()])
        else:
            path = os.path.expanduser(os.fspath(self._adopt))
        return None if path is None else pycachy.Answers(path)


def adopted(
    adoption: Adoption, question: Question, listener: Listener, settings: Settings
) -> Entry | None:
    """Return the entry of pycachy's answer to a request, or None: if it has none, or one that would
    not be kept. The listener keeps it, where the mode keeps recordings."""
    number = question.number
    if number is not None and number.value:
        return None  # pycachy has one answer to a request
    try:
        answer = adoption.answer(question.request)
    except Exception as error:  # noqa: BLE001 - a fault of cachy must not break the user's call
        listener.warn("the answers of pycachy cannot be read", error)
        return None
    if answer is None:
        return None
    adopting = _Adopting(listener, keeps=settings.mode.keeps)
    recording = Recording(question, None, adopting, settings)
    if recording.begin(answer.response, sent=question.request.headers):
        recording.feed(answer.body)
        recording.ended()
        recording.commit()
    return adopting.entry


class _Adopting:
    """Takes the entry, and passes on what the listener is to know."""

    def __init__(self, listener: Listener, *, keeps: bool) -> None:
        self._listener, self._keeps = listener, keeps
        self.entry: Entry | None = None

    def keep(self, entry: Entry, findings: Sequence[Finding]) -> None:
        """Take an entry."""
        self.entry = entry
        if self._keeps:
            self._listener.keep(entry, findings)

    def not_kept(self, method: str, url: str, reason: str) -> None:
        """Count an answer that is not worth keeping."""
        self._listener.not_kept(method, url, f"an answer of pycachy is not adopted: {reason}")

    def warn(self, message: str, error: BaseException | None = None) -> None:
        """Warn once."""
        self._listener.warn(message, error)
