"""What waits to be mined, judged as a node judges it (bitcoin spec R34).

Reasons are Bitcoin Core's own words, so that a caller meets the same ones on every backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lodestamp.core.bitcoin import (
    TX_SIGOP_COST_MAX,
    Coin,
    Flag,
    OutPoint,
    Rejection,
    ScriptError,
    Transaction,
    check_standard,
    check_transaction,
    coins_made,
    fee_of,
    has_sequence_locks_met,
    is_final,
    script_error,
    sigop_cost,
)

MIN_RELAY_FEE_RATE: Final = 1_000
"""Satoshis per 1,000 virtual bytes below which nothing is passed on."""
INCREMENTAL_FEE_RATE: Final = 1_000
"""What a replacement adds per 1,000 virtual bytes of its own (BIP125 rule 4)."""
MEMPOOL_RELATIVES_MAX: Final = 25
"""Waiting transactions in one line of ancestors, or of descendants, the new one included."""
REPLACED_MAX: Final = 100
"""Transactions that one replacement may evict, descendants included (BIP125 rule 5)."""

_SIGNALS_REPLACEMENT_MAX: Final = 0xFFFFFFFD


@dataclass(frozen=True, slots=True)
class Waiting:
    """A transaction in the mempool; `fee` in satoshis, `added` in Unix seconds."""

    tx: Transaction
    txid: bytes
    fee: int
    vsize: int
    added: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What admission would do: the entry, and which waiting ones it replaces."""

    entry: Waiting
    replaces: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class ChainView:
    """What the mempool asks of the chain it waits for."""

    height: int
    find_coin: Callable[[OutPoint], Coin | None]
    median_time_at: Callable[[int], int]
    is_mined: Callable[[bytes], bool]
    standard: Flag
    consensus: Flag


class Mempool:
    """The waiting transactions, in an order in which a parent never follows its child."""

    def __init__(self, entries: Iterable[Waiting] = ()) -> None:
        self._entries: dict[bytes, Waiting] = {}
        self._spenders: dict[OutPoint, bytes] = {}
        for entry in _parents_first(entries):
            self.add(entry)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, txid: bytes) -> bool:
        return txid in self._entries

    def entries(self) -> tuple[Waiting, ...]:
        """Return everything that waits, parents before children."""
        return tuple(self._entries.values())

    def get(self, txid: bytes) -> Waiting | None:
        """Return one waiting transaction."""
        return self._entries.get(txid)

    def spender_of(self, outpoint: OutPoint) -> bytes | None:
        """Return the waiting transaction that spends an outpoint."""
        return self._spenders.get(outpoint)

    def add(self, entry: Waiting) -> None:
        """Take in a judged transaction."""
        self._entries[entry.txid] = entry
        for item in entry.tx.inputs:
            self._spenders[item.prevout] = entry.txid

    def remove(self, txids: Iterable[bytes]) -> None:
        """Drop transactions, without those that build on them."""
        for txid in txids:
            for item in self._entries.pop(txid).tx.inputs:
                del self._spenders[item.prevout]

    def ancestors(self, tx: Transaction) -> set[bytes]:
        """Return the waiting transactions that this one builds on, near or far."""
        found: set[bytes] = set()
        queue = [item.prevout.txid for item in tx.inputs]
        while queue:
            txid = queue.pop()
            if txid in self._entries and txid not in found:
                found.add(txid)
                queue += [item.prevout.txid for item in self._entries[txid].tx.inputs]
        return found

    def descendants(self, txid: bytes) -> set[bytes]:
        """Return this waiting transaction and all that build on it."""
        found: set[bytes] = set()
        queue = [txid]
        while queue:
            each = queue.pop()
            if each in found or each not in self._entries:
                continue
            found.add(each)
            outputs = range(len(self._entries[each].tx.outputs))
            spenders = (self._spenders.get(OutPoint(each, vout)) for vout in outputs)
            queue += [spender for spender in spenders if spender is not None]
        return found

    def judge(
        self, tx: Transaction, view: ChainView, now: int, *, returning: bool = False
    ) -> Judged | Rejection:
        """Say whether a transaction may enter, and what it would replace.

        `returning` ones were in a block that left the chain: they owe no fee and replace nothing.
        """
        txid = tx.txid
        reason = self._refused_at_sight(tx, txid, view)
        if reason is not None:
            return Rejection(reason)
        coins = self._coins_of(tx, view)
        if coins is None:
            known = any(
                view.find_coin(OutPoint(txid, vout)) for vout in range(len(tx.outputs))
            ) or view.is_mined(txid)
            return Rejection("txn-already-known" if known else "missing-inputs")
        height = view.height + 1
        if not has_sequence_locks_met(tx, coins, height, view.median_time_at):
            return Rejection("non-BIP68-final")
        fee = fee_of(tx, coins, height)
        if isinstance(fee, str):
            return Rejection(fee)
        entry = Waiting(tx, txid, fee, _policy_vsize(tx, coins), now)
        conflicts = self._conflicts(tx)
        reason = self._refused_by_policy(entry, coins, conflicts, returning=returning)
        if reason is not None:
            return Rejection(reason)
        return _run_scripts(tx, coins, view) or Judged(entry, self._evicted(conflicts))

    def _refused_at_sight(self, tx: Transaction, txid: bytes, view: ChainView) -> str | None:
        reason = check_transaction(tx)
        if reason is not None:
            return reason
        if tx.is_coinbase:
            return "coinbase"
        if not is_final(tx, view.height + 1, view.median_time_at(view.height)):
            return "non-final"
        waiting = self._entries.get(txid)
        if waiting is None:
            return None
        same = waiting.tx.wtxid == tx.wtxid
        return "txn-already-in-mempool" if same else "txn-same-nonwitness-data-in-mempool"

    def _coins_of(self, tx: Transaction, view: ChainView) -> list[Coin] | None:
        coins: list[Coin] = []
        for item in tx.inputs:
            parent = self._entries.get(item.prevout.txid)
            if parent is None:
                coin = view.find_coin(item.prevout)
            else:
                coin = coins_made(parent.tx, view.height + 1).get(item.prevout)
            if coin is None:
                return None
            coins.append(coin)
        return coins

    def _refused_by_policy(
        self, entry: Waiting, coins: Sequence[Coin], conflicts: set[bytes], *, returning: bool
    ) -> str | None:
        tx, spent = entry.tx, [coin.output for coin in coins]
        reason = check_standard(tx, spent)
        if reason is not None:
            return reason
        if sigop_cost(tx, spent) > TX_SIGOP_COST_MAX:
            return "bad-txns-too-many-sigops"
        if returning:
            return "txn-mempool-conflict" if conflicts else None
        if entry.fee * 1000 < MIN_RELAY_FEE_RATE * entry.vsize:
            return "min relay fee not met"
        ancestors = self.ancestors(tx)
        if ancestors & self._evicted(conflicts):
            return "bad-txns-spends-conflicting-tx"
        crowded = any(len(self.descendants(each)) >= MEMPOOL_RELATIVES_MAX for each in ancestors)
        if len(ancestors) >= MEMPOOL_RELATIVES_MAX or crowded:
            return "too-long-mempool-chain"
        return self._refused_replacement(entry, conflicts) if conflicts else None

    def _conflicts(self, tx: Transaction) -> set[bytes]:
        spenders = (self._spenders.get(item.prevout) for item in tx.inputs)
        return {spender for spender in spenders if spender is not None}

    def _evicted(self, conflicts: Iterable[bytes]) -> frozenset[bytes]:
        return frozenset().union(*map(self.descendants, conflicts))

    def _refused_replacement(self, entry: Waiting, conflicts: set[bytes]) -> str | None:
        """Hold a replacement against the rules of BIP125."""
        if not all(map(self._signals_replacement, conflicts)):
            return "txn-mempool-conflict"
        evicted = [self._entries[each] for each in self._evicted(conflicts)]
        if len(evicted) > REPLACED_MAX:
            return "too many potential replacements"
        own = {item.prevout.txid for item in entry.tx.inputs}
        theirs = {item.prevout.txid for each in conflicts for item in self._entries[each].tx.inputs}
        if any(txid in self._entries for txid in own - theirs):
            return "replacement-adds-unconfirmed"
        paid = sum(each.fee for each in evicted)
        dearest = max(
            (self._entries[each] for each in conflicts), key=lambda one: one.fee / one.vsize
        )
        if entry.fee * dearest.vsize <= dearest.fee * entry.vsize:
            return "insufficient fee"
        added = INCREMENTAL_FEE_RATE * entry.vsize
        return "insufficient fee" if (entry.fee - paid) * 1000 < added else None

    def _signals_replacement(self, txid: bytes) -> bool:
        line = {txid} | self.ancestors(self._entries[txid].tx)
        return any(
            item.sequence <= _SIGNALS_REPLACEMENT_MAX
            for each in line
            for item in self._entries[each].tx.inputs
        )


def _run_scripts(tx: Transaction, coins: Sequence[Coin], view: ChainView) -> Rejection | None:
    error = script_error(tx, coins, view.standard)
    if error is ScriptError.OK:
        return None
    breaks_consensus = script_error(tx, coins, view.consensus) is not ScriptError.OK
    flag = (
        "mandatory-script-verify-flag-failed"
        if breaks_consensus
        else ("non-mandatory-script-verify-flag")
    )
    return Rejection(f"{flag} ({error.text})", error)


def _policy_vsize(tx: Transaction, coins: Sequence[Coin]) -> int:
    """Return the virtual size, enlarged for a transaction heavy in signature operations."""
    cost = sigop_cost(tx, [coin.output for coin in coins])
    return (max(tx.weight, cost * 20) + 3) // 4


def _parents_first(entries: Iterable[Waiting]) -> list[Waiting]:
    """Order entries so that a parent comes first, else by time and id."""
    left = {each.txid: each for each in sorted(entries, key=lambda one: (one.added, one.txid))}
    ordered: dict[bytes, Waiting] = {}
    for start in left.values():
        path = [start]
        while path:
            entry = path[-1]
            missing = next(
                (
                    left[item.prevout.txid]
                    for item in entry.tx.inputs
                    if item.prevout.txid in left and item.prevout.txid not in ordered
                ),
                None,
            )
            if missing is None:
                ordered[path.pop().txid] = entry
            else:
                path.append(missing)
    return list(ordered.values())
