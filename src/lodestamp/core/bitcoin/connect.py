"""Whether a block may join the chain: every consensus rule beyond its header.

Three steps, as nodes take them: `check_block` needs the block alone, `check_in_place` its height
and the time before it, `connect_block` the coins it spends. A broken rule is told as a `Rejection`
with Bitcoin Core's own reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lodestamp.core.bitcoin.block import (
    BLOCK_WEIGHT_MAX,
    Block,
    check_merkle,
    check_witnesses,
)
from lodestamp.core.bitcoin.checks import check_transaction
from lodestamp.core.bitcoin.coins import (
    Coin,
    MedianTimeAt,
    fee_of,
    has_sequence_locks_met,
    is_final,
    subsidy,
)
from lodestamp.core.bitcoin.machine import Flag, ScriptError, verify_transaction
from lodestamp.core.bitcoin.network import NetworkParams
from lodestamp.core.bitcoin.script import num_encode, push
from lodestamp.core.bitcoin.sigops import BLOCK_SIGOP_COST_MAX, sigop_cost
from lodestamp.core.bitcoin.tx import OutPoint, Transaction

_WITNESS_SCALE: Final = 4

FindCoin = Callable[[OutPoint], Coin | None]
"""Gives the unspent coin of the chain that is extended; None when there is none."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a transaction or a block is refused, in Bitcoin Core's words."""

    reason: str
    script_error: ScriptError | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """What a block does to the coins: those it spends, in order, and the fees it takes."""

    spent: tuple[Coin, ...]
    fees: int


def check_block(block: Block) -> Rejection | None:
    """Check what needs the block alone: its tree, its coinbase, each transaction, its size."""
    reason = check_merkle(block)
    if reason is None and (not block.txs or not block.txs[0].is_coinbase):
        reason = "bad-cb-missing"
    if reason is None and any(tx.is_coinbase for tx in block.txs[1:]):
        reason = "bad-cb-multiple"
    if reason is None and len(block.encode(witness=False)) * _WITNESS_SCALE > BLOCK_WEIGHT_MAX:
        reason = "bad-blk-length"
    if reason is None:
        reason = next(filter(None, map(check_transaction, block.txs)), None)
    return None if reason is None else Rejection(reason)


def check_in_place(
    block: Block, height: int, median_time: int, net: NetworkParams
) -> Rejection | None:
    """Check what needs the height and the median time of the parent: BIP34, 113, 141."""
    if not all(is_final(tx, height, median_time) for tx in block.txs):
        return Rejection("bad-txns-nonfinal")
    head = push(num_encode(height))
    if height >= net.bip34_height and not block.txs[0].inputs[0].script_sig.startswith(head):
        return Rejection("bad-cb-height")
    if height >= net.segwit_height:
        reason = check_witnesses(block)
        if reason is not None:
            return Rejection(reason)
    return Rejection("bad-blk-weight") if block.weight > BLOCK_WEIGHT_MAX else None


def connect_block(
    block: Block,
    height: int,
    *,
    find_coin: FindCoin,
    median_time_at: MedianTimeAt,
    flags: Flag,
    net: NetworkParams,
) -> Connection | Rejection:
    """Spend the coins of a checked block, its own included, under these script flags."""
    made: dict[OutPoint, Coin] = {}
    gone: set[OutPoint] = set()
    spent: list[Coin] = []
    fees = cost = 0
    for tx in block.txs:
        coins: list[Coin] = []
        for item in () if tx.is_coinbase else tx.inputs:
            coin = made.get(item.prevout) or find_coin(item.prevout)
            if coin is None or item.prevout in gone:
                return Rejection("bad-txns-inputs-missingorspent")
            gone.add(item.prevout)
            coins.append(coin)
        if not tx.is_coinbase:
            fee = judge_spend(tx, coins, height, median_time_at, flags)
            if isinstance(fee, Rejection):
                return fee
            fees += fee
        cost += sigop_cost(tx, [coin.output for coin in coins])
        if cost > BLOCK_SIGOP_COST_MAX:
            return Rejection("bad-blk-sigops")
        spent += coins
        made |= coins_made(tx, height)
    if sum(output.amount for output in block.txs[0].outputs) > fees + subsidy(height, net):
        return Rejection("bad-cb-amount")
    return Connection(tuple(spent), fees)


def judge_spend(
    tx: Transaction,
    coins: Sequence[Coin],
    height: int,
    median_time_at: MedianTimeAt,
    flags: Flag,
) -> int | Rejection:
    """Return the fee of a transaction in a block at `height`, or why the block may not hold it."""
    fee = fee_of(tx, coins, height)
    if isinstance(fee, str):
        return Rejection(fee)
    if not has_sequence_locks_met(tx, coins, height, median_time_at):
        return Rejection("bad-txns-nonfinal")
    error = script_error(tx, coins, flags)
    if error is not ScriptError.OK:
        return Rejection(f"mandatory-script-verify-flag-failed ({error.text})", error)
    return fee


def script_error(tx: Transaction, coins: Sequence[Coin], flags: Flag) -> ScriptError:
    """Run every input's script; return the first error, or OK."""
    spent = [coin.output for coin in coins]
    verdicts = verify_transaction(tx, spent, flags)
    return next((each.error for each in verdicts if not each.ok), ScriptError.OK)


def coins_made(tx: Transaction, height: int) -> dict[OutPoint, Coin]:
    """Return the coins that a transaction in the block at `height` makes.

    An output that starts with OP_RETURN, or is longer than a script may be, can never be spent.
    """
    txid, is_coinbase = tx.txid, tx.is_coinbase
    return {
        OutPoint(txid, vout): Coin(output, height, is_coinbase)
        for vout, output in enumerate(tx.outputs)
        if output.script[:1] != b"\x6a" and len(output.script) <= 10_000
    }
