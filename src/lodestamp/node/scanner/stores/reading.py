"""Reading values back from the tables. Times and sums are whole numbers on every database."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, func, select, union_all

from lodestamp.core.bitcoin import Reader, TxOut
from lodestamp.core.ownership import (
    INFLATED_MAX,
    BlockEffect,
    DividendPayment,
    Operation,
    Owner,
    Registration,
    Rules,
    State,
    Tip,
    Transfer,
    parse_operation,
)
from lodestamp.errors import LogCorrupt, MalformedBitcoin, OperationMalformed
from lodestamp.node.scanner.stores.rows import BlockRow, Evidence
from lodestamp.node.scanner.stores.tables import (
    ASSET,
    BALANCE,
    BLOCK,
    EVIDENCE,
    JOURNAL,
    OP,
    PAYMENT,
    SOURCE,
    TIP,
)
from lodestamp.node.scanner.stores.writing import FLOW_TABLES, rejected_of

_OWN_KEYS = frozenset({"op", "sha1", "addr"})
_Flow = TypeVar("_Flow", Tip, DividendPayment)


def read_block(connection: Connection, place: ColumnElement[bool] | None = None) -> BlockRow | None:
    """Return the block at a place, or the last one."""
    query = select(BLOCK).order_by(BLOCK.c.height.desc()).limit(1)
    row = connection.execute(query if place is None else query.where(place)).first()
    if row is None:
        return None
    return BlockRow(
        row.height, bytes(row.hash), bytes(row.header), int(row.work), bytes(row.state_hash)
    )


def read_transfers(connection: Connection, *where: ColumnElement[bool]) -> list[Transfer]:
    """Return transfers in order."""
    query = (
        select(OP, BLOCK.c.hash)
        .join(BLOCK, BLOCK.c.height == OP.c.height)
        .where(OP.c.kind == "t", *where)
        .order_by(OP.c.height, OP.c.tx_index)
    )
    return [_transfer(row) for row in connection.execute(query)]


def read_registrations(connection: Connection, *where: ColumnElement[bool]) -> list[Registration]:
    """Return registrations in order."""
    query = (
        select(ASSET, BLOCK.c.hash)
        .join(BLOCK, BLOCK.c.height == ASSET.c.height)
        .where(*where)
        .order_by(ASSET.c.height, ASSET.c.tx_index)
    )
    return [_registration(row) for row in connection.execute(query)]


def read_flows(
    connection: Connection,
    made: type[_Flow],
    *,
    height: int | None = None,
    asset: str | None = None,
    destination: Owner | None = None,
    source: Owner | None = None,
) -> list[_Flow]:
    """Return tips or payments in order; what is None does not restrict."""
    kind = "t" if made is Tip else "p"
    table = FLOW_TABLES[kind]
    query: Select[Any] = select(table, BLOCK.c.hash).join(BLOCK, BLOCK.c.height == table.c.height)
    wanted = {"height": height, "asset": asset, "destination": destination}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(table.c[name] == value)
    if source is not None:
        paid = select(SOURCE.c.txid).where(SOURCE.c.kind == kind, SOURCE.c.owner == source)
        query = query.where(table.c.txid.in_(paid))
    rows = connection.execute(query.order_by(table.c.height, table.c.tx_index)).all()
    chosen = query.with_only_columns(table.c.txid).subquery()
    sources = _sources(connection, kind, chosen.c.txid) if rows else {}
    return [
        made(
            bytes(row.txid), row.height, row.tx_index, bytes(row.hash), row.asset, row.amount,
            Owner(bytes(row.destination)), sources.get(bytes(row.txid), ()),
        )
        for row in rows
    ]  # fmt: skip


def read_effect(connection: Connection, row: BlockRow) -> BlockEffect:
    """Return what a block did, from its rows and its journal."""
    at = JOURNAL.c.height == row.height
    journal = connection.execute(select(JOURNAL.c.effect).where(at)).scalar()
    if journal is None:
        return BlockEffect(row.height, row.hash)
    ops: list[Operation] = [*read_registrations(connection, ASSET.c.height == row.height)]
    ops += read_transfers(connection, OP.c.height == row.height)
    ops.sort(key=lambda op: op.tx_index)
    tips = read_flows(connection, Tip, height=row.height)
    payments = read_flows(connection, DividendPayment, height=row.height)
    rejected = rejected_of(bytes(journal))
    return BlockEffect(row.height, row.hash, tuple(tips), tuple(payments), tuple(ops), rejected)


def read_balances(
    connection: Connection, *, at: int | None, asset: str | None = None, owner: Owner | None = None
) -> list[tuple[str, Owner, int]]:
    """Return balances after a block, or after the last one; by work and owner (R38)."""
    found = BALANCE if at is None else _history(at, asset, owner)
    columns = found.c
    query = select(columns.asset, columns.owner, columns.amount)
    if asset is not None:
        query = query.where(columns.asset == asset)
    if owner is not None:
        query = query.where(columns.owner == owner)
    rows = connection.execute(query)
    return sorted((row.asset, Owner(bytes(row.owner)), int(row.amount)) for row in rows)


def read_evidence(connection: Connection, txid: bytes) -> Evidence | None:
    """Return the bytes of a transaction something rests on."""
    row = connection.execute(select(EVIDENCE).where(EVIDENCE.c.txid == txid)).first()
    if row is None:
        return None
    branch = None if row.branch is None else tuple(_cut(bytes(row.branch)))
    prevouts = None if row.prevouts is None else tuple(_outputs(bytes(row.prevouts)))
    return Evidence(txid, row.height, row.tx_index, bytes(row.raw), branch, prevouts)


def read_state(connection: Connection, rules: Rules) -> State:
    """Return all tables after the tip; ConservationBroken when they are damaged."""
    tip = read_block(connection)
    registrants = connection.execute(select(ASSET.c.asset, ASSET.c.registrant))
    known = [connection.execute(select(table.c.txid)).scalars() for table in (OP, TIP, PAYMENT)]
    operations, tips, payments = ([bytes(txid) for txid in found] for found in known)
    return State.of(
        rules.start_height - 1 if tip is None else tip.height,
        registrants=[(row.asset, Owner(bytes(row.registrant))) for row in registrants],
        balances=read_balances(connection, at=None),
        operations=operations,
        tips=tips,
        payments=payments,
    )


def _history(at: int, asset: str | None, owner: Owner | None) -> Any:
    """Return the balances after a height: those of now, less what moved since.

    So a question about a block near the tip costs what its holders do, not what ever moved.
    """
    later = [OP.c.height > at]
    held = select(BALANCE.c.asset, BALANCE.c.owner, BALANCE.c.amount.label("value"))
    if asset is not None:
        later.append(OP.c.asset == asset)
        held = held.where(BALANCE.c.asset == asset)
    gained = select(OP.c.asset, OP.c.to_owner.label("owner"), (-OP.c.value).label("value"))
    lost = select(OP.c.asset, OP.c.from_owner.label("owner"), OP.c.value)
    gained, lost = gained.where(*later), lost.where(OP.c.kind == "t", *later)
    if owner is not None:
        held = held.where(BALANCE.c.owner == owner)
        gained, lost = gained.where(OP.c.to_owner == owner), lost.where(OP.c.from_owner == owner)
    moved = union_all(held, gained, lost).subquery()
    total = func.sum(moved.c.value)
    summed = select(moved.c.asset, moved.c.owner, total.label("amount"))
    return summed.group_by(moved.c.asset, moved.c.owner).having(total > 0).subquery()


def _transfer(row: Any) -> Transfer:
    return Transfer(
        bytes(row.txid), row.height, row.tx_index, bytes(row.hash), row.asset,
        Owner(bytes(row.from_owner)), Owner(bytes(row.to_owner)), row.value, row.sat, row.ttl,
    )  # fmt: skip


def _registration(row: Any) -> Registration:
    text = _inflated(bytes(row.text_z))
    try:
        keys = parse_operation(text)
    except OperationMalformed as error:
        raise LogCorrupt(f"a stored text is damaged: {error.message}") from error
    meta = {key: value for key, value in keys.items() if key not in _OWN_KEYS}
    return Registration(
        bytes(row.txid), row.height, row.tx_index, bytes(row.hash), row.asset,
        Owner(bytes(row.registrant)), text, meta,
    )  # fmt: skip


def _inflated(text_z: bytes) -> bytes:
    stream = zlib.decompressobj(-15)
    try:
        text = stream.decompress(text_z, INFLATED_MAX)
    except zlib.error as error:
        raise LogCorrupt(f"a stored text is damaged: {error}") from None
    if not stream.eof:
        raise LogCorrupt("a stored text is damaged: it does not end")
    return text


def _sources(connection: Connection, kind: str, txids: Any) -> dict[bytes, tuple[Owner, ...]]:
    query = select(SOURCE).where(SOURCE.c.kind == kind, SOURCE.c.txid.in_(select(txids)))
    found: dict[bytes, tuple[Owner, ...]] = {}
    for row in connection.execute(query.order_by(SOURCE.c.txid, SOURCE.c.pos)):
        txid = bytes(row.txid)
        found[txid] = (*found.get(txid, ()), Owner(bytes(row.owner)))
    return found


def _cut(branch: bytes) -> Iterator[bytes]:
    for at in range(0, len(branch), 32):
        yield branch[at : at + 32]


def _outputs(encoded: bytes) -> Iterator[TxOut]:
    reader = Reader(encoded)
    try:
        while reader.left:
            yield TxOut(reader.i64(), reader.var_bytes())
    except MalformedBitcoin as error:
        raise LogCorrupt(f"stored outputs are damaged: {error}") from None
