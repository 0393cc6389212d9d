"""A calendar: takes digests, promises each a way to Bitcoin, and keeps the promise (§7).

It promises under a URI that is fixed when it first opens. What anchors its commitments reads them
from the journal; see `lodestamp.node.anchors.bitcoin`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Self

from lodestamp.core.timestamps import (
    LEAF_OPS,
    SHA256,
    Op,
    Pending,
    commitment,
    encode_path,
    path_ops,
)
from lodestamp.errors import UsageError
from lodestamp.node.anchors.calendar.aggregator import PERIOD_S, Aggregator, Member
from lodestamp.node.anchors.calendar.journal import Journal
from lodestamp.node.anchors.calendar.lookup import CONFIRMATIONS, Answer, Lookup, Standing
from lodestamp.node.anchors.calendar.uris import parse_own_uri
from lodestamp.node.recorder import read_meta, write_meta
from lodestamp.node.storage import Database

URI_KEY: Final = "calendar-uri"
"""Where the database keeps the URI."""
_TIME_SIZE: Final = 4
_MAC_SIZE: Final = 8


class Calendar:
    """The calendar of one home. Thread-safe; close it, or use it as a context manager."""

    def __init__(
        self,
        database: Database,
        uri: str,
        secret: bytes,
        clock_ms: Callable[[], int],
        *,
        period_s: float = PERIOD_S,
        confirmations: int = CONFIRMATIONS,
    ) -> None:
        self.uri = uri
        self.journal = Journal(database)
        self.lookup = Lookup(database, confirmations)
        self._promise = Pending(uri)
        self._secret = secret
        self._clock_ms = clock_ms
        self._aggregator = Aggregator(self._commit, self._answer, period_s=period_s)

    @classmethod
    def open(
        cls,
        database: Database,
        uri: str,
        secret: bytes,
        clock_ms: Callable[[], int],
        *,
        period_s: float = PERIOD_S,
        confirmations: int = CONFIRMATIONS,
    ) -> Self:
        """Open the calendar of a home under a URI, which it keeps for ever (R51).

        `secret` has 32 bytes. UsageError ``bad-calendar`` for a URI that cannot be one,
        ``calendar-uri`` for another than it has, ``period`` for a period outside 0.2 to 5 seconds.
        """
        uri = parse_own_uri(uri)
        with database.writing("opening the calendar") as connection:
            named = read_meta(connection, URI_KEY)
            if named is None:
                write_meta(connection, URI_KEY, uri)
        if named not in {None, uri}:
            hint = f"proofs in the world name {named}; serve under that, or in another home"
            raise UsageError(f"this calendar is {named}", code="calendar-uri", hint=hint)
        return cls(database, uri, secret, clock_ms, period_s=period_s, confirmations=confirmations)

    @property
    def retry_s(self) -> int:
        """Whole seconds after which a digest that was refused may come again."""
        return self._aggregator.retry_s

    def submit(self, digest: bytes) -> Future[bytes]:
        """Take up a digest of 1 to 64 bytes; the future gives its bare timestamp, once on disk.

        Errors as `Aggregator.submit`.
        """
        return self._aggregator.submit(digest)

    def timestamp(self, commitment: bytes) -> Answer:
        """Return the way from a commitment to a block, or why there is none yet; see `Lookup`."""
        return self.lookup.find(commitment)

    def tip(self) -> bytes | None:
        """Return the tip of the transaction that is not in a block yet, if there is one."""
        return self.lookup.tip()

    def standing(self) -> Standing:
        """Return how the calendar stands."""
        return self.lookup.standing()

    def close(self) -> None:
        """Commit and answer what is waiting."""
        self._aggregator.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _commit(self, root: bytes) -> tuple[Op, ...]:
        """Write the commitment to a root, and return the operations from the root to it (R47)."""
        committed = commitment(root, self._clock_ms() // 1000, self._secret)
        time, mac = committed[:_TIME_SIZE], committed[-_MAC_SIZE:]
        self.journal.append([committed])
        return Op.prepend(time), Op.append(mac)

    def _answer(self, member: Member, ending: tuple[Op, ...]) -> bytes:
        ops = (
            Op.append(member.nonce),
            SHA256,
            *LEAF_OPS,
            *path_ops(member.proof),
            *ending,
        )
        return encode_path(ops, self._promise)
