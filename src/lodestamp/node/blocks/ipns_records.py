"""IPNS records that are kept: of each name the newest that verified (content spec R97)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import delete, insert, select

from lodestamp.core.content import IpnsRecord, ipns
from lodestamp.errors import IpnsError, SourceError
from lodestamp.node.blocks import tables
from lodestamp.node.blocks.recovery import Clock
from lodestamp.node.storage import Database
from lodestamp.node.whole import read_bounded

RECORD_SUFFIX: Final = ".ipns-record"
"""What the name of a file with a record ends with; it begins with the IPNS name."""
_NS_PER_MS: Final = 1_000_000


class IpnsRecords:
    """The records of one home. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @property
    def now_ns(self) -> int:
        """The time records are judged by, in nanoseconds since 1970."""
        return self._clock() * _NS_PER_MS

    def put(self, name: str, record: bytes) -> IpnsRecord:
        """Verify a record and keep it, unless a newer one is here; returns the one that stands.

        IpnsError when it does not hold.
        """
        given = ipns.verify(name, record, self.now_ns)
        key = ipns.parse_name(name).raw
        with self._database.writing("keeping an IPNS record") as connection:
            query = select(tables.ipns.c.record).where(tables.ipns.c.name == key)
            kept = connection.execute(query).scalar()
            # what is kept verified when it came; it may have ended since, and is still older
            standing = given if kept is None else ipns.newer(given, ipns.verify(name, kept, 0))
            if standing.encoded != kept:
                connection.execute(delete(tables.ipns).where(tables.ipns.c.name == key))
                connection.execute(
                    insert(tables.ipns).values(
                        name=key,
                        record=standing.encoded,
                        sequence=standing.sequence,
                        validity=standing.validity,
                        received_at=self._clock(),
                    )
                )
        return standing

    def get(self, name: str) -> IpnsRecord | None:
        """Return the record of a name that holds now, if one is here; IpnsError for no name."""
        key = ipns.parse_name(name).raw
        with self._database.reading("looking for an IPNS record") as connection:
            query = select(tables.ipns.c.record).where(tables.ipns.c.name == key)
            kept = connection.execute(query).scalar()
        if kept is None:
            return None
        try:
            return ipns.verify(name, kept, self.now_ns)
        except IpnsError as error:
            if error.code == "ipns.expired":
                return None
            raise

    def take_folder(self, folder: Path) -> list[IpnsError]:
        """Keep every record in a folder's ``NAME….ipns-record`` files; returns those refused.

        What follows an underscore in a file's name is not part of the IPNS name. SourceError when
        the folder cannot be read.
        """
        refused: list[IpnsError] = []
        try:
            for path in sorted(folder.glob(f"*{RECORD_SUFFIX}")):
                name = path.name.removesuffix(RECORD_SUFFIX).partition("_")[0]
                try:
                    self.put(name, read_record(path))
                except IpnsError as error:
                    refused.append(IpnsError(f"{path}: {error.message}", code=error.code))
        except OSError as error:
            raise SourceError(f"{folder}: {error.strerror}") from error
        return refused


def read_record(path: Path) -> bytes:
    """Read a record from a file; IpnsError ``ipns.size``, SourceError when it cannot be read."""
    try:
        record = read_bounded(path, ipns.RECORD_SIZE_MAX)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    if record is None:
        raise IpnsError(f"{path} has more than {ipns.RECORD_SIZE_MAX:,} bytes", code="ipns.size")
    return record
