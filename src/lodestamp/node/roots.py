"""The roots of a log: the key ids and DIDs that its owner pins as the source of all authority."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection

from lodestamp.node import recorder
from lodestamp.node.storage import Database


def pin_roots(database: Database, roots: Sequence[str] | None, own: str) -> None:
    """Pin what the owner says; a log that pins nothing yet pins the home's own key."""
    with database.reading("reading the roots") as connection:
        pinned = read_roots(connection)
    wanted = tuple(sorted(set(roots))) if roots is not None else pinned or (own,)
    if wanted != pinned:
        with database.writing("pinning the roots") as connection:
            recorder.replace_meta(connection, "roots", json.dumps(wanted))


def read_roots(connection: Connection) -> tuple[str, ...]:
    """Return the pinned roots, ascending; none in a log that was never opened."""
    stored = recorder.read_meta(connection, "roots")
    return () if stored is None else tuple(json.loads(stored))
