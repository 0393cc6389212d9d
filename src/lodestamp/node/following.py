"""Auditing a log from outside: what a monitor keeps between two looks, and what it reports (§11).

``audits/`` in the home holds, by the SHA-256 of an origin in hex, ``<hex>.json``, the trail of that
log, and ``<hex>.<size>.<16 hex digits>.note`` for every checkpoint that did not follow from it. No
log of one's own is needed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

from lodestamp.core.transparency import (
    ED25519_NOTE,
    MLDSA44_COSIGNATURE,
    Checkpoint,
    VerifierKey,
    open_note,
    parse_checkpoint,
    parse_vkey,
)
from lodestamp.errors import BadNote, HomeError, LodestampError, RemoteError, UsageError
from lodestamp.node.anchors import (
    TRAIL_SIZE_MAX,
    Followed,
    Monitor,
    RemoteLog,
    Trail,
    origin_of,
    seen_by,
)
from lodestamp.node.findings import AuditReport
from lodestamp.node.folder import HomeFolder
from lodestamp.node.progress import Progress
from lodestamp.node.whole import read_bounded, write_whole

_CODES: Final = MappingProxyType({"forked": "A7", "rolled-back": "A18", "broken": "A5"})


def audit_remote(
    home: str | os.PathLike[str] | None,
    url: str,
    *,
    vkey: str | None = None,
    start: int | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit the log at `url`: it must extend what was seen of it last, and hash to its root.

    `vkey` is needed the first time; `start` reads entries from there, not from the size audited
    last. The witnesses of ``config.toml`` are asked what they have seen of it. Findings: A5 tiles
    or entries that do not lead to the root, A7 a bad signature or a fork, A18 an older tree than
    this audit or a witness has seen.

    UsageError without a key, RemoteError when the log is away, HomeError when the folder cannot be
    written.
    """
    folder = HomeFolder.locate(home)
    report = AuditReport()
    with RemoteLog(url) as log:
        note = log.checkpoint()
        try:
            digest = sha256(origin_of(note).encode()).hexdigest()
        except BadNote as error:
            report.find("A7", f"{log.url}/checkpoint", error.message)
            return report
        path = folder.path / "audits" / f"{digest}.json"
        trail = _read_trail(path)
        vkeys = _trusted(trail, vkey)
        monitor = Monitor(log, vkeys, trail.checkpoint if trail else None)
        try:
            followed = monitor.follow(start, progress=progress)
        except BadNote as error:
            report.find("A7", f"{log.url}/checkpoint", error.message)
            return report
        _report(followed, path, log.url, report)
        if followed.outcome == "grown":
            _ask_witnesses(folder, monitor, followed.checkpoint, vkeys, report)
        if report.clean:
            _write(path, Trail(vkeys, followed.note).encode())
    return report


def _trusted(trail: Trail | None, vkey: str | None) -> tuple[VerifierKey, ...]:
    if vkey is None:
        if trail is None:
            hint = "--vkey VKEY names the key the log signs with; it is remembered"
            raise UsageError("this log was never audited from here", code="no-vkey", hint=hint)
        return trail.vkeys
    given = parse_vkey(vkey)
    if given.key_type not in (ED25519_NOTE, MLDSA44_COSIGNATURE):
        raise UsageError(f"no log signs with a key of type {given.key_type:02x}")
    if trail is not None and given not in trail.vkeys:
        hint = "delete its file under audits/ in your home if the log changed its key"
        raise UsageError("this log was audited under another key", code="other-vkey", hint=hint)
    return (given,) if trail is None else trail.vkeys


def _report(followed: Followed, path: Path, url: str, report: AuditReport) -> None:
    report.count("size", followed.checkpoint.size)
    report.count("entries", followed.entries)
    report.count("checkpoints")
    if followed.outcome == "grown":
        return
    digest = sha256(followed.note).hexdigest()[:16]
    evidence = path.with_name(f"{path.stem}.{followed.checkpoint.size}.{digest}.note")
    _write(evidence, followed.note)
    where = f"{url} {followed.checkpoint.size}"
    detail = f"{followed.outcome}: {followed.detail}; evidence: {evidence} against {path}"
    report.find(_CODES[followed.outcome], where, detail)


def _ask_witnesses(
    folder: HomeFolder,
    monitor: Monitor,
    newest: Checkpoint,
    vkeys: Sequence[VerifierKey],
    report: AuditReport,
) -> None:
    """A18: no witness has seen a tree of this log that the log does not show us."""
    for url, keys in _witnesses(folder).items():
        try:
            note = seen_by(url, newest.origin)
            if note is None:
                continue
            seen = _signed_by_both(note, vkeys, keys)
        except RemoteError:
            report.count("witnesses_away")
            continue
        except BadNote as error:
            report.find("A9", url, error.message)
            continue
        report.count("witnesses")
        if seen.size > newest.size:
            detail = f"it has cosigned size {seen.size}, the log shows {newest.size}"
            report.find("A18", url, detail)
        elif not monitor.holds(seen, newest):
            report.find("A7", url, f"forked: it has cosigned another tree of size {seen.size}")


def _signed_by_both(
    note: bytes, log: Sequence[VerifierKey], witness: Sequence[VerifierKey]
) -> Checkpoint:
    open_note(note, witness)
    return parse_checkpoint(open_note(note, log).text)


def _witnesses(folder: HomeFolder) -> Mapping[str, tuple[VerifierKey, ...]]:
    return folder.configuration().witnesses if folder.exists else {}


def _read_trail(path: Path) -> Trail | None:
    try:
        data = read_bounded(path, TRAIL_SIZE_MAX)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HomeError(f"{path}: {error.strerror}", code="no-rights") from error
    try:
        return Trail.parse(data or b"")
    except LodestampError as error:
        raise UsageError(f"{path}: {error.message}", code=error.code, hint=error.hint) from None


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        raise HomeError(f"{path}: {error.strerror}", code="no-rights") from error
