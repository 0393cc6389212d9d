"""Checkpoints of ours at calendars: what was handed to which, and what has come of it (R41, R53).

A row is ``unsent`` until its calendar has promised, ``pending`` until the way to a block was
verified, then ``complete``. It is tried again after ten minutes, then half as long again each time,
up to six hours, a fifth more or less so that no two nodes keep step.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from lodestamp.core.encoding import Digest
from lodestamp.core.timestamps import (
    Timestamp,
    anchor_digest,
    encode_timestamp,
    merge,
    parse_timestamp,
)
from lodestamp.core.transparency import parse_checkpoint, parse_note
from lodestamp.errors import InputError, LogCorrupt
from lodestamp.node import recorder
from lodestamp.node.anchors.tables import submissions
from lodestamp.node.storage import Database

UNSENT: Final = "unsent"
PENDING: Final = "pending"
COMPLETE: Final = "complete"

FIRST_RETRY_MS: Final = 10 * 60 * 1000
RETRY_MS_MAX: Final = 6 * 3600 * 1000
"""Milliseconds between two tries at most: a block comes every ten minutes, a calendar's transaction
every few hours (R53)."""
_GROWTH: Final = 1.5
_JITTER: Final = 0.2


@dataclass(frozen=True, slots=True)
class Submission:
    """One checkpoint at one calendar; `timestamp` is of its anchor digest, None while unsent."""

    size: int
    uri: str
    digest: Digest
    timestamp: Timestamp | None
    state: str
    tries: int
    reason: str | None


class Submissions:
    """The submissions of one log. Thread-safe."""

    def __init__(
        self,
        database: Database,
        origin: str,
        clock_ms: Callable[[], int],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._origin = origin
        self._clock_ms = clock_ms
        self._chance = chance

    def begin(self, uris: Iterable[str], size: int | None = None) -> list[Submission]:
        """Note that a checkpoint, by default the newest, goes to these calendars.

        What an older one has not handed to one of them yet, it need no more: the newer covers it.
        Returns those that are not sent yet. The empty log is handed to nobody. UsageError where no
        checkpoint was signed.
        """
        named = list(dict.fromkeys(uris))
        with self._database.writing("handing a checkpoint to calendars") as connection:
            note = recorder.checkpoint_note(connection, size)
            checkpoint = parse_checkpoint(parse_note(note).text)
            if not checkpoint.size:
                return []
            digest = anchor_digest(self._origin, checkpoint.size, checkpoint.root)
            for uri in named:
                _begin(connection, uri, checkpoint.size, digest, self._clock_ms())
            query = select(submissions).where(
                submissions.c.size == checkpoint.size,
                submissions.c.state == UNSENT,
                submissions.c.uri.in_(named),
            )
            return [_read(row) for row in connection.execute(query)]

    def promised(self, submission: Submission, timestamp: Timestamp) -> None:
        """Note what a calendar promised."""
        self._note(
            submission,
            ots=encode_timestamp(timestamp),
            state=PENDING,
            tries=0,
            reason=None,
            next_try=self._clock_ms() + self._delay_ms(0),
        )

    def completed(self, submission: Submission, timestamp: Timestamp) -> None:
        """Note the way to a block, which has been verified, beside what was promised."""
        whole = timestamp
        if submission.timestamp is not None:
            whole = merge(submission.timestamp, timestamp)
        ots = encode_timestamp(whole)
        self._note(submission, ots=ots, state=COMPLETE, reason=None)

    def reopen(self, submissions_: Sequence[Submission]) -> None:
        """Note that what was complete is not in the best chain any more: ask again, at once."""
        for each in submissions_:
            here = (submissions.c.size == each.size) & (submissions.c.uri == each.uri)
            values = {"state": PENDING, "next_try": self._clock_ms(), "tries": 0}
            with self._database.writing("reopening what a calendar had completed") as connection:
                connection.execute(update(submissions).where(here).values(**values))

    def postponed(self, submission: Submission, reason: str) -> None:
        """Note why a try was vain, and when the next one is."""
        self._note(
            submission,
            tries=submission.tries + 1,
            reason=reason,
            next_try=self._clock_ms() + self._delay_ms(submission.tries + 1),
        )

    def due(self, *, at_once: bool = False) -> list[Submission]:
        """Return what is to be tried now, or with `at_once` all that is not complete."""
        query = select(submissions).where(submissions.c.state != COMPLETE)
        if not at_once:
            query = query.where(submissions.c.next_try <= self._clock_ms())
        return self._all(query.order_by(submissions.c.size, submissions.c.uri))

    def of(self, size: int) -> list[Submission]:
        """Return what was handed to calendars of the checkpoint of this size."""
        query = select(submissions).where(submissions.c.size == size)
        return self._all(query.order_by(submissions.c.uri))

    def uris(self) -> list[str]:
        """Return the calendars that something was ever handed to: each was named by hand."""
        query = select(submissions.c.uri).distinct().order_by(submissions.c.uri)
        with self._database.reading("reading which calendars were named") as connection:
            return list(connection.execute(query).scalars())

    def first_complete(self, index: int) -> list[Submission]:
        """Return the complete ones of the smallest checkpoint that covers a leaf (R68)."""
        query = (
            select(submissions.c.size)
            .where(submissions.c.state == COMPLETE, submissions.c.size > index)
            .order_by(submissions.c.size)
            .limit(1)
        )
        with self._database.reading("looking for an anchor") as connection:
            size = connection.execute(query).scalar()
        if size is None:
            return []
        return [each for each in self.of(size) if each.state == COMPLETE]

    def _delay_ms(self, tries: int) -> int:
        """Return how long to wait after so many vain tries."""
        delay = min(FIRST_RETRY_MS * _GROWTH ** min(tries, 64), RETRY_MS_MAX)
        return int(delay * (1 - _JITTER + 2 * _JITTER * self._chance()))

    def _note(self, submission: Submission, **values: Any) -> None:
        change = update(submissions).where(
            submissions.c.size == submission.size, submissions.c.uri == submission.uri
        )
        if values.get("state") != COMPLETE:  # what somebody else completed stays so
            change = change.where(submissions.c.state != COMPLETE)
        with self._database.writing("noting what a calendar said") as connection:
            connection.execute(change.values(**values))

    def _all(self, query: Any) -> list[Submission]:
        with self._database.reading("reading what calendars have") as connection:
            return [_read(row) for row in connection.execute(query)]


def _begin(connection: Connection, uri: str, size: int, digest: Digest, now_ms: int) -> None:
    older = (submissions.c.uri == uri) & (submissions.c.state == UNSENT)
    connection.execute(delete(submissions).where(older, submissions.c.size < size))
    here = (submissions.c.uri == uri) & (submissions.c.size == size)
    if connection.execute(select(submissions.c.size).where(here)).first() is not None:
        return
    row = {
        "size": size,
        "uri": uri,
        "digest": digest,
        "ots": b"",
        "state": UNSENT,
        "next_try": now_ms,
        "tries": 0,
    }
    connection.execute(insert(submissions), row)


def _read(row: Any) -> Submission:
    timestamp = None
    if row.state != UNSENT:
        try:
            timestamp = parse_timestamp(row.ots, row.digest, strict=True)
        except InputError as error:
            message = f"what {row.uri} said of checkpoint {row.size} is damaged: {error.message}"
            raise LogCorrupt(message) from error
    digest = Digest(row.digest)
    return Submission(row.size, row.uri, digest, timestamp, row.state, row.tries, row.reason)
