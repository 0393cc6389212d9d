"""Exporting an ownership proof from what a scan kept (R47).

Branches that the scan did not check are asked of the source and kept. What cannot be had is said:
a proof is whole or is not written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Literal

from lodestamp.core.bitcoin import BlockHeader, Transaction
from lodestamp.core.ownership import (
    PROOF_HEADERS_MAX,
    DividendPayment,
    Operation,
    OwnershipVerdict,
    ProofHeaders,
    ProofOp,
    ProofPart,
    Registration,
    Rules,
    Tip,
    build_ownership_proof,
    carrier_count,
    read_carrier,
    verify_ownership_proof,
)
from lodestamp.errors import (
    ChainNotFound,
    ChainUnsupported,
    HeightUnknown,
    LodestampError,
    ScannerBusy,
    SourceIncomplete,
    SourceStale,
    UsageError,
    WorkUnknown,
)
from lodestamp.node.chains import ChainSource
from lodestamp.node.scanner.recent import RECENT_BLOCKS_MAX
from lodestamp.node.scanner.stores import NOWHERE, BlockRow, Evidence, OperationsStore
from lodestamp.node.scanner.views import View, answered

Act = Operation | Tip | DividendPayment
_NO_PINS: Final[Mapping[bytes, int]] = MappingProxyType({})
HeaderMode = Literal["full", "sparse"]

_TRIES: Final = 3
_KEPT_NOT: Final = "the scan did not keep it"


def export_ownership_proof(
    store: OperationsStore,
    rules: Rules,
    sha1: str,
    *,
    source: ChainSource | None = None,
    at: int | None = None,
    mode: HeaderMode | None = None,
) -> bytes:
    """Return the proof file of a work as of a height, the tip by default.

    `mode` is ``full`` as long as there are no more headers than a proof may hold. WorkUnknown,
    HeightUnknown; SourceIncomplete for a transaction that was not kept or a branch that cannot be
    had; UsageError for ``full`` over too many headers; LimitExceeded for a file too large. Where
    the chain changes meanwhile it is begun again; SourceStale when it does so again and again.
    """
    for _ in range(_TRIES):
        row = _row(store, rules, at)
        try:
            made = _exported(store, rules, sha1, row, source=source, mode=mode)
        except LodestampError:
            if store.block(row.height) == row:
                raise
        else:
            if store.block(row.height) == row:
                return made
    hint = "try again once the scan has caught up"
    raise SourceStale("the chain changed while the proof was put together", hint=hint)


def _exported(
    store: OperationsStore,
    rules: Rules,
    sha1: str,
    row: BlockRow,
    *,
    source: ChainSource | None,
    mode: HeaderMode | None,
) -> bytes:
    acts = _acts(store, sha1, row.height)
    if not acts or not any(isinstance(act, Registration) for act in acts):
        raise WorkUnknown(sha1, row.height)
    exporter = _Exporter(store, source)
    ops = tuple(exporter.op(act) for act in acts)
    headers = _headers(store, ops, row.height, mode)
    return build_ownership_proof(
        rules, sha1, ops, height=row.height, headers=headers, state_hash=row.state_hash
    )


def verify_with_scan(
    data: bytes, store: OperationsStore, pins: Mapping[bytes, int] = _NO_PINS
) -> OwnershipVerdict:
    """Judge a proof file with one's own headers and scan, so that `completeness` can be told.

    It stays unknown where the scan is of other rules or does not reach the proof's height.
    OwnershipError ``halted``; errors as `verify_ownership_proof`.
    """
    rules, tip = store.rules(), store.tip()
    bare = verify_ownership_proof(data, pins=pins)
    if tip is None or rules != bare.rules or not rules.start_height <= bare.height <= tip.height:
        return bare

    def own(height: int) -> BlockHeader | None:
        row = store.block(height)
        return None if row is None else BlockHeader.decode(row.header)

    def judge(view: View) -> OwnershipVerdict:
        judged = verify_ownership_proof(data, own, pins)
        registered = store.find_registration(bare.sha1)
        return judged.with_own_scan(
            view.row.state_hash,
            store.holders(bare.sha1, view.height),
            None if registered is None else registered.registrant,
        )

    return answered(store, judge, at=bare.height)[1]


def _row(store: OperationsStore, rules: Rules, at: int | None) -> BlockRow:
    tip = store.tip()
    row = tip if at is None else store.block(at)
    if row is None:
        highest = rules.start_height - 1 if tip is None else tip.height
        raise HeightUnknown(highest if at is None else at, rules.start_height, highest)
    return row


def _acts(store: OperationsStore, sha1: str, height: int) -> list[Act]:
    """Return everything that befell a work, in the order in which blocks are judged (R1)."""
    registration = store.find_registration(sha1)
    acts: list[Act] = [] if registration is None else [registration]
    acts += store.find_transfers(sha1)
    acts += store.find_tips(sha1)
    acts += store.find_dividend_payments(sha1)
    return sorted(
        (act for act in acts if act.height <= height),
        key=lambda act: (act.height, act.tx_index, not isinstance(act, Tip | DividendPayment)),
    )


def _kind(act: Act) -> Literal["register", "transfer", "tip", "payment"]:
    if isinstance(act, Registration):
        return "register"
    if isinstance(act, Tip):
        return "tip"
    return "payment" if isinstance(act, DividendPayment) else "transfer"


class _Exporter:
    """Turns what was kept into the parts of a proof."""

    def __init__(self, store: OperationsStore, source: ChainSource | None) -> None:
        self._store = store
        self._source = source

    def op(self, act: Act) -> ProofOp:
        kept = self._kept(act.txid)
        parts = [self._part(kept), *self._parents(Transaction.decode(kept.raw), act)]
        return ProofOp(_kind(act), tuple(parts), kept.prevouts)

    def _parents(self, primary: Transaction, act: Act) -> Iterator[ProofPart]:
        if isinstance(act, Tip | DividendPayment) or carrier_count(primary) < 2:
            return

        def fetch(txid: bytes) -> Transaction:
            return Transaction.decode(self._kept(txid).raw)

        carrier = read_carrier(primary, fetch)
        if carrier is None:
            raise SourceIncomplete(act.txid, "what was kept of it is no carrier")
        below = act.height
        for parent in carrier.parents:
            kept = self._kept(parent.txid)
            part = self._part(self._placed(kept, below) if kept.height == NOWHERE else kept)
            below = part.height
            yield part

    def _kept(self, txid: bytes) -> Evidence:
        kept = self._store.evidence(txid)
        if kept is None:
            hint = "scan again from before it with a source that has all blocks"
            raise SourceIncomplete(txid, _KEPT_NOT, hint=hint)
        return kept

    def _placed(self, kept: Evidence, below: int) -> Evidence:
        """Look for the block of a parent that only the source knew, from its child's block down."""
        for height in range(below, max(below - RECENT_BLOCKS_MAX, 0) - 1, -1):
            row = self._store.block(height)
            if self._source is None or row is None:
                break
            try:
                found = self._source.inclusion(kept.txid, row.hash)
            except ChainNotFound:
                continue
            except ChainUnsupported:
                break
            placed = replace(kept, height=height, tx_index=found.index, branch=found.branch)
            self._keep(placed)
            return placed
        hint = "name the chain by --chain; a day of blocks before what spends it is looked through"
        raise SourceIncomplete(kept.txid, "the scan does not know its block", hint=hint)

    def _keep(self, evidence: Evidence) -> None:
        """Keep what was learned, unless a scan is at work: then it is learned again."""
        with suppress(ScannerBusy):
            self._store.complete_evidence(evidence)

    def _part(self, kept: Evidence) -> ProofPart:
        branch = kept.branch
        if branch is None:
            branch = self._branch(kept)
            self._keep(replace(kept, branch=branch))
        return ProofPart(Transaction.decode(kept.raw), kept.height, kept.tx_index, branch)

    def _branch(self, kept: Evidence) -> tuple[bytes, ...]:
        row = self._store.block(kept.height)
        if self._source is None or row is None:
            hint = "name the chain by --chain, or scan with --verify-merkle hits"
            raise SourceIncomplete(kept.txid, "its branch was not kept", hint=hint)
        try:
            return self._source.inclusion(kept.txid, row.hash).branch
        except (ChainNotFound, ChainUnsupported) as error:
            raise SourceIncomplete(kept.txid, error.message) from error


def _headers(
    store: OperationsStore, ops: Iterable[ProofOp], height: int, mode: HeaderMode | None
) -> ProofHeaders:
    used = sorted({part.height for op in ops for part in op.parts})
    run = range(used[0], height + 1)
    if mode is None:
        mode = "full" if len(run) <= PROOF_HEADERS_MAX else "sparse"
    if mode == "full" and len(run) > PROOF_HEADERS_MAX:
        message = f"{len(run):,} headers are more than the {PROOF_HEADERS_MAX:,} of a proof"
        raise UsageError(message, hint="ask for --headers sparse")
    heights = run if mode == "full" else used
    return ProofHeaders(mode, used[0], tuple(_header(store, each) for each in heights))


def _header(store: OperationsStore, height: int) -> BlockHeader:
    row = store.block(height)
    if row is None:
        raise HeightUnknown(height, height, height)
    return BlockHeader.decode(row.header)
