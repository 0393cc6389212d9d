"""What a database says when it fails, in our own words (operations spec N1, N9)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lodestamp.errors import LodestampError, LogCorrupt, LogLockedError, StoreError

# SQLite reports through one exception class; its texts are stable and part of its interface.
_SAYINGS: tuple[tuple[str, type[LodestampError], str, str], ...] = (
    ("database is locked", LogLockedError, "log-locked", "another process is writing; try again"),
    ("disk is full", StoreError, "disk-full", "free some space; nothing was recorded"),
    ("malformed", LogCorrupt, "log-corrupt", "run `lodestamp fsck`, or restore a backup"),
    ("not a database", LogCorrupt, "log-corrupt", "the file was overwritten; restore a backup"),
    ("readonly", StoreError, "read-only", "check the rights of the home folder"),
    ("unable to open", StoreError, "cannot-open", "check the rights of the home folder"),
    ("disk I/O error", StoreError, "io", "check the disk; nothing was recorded"),
)


@contextmanager
def store_failures(doing: str) -> Iterator[None]:
    """Turn whatever the database raises inside into a StoreError, LogCorrupt or LogLockedError."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise _in_our_words(doing, str(getattr(error, "orig", error))) from error
    except SQLAlchemyError as error:
        raise StoreError(f"{doing}: {error}") from error
    except UnicodeDecodeError as error:
        raise LogCorrupt(f"{doing}: a stored text is not UTF-8") from error


@contextmanager
def damaged_values(doing: str) -> Iterator[None]:
    """Turn what a value of the wrong type leads to into LogCorrupt.

    SQLite keeps a type with each value, so one damaged byte can make a text of a digest.
    """
    try:
        yield
    except LodestampError:
        raise
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise LogCorrupt(f"{doing}: a stored value is damaged ({error})") from error


def _in_our_words(doing: str, said: str) -> LodestampError:
    for words, kind, code, hint in _SAYINGS:
        if words in said:
            return kind(f"{doing}: {said}", code=code, hint=hint)
    return StoreError(f"{doing}: {said}")
