"""The auditor of Bitcoin anchors: A12, and what A11 says of our own digests, apart from the writer.

It reads tables and recomputes; of this room it shares nothing but the tables.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, select

from lodestamp.core.bitcoin import (
    MAIN,
    NETWORKS,
    BlockHeader,
    Transaction,
    meets_target,
    sha256d,
    target_of,
)
from lodestamp.core.timestamps import (
    SHA256,
    BitcoinHeader,
    Op,
    anchor_digest,
    encode_path,
    parse_timestamp,
)
from lodestamp.errors import InputError
from lodestamp.node.anchors.tables import (
    commitments,
    cycles,
    headers,
    side_headers,
    transactions,
)
from lodestamp.node.findings import AuditReport
from lodestamp.node.storage import METADATA, Database

_STATES: Final = frozenset({"open", "sent", "mined", "final", "lost"})
_IN_BLOCK: Final = frozenset({"mined", "final", "lost"})
_PATH_TAGS: Final = frozenset({SHA256.tag, Op.append(b"\0").tag, Op.prepend(b"\0").tag})
_DIGEST_SIZE: Final = 32
_ROOT: Final = slice(36, 68)


def audit_anchors(database: Database, origin: str, report: AuditReport) -> None:
    """Report headers, anchors and own digests that do not fit, of the log called `origin`."""
    with database.reading("auditing anchors") as connection:
        _audit_headers(connection, report)
        known = {row.txid: row for row in connection.execute(select(transactions))}
        for row in known.values():
            _audit_transaction(row, report)
        for cycle in connection.execute(select(cycles).order_by(cycles.c.id)):
            report.count("anchors")
            _audit_cycle(connection, cycle, known, report)
        _audit_digests(connection, origin, report)


def _audit_headers(connection: Connection, report: AuditReport) -> None:
    """Each header is the one its row says, has its work, and follows the one before."""
    before: Any = None
    net = MAIN
    for row in connection.execute(select(headers).order_by(headers.c.height)):
        header, block_hash, where = BlockHeader.decode(row.raw), sha256d(row.raw), row.height
        report.count("headers")
        work = header.work
        if before is None:
            net = next((n for n in NETWORKS.values() if n.genesis == header), MAIN)
            fits = row.height == 0 and header == net.genesis
        else:
            fits = row.height == before.height + 1 and header.prev == before.hash
            work += int.from_bytes(before.chainwork, "big")
        is_easy = (target_of(header.bits) or 0) > (target_of(net.pow_limit_bits) or 0)
        if not fits or row.hash != block_hash:
            report.find("A12", f"header {where}", "it does not follow the header before it")
        elif is_easy or not meets_target(block_hash, header.bits):
            report.find("A12", f"header {where}", "it lacks the work it claims")
        elif int.from_bytes(row.chainwork, "big") != work:
            report.find("A12", f"header {where}", "the work of its chain is another")
        before = row


def _audit_transaction(row: Any, report: AuditReport) -> None:
    where = f"anchoring transaction {row.txid[::-1].hex()}"
    report.count("anchoring_transactions")
    try:
        tx = Transaction.decode(row.raw)
    except InputError as error:
        report.find("A12", where, error.message)
        return
    if tx.txid != row.txid:
        report.find("A12", where, "its bytes have another id")


def _audit_cycle(
    connection: Connection, cycle: Any, known: dict[bytes, Any], report: AuditReport
) -> None:
    where = f"cycle {cycle.id}"
    if cycle.state not in _STATES:
        report.find("A12", where, f"there is no state {cycle.state!r}")
        return
    if cycle.state not in _IN_BLOCK:
        if cycle.height is not None or cycle.ops is not None:
            report.find("A12", where, f"it is {cycle.state}, and in a block all the same")
        return
    version = known.get(cycle.txid)
    if version is None or (version.cycle != cycle.id and cycle.state != "lost"):
        report.find("A12", where, "no transaction of its own carries it")
        return
    if version.count != cycle.count or (cycle.count and version.tip != cycle.tip):
        report.find("A12", where, "its transaction carries another tip")
        return
    header = _header_of(connection, cycle, report)
    if header is not None and cycle.count:
        _audit_ops(cycle, header, report)


def _header_of(connection: Connection, cycle: Any, report: AuditReport) -> bytes | None:
    """Return the header a cycle is in; a final one's is in the best chain, else it is a finding."""
    best = select(headers.c.raw).where(
        headers.c.height == cycle.height, headers.c.hash == cycle.block_hash
    )
    found: bytes | None = connection.execute(best).scalar()
    if found is not None or cycle.state == "final":
        if found is None:
            detail = "its block is not in the best chain; `lodestamp anchor now` makes it again"
            report.find("A12", f"cycle {cycle.id}", detail)
        return found
    side = select(side_headers.c.raw).where(side_headers.c.hash == cycle.block_hash)
    return connection.execute(side).scalar()


def _audit_ops(cycle: Any, header: bytes, report: AuditReport) -> None:
    """Run the operations from the tip: through the transaction, to the root in the header."""
    where = f"cycle {cycle.id}"
    source = (cycle.ops or b"") + encode_path((), BitcoinHeader(cycle.height))
    try:
        timestamp = parse_timestamp(source, cycle.tip, strict=True, allowed=_PATH_TAGS)
    except InputError as error:
        report.find("A12", where, error.message)
        return
    met = set()
    while timestamp.edges:
        ((_, timestamp),) = timestamp.edges
        met.add(timestamp.msg)
    if cycle.txid not in met:
        report.find("A12", where, "its operations do not pass through its transaction")
    if timestamp.msg != header[_ROOT]:
        report.find("A12", where, "its operations do not lead to the root in its header")


def _audit_digests(connection: Connection, origin: str, report: AuditReport) -> None:
    """A11: a digest of our own that waits or is anchored is that of a checkpoint of this log.

    One that came with the journal of another home is of that home's log.
    """
    query = select(commitments.c.id, commitments.c.commitment)
    rows = connection.execute(query.where(commitments.c.imported.is_(False)))
    own = {row.commitment: row.id for row in rows if len(row.commitment) == _DIGEST_SIZE}
    if not own:
        return
    columns = METADATA.tables["log_checkpoint"].c
    for size, root in connection.execute(select(columns.size, columns.root)):
        own.pop(anchor_digest(origin, size, root), None)
    for number in own.values():
        report.find("A11", f"commitment {number}", "it is of no checkpoint of this log")
