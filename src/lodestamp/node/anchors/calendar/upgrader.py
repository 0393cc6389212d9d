"""Handing checkpoints to calendars, and asking again until each has a block (R52, R53)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lodestamp.core.encoding import Digest
from lodestamp.core.timestamps import Timestamp
from lodestamp.errors import CalendarError
from lodestamp.node.anchors.calendar.client import CalendarClient, NotYet
from lodestamp.node.anchors.calendar.completing import Completer, Headers
from lodestamp.node.anchors.calendar.submissions import Submission, Submissions
from lodestamp.node.anchors.calendar.uris import Whitelist
from lodestamp.node.progress import Progress


class Own(Protocol):
    """The calendar of this home, which is asked without a network; None for URIs not its own."""

    def promise(self, uri: str, digest: Digest) -> Timestamp | None:
        """Take up an anchor digest."""

    def timestamp(self, uri: str, commitment: bytes) -> Timestamp | NotYet | None:
        """Return the way from a commitment to a block, or why there is none yet."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a round of tries came to."""

    promised: int
    completed: int
    postponed: int


class Upgrader:
    """Tries what is due. Thread-safe."""

    def __init__(
        self,
        submissions: Submissions,
        client: CalendarClient,
        own: Own,
        whitelist: Whitelist,
        headers: Headers,
    ) -> None:
        self._submissions = submissions
        self._client = client
        self._own = own
        self._whitelist = whitelist
        self._headers = headers

    def completer(self) -> Completer:
        """Return what completes timestamps, and asks no calendar again that did not answer."""
        away: dict[str, CalendarError] = {}

        def ask(uri: str, commitment: bytes) -> Timestamp | NotYet:
            if uri in away:
                raise away[uri]
            ours = self._own.timestamp(uri, commitment)
            if ours is not None:
                return ours
            try:
                return self._client.timestamp(uri, commitment)
            except CalendarError as error:
                if error.code == "calendar.unreachable":
                    away[uri] = error
                raise

        return Completer(ask, self._whitelist, self._headers)

    def submit(
        self, uris: Sequence[str], *, size: int | None = None, needed: int = 0
    ) -> list[Submission]:
        """Hand a checkpoint, by default the newest, to calendars, all at once.

        Returns what they have of it. CalendarError ``calendar.too-few`` when fewer than `needed`
        promised; what they did not take is tried again later all the same.
        """
        begun = self._submissions.begin(uris, size)
        if not begun:
            return self._submissions.of(size) if size else []
        refusals = self._send(begun)
        there = self._submissions.of(begun[0].size)
        promised = [each for each in there if each.uri in set(uris) and each.timestamp is not None]
        if len(promised) < needed:
            why = "; ".join(refusals)
            message = f"{len(promised)} of {needed} calendars promised: {why}"
            hint = "`lodestamp upgrade` tries again later"
            raise CalendarError("calendar.too-few", message, hint=hint)
        return there

    def try_due(self, *, at_once: bool = False, progress: Progress | None = None) -> Round:
        """Try all that is due, or with `at_once` all that is not complete.

        A calendar that does not answer is not asked again in the same round.
        """
        due = self._submissions.due(at_once=at_once)
        unsent = [each for each in due if each.timestamp is None]
        refused = len(self._send(unsent))
        completed = postponed = 0
        completer = self.completer()
        waiting = [each for each in due if each.timestamp is not None]
        for done, each in enumerate(waiting):
            if progress is not None:
                progress(done, len(waiting))
            if self._complete(each, completer):
                completed += 1
            else:
                postponed += 1
        return Round(len(unsent) - refused, completed, refused + postponed)

    def _send(self, unsent: Sequence[Submission]) -> list[str]:
        """Hand digests to calendars, those of one digest at once; return why some were refused."""
        refusals = []
        for digest in dict.fromkeys(each.digest for each in unsent):
            to_ask = {each.uri: each for each in unsent if each.digest == digest}
            for uri in list(to_ask):
                ours = self._own.promise(uri, digest)
                if ours is not None:
                    self._submissions.promised(to_ask.pop(uri), ours)
            if not to_ask:
                continue
            answers = self._client.ask_all(digest, list(to_ask))
            for uri, timestamp in answers.timestamps.items():
                self._submissions.promised(to_ask[uri], timestamp)
            for uri, reason in answers.refusals.items():
                self._submissions.postponed(to_ask[uri], reason)
                refusals.append(reason)
        return refusals

    def _complete(self, submission: Submission, completer: Completer) -> bool:
        assert submission.timestamp is not None  # noqa: S101  unsent ones went another way
        completed = completer.complete(submission.timestamp)
        if completed.timestamp is None:
            self._submissions.postponed(submission, completed.reason_beside(submission.uri))
            return False
        self._submissions.completed(submission, completed.timestamp)
        return True
