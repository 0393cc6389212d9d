"""A store in a database of its own: SQLite by default, PostgreSQL where several read (§6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, make_url, select
from sqlalchemy.exc import ArgumentError

from lodestamp.core.ownership import (
    BlockEffect,
    DividendPayment,
    Operation,
    Owner,
    Registration,
    Rules,
    State,
    Tip,
    Transfer,
)
from lodestamp.errors import StoreError, StoreOrderError, UsageError
from lodestamp.node.clock import now_ms
from lodestamp.node.scanner.stores import meta, order, reading, writing
from lodestamp.node.scanner.stores.access import Access
from lodestamp.node.scanner.stores.rows import Appended, BlockRow, Counts, Evidence, Reorg
from lodestamp.node.scanner.stores.tables import (
    ASSET,
    BLOCK,
    EVIDENCE,
    META,
    OP,
    PAYMENT,
    REORG,
    SCHEMA,
    TABLES,
    TIP,
)


class SqlStore:
    """An `OperationsStore` in SQLite or PostgreSQL."""

    def __init__(self, url: str, *, create: bool = True, clock: Callable[[], int] = now_ms) -> None:
        """Open ``sqlite:///PATH`` or ``postgresql+psycopg://…``; `clock` counts milliseconds.

        UsageError for another URL. StoreError ``no-store`` without `create` where there is none,
        ``schema-unknown`` for one that another version made, and when it cannot be opened.
        """
        self._access = _open(url, create=create, clock=clock)
        self._pinned: Rules | None = None
        try:
            self._prepare(create=create)
        except BaseException:
            self._access.close()
            raise

    # The original store's contract.

    def push_op(self, op: Operation) -> bool:
        """Add an operation to the tip block; see `OperationsStore`."""
        with self._access.writing("adding an operation") as connection:
            row = order.check_pushed(reading.read_block(connection), op.height, op.block_hash)
            if _has(connection, OP, op.txid):
                return True
            after = order.with_op(reading.read_effect(connection, row), op)
            _replace(connection, row, after)
        return False

    def push_tip(self, tip: Tip) -> bool:
        """Add a tip to the tip block; see `OperationsStore`."""
        with self._access.writing("adding a tip") as connection:
            row = order.check_pushed(reading.read_block(connection), tip.height, tip.block_hash)
            if _has(connection, TIP, tip.txid):
                return True
            after = order.with_tip(reading.read_effect(connection, row), tip)
            _replace(connection, row, after)
        return False

    def push_dividend_payment(self, payment: DividendPayment) -> bool:
        """Add a payment to the tip block; see `OperationsStore`."""
        with self._access.writing("adding a payment") as connection:
            tip = reading.read_block(connection)
            row = order.check_pushed(tip, payment.height, payment.block_hash)
            if _has(connection, PAYMENT, payment.txid):
                return True
            after = order.with_payment(reading.read_effect(connection, row), payment)
            _replace(connection, row, after)
        return False

    def find_tips(
        self,
        sha1: str | None = None,
        destination_address: Owner | None = None,
        source_address: Owner | None = None,
    ) -> list[Tip]:
        """Return tips in order; see `OperationsStore`."""
        with self._access.reading("finding tips") as connection:
            return reading.read_flows(
                connection,
                Tip,
                asset=sha1,
                destination=destination_address,
                source=source_address,
            )

    def find_dividend_payments(
        self,
        sha1: str | None = None,
        destination_address: Owner | None = None,
        source_address: Owner | None = None,
    ) -> list[DividendPayment]:
        """Return payments in order; see `OperationsStore`."""
        with self._access.reading("finding payments") as connection:
            return reading.read_flows(
                connection,
                DividendPayment,
                asset=sha1,
                destination=destination_address,
                source=source_address,
            )

    def find_transfers(
        self, sha1: str | None = None, asset_address: Owner | None = None
    ) -> list[Transfer]:
        """Return transfers in order; see `OperationsStore`."""
        where = [] if sha1 is None else [OP.c.asset == sha1]
        if asset_address is not None:
            where.append(OP.c.from_owner == asset_address)
        with self._access.reading("finding transfers") as connection:
            return reading.read_transfers(connection, *where)

    def find_registration(self, sha1: str) -> Registration | None:
        """Return who registered a work first; None where nobody did."""
        with self._access.reading("finding a registration") as connection:
            found = reading.read_registrations(connection, ASSET.c.asset == sha1)
        return found[0] if found else None

    def latest(self) -> Operation | None:
        """Return the newest operation; None where there is none."""
        with self._access.reading("finding the newest operation") as connection:
            height = connection.execute(select(func.max(OP.c.height))).scalar()
            row = height is not None and reading.read_block(connection, BLOCK.c.height == height)
            return reading.read_effect(connection, row).ops[-1] if row else None

    def invalidate_block(self, block_id: bytes) -> bool:
        """Undo the tip block; see `OperationsStore`."""
        with self._access.writing("undoing a block") as connection:
            row = reading.read_block(connection, BLOCK.c.hash == block_id)
            if row is None:
                return False
            tip = reading.read_block(connection)
            if tip is None or row.height != tip.height:
                raise StoreOrderError(f"block {row.height:,} is not the tip")
            writing.take_back(connection, row.height)
            connection.execute(delete(EVIDENCE).where(EVIDENCE.c.height >= row.height))
            connection.execute(delete(BLOCK).where(BLOCK.c.height == row.height))
        return True

    # A chain's life.

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all that is written inside, or on an exception nothing."""
        try:
            with self._access.writing("storing blocks"):
                yield
        except BaseException:
            self._pinned = None  # they may have been pinned by what is dropped here
            raise

    def append_block(
        self, row: BlockRow, effect: BlockEffect, evidence: tuple[Evidence, ...] = ()
    ) -> None:
        """Store the next block with its effect; see `OperationsStore`."""
        self.append_blocks([(row, effect, evidence)])

    def append_blocks(self, blocks: Sequence[Appended]) -> None:
        """Store the next blocks with their effects; see `OperationsStore`."""
        with self._access.writing("storing blocks") as connection:
            rules, tip = order.pinned(self._rules(connection)), reading.read_block(connection)
            for row, effect, _ in blocks:
                order.check_next(tip, rules, row, effect)
                tip = row
            writing.put_blocks(connection, [row for row, _, _ in blocks])
            for _, effect, evidence in blocks:
                writing.put_effect(connection, effect)
                writing.put_evidence(connection, evidence)

    def tip(self) -> BlockRow | None:
        """Return the last block; None where none was scanned."""
        with self._access.reading("reading the tip") as connection:
            return reading.read_block(connection)

    def block(self, height: int) -> BlockRow | None:
        """Return the block at a height; None where none is stored."""
        with self._access.reading("reading a block") as connection:
            return reading.read_block(connection, BLOCK.c.height == height)

    def block_named(self, block_id: bytes) -> BlockRow | None:
        """Return the block of a hash; None where none is stored."""
        with self._access.reading("reading a block") as connection:
            return reading.read_block(connection, BLOCK.c.hash == block_id)

    def effect(self, height: int) -> BlockEffect:
        """Return what the block at a height did; HeightUnknown where none is stored."""
        with self._access.reading("reading an effect") as connection:
            row = reading.read_block(connection, BLOCK.c.height == height)
            if row is None:
                tip, rules = reading.read_block(connection), self._rules(connection)
                raise order.unknown(tip, rules, height)
            return reading.read_effect(connection, row)

    def balance(self, asset: str, owner: Owner, at: int | None = None) -> int:
        """Return an owner's units of a work after a block; see `OperationsStore`."""
        with self._at("reading a balance", at) as connection:
            rows = reading.read_balances(connection, at=at, asset=asset, owner=owner)
        return rows[0][2] if rows else 0

    def holders(self, asset: str, at: int | None = None) -> dict[Owner, int]:
        """Return a work's table after a block; see `OperationsStore`."""
        with self._at("reading a table", at) as connection:
            rows = reading.read_balances(connection, at=at, asset=asset)
        return {owner: amount for _, owner, amount in rows}

    def held_by(self, owner: Owner, at: int | None = None) -> dict[str, int]:
        """Return an owner's units of every work he holds; see `OperationsStore`."""
        with self._at("reading an owner's works", at) as connection:
            rows = reading.read_balances(connection, at=at, owner=owner)
        return {asset: amount for asset, _, amount in rows}

    def transfers_after(self, asset: str, height: int) -> list[Transfer]:
        """Return the transfers of a work above a height."""
        with self._access.reading("finding transfers") as connection:
            return reading.read_transfers(connection, OP.c.asset == asset, OP.c.height > height)

    def evidence(self, txid: bytes) -> Evidence | None:
        """Return the bytes of a transaction something rests on; None where none are kept."""
        with self._access.reading("reading evidence") as connection:
            return reading.read_evidence(connection, txid)

    def complete_evidence(self, evidence: Evidence) -> None:
        """Replace what is kept of a transaction, or add it."""
        with self._access.writing("completing evidence") as connection:
            connection.execute(delete(EVIDENCE).where(EVIDENCE.c.txid == evidence.txid))
            writing.put_evidence(connection, [evidence])

    def works(self) -> list[str]:
        """Return every registered work, in the order of registration."""
        query = select(ASSET.c.asset).order_by(ASSET.c.height, ASSET.c.tx_index)
        with self._access.reading("listing works") as connection:
            return list(connection.execute(query).scalars())

    def counts(self) -> Counts:
        """Return how much is stored."""
        with self._access.reading("counting") as connection:
            tables = (ASSET, OP, TIP, PAYMENT)
            counted = [connection.scalar(select(func.count()).select_from(t)) for t in tables]
        assets, ops, tips, payments = (number or 0 for number in counted)
        return Counts(assets, ops, tips, payments)

    def load_state(self) -> State:
        """Return all tables after the tip; see `OperationsStore`."""
        with self._access.reading("loading the state") as connection:
            return reading.read_state(connection, order.pinned(self._rules(connection)))

    # Rules, the one writer, and what went wrong.

    def pin(self, rules: Rules) -> None:
        """Fix the rules of a new store; RulesMismatch when it has others."""
        stored = self.rules()
        if stored is None:
            with self._access.writing("pinning the rules") as connection:
                stored = self._rules(connection)
                if stored is None:
                    meta.put_rules(connection, rules)
                    return
        order.check_rules(stored, rules)

    def rules(self) -> Rules | None:
        """Return the rules of this store; None for a new one."""
        with self._access.reading("reading the rules") as connection:
            return self._rules(connection)

    def writing(self) -> AbstractContextManager[None]:
        """Be the one scanner of this store inside; see `OperationsStore`."""
        return self._access.held()

    def renew(self) -> None:
        """Go on being the scanner; ScannerBusy when another took over."""
        self._access.renew()

    def halt(self, reason: str | None) -> None:
        """Store why scanning stopped for good, or with None that it goes on."""
        with self._access.writing("halting") as connection:
            meta.put(connection, {"halted": reason})

    def halted(self) -> str | None:
        """Return why scanning stopped for good; None when it did not."""
        with self._access.reading("reading why it halted") as connection:
            return meta.get(connection, "halted")

    def add_reorg(self, reorg: Reorg) -> None:
        """Note that the chain changed."""
        row = {
            "fork_height": reorg.fork_height,
            "depth": reorg.depth,
            "old_tip": reorg.old_tip,
            "new_tip": reorg.new_tip,
            "seen_at": reorg.seen_at,
        }
        with self._access.writing("noting a reorganisation") as connection:
            connection.execute(insert(REORG), [row])

    def reorgs(self) -> list[Reorg]:
        """Return how the chain changed, oldest first."""
        with self._access.reading("listing reorganisations") as connection:
            rows = connection.execute(select(REORG).order_by(REORG.c.id)).all()
        return [
            Reorg(r.fork_height, r.depth, bytes(r.old_tip), bytes(r.new_tip), r.seen_at)
            for r in rows
        ]

    def close(self) -> None:
        """Release every connection."""
        self._access.close()

    @contextmanager
    def _at(self, doing: str, at: int | None) -> Iterator[Connection]:
        """Open a snapshot in which a height is known; HeightUnknown otherwise."""
        with self._access.reading(doing) as connection:
            if at is not None:
                order.check_height(reading.read_block(connection), self._rules(connection), at)
            yield connection

    def _rules(self, connection: Connection) -> Rules | None:
        """Return the rules, which never change once they are pinned."""
        if self._pinned is None:
            self._pinned = meta.get_rules(connection)
        return self._pinned

    def _prepare(self, *, create: bool) -> None:
        """Make the tables of a new store; refuse those of another version."""
        with self._access.reading("opening the store") as connection:
            is_new = not connection.dialect.has_table(connection, META.name)
        if is_new and not create:
            raise _no_store()
        if is_new:
            with self._access.preparing() as connection:
                TABLES.create_all(connection)
                if meta.get(connection, "schema") is None:
                    meta.put(connection, {"schema": SCHEMA})
        with self._access.reading("opening the store") as connection:
            found = meta.get(connection, "schema")
        if found != SCHEMA:
            message = f"the store has schema {found}, this version knows {SCHEMA}"
            raise StoreError(message, code="schema-unknown", hint="scan into a new store")


def _open(url: str, *, create: bool, clock: Callable[[], int]) -> Access:
    """Return access to the database that a URL names; errors as `SqlStore`."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UsageError("the store's URL is no database URL", hint=_URLS) from error
    if parsed.drivername == "postgresql+psycopg":
        from lodestamp.node.scanner.stores.postgres_access import (  # noqa: PLC0415  seldom needed
            PostgresAccess,
        )

        return PostgresAccess(parsed)
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite") or not parsed.database:
        raise UsageError(f"no store in a {parsed.drivername} without a name", hint=_URLS)
    from lodestamp.node.scanner.stores.sqlite_access import SqliteAccess  # noqa: PLC0415  as above

    path = Path(parsed.database)
    if not create and not path.exists():
        raise _no_store()
    return SqliteAccess(path, clock)


_URLS = "sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE"


def _no_store() -> StoreError:
    hint = "run `lodestamp ownership scan` first, or name the store by --store"
    return StoreError("there is no store of ownership yet", code="no-store", hint=hint)


def _has(connection: Connection, table: object, txid: bytes) -> bool:
    columns = table.c  # type: ignore[attr-defined]
    return connection.execute(select(columns.txid).where(columns.txid == txid)).first() is not None


def _replace(connection: Connection, row: BlockRow, effect: BlockEffect) -> None:
    writing.take_back(connection, row.height)
    writing.put_effect(connection, effect)
