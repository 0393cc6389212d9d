"""The calendar's journal: every commitment it ever gave out, in order (transparency spec R49).

A commitment of a batch has 44 bytes (time, root and mac, R47); an anchor digest of our own has 32
(R50). A journal file is a row of 44-byte records as the reference server keeps them. An anchor
digest stands in it as twelve bytes of padding around the digest, four zeros before it, where a
commitment has its time, and eight behind, where it has its mac.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from sqlalchemy import Connection, func, insert, select

from lodestamp.errors import SourceError
from lodestamp.node.anchors.tables import commitments
from lodestamp.node.storage import Database

COMMITMENT_SIZE: Final = 44
"""Bytes of a batch's commitment, and of a record of a journal file."""

_CHUNK_RECORDS: Final = 5_000
_NO_TIME: Final = bytes(4)
_NO_MAC: Final = bytes(8)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import found: records in the file, those new here, and padding of the last one."""

    records: int
    added: int
    padded: int


class Journal:
    """The journal of one home. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, added: Sequence[bytes]) -> None:
        """Write commitments; they are on disk when it returns, and only then may be promised.

        One that is there already stays where it is. StoreError when the disk does not take them.
        """
        with self._database.writing("adding to the calendar's journal") as connection:
            _insert_new(connection, added)

    def holds(self, commitment: bytes) -> bool:
        """Whether the journal has this commitment."""
        query = select(commitments.c.id).where(commitments.c.commitment == commitment)
        with self._database.reading("looking into the calendar's journal") as connection:
            return connection.execute(query).first() is not None

    def export(self, file: BinaryIO) -> int:
        """Write every commitment as a 44-byte record, in order; return how many there are."""
        count = 0
        with self._database.reading("exporting the calendar's journal") as connection:
            query = select(commitments.c.commitment).order_by(commitments.c.id)
            for row in connection.execute(query).yield_per(_CHUNK_RECORDS):
                file.write(to_record(row.commitment))
                count += 1
        return count

    def import_from(self, file: BinaryIO) -> Imported:
        """Append the records of a journal file, in order; those known already stay in their place.

        A last record that was cut off is padded with zeros, so that none behind or before it
        moves. All records are taken or none is. SourceError when the file cannot be read.
        """
        records = known = padded = 0
        with self._database.writing("importing a calendar's journal") as connection:
            for chunk in _chunks(file):
                short = -len(chunk) % COMMITMENT_SIZE
                padded += short
                added = _commitments_of(chunk + bytes(short), torn=bool(short))
                records += len(added)
                known += len(added) - _insert_new(connection, added, imported=True)
        return Imported(records, records - known, padded)


def to_record(commitment: bytes) -> bytes:
    """Return the 44-byte record of a commitment of 44 or 32 bytes."""
    if len(commitment) == COMMITMENT_SIZE:
        return commitment
    return _NO_TIME + commitment + _NO_MAC


def from_record(record: bytes) -> bytes:
    """Return the commitment of a 44-byte record: the record, or the anchor digest in it."""
    if record.startswith(_NO_TIME) and record.endswith(_NO_MAC):
        return record[len(_NO_TIME) : -len(_NO_MAC)]
    return record


def count_waiting(connection: Connection) -> int:
    """Count the commitments that no cycle has taken up."""
    query = select(func.count()).where(commitments.c.cycle.is_(None))
    return int(connection.execute(query).scalar_one())


def _insert_new(connection: Connection, added: Sequence[bytes], *, imported: bool = False) -> int:
    """Insert those that are not there yet, in order and each once; return how many."""
    wanted = list(dict.fromkeys(added))
    known: set[bytes] = set()
    for start in range(0, len(wanted), _CHUNK_RECORDS):
        some = wanted[start : start + _CHUNK_RECORDS]
        query = select(commitments.c.commitment).where(commitments.c.commitment.in_(some))
        known.update(connection.execute(query).scalars())
    rows = [{"commitment": each, "imported": imported} for each in wanted if each not in known]
    if rows:
        connection.execute(insert(commitments), rows)
    return len(rows)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the file in runs of whole records; only the last may end within one."""
    size = _CHUNK_RECORDS * COMMITMENT_SIZE
    left = b""
    while True:
        try:
            piece = file.read(size)
        except OSError as error:
            raise SourceError(f"the journal: {error.strerror}") from error
        if not piece:
            break
        left += piece
        if len(left) >= size:
            yield left[:size]
            left = left[size:]
    if left:
        yield left


def _commitments_of(chunk: bytes, *, torn: bool) -> list[bytes]:
    records = [chunk[at : at + COMMITMENT_SIZE] for at in range(0, len(chunk), COMMITMENT_SIZE)]
    found = [from_record(each) for each in records]
    if torn:  # what was padded is kept as it stands: nobody was promised anything by it
        found[-1] = records[-1]
    return found
