"""The auditor of a whole home: it runs where a `Node` refuses to open.

Each room of node that stores something has an auditor of its own; this one calls them all. Today
that is the log's, and the rights of the key files.
"""

from __future__ import annotations

import os

from lodestamp.core.transparency import NoteSigner
from lodestamp.errors import LodestampError
from lodestamp.node import recorder
from lodestamp.node.blocks import Progress
from lodestamp.node.findings import AuditReport
from lodestamp.node.folder import HomeFolder
from lodestamp.node.keyring import load_key
from lodestamp.node.storage import Database


def audit_log(
    home: str | os.PathLike[str] | None = None, *, progress: Progress | None = None
) -> AuditReport:
    """Audit the log of a home; HomeError when there is no home at all.

    A damaged database, checkpoint or key is a finding.
    """
    report = AuditReport()
    folder = HomeFolder.locate(home)
    with folder.entering(create=False):
        try:
            key = load_key(folder.keys, "log")
            database = Database.open(folder.database)
        except LodestampError as error:
            report.find("S1", "home", error.message)
            return report
    try:
        with database.reading("auditing") as connection:
            origin = recorder.read_meta(connection, "origin")
        if origin is None:
            report.find("S1", "database", "it holds no log")
            return report
        pinned = NoteSigner(origin, key).verifier_key
        published = folder.published()
        return recorder.audit(database, pinned, published=published, progress=progress)
    except LodestampError as error:
        report.find("S1", "database", error.message)
        return report
    finally:
        database.close()


def fsck(
    home: str | os.PathLike[str] | None = None, *, progress: Progress | None = None
) -> AuditReport:
    """Audit every room a home uses; errors and findings as `audit_log`."""
    report = audit_log(home, progress=progress)
    folder = HomeFolder.locate(home)
    for name in ("author", "log"):
        try:
            load_key(folder.keys, name)
            report.count("keys")
        except LodestampError as error:
            report.find("K1", f"key {name}", error.message)
    return report
