"""The calendar of this home as its own client sees it: no network between them (R50).

It needs no running calendar: promises and answers come from the journal, which whoever anchors its
commitments shares.
"""

from __future__ import annotations

from lodestamp.core.encoding import Digest
from lodestamp.core.timestamps import Pending, Timestamp, attested, parse_timestamp
from lodestamp.node.anchors.calendar.client import NotYet
from lodestamp.node.anchors.calendar.journal import Journal
from lodestamp.node.anchors.calendar.lookup import Lookup
from lodestamp.node.anchors.calendar.service import URI_KEY
from lodestamp.node.recorder import read_meta
from lodestamp.node.storage import Database


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
