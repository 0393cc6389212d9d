"""The state engine: what was scanned and the scan itself, under the original engine's names (§1.2).

Works are named by their SHA-1 in hex, addresses are those of the network, block and transaction ids
are 32 bytes in internal order. Reading goes on while one thread scans.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import Any

from lodestamp.core.bitcoin import Transaction, TxOut, network_named
from lodestamp.core.ownership import (
    ASSET_UNITS,
    BlockEffect,
    Judgement,
    Operation,
    Owner,
    Owners,
    Rules,
    Tip,
    attribute,
    first_state_hash,
    judge_operation,
    payment_fault,
    tip_fault,
)
from lodestamp.errors import (
    ChainError,
    ChainNotFound,
    ChainUnsupported,
    HeightUnknown,
    SourceIncomplete,
    StoreOrderError,
    UsageError,
)
from lodestamp.node.chains import ChainSource
from lodestamp.node.scanner.addresses import address_of, owner_of
from lodestamp.node.scanner.asking import formula_of, require_running
from lodestamp.node.scanner.comparing import StateHash, StateHashes, first_difference
from lodestamp.node.scanner.proving import HeaderMode, export_ownership_proof
from lodestamp.node.scanner.rates import Rates
from lodestamp.node.scanner.reading import BlockReader, VerifyMerkle
from lodestamp.node.scanner.scanning import REORG_DEPTH_MAX, Scan
from lodestamp.node.scanner.stores import OperationsStore
from lodestamp.node.scanner.values import Callbacks, Comparison, EngineStatus


class StateEngine:
    """One store of one chain under one set of rules.

    Without a source it only answers. `verify` says which blocks have their transactions held
    against their header; `depth_max` how many blocks a reorganisation may undo by itself.
    RulesMismatch for a store of other rules, UsageError where rules and source are of different
    networks.
    """

    def __init__(
        self,
        source: ChainSource | None,
        store: OperationsStore,
        rules: Rules,
        *,
        verify: VerifyMerkle = VerifyMerkle.HITS,
        depth_max: int = REORG_DEPTH_MAX,
    ) -> None:
        if source is not None and source.network.name != rules.network:
            message = f"the source is on {source.network}, the rules are for {rules.network}"
            raise UsageError(message, code="wrong-network")
        store.pin(rules)
        self.rules = rules
        self._chain = source
        self._net = network_named(rules.network)
        self._store = store
        self._verify = verify
        self._depth_max = depth_max
        self._rates = Rates(time.monotonic)
        self._stop = Event()

    @property
    def _source(self) -> ChainSource:
        if self._chain is None:
            raise UsageError("this takes a chain", hint="name one by --chain")
        return self._chain

    # Scanning

    def scan_from(
        self,
        block_height: int | None = None,
        block_id: bytes | None = None,
        to_block_height: int | None = None,
        *,
        callbacks: Callbacks | None = None,
        follow: bool = False,
    ) -> EngineStatus:
        """Scan to a height, inclusive, or to the source's tip; with `follow`, until `stop`.

        Without a start it goes on after the stored tip. A start, by height or block id, must not
        leave blocks out; blocks below the stored tip are not scanned again (`reindex_from` does).
        StoreOrderError for a start that leaves out; OwnershipError ``halted`` for a store that
        needs `reindex_from` first; ScannerBusy; errors of `Scan.run`.
        """
        calls = callbacks or Callbacks()
        with self._store.writing():
            require_running(self._store)
            self._check_start(block_height, block_id)
            self._rates = Rates(time.monotonic)
            self._scan(calls).run(to_block_height, self._stop, follow=follow)
        return self.status()

    def stop(self) -> None:
        """End a scan that runs in another thread, after the blocks in hand; for good."""
        self._stop.set()

    def reindex_from(self, height: int) -> EngineStatus:
        """Undo everything from a height on, and let a halted store go on (R36).

        UsageError for a height below the first; HeightUnknown above the tip.
        """
        start, tip = self.rules.start_height, self._store.tip()
        if height < start:
            raise UsageError(f"the rules begin at height {start:,}, not {height:,}")
        if tip is not None and height > tip.height + 1:
            raise HeightUnknown(height, start, tip.height)
        with self._store.writing():
            self._scan(Callbacks()).undo_to(height - 1)
            self._store.halt(None)
        return self.status()

    def _scan(self, callbacks: Callbacks) -> Scan:
        reader = BlockReader(self._source, self.rules, self._verify)
        told = callbacks.on_progress
        report: Callable[[], object] = (
            (lambda: None) if told is None else (lambda: told(self.status()))
        )
        return Scan(
            self._source,
            self._store,
            reader,
            callbacks,
            depth_max=self._depth_max,
            rates=self._rates,
            report=report,
        )

    def _check_start(self, height: int | None, block_id: bytes | None) -> None:
        if block_id is not None:
            named = self._source.block(block_id).height
            if height not in (None, named) or self._source.block_hash(named) != block_id:
                raise UsageError("the block is not the one of that height on the best chain")
            height = named
        tip = self._store.tip()
        following = self.rules.start_height if tip is None else tip.height + 1
        if height is not None and not self.rules.start_height <= height <= following:
            message = f"a scan from {height:,} would leave out blocks from {following:,} on"
            raise StoreOrderError(message)

    # What was found

    def get_block(self, block_id: bytes) -> list[Operation]:
        """Return the valid operations of a block; none for one that was not scanned."""
        row = self._store.block_named(block_id)
        return [] if row is None else list(self._store.effect(row.height).ops)

    def get_asset_balance(self, sha1: str, asset_address: str, at_height: int | None = None) -> int:
        """Return an address's units of a work, 0 where there are none.

        MalformedAddress; HeightUnknown for a height that was not scanned.
        """
        owner = owner_of(asset_address, self._net)
        return self._store.balance(sha1, owner, at_height)

    def get_batch_asset_balances(
        self, sha1: str, asset_addresses: Sequence[str], at_height: int | None = None
    ) -> list[int]:
        """Return the units of several addresses, in their order; errors as `get_asset_balance`."""
        table = self._store.holders(sha1, at_height)
        owners = [owner_of(each, self._net) for each in asset_addresses]
        return [table.get(owner, 0) for owner in owners]

    def get_capitalization_table(
        self, sha1: str, tip: Tip | None = None, at_height: int | None = None
    ) -> dict[str, int]:
        """Return who holds a work: address to units; empty for an unknown one.

        With `tip`, the table by which that tip is shared: after the block before it (R18).
        """
        if tip is not None:
            at_height = tip.height - 1
        table = self._store.holders(sha1, at_height)
        return {self.address(owner): amount for owner, amount in table.items()}

    def get_open_tip_dividends_payable_table(
        self, sha1: str, view: str = "classic"
    ) -> Mapping[str, int] | Mapping[str, float]:
        """Return what each address is still due from the tips of a work (R19-R21).

        ``classic``: satoshis as floats, bit-equal to the original; ``classic_e8`` the same formula
        exactly and ``owed_e8`` what is really owed, in 1e-8 satoshi. Empty for an unknown work.
        UsageError for another view; TooLarge for a float view of too many terms.
        """
        formula = formula_of(view)
        registration = self._store.find_registration(sha1)
        if registration is None:
            return {}
        due = formula(
            registration.registrant,
            self._store.find_transfers(sha1),
            self._store.find_tips(sha1),
            self._store.find_dividend_payments(sha1),
        )
        return {self.address(owner): amount for owner, amount in due.items()}

    def address(self, owner: Owner) -> str:
        """Return the address of an owner on this network."""
        return address_of(owner, self._net)

    # What would hold

    def validate_openpublish_operation(
        self, operation: Mapping[str, Any], tx: Transaction
    ) -> Judgement:
        """Judge an operation that a transaction carries, as if the next block held it.

        SourceIncomplete where an owner depends on an output that cannot be had.
        """
        state, owners = self._store.load_state(), self._owners(tx)
        return judge_operation(state, operation, tx, owners, self.rules)

    def validate_open_tip(self, tip: str, tx: Transaction) -> Judgement:
        """Judge a transaction as a tip for the work `tip` names, as if the next block held it."""
        return self._validate_flow(tip, tx, tip_fault)

    def validate_open_tip_dividend_payment(self, payment: str, tx: Transaction) -> Judgement:
        """Judge a transaction as a dividend payment of a work, as if the next block held it."""
        return self._validate_flow(payment, tx, payment_fault)

    def _validate_flow(
        self, sha1: str, tx: Transaction, fault_in: Callable[..., str | None]
    ) -> Judgement:
        owners = self._owners(tx)
        fault = fault_in(self._store.load_state(), tx, owners, self.rules)
        return Judgement(fault, sha1)

    def _owners(self, tx: Transaction) -> Owners:
        tip = self._store.tip()
        height = self.rules.start_height if tip is None else tip.height + 1
        return attribute(tx, lambda: self._spent(tx), height, self.rules)

    def _spent(self, tx: Transaction) -> tuple[TxOut, ...]:
        return tuple(self._spent_output(tx, index) for index in range(len(tx.inputs)))

    def _spent_output(self, tx: Transaction, index: int) -> TxOut:
        point = tx.inputs[index].prevout
        try:
            coin = self._source.utxo(point)
            if coin is not None:
                return coin.coin.output
        except ChainUnsupported:
            pass
        try:
            return self._source.transaction(point.txid).outputs[point.vout]
        except (ChainNotFound, ChainUnsupported, IndexError) as error:
            raise SourceIncomplete(tx.txid, f"what input {index} spends is not known") from error

    # Of the engine itself

    def status(self) -> EngineStatus:
        """Return where the store stands; the source's height is None while it does not answer."""
        tip, counts, reorgs = self._store.tip(), self._store.counts(), self._store.reorgs()
        height = None if tip is None else tip.height
        try:
            source_height = None if self._chain is None else self._chain.tip().height
        except ChainError:
            source_height = None
        lag = None
        if source_height is not None:
            lag = source_height - (self.rules.start_height - 1 if height is None else height)
        return EngineStatus(
            network=self.rules.network,
            rules_id=self.rules.rules_id,
            height=height,
            block_hash=None if tip is None else tip.hash,
            state_hash=first_state_hash(self.rules) if tip is None else tip.state_hash,
            source_height=source_height,
            lag=lag,
            blocks_per_s=self._rates.blocks_per_s,
            mb_per_s=self._rates.mb_per_s,
            eta_s=None if lag is None else self._rates.eta_s(lag),
            reorgs=len(reorgs),
            deepest_reorg=max((each.depth for each in reorgs), default=0),
            halted=self._store.halted(),
            assets=counts.assets,
            ops=counts.ops,
            tips=counts.tips,
            payments=counts.payments,
        )

    def state_hash(self, height: int | None = None) -> bytes:
        """Return the state hash after a height, the tip by default (R24). 32 bytes.

        HeightUnknown for one that was not scanned.
        """
        return self._hashes(height)[1]

    def effects(self, height: int) -> BlockEffect:
        """Return what a block changed and what it had that was refused; HeightUnknown."""
        return self._store.effect(height)

    def check_conservation(self) -> int:
        """Add up every table and return how many; ConservationBroken names one that does not."""
        state = self._store.load_state()
        state.check_conservation()
        return sum(sum(table.values()) == ASSET_UNITS for _, table in state.tables())

    def export_proof(
        self, sha1: str, *, at: int | None = None, mode: HeaderMode | None = None
    ) -> bytes:
        """Return the proof file of a work as of a height; errors as `export_ownership_proof`."""
        return export_ownership_proof(
            self._store, self.rules, sha1, source=self._chain, at=at, mode=mode
        )

    def compare(self, other: StateHashes | StateEngine, at: int | None = None) -> Comparison:
        """Compare hashes with another scan, up to height `at` or the highest both know.

        RulesMismatch under different rules; HeightUnknown without a height in common.
        """
        theirs = other.hashes() if isinstance(other, StateEngine) else other
        ours = self.hashes()
        differing = first_difference(ours, theirs, at)
        if differing is None:
            highest = min(ours.heights.stop, theirs.heights.stop) - 1
            return Comparison(equal=True, height=highest if at is None else at)
        their_effect = other.effects(differing) if isinstance(other, StateEngine) else None
        return Comparison(
            equal=False, height=differing, ours=self.effects(differing), theirs=their_effect
        )

    def hashes(self) -> StateHashes:
        """Return the hashes of every height, for a comparison."""
        return _StoredHashes(self)

    def _hashes(self, height: int | None) -> StateHash:
        tip = self._store.tip()
        row = tip if height is None else self._store.block(height)
        if row is None:
            start = self.rules.start_height
            highest = start - 1 if tip is None else tip.height
            raise HeightUnknown(start if height is None else height, start, highest)
        return row.hash, row.state_hash


class _StoredHashes:
    """The hashes of a store, as a comparison wants them."""

    def __init__(self, engine: StateEngine) -> None:
        self._engine = engine
        status = engine.status()
        start = engine.rules.start_height
        self.heights = range(start, start if status.height is None else status.height + 1)
        self.rules_id: bytes | None = status.rules_id

    def at(self, height: int) -> StateHash:
        return self._engine._hashes(height)  # noqa: SLF001  one module, two classes
