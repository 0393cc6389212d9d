"""Transactions that carry, and the chains of them, for tests."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

from lodestamp.core.bitcoin import OutPoint, Transaction, TxIn, TxOut
from lodestamp.core.ownership import payload_script
from owners import outpoint

CHANGE = TxOut(546, b"\x51")
COINBASE_INPUT = TxIn(OutPoint(bytes(32), 0xFFFFFFFF), b"\x01\x01")


def deflated(text: bytes, level: int = 9) -> bytes:
    """Return raw DEFLATE."""
    stream = zlib.compressobj(level, zlib.DEFLATED, -15)
    return stream.compress(text) + stream.flush()


def tx_with(*scripts: bytes, parent: Transaction | None = None, label: object = "") -> Transaction:
    """Return a transaction with an output of each script, whose last input spends `parent`."""
    inputs = [TxIn(outpoint(f"other {label}"))]
    if parent is not None:
        inputs.append(TxIn(OutPoint(parent.txid, 0)))
    outputs = [CHANGE, *(TxOut(0, script) for script in scripts)]
    return Transaction(1, tuple(inputs), tuple(outputs))


def chain_of(payloads: Sequence[bytes]) -> list[Transaction]:
    """Return the transactions that carry one payload each, the primary first."""
    made: list[Transaction] = []
    parent = None
    for payload in reversed(payloads):
        parent = tx_with(payload_script(payload), parent=parent)
        made.append(parent)
    return made[::-1]


def known(txs: Sequence[Transaction]) -> Callable[[bytes], Transaction | None]:
    """Return a source that has these transactions."""
    return {tx.txid: tx for tx in txs}.get


def nobody(_: bytes) -> Transaction | None:
    """Stand for a source that nobody may ask."""
    raise AssertionError("no parent is needed here")


def counted(payload_count: int, compressed: bytes) -> bytes:
    """Return a first payload that announces so many."""
    return b"\x1f\x00" + bytes([payload_count]) + compressed
