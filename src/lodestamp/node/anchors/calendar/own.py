"""The calendar of this home as its own client sees it: no network between them (R50).

It needs no running calendar: promises and answers come from the journal, which whoever anchors its
commitments shares.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, select

from lodestamp.core.encoding import Digest
from lodestamp.core.timestamps import (
    Pending,
    Timestamp,
    anchor_digest,
    attested,
    parse_timestamp,
)
from lodestamp.node.anchors.calendar.client import NotYet
from lodestamp.node.anchors.calendar.journal import Journal
from lodestamp.node.anchors.calendar.lookup import Lookup
from lodestamp.node.anchors.calendar.service import URI_KEY
from lodestamp.node.anchors.tables import commitments, cycles
from lodestamp.node.recorder import read_meta, signed_roots
from lodestamp.node.storage import Database

_DIGEST_SIZE: Final = 32


class OwnCalendar:
    """What a home's calendar says, whether it is being served or not. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._journal = Journal(database)
        self._lookup = Lookup(database)

    @property
    def uri(self) -> str | None:
        """The URI that the calendar of this home was opened under; None when it never was."""
        with self._database.reading("looking for the calendar") as connection:
            return read_meta(connection, URI_KEY)

    def promise(self, uri: str, digest: Digest) -> Timestamp | None:
        """Take up an anchor digest as it is, and promise a way to a block; None elsewhere."""
        if uri != self.uri:
            return None
        self._journal.append([digest])
        return attested(digest, Pending(uri))

    def timestamp(self, uri: str, commitment: bytes) -> Timestamp | NotYet | None:
        """Return the way from a commitment to a block, or why there is none; None elsewhere."""
        if uri != self.uri:
            return None
        answer = self._lookup.find(commitment)
        if answer.timestamp is None:
            return NotYet(answer.reason)
        return parse_timestamp(answer.timestamp, commitment, strict=True)

    def first_anchored(self, origin: str, index: int) -> tuple[int, Timestamp] | None:
        """Return the smallest checkpoint over a leaf that this home anchored itself (R50, R68).

        It is the size, and the timestamp of that anchor digest, which ends in a block; None where
        no such checkpoint is in a final cycle. It needs no calendar to be open.
        """
        query = (
            select(commitments.c.commitment)
            .join(cycles, cycles.c.id == commitments.c.cycle)
            .where(cycles.c.state == "final", func.length(commitments.c.commitment) == _DIGEST_SIZE)
        )
        with self._database.reading("looking for an anchor of our own") as connection:
            final = set(connection.execute(query).scalars())
            sizes = signed_roots(connection, index) if final else ()
            digests = ((size, anchor_digest(origin, size, root)) for size, root in sizes)
            found = next((each for each in digests if each[1] in final), None)
        if found is None:
            return None
        answer = self._lookup.find(found[1])
        if answer.timestamp is None:
            return None
        return found[0], parse_timestamp(answer.timestamp, found[1], strict=True)
