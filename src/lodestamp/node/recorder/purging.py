"""Erasing bodies: the bytes go, leaves, ids and edges stay (operations spec S3, S28, S33).

The rows are overwritten by a database set to zero what it frees, then the write-ahead log, which
keeps older pages, is folded in and cut to nothing. Copies elsewhere, such as backups, snapshots of
the file system, or the cells of a flash disk, are out of reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import BindParameter, bindparam, delete, insert, select, update

from lodestamp.core.encoding import digest_of_address
from lodestamp.errors import RecordError, UnknownOperation
from lodestamp.node.recorder import tables
from lodestamp.node.storage import Database

PURGEABLE: Final = frozenset({"attestation", "claim", "evidence"})
"""Types whose body may go: nothing that decides authority, and no refutation."""


def purge(
    database: Database,
    op_ids: Sequence[str],
    now_ms: int,
    found: Mapping[int, tuple[int, int]],
) -> int:
    """Erase the bodies of these operations, all or none; return how many there were to erase.

    `found` is what the graph found in them (`ProvenanceGraph.found_in`): it is kept in their place,
    or the state of this log would differ from that of a peer that erased nothing (S33, S35).

    Salts of attestations and keys of sealed contents go with them. UnknownOperation for an id the
    log does not hold, RecordError ``not-purgeable`` for one of another type than evidence, claim
    and attestation. StoreError ``log-busy`` when a reader keeps the write-ahead log from being cut:
    the bodies are gone from the database then, and purging again finishes the work.
    """
    with database.writing("erasing bodies") as connection:
        column, erased = tables.operation.c, []
        for op_id in op_ids:
            query = select(column.seq, column.type, column.raw.is_(None).label("gone"))
            row = connection.execute(
                query.where(column.op_id == digest_of_address(op_id))
            ).one_or_none()
            if row is None:
                raise UnknownOperation(f"this log does not hold {op_id}")
            if row.type not in PURGEABLE:
                message = f"{op_id} is of type {row.type}, whose body others stand on"
                raise RecordError(message, code="not-purgeable")
            if not row.gone:
                erased.append({"leaf": row.seq})
        if erased:
            leaf: BindParameter[int] = bindparam("leaf")
            connection.execute(
                update(tables.operation).where(column.seq == leaf).values(raw=None), erased
            )
            salt = update(tables.attestation).where(tables.attestation.c.seq == leaf)
            connection.execute(salt.values(master_salt=None), erased)
            key = update(tables.content_key).where(tables.content_key.c.seq == leaf)
            connection.execute(key.values(key=None, erased_at=now_ms), erased)
            connection.execute(
                insert(tables.purge),
                [{"seq": each["leaf"], "purged_at": now_ms} for each in erased],
            )
            column_of = tables.verdict.c
            for leaf_index, (fault, attested) in found.items():
                known = select(column_of.seq).where(column_of.seq == leaf_index)
                if connection.execute(known).scalar() is None:
                    connection.execute(
                        insert(tables.verdict).values(
                            seq=leaf_index, fault=fault, attested=attested
                        )
                    )
            # the graph's cache keeps what was found in these bodies
            connection.execute(delete(tables.graph_snapshot))
    database.cut_write_ahead_log()
    return len(erased)
