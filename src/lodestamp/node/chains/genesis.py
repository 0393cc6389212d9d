"""The first block of each network, whose only transaction no node ever sends."""

from __future__ import annotations

from typing import Final

from lodestamp.core.bitcoin import (
    NULL_TXID,
    NULL_VOUT,
    TESTNET4,
    Block,
    NetworkParams,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    push_bytes,
    subsidy,
)

_TEXT: Final = b"The Times 03/Jan/2009 Chancellor on brink of second bailout for banks"
_KEY: Final = bytes.fromhex(
    "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb6"
    "49f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f"
)
_TESTNET4_TEXT: Final = (
    b"03/May/2024 000000000000000000001ebd58c244970b3aa9d783bb001011fbe8ea8e98e00e"
)
_TESTNET4_KEY: Final = bytes(33)


def genesis_block(net: NetworkParams) -> Block:
    """Return the first block of a network; its coinbase is the same on all but testnet4."""
    is_later = net.genesis == TESTNET4.genesis
    text, key = (_TESTNET4_TEXT, _TESTNET4_KEY) if is_later else (_TEXT, _KEY)
    head = push_bytes(bytes.fromhex("ffff001d")) + push_bytes(b"\x04") + push_bytes(text)
    item = TxIn(OutPoint(NULL_TXID, NULL_VOUT), head)
    output = TxOut(subsidy(0, net), push_bytes(key) + b"\xac")
    return Block(net.genesis, (Transaction(1, (item,), (output,), 0),))
