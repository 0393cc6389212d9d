"""The anchorer: it looks at the chain, asks what to do, and does it, until nothing is left to do.

Every transaction is on disk before a node is given it, and every step is one transaction of the
database, so that a kill at any instant loses nothing and pays nothing twice. What happened while it
was not looking is read from the chain.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from threading import Event
from typing import Final

from sqlalchemy import Connection, select

from lodestamp.core.bitcoin import OutPoint, Transaction, encode_address, output_script
from lodestamp.errors import (
    ChainRejected,
    ChainRpcError,
    ChainUnsupported,
    FundsError,
    LodestampError,
    LogCorrupt,
    StoreError,
)
from lodestamp.node.anchors.bitcoin.building import Asked, Builder, ChainedBuilder, PlainBuilder
from lodestamp.node.anchors.bitcoin.chain import chain_end
from lodestamp.node.anchors.bitcoin.cycle import (
    Action,
    Build,
    Cycle,
    Drop,
    Finish,
    Lose,
    Reopen,
    RunLow,
    Send,
    State,
    Take,
    Terms,
    View,
    next_action,
)
from lodestamp.node.anchors.bitcoin.fees import FEE_RATE_MIN, REJECTED_MAX, TARGET_BLOCKS
from lodestamp.node.anchors.bitcoin.headers import HeaderStore
from lodestamp.node.anchors.bitcoin.reading import ChainReader
from lodestamp.node.anchors.bitcoin.rows import (
    add_cycle,
    add_event,
    add_version,
    count_waiting,
    find_version,
    mark_sent,
    read_cycles,
    release_rest,
    renew,
    set_cycle,
    take_up,
)
from lodestamp.node.anchors.bitcoin.sight import free_coins, held_blocks, look_at_inputs
from lodestamp.node.anchors.bitcoin.status import AnchorStatus, CycleStatus, read_cycle, read_status
from lodestamp.node.anchors.bitcoin.sweeping import sweep
from lodestamp.node.anchors.bitcoin.taking import path_of
from lodestamp.node.anchors.bitcoin.transaction import PaidBy
from lodestamp.node.anchors.tables import commitments, cycles
from lodestamp.node.chains import BitcoinSigner, BlockRef, ChainSource
from lodestamp.node.clock import now_ms
from lodestamp.node.storage import Database

POLL_S: Final = 10.0
"""Seconds between two looks at the chain."""
ACTIONS_MAX: Final = 10_000
"""Actions of one look; more would be a circle, and is an error of ours."""
_MISSING: Final = ("missing", "orphan")
"""In a node's reason: it does not have the coin that is spent."""
_PLACED_IN: Final = {"height": None, "block_hash": None, "ops": None, "mined_at": None}


@dataclass(frozen=True, slots=True)
class AnchorEvent:
    """What an operator should know: `kind` is one of R58, R62 and R63."""

    kind: str
    cycle: int | None
    detail: str


class BitcoinAnchorer:
    """Anchors what waits in the journal of a home. One look at a time, across processes."""

    def __init__(
        self,
        database: Database,
        source: ChainSource,
        signer: BitcoinSigner,
        headers: HeaderStore,
        terms: Terms,
        *,
        chained: ChainedBuilder | None = None,
        birthday: int | None = None,
        clock: Callable[[], int] = now_ms,
        lock: Callable[[], AbstractContextManager[object]] = nullcontext,
        emit: Callable[[AnchorEvent], None] | None = None,
    ) -> None:
        self._database = database
        self._source = source
        self._signer = signer
        self._headers = headers
        self._terms = terms
        self._chained = chained
        self._builder: Builder = chained or PlainBuilder(signer)
        self._birthday = birthday
        self._clock = clock
        self._lock = lock
        self._emit = emit
        self.script = bytes(output_script(signer.xonly()))
        self._reader = ChainReader(database, source, self.script)
        self._tip: BlockRef | None = None
        self._estimate: int | None = None
        self._untold: list[AnchorEvent] = []
        self._handed: set[bytes] = set()
        self._tried: set[int | None] = set()
        self._missing: set[OutPoint] = set()

    @property
    def address(self) -> str:
        """Where coins for anchors are paid to."""
        return encode_address(self.script, self._source.network)

    def poll(self, *, is_forced: bool = False) -> tuple[Action, ...]:
        """Look at the chain once and do what is due; return what was done.

        With `is_forced` a new cycle does not wait for its time. ChainError as the node answers: the
        next look goes on from where this one was.
        """
        done: list[Action] = []
        with self._lock():
            self._headers.follow(self._source)
            self._reader.start(self._birthday)
            self._see(self._reader.catch_up())
            while (action := self._next(is_forced=is_forced)) is not None:
                if len(done) == ACTIONS_MAX:
                    raise StoreError("the anchorer goes in a circle", code="anchor-circle")
                self._perform(action)
                done.append(action)
                while self._untold:  # told once it is on disk
                    event = self._untold.pop(0)
                    if self._emit is not None:
                        self._emit(event)
        return tuple(done)

    def run(
        self, stop: Event, *, poll_s: float = POLL_S, warn: Callable[[LodestampError], None]
    ) -> None:
        """Look again and again until `stop` is set; what goes wrong is told to `warn`, once each.

        Nothing ends it: a node comes back, a disk has room again, a clock is set right.
        """
        told = ""
        while not stop.is_set():
            try:
                self.poll()
                told = ""
            except LodestampError as error:
                if error.message != told:
                    warn(error)
                told = error.message
            stop.wait(poll_s)

    def submit(self, commitment: bytes) -> bool:
        """Let a commitment wait for the next cycle; False when it was given before (R50)."""
        with self._database.writing("taking a commitment") as connection:
            known = select(commitments.c.id).where(commitments.c.commitment == commitment)
            if connection.execute(known).first() is not None:
                return False
            connection.execute(commitments.insert().values(commitment=commitment))
        return True

    def sweep(self, script: bytes, *, fee_rate: int | None = None) -> Transaction:
        """Pay every coin that no anchor waits for to a script, and return what was sent.

        `fee_rate` is in satoshis per 1,000 vB, by default what the node estimates, but no more than
        an anchor may pay: nodes err. FundsError as `sweep`; ChainRejected.
        """
        with self._lock():
            self._reader.start(self._birthday)
            self._see(self._reader.catch_up())
            estimate = self._estimated()
            with self._database.reading("looking for coins") as connection:
                _, view = self._look(connection, estimate)
            capped = min(estimate, self._terms.fees.rate_max)
            made = sweep(
                view.coins,
                script,
                fee_rate=capped if fee_rate is None else fee_rate,
                signer=self._signer,
            )
            self._source.broadcast(made)
        return made

    def standing(self, commitment: bytes) -> CycleStatus | None:
        """Return how the cycle stands that has a commitment; None while none has."""
        height = None if self._tip is None else self._tip.height
        with self._database.reading("looking for a commitment") as connection:
            query = select(commitments.c.cycle).where(commitments.c.commitment == commitment)
            number = connection.execute(query).scalar()
            return None if number is None else read_cycle(connection, number, height)

    def status(self) -> AnchorStatus:
        """Return how the anchors stand, as far as the chain was read."""
        with self._database.reading("looking at the anchors") as connection:
            return read_status(connection)

    # Looking

    def _see(self, tip: BlockRef) -> None:
        """Forget, where the tip has moved, what was tried at the last one."""
        if tip != self._tip:
            self._tip, self._estimate = tip, None
            for each in (self._handed, self._tried, self._missing):
                each.clear()

    def _next(self, *, is_forced: bool) -> Action | None:
        estimate = self._estimated()
        with self._database.reading("looking at the anchors") as connection:
            live, view = self._look(connection, estimate)
        return next_action(live, view, self._terms, is_forced=is_forced)

    def _look(self, connection: Connection, estimate: int) -> tuple[list[Cycle], View]:
        tip = self._seen_tip
        live = read_cycles(connection, tip.height)
        inputs, values = look_at_inputs(connection, live, self._missing)
        view = View(
            tip=tip,
            held=held_blocks(connection, live),
            now=self._clock(),
            waiting=count_waiting(connection),
            estimate=estimate,
            coins=free_coins(connection, tip, inputs),
            promised=values,
            inputs=inputs,
            handed=self._handed,
            tried=self._tried,
        )
        return live, view

    @property
    def _seen_tip(self) -> BlockRef:
        assert self._tip is not None  # noqa: S101  `poll` sees it first
        return self._tip

    def _estimated(self) -> int:
        """Return what the node thinks a day's patience costs, else the least (R58)."""
        if self._estimate is None:
            try:
                self._estimate = self._source.fee_rate(TARGET_BLOCKS)
            except (ChainRpcError, ChainUnsupported):
                self._estimate = FEE_RATE_MIN
        return self._estimate

    # Doing

    def _perform(self, action: Action) -> None:
        now = self._clock()
        match action:
            case Build():
                self._build(action)
            case Send(_, txid):
                self._send(txid)
            case Take():
                self._take(action)
            case RunLow(cycle, needed):
                self._tried.add(cycle)
                detail = f"a coin of {needed:,} satoshis is needed at {self.address}"
                self._tell(None, "anchor_funds_low", cycle, detail)
            case Finish(cycle):
                with self._database.writing("finishing a cycle") as connection:
                    release_rest(connection, cycle, _count_mined(connection, cycle))
                    set_cycle(connection, cycle, now, state=State.FINAL)
            case Drop(cycle):
                self._tried.add(cycle)  # the same transaction first; a dearer one at the next block
                with self._database.writing("taking a cycle out of its block") as connection:
                    set_cycle(connection, cycle, now, state=State.SENT, **_PLACED_IN)
                    detail = "its block has left the chain; the transaction waits again"
                    self._tell(connection, "anchor_unconfirmed", cycle, detail)
            case Reopen(cycle):
                self._tried.discard(cycle)
                with self._database.writing("reopening a cycle") as connection:
                    set_cycle(connection, cycle, now, state=State.OPEN)
            case Lose(cycle):
                with self._database.writing("losing a cycle") as connection:
                    fresh = renew(connection, cycle, now)
                    self._tried.add(fresh)
                    detail = f"its block has left the chain; cycle {fresh} anchors all of it again"
                    self._tell(connection, "anchor_lost", cycle, detail)

    def _tell(
        self, connection: Connection | None, kind: str, cycle: int | None, detail: str
    ) -> None:
        if connection is None:
            with self._database.writing("keeping an event") as own:
                self._tell(own, kind, cycle, detail)
            return
        if add_event(connection, self._clock(), kind, cycle, detail):
            self._untold.append(AnchorEvent(kind, cycle, detail))

    def _build(self, action: Build) -> None:
        """Store a version, then send it; where the fee is too low for the node, dearer ones."""
        cycle, fee = action.cycle, action.fee
        if self._chained is not None:
            self._chained.require_active()
        for _ in range(1 + REJECTED_MAX):
            try:
                cycle, tx = self._store_version(cycle, action.coin, fee)
            except FundsError as error:
                self._tell(None, "anchor_funds_low", cycle, error.message)
                break
            rejected = self._send(tx.txid)
            if rejected is None or "fee" not in rejected:
                break
            raised = self._terms.fees.raised(fee)
            if raised is None or not self._terms.fees.is_enough(action.coin.value, raised):
                break
            fee = raised
        self._tried |= {cycle, action.cycle}

    def _store_version(self, cycle: int | None, coin: PaidBy, fee: int) -> tuple[int, Transaction]:
        now, tip = self._clock(), self._seen_tip
        with self._database.writing("storing an anchor before it is sent") as connection:
            number = add_cycle(connection, now) if cycle is None else cycle
            reserved, _ = look_at_inputs(
                connection, read_cycles(connection, tip.height), self._missing
            )
            others = [each for each in free_coins(connection, tip, reserved) if each != coin]
            previous = (
                None if self._chained is None else chain_end(connection, self._chained.script)
            )
            is_genesis = self._chained is not None and previous is None
            root, count = (None, 0) if is_genesis else take_up(connection, number)
            asked = Asked(root or b"", (coin, *others), fee, tip.height, previous)
            if self._chained is not None and is_genesis:
                root, tx = self._chained.first_state, self._chained.make_genesis(asked)
            elif root is None:
                raise LogCorrupt(f"cycle {number} has nothing to anchor")
            else:
                tx = self._builder.make(asked)
            if find_version(connection, tx.txid) is None:
                add_version(connection, number, tx, fee=fee, tip=root, count=count)
                shown = {"tip": root if count else None, "count": count, "txid": tx.txid}
                set_cycle(connection, number, now, **shown)
        return number, tx

    def _send(self, txid: bytes) -> str | None:
        """Hand a stored version in; return the node's reason where it refuses."""
        with self._database.reading("reading an anchor") as connection:
            row = find_version(connection, txid)
        if row is None:
            raise LogCorrupt("an anchor that was to be sent is not stored")
        tx = Transaction.decode(row.raw)
        self._handed.add(txid)
        try:
            self._source.broadcast(tx)
        except ChainRejected as error:
            if any(word in error.reason for word in _MISSING):
                self._missing |= {each.prevout for each in tx.inputs}
            return error.reason
        with self._database.writing("noting that an anchor was sent") as connection:
            mark_sent(connection, txid, self._clock())
        return None

    def _take(self, action: Take) -> None:
        """Compute the path into the block that holds a version, and store it (R64)."""
        row, block_hash, ops = path_of(self._database, self._source, action)
        now = self._clock()
        with self._database.writing("taking an anchor from its block") as connection:
            set_cycle(
                connection,
                action.cycle,
                now,
                state=State.MINED,
                txid=action.txid,
                tip=row.tip if row.count else None,
                count=row.count,
                height=action.height,
                block_hash=block_hash,
                ops=ops,
                mined_at=now,
            )


def _count_mined(connection: Connection, cycle: int) -> int:
    query = select(cycles.c.count).where(cycles.c.id == cycle)
    return int(connection.execute(query).scalar_one())
