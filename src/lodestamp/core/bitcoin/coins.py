"""Coins: outputs that can be spent, and when a transaction may spend them (BIP65, 68, 113).

A `Coin` knows the height of its block, because maturity and relative lock times count from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lodestamp.core.bitcoin.network import NetworkParams
from lodestamp.core.bitcoin.tx import MAX_MONEY, SEQUENCE_FINAL, Transaction, TxOut
from lodestamp.core.bitcoin.wire import Reader
from lodestamp.errors import MalformedBitcoin, MalformedBlock

COINBASE_MATURITY: Final = 100
"""Blocks before the reward of a block can be spent."""
FIRST_SUBSIDY: Final = 5_000_000_000
"""Satoshis that the first blocks of every network may create."""
LOCKTIME_THRESHOLD: Final = 500_000_000
"""Lock times below it are heights, the others Unix seconds."""

_SEQUENCE_DISABLE: Final = 1 << 31
_SEQUENCE_IS_TIME: Final = 1 << 22
_SEQUENCE_MASK: Final = 0xFFFF
_SEQUENCE_GRANULARITY: Final = 9


@dataclass(frozen=True, slots=True)
class Coin:
    """An output, the height of its block, and whether that block's coinbase made it."""

    output: TxOut
    height: int
    is_coinbase: bool

    def encode(self) -> bytes:
        """Return height and origin in four bytes, then the output."""
        return (self.height << 1 | self.is_coinbase).to_bytes(4, "little") + self.output.encode()


MedianTimeAt = Callable[[int], int]
"""Gives the median time past of the block at a height of the chain that is extended."""


def encode_coins(coins: Sequence[Coin]) -> bytes:
    """Join coins as the undo of a block."""
    return b"".join(coin.encode() for coin in coins)


def decode_coins(data: bytes) -> tuple[Coin, ...]:
    """Read the undo of a block; MalformedBlock ``undo`` when it is none."""
    reader, coins = Reader(data), []
    try:
        while reader.left:
            place = reader.u32()
            output = TxOut(reader.i64(), reader.var_bytes())
            coins.append(Coin(output, place >> 1, bool(place & 1)))
    except MalformedBitcoin as error:
        raise MalformedBlock("undo", error.what, at=error.at) from error
    return tuple(coins)


def subsidy(height: int, net: NetworkParams) -> int:
    """Return the satoshis that the block at `height` may create beside its fees."""
    halvings = height // net.subsidy_interval
    return FIRST_SUBSIDY >> halvings if halvings < 64 else 0


def is_final(tx: Transaction, height: int, time: int) -> bool:
    """Tell whether the lock time allows a block at `height` whose parent has median time `time`."""
    due = height if tx.locktime < LOCKTIME_THRESHOLD else time
    if tx.locktime == 0 or tx.locktime < due:
        return True
    return all(item.sequence == SEQUENCE_FINAL for item in tx.inputs)


def has_sequence_locks_met(
    tx: Transaction, coins: Sequence[Coin], height: int, median_time_at: MedianTimeAt
) -> bool:
    """Tell whether relative lock times allow a block at `height` (BIP68)."""
    if tx.version & 0xFFFFFFFF < 2:  # compared without its sign, as consensus does
        return True
    for item, coin in zip(tx.inputs, coins, strict=True):
        if item.sequence & _SEQUENCE_DISABLE:
            continue
        value = item.sequence & _SEQUENCE_MASK
        if not item.sequence & _SEQUENCE_IS_TIME:
            if height < coin.height + value:
                return False
            continue
        start = median_time_at(max(coin.height - 1, 0))
        if median_time_at(height - 1) < start + (value << _SEQUENCE_GRANULARITY):
            return False
    return True


def fee_of(tx: Transaction, coins: Sequence[Coin], height: int) -> int | str:
    """Return the fee in satoshis, or the reason of Bitcoin Core why the amounts do not allow it.

    ``bad-txns-premature-spend-of-coinbase``, ``bad-txns-inputvalues-outofrange``,
    ``bad-txns-in-belowout``.
    """
    total = 0
    for coin in coins:
        if coin.is_coinbase and height - coin.height < COINBASE_MATURITY:
            return "bad-txns-premature-spend-of-coinbase"
        total += coin.output.amount
        if not 0 <= coin.output.amount <= MAX_MONEY or total > MAX_MONEY:
            return "bad-txns-inputvalues-outofrange"
    paid = sum(output.amount for output in tx.outputs)
    return "bad-txns-in-belowout" if paid > total else total - paid
