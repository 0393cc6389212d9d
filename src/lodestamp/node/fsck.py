"""The auditor of a whole home: it runs where a `Node` refuses to open.

Each room of node that stores something has an auditor of its own; this one calls them all, and
looks at settings and keys. It opens the database as it is and migrates nothing.
"""

from __future__ import annotations

import os

from lodestamp.core.keys import SigningKey
from lodestamp.core.transparency import NoteSigner, parse_vkey
from lodestamp.errors import LodestampError
from lodestamp.node import recorder
from lodestamp.node.anchors import audit_anchors, audit_calendars, audit_witnesses
from lodestamp.node.blocks import BlocksFolder, BlockStore, audit_blocks
from lodestamp.node.clock import now_ms
from lodestamp.node.findings import AuditReport
from lodestamp.node.flows import audit_flows
from lodestamp.node.folder import HomeFolder
from lodestamp.node.keyring import AUTHOR_KEY, LOG_KEY, load_key
from lodestamp.node.progress import Progress
from lodestamp.node.publishing import audit_mirrors
from lodestamp.node.scanner import audit_ownership
from lodestamp.node.storage import Database


def audit_log(
    home: str | os.PathLike[str] | None = None, *, progress: Progress | None = None
) -> AuditReport:
    """Audit the log of a home; HomeError when there is no home at all.

    A missing or damaged database, checkpoint or log key is a finding.
    """
    report = AuditReport()
    folder = HomeFolder.locate(home)
    with folder.entering(create=False):
        key = _load(folder, LOG_KEY, report)
    try:
        database = Database.open(folder.database, create=False)
    except LodestampError as error:
        report.find("S1", "database", error.message)
        return report
    try:
        _audit(folder, database, key, report, progress)
    except LodestampError as error:
        report.find("S1", "database", error.message)
    finally:
        database.close()
    return report


def audit_content(
    home: str | os.PathLike[str] | None = None, *, progress: Progress | None = None
) -> AuditReport:
    """Audit the block store of a home; HomeError when there is no home at all."""
    report = AuditReport()
    folder = HomeFolder.locate(home)
    with folder.entering(create=False):
        pass
    _audit_content(folder, report, progress)
    return report


def _audit_content(folder: HomeFolder, report: AuditReport, progress: Progress | None) -> None:
    try:
        database = Database.open(folder.database, create=False)
    except LodestampError as error:
        report.find("S1", "database", error.message)
        return
    try:
        audit_blocks(folder.blocks, database, report, progress=progress)
    finally:
        database.close()


def _audit_flows(folder: HomeFolder, report: AuditReport) -> None:
    try:
        database = Database.open(folder.database, create=False)
    except LodestampError as error:
        report.find("S1", "database", error.message)
        return
    try:
        blocks = BlockStore(BlocksFolder(folder.blocks), database, now_ms)
        audit_flows(database, blocks.get, report)
    except LodestampError as error:
        report.find("S1", "database", error.message)
    finally:
        database.close()


def audit_scan(url: str, *, progress: Progress | None = None) -> AuditReport:
    """Audit a scanner's store; StoreError ``no-store`` where nothing was scanned."""
    report = AuditReport()
    audit_ownership(url, report, progress)
    return report


def fsck(
    home: str | os.PathLike[str] | None = None, *, progress: Progress | None = None
) -> AuditReport:
    """Audit all a home uses: log, blocks, flows, scan, settings, the author's key.

    HomeError as `audit_log`.
    """
    report = audit_log(home, progress=progress)
    folder = HomeFolder.locate(home)
    if not any(finding.where == "database" for finding in report.findings):
        _audit_content(folder, report, progress)
        _audit_flows(folder, report)
    if folder.ownership.exists():
        _audit_scan(folder, report, progress)
    _load(folder, AUTHOR_KEY, report)
    try:
        folder.configuration()
    except LodestampError as error:
        report.find("S1", "config.toml", error.message)
    return report


def _audit_scan(folder: HomeFolder, report: AuditReport, progress: Progress | None) -> None:
    try:
        audit_ownership(folder.ownership_url, report, progress)
    except LodestampError as error:
        report.find("S1", folder.ownership.name, error.message)


def _load(folder: HomeFolder, name: str, report: AuditReport) -> SigningKey | None:
    try:
        key = load_key(folder.keys, name)
    except LodestampError as error:
        report.find("K1", f"key {name}", error.message)
        return None
    report.count("keys")
    return key


def _audit(
    folder: HomeFolder,
    database: Database,
    key: SigningKey | None,
    report: AuditReport,
    progress: Progress | None,
) -> None:
    with database.reading("auditing") as connection:
        origin = recorder.read_meta(connection, "origin")
        stated = recorder.read_meta(connection, "vkey")
        second = recorder.read_meta(connection, "vkey_pq")
    if origin is None or stated is None:
        report.find("S1", "database", "it holds no log")
        return
    # the key file decides; without it what the log was made with must do
    pinned = NoteSigner(origin, key).verifier_key if key else parse_vkey(stated)
    if pinned.text() != stated:
        report.find("K1", "key log", f"the log was made with {stated}")
    audit_calendars(database, origin, report)
    audit_anchors(database, origin, report)
    recorder.audit(
        database,
        pinned,
        report,
        second=parse_vkey(second) if second else None,
        published=folder.published(),
        progress=progress,
    )
    audit_witnesses(database, report)
    audit_mirrors(database, pinned, report)
