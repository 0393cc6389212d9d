"""The auditor of ownership: derives everything again from evidence and headers (`ownership fsck`).

It shares no code with the stores beyond the names of their tables. From `own_evidence` and the
headers of `own_block` it judges every block anew, and holds all else against that: operations,
flows, their sources, balances, journals, and the hash of every height.

==== =======================================================================================
O1   a value that is damaged, or rules that nobody knows
O2   headers that do not follow each other, or are not what their hash or work says
O3   evidence that is not the transaction it is kept as, or does not lead into its block
O4   a block whose judged effect is not the one in its journal
O5   rows of operations, flows, sources or registrations that are not those of the effect
O6   balances that are not what the operations make
O7   a state hash that does not follow
==== =======================================================================================

What was left out of the evidence cannot be found here: only a scan of the chain finds that.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

from sqlalchemy import Connection, create_engine, func, make_url, select

from lodestamp.core.bitcoin import (
    BlockHeader,
    Reader,
    Transaction,
    TxInclusion,
    TxOut,
    check_inclusion,
)
from lodestamp.core.encoding import base58btc_decode, canonical_json, parse_canonical
from lodestamp.core.ownership import (
    ASSET_UNITS,
    INFLATED_MAX,
    BlockEffect,
    BlockInput,
    CarrierInput,
    DividendPayment,
    HeartInput,
    Owners,
    Registration,
    Rules,
    State,
    Tip,
    apply_block,
    attribute,
    effect_bytes,
    first_state_hash,
    heart_of,
    next_state_hash,
    read_carrier,
)
from lodestamp.errors import EncodingError, LodestampError, LogCorrupt, SourceIncomplete, StoreError
from lodestamp.node.findings import AuditReport
from lodestamp.node.progress import Progress
from lodestamp.node.scanner.stores.tables import (
    ASSET,
    BALANCE,
    BLOCK,
    EVIDENCE,
    JOURNAL,
    META,
    OP,
    PAYMENT,
    SOURCE,
    TIP,
)
from lodestamp.node.storage import sqlite_engine, store_failures

_BROKEN = (LodestampError, AttributeError, KeyError, TypeError, ValueError, zlib.error)
"""What damaged values lead to."""
_PAGE: Final = 10_000


def audit_ownership(url: str, report: AuditReport, progress: Progress | None = None) -> None:
    """Audit the store that a URL names, under one snapshot; StoreError when it cannot be read.

    `progress` counts blocks.
    """
    with _snapshot(url) as connection:
        stored = {row.key: row.value for row in connection.execute(select(META))}
        if "rules" not in stored:
            return  # nothing was ever scanned
        try:
            rules = Rules.decode(stored["rules"].encode())
        except _BROKEN as error:
            report.find("O1", "rules", str(error))
            return
        told = (stored.get("rules_id"), stored.get("network"), stored.get("start_height"))
        if told != (rules.rules_id.hex(), rules.network, str(rules.start_height)):
            report.find("O1", "rules", "they are not those that the store says it has")
        _Audit(connection, rules, report).run(progress)


@contextmanager
def _snapshot(url: str) -> Iterator[Connection]:
    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite"
    if is_file and not Path(str(parsed.database)).is_file():
        raise StoreError("there is no store of ownership there", code="no-store")
    engine = sqlite_engine(Path(str(parsed.database))) if is_file else create_engine(parsed)
    options = {} if is_file else {"isolation_level": "REPEATABLE READ"}
    try:
        with store_failures("auditing ownership"), engine.connect() as plain:
            connection = plain.execution_options(**options)
            with connection.begin():
                yield connection
    finally:
        engine.dispose()


@dataclass
class _Audit:
    """One pass over all blocks, with the state that they make."""

    connection: Connection
    rules: Rules
    report: AuditReport
    state: State = field(init=False)
    state_hash: bytes = field(init=False)

    def run(self, progress: Progress | None) -> None:
        self.state = State(self.rules.start_height - 1)
        self.state_hash = first_state_hash(self.rules)
        busy = self._busy()
        before: Any = None
        total = self.connection.scalar(select(func.count()).select_from(BLOCK)) or 0
        for done, row in enumerate(self._stored_blocks(), 1):
            self.report.count("scanned_blocks")
            if progress is not None:
                progress(done, total)
            where = f"block {row.height}"
            try:
                self._header(where, row, before)
                self._block(where, row, is_busy=row.height in busy)
            except _BROKEN as error:
                self.report.find("O1", where, f"{error}; nothing behind it was looked at")
                return
            busy.discard(row.height)
            before = row
        for height in sorted(busy):
            self.report.find("O5", f"block {height}", "there are rows of a block that is not there")
        self._balances()

    def _stored_blocks(self) -> Iterator[Any]:
        """Yield the rows of blocks in order, a page at a time: there may be a million."""
        query = select(BLOCK).order_by(BLOCK.c.height).limit(_PAGE)
        rows = self.connection.execute(query).all()
        while rows:
            yield from rows
            rows = self.connection.execute(query.where(BLOCK.c.height > rows[-1].height)).all()

    def _busy(self) -> set[int]:
        """Return the heights at which something is kept, from the first block on."""
        busy: set[int] = set()
        for table in (OP, ASSET, TIP, PAYMENT, JOURNAL, EVIDENCE):
            known = select(table.c.height).where(table.c.height >= self.rules.start_height)
            busy.update(self.connection.execute(known.distinct()).scalars())
        return busy

    def _header(self, where: str, row: Any, before: Any) -> None:
        header = BlockHeader.decode(bytes(row.header))
        work = header.work + (int(before.work) if before else int(row.work) - header.work)
        expected = before.height + 1 if before else self.rules.start_height
        if header.hash != bytes(row.hash) or row.height != expected:
            self.report.find("O2", where, "its hash or its height is not its own")
        if before and header.prev != bytes(before.hash):
            self.report.find("O2", where, "it does not follow the block before")
        if int(row.work) != work or int(row.work) < header.work:
            self.report.find("O2", where, "the work is not that of the block before and its own")

    def _block(self, where: str, row: Any, *, is_busy: bool) -> None:
        block_hash = bytes(row.hash)
        block = BlockInput(row.height, block_hash)
        if is_busy:
            block = self._evident(where, row, BlockHeader.decode(bytes(row.header)))
        effect = apply_block(self.state, block, self.rules)
        if is_busy:
            self._journal(where, effect)
            self._rows(where, effect)
        self.state_hash = next_state_hash(self.state_hash, block_hash, effect)
        if bytes(row.state_hash) != self.state_hash:
            self.report.find("O7", where, "its state hash does not follow")
            self.state_hash = bytes(row.state_hash)  # so that each break is found once

    def _evident(self, where: str, row: Any, header: BlockHeader) -> BlockInput:
        """Return what the evidence of a block makes of it."""
        hearts, carriers = [], []
        query = select(EVIDENCE).where(EVIDENCE.c.height == row.height)
        for kept in self.connection.execute(query.order_by(EVIDENCE.c.tx_index)).all():
            self.report.count("ownership_evidence")
            tx = self._transaction(where, kept, header)
            heart, place = heart_of(tx), (tx, tx.txid, kept.tx_index)
            try:
                carrier = read_carrier(tx, self._fetch)
                known = heart is not None and self.state.registrant(heart) is not None
                owners: Owners = ()
                if carrier is not None or known:
                    owners = attribute(tx, partial(_spent, kept), row.height, self.rules)
            except SourceIncomplete as error:
                self.report.count("evidence_without_parents")
                if self._is_told(tx.txid):
                    self.report.find("O3", where, str(error))
                continue
            if heart is not None and known:
                hearts.append(HeartInput(*place, heart, owners))
            if carrier is not None:
                carriers.append(CarrierInput(*place, carrier.text, owners))
        return BlockInput(row.height, bytes(row.hash), tuple(hearts), tuple(carriers))

    def _transaction(self, where: str, kept: Any, header: BlockHeader) -> Transaction:
        tx = Transaction.decode(bytes(kept.raw))
        if tx.txid != bytes(kept.txid):
            self.report.find("O3", where, "evidence is kept under another txid than its own")
        if kept.branch is not None:
            branch = bytes(kept.branch)
            siblings = tuple(branch[at : at + 32] for at in range(0, len(branch), 32))
            stripped = tx.encode(witness=False)
            try:
                check_inclusion(TxInclusion(stripped, kept.tx_index, siblings, header))
            except LodestampError as error:
                self.report.find("O3", where, f"transaction {tx.txid_display}: {error.message}")
        return tx

    def _fetch(self, txid: bytes) -> Transaction | None:
        query = select(EVIDENCE.c.raw).where(EVIDENCE.c.txid == txid)
        raw = self.connection.execute(query).scalar()
        return None if raw is None else Transaction.decode(bytes(raw))

    def _is_told(self, txid: bytes) -> bool:
        """Tell whether a row says that this transaction did something."""
        told = (select(table.c.txid).where(table.c.txid == txid) for table in (OP, TIP, PAYMENT))
        return any(self.connection.execute(query).first() is not None for query in told)

    def _journal(self, where: str, effect: BlockEffect) -> None:
        query = select(JOURNAL.c.effect).where(JOURNAL.c.height == effect.height)
        journal = self.connection.execute(query).scalar()
        if journal is None:
            if not effect.is_empty:
                self.report.find("O4", where, "it changed something, and has no journal")
            return
        fields = parse_canonical(bytes(journal))
        fields.pop("rejected")
        if canonical_json(fields) != effect_bytes(effect):
            self.report.find("O4", where, "its evidence makes another effect than its journal says")

    def _rows(self, where: str, effect: BlockEffect) -> None:
        """Hold the rows of one height against its effect."""
        self.report.count("ownership_operations", len(effect.ops))
        self.report.count("ownership_flows", len(effect.tips) + len(effect.payments))
        expected = {
            OP: sorted(map(_operation, effect.ops)),
            TIP: sorted(map(_flow, effect.tips)),
            PAYMENT: sorted(map(_flow, effect.payments)),
        }
        for table, wanted in expected.items():
            columns = [column for column in table.c if column.name != "height"]
            query = select(*columns).where(table.c.height == effect.height)
            found = sorted(tuple(row) for row in self.connection.execute(query))
            if found != wanted:
                self.report.find("O5", where, f"its rows of {table.name} are not its effect's")
        for kind, flows in (("t", effect.tips), ("p", effect.payments)):
            for flow in flows:
                self._sources(where, kind, flow)
        self._registrations(where, effect)

    def _sources(self, where: str, kind: str, flow: Tip | DividendPayment) -> None:
        query = select(SOURCE.c.owner).where(SOURCE.c.kind == kind, SOURCE.c.txid == flow.txid)
        found = tuple(self.connection.execute(query.order_by(SOURCE.c.pos)).scalars())
        if found != flow.sources:
            self.report.find("O5", where, "the sources of a flow are not those who signed it")

    def _registrations(self, where: str, effect: BlockEffect) -> None:
        query = select(ASSET).where(ASSET.c.height == effect.height).order_by(ASSET.c.tx_index)
        found = [
            (row.asset, row.registrant, row.txid, row.tx_index, _inflated(row.text_z), row.sha256)
            for row in self.connection.execute(query)
        ]
        wanted = [
            (op.sha1, op.registrant, op.txid, op.tx_index, op.text, _file_digest(op))
            for op in effect.ops
            if isinstance(op, Registration)
        ]
        if found != wanted:
            self.report.find("O5", where, "its rows of own_asset are not its registrations")

    def _balances(self) -> None:
        found = {(r.asset, r.owner): r.amount for r in self.connection.execute(select(BALANCE))}
        wanted = {
            (sha1, owner): amount
            for sha1, table in self.state.tables()
            for owner, amount in table.items()
        }
        self.report.count("ownership_balances", len(found))
        wrong = {asset for asset, owner in found.keys() ^ wanted.keys()}
        wrong |= {key[0] for key in found.keys() & wanted.keys() if found[key] != wanted[key]}
        for asset in sorted(wrong):
            self.report.find("O6", f"work {asset}", "its balances are not what its transfers make")


def _operation(op: Any) -> tuple[object, ...]:
    """Return the row of an operation but for its height."""
    if isinstance(op, Registration):
        return (op.txid, op.tx_index, "r", op.sha1, None, op.registrant, ASSET_UNITS, 0, None)
    moved = (op.asset_owner, op.bitcoin_owner, op.asset_value, op.bitcoin_value, op.ttl)
    return (op.txid, op.tx_index, "t", op.sha1, *moved)


def _flow(flow: Tip | DividendPayment) -> tuple[Any, ...]:
    """Return the row of a flow but for its height."""
    return (flow.txid, flow.tx_index, flow.sha1, flow.destination, flow.amount)


def _spent(kept: Any) -> list[TxOut]:
    """Return the outputs that kept evidence spends; SourceIncomplete where they are not kept."""
    if kept.prevouts is None:
        _without_prevouts(bytes(kept.txid))
    reader, found = Reader(bytes(kept.prevouts)), []
    while reader.left:
        found.append(TxOut(reader.i64(), reader.var_bytes()))
    return found


def _without_prevouts(txid: bytes) -> NoReturn:
    raise SourceIncomplete(txid, "the outputs it spends are not kept, and they decide")


def _inflated(text_z: bytes) -> bytes:
    stream = zlib.decompressobj(-15)
    text = stream.decompress(bytes(text_z), INFLATED_MAX)
    if not stream.eof:
        raise LogCorrupt("a stored text does not end")
    return text


def _file_digest(op: Registration) -> bytes | None:
    """Return the SHA-256 that the text names by its `ipfs`, if it names one."""
    name = op.meta.get("ipfs")
    try:
        decoded = base58btc_decode(name) if isinstance(name, str) and len(name) == 46 else b""
    except EncodingError:
        return None
    return decoded[2:] if len(decoded) == 34 and decoded[:2] == b"\x12\x20" else None
