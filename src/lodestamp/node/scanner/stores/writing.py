"""Writing one block's effect into the tables, and taking it back by the journal (R34).

The journal of a block holds what is hashed of it and, for people, what was rejected. It says all
that undoing needs; the rows say the rest.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, insert, select

from lodestamp.core.bitcoin import TxOut
from lodestamp.core.encoding import (
    JsonObject,
    base58btc_decode,
    canonical_json,
    parse_canonical,
)
from lodestamp.core.ownership import (
    ASSET_UNITS,
    BlockEffect,
    DividendPayment,
    Operation,
    Registration,
    Tip,
    effect_fields,
)
from lodestamp.errors import EncodingError, LogCorrupt
from lodestamp.node.scanner.stores import balances
from lodestamp.node.scanner.stores.rows import NOWHERE, BlockRow, Evidence
from lodestamp.node.scanner.stores.tables import (
    ASSET,
    BLOCK,
    EVIDENCE,
    JOURNAL,
    OP,
    PAYMENT,
    SOURCE,
    TIP,
)

FLOW_TABLES: Final = {"t": TIP, "p": PAYMENT}
"""The table of each kind of flow, as `own_source` names it."""
_IPFS_HEAD: Final = b"\x12\x20"


def put_blocks(connection: Connection, rows: Iterable[BlockRow]) -> None:
    """Store the headers and hashes of blocks, without what they did."""
    stored = [
        {
            "height": row.height,
            "hash": row.hash,
            "header": row.header,
            "work": str(row.work),
            "state_hash": row.state_hash,
        }
        for row in rows
    ]
    connection.execute(insert(BLOCK), stored)


def put_effect(connection: Connection, effect: BlockEffect) -> None:
    """Store what a block did; ConservationBroken where a balance does not allow it."""
    if effect.ops:
        balances.move(connection, effect.ops)
        _put_operations(connection, effect.ops)
    _put_flows(connection, "t", effect.tips)
    _put_flows(connection, "p", effect.payments)
    if not effect.is_empty or effect.rejected:
        journal = {"height": effect.height, "effect": encode_journal(effect)}
        connection.execute(insert(JOURNAL), [journal])


def take_back(connection: Connection, height: int) -> None:
    """Undo what the block at a height did, by its journal; LogCorrupt for one that does not fit."""
    found = connection.execute(select(JOURNAL.c.effect).where(JOURNAL.c.height == height)).scalar()
    if found is None:
        return
    balances.move_back(connection, _listed(bytes(found), "ops"))
    connection.execute(delete(ASSET).where(ASSET.c.height == height))
    connection.execute(delete(OP).where(OP.c.height == height))
    for kind, table in FLOW_TABLES.items():
        txids = select(table.c.txid).where(table.c.height == height)
        of_kind = SOURCE.c.kind == kind
        connection.execute(delete(SOURCE).where(of_kind, SOURCE.c.txid.in_(txids)))
        connection.execute(delete(table).where(table.c.height == height))
    connection.execute(delete(JOURNAL).where(JOURNAL.c.height == height))


def put_evidence(connection: Connection, evidence: Iterable[Evidence]) -> None:
    """Store transactions that something rests on, but those whose place is known already."""
    wanted = {each.txid: each for each in evidence}
    if not wanted:
        return
    placed = select(EVIDENCE.c.txid).where(
        EVIDENCE.c.txid.in_(wanted), EVIDENCE.c.height != NOWHERE
    )
    for txid in connection.execute(placed).scalars().all():
        del wanted[bytes(txid)]
    if wanted:
        connection.execute(delete(EVIDENCE).where(EVIDENCE.c.txid.in_(wanted)))
        connection.execute(insert(EVIDENCE), [evidence_row(each) for each in wanted.values()])


def evidence_row(evidence: Evidence) -> dict[str, Any]:
    """Return the row of a transaction something rests on."""
    branch, prevouts = evidence.branch, evidence.prevouts
    return {
        "txid": evidence.txid,
        "height": evidence.height,
        "tx_index": evidence.tx_index,
        "raw": evidence.raw,
        "branch": None if branch is None else b"".join(branch),
        "prevouts": None if prevouts is None else b"".join(map(TxOut.encode, prevouts)),
    }


def encode_journal(effect: BlockEffect) -> bytes:
    """Return the journal of a block: what is hashed of its effect, and what was rejected."""
    fields: JsonObject = effect_fields(effect)
    fields["rejected"] = [[txid[::-1].hex(), at, reason] for txid, at, reason in effect.rejected]
    return canonical_json(fields)


def rejected_of(journal: bytes) -> tuple[tuple[bytes, int, str], ...]:
    """Return what a journal says was rejected."""
    rows = _listed(journal, "rejected")
    return tuple((bytes.fromhex(txid)[::-1], at, reason) for txid, at, reason in rows)


def deflated(text: bytes) -> bytes:
    """Return a text as the tables keep it: raw DEFLATE."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(text) + stream.flush()


def _put_operations(connection: Connection, ops: Iterable[Operation]) -> None:
    assets: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for op in ops:
        row: dict[str, Any] = {
            "txid": op.txid,
            "height": op.height,
            "tx_index": op.tx_index,
            "asset": op.sha1,
        }
        if isinstance(op, Registration):
            kept = {"registrant": op.registrant, "text_z": deflated(op.text)}
            assets.append({**row, **kept, "sha256": _file_digest(op.meta.get("ipfs"))})
            moved: dict[str, Any] = {"kind": "r", "from_owner": None, "to_owner": op.registrant}
            moved |= {"value": ASSET_UNITS, "sat": 0, "ttl": None}
        else:
            moved = {"kind": "t", "from_owner": op.asset_owner, "to_owner": op.bitcoin_owner}
            moved |= {"value": op.asset_value, "sat": op.bitcoin_value, "ttl": op.ttl}
        rows.append(row | moved)
    if assets:
        connection.execute(insert(ASSET), assets)
    connection.execute(insert(OP), rows)


def _put_flows(connection: Connection, kind: str, flows: tuple[Tip | DividendPayment, ...]) -> None:
    table: Table = FLOW_TABLES[kind]
    rows = [
        {
            "txid": flow.txid,
            "height": flow.height,
            "tx_index": flow.tx_index,
            "asset": flow.sha1,
            "destination": flow.destination,
            "amount": flow.amount,
        }
        for flow in flows
    ]
    sources = [
        {"kind": kind, "txid": flow.txid, "pos": pos, "owner": owner}
        for flow in flows
        for pos, owner in enumerate(flow.sources)
    ]
    if rows:
        connection.execute(insert(table), rows)
    if sources:
        connection.execute(insert(SOURCE), sources)


def _file_digest(ipfs: object) -> bytes | None:
    """Return the SHA-256 that a registration's `ipfs` names; None if it names none (§3.2)."""
    if not isinstance(ipfs, str) or len(ipfs) != 46:
        return None
    try:
        decoded = base58btc_decode(ipfs)
    except EncodingError:
        return None
    is_sha256 = len(decoded) == 34 and decoded.startswith(_IPFS_HEAD)
    return decoded[2:] if is_sha256 else None


def _listed(journal: bytes, name: str) -> list[Any]:
    """Return one of the lists of a journal; LogCorrupt for one that is damaged."""
    try:
        found = parse_canonical(journal).get(name)
    except EncodingError as error:
        raise LogCorrupt(f"a stored journal is damaged: {error.message}") from error
    if not isinstance(found, list):
        raise LogCorrupt(f"a stored journal is damaged: it has no {name}")
    return found
