"""Blocks and transactions as bitcoind's JSON shows them; amounts are exact decimals."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson

from lodestamp.core.bitcoin import (
    REGTEST,
    Block,
    BlockHeader,
    Transaction,
    TxOut,
    encode_address,
    target_of,
    to_asm,
)
from lodestamp.errors import MalformedBitcoin
from lodestamp.node.chains.simulator.session import Session

Json = dict[str, Any]


def amount_json(amount: int) -> orjson.Fragment:
    """Return satoshis as a JSON number of bitcoins with eight decimals."""
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), 100_000_000)
    return orjson.Fragment(f"{sign}{whole}.{part:08d}".encode())


def script_json(script: bytes) -> Json:
    """Return an output script with its address, where it has one."""
    found: Json = {"asm": _asm(script), "hex": script.hex()}
    with suppress(MalformedBitcoin):  # most have none; the member is left out, as bitcoind does
        found["address"] = encode_address(script, REGTEST)
    return found


def transaction_json(tx: Transaction, spent: Sequence[tuple[TxOut, int, bool]] = ()) -> Json:
    """Return a transaction; with `spent` (output, height, coinbase) each input tells its own."""
    inputs: list[Json] = []
    for place, item in enumerate(tx.inputs):
        entry: Json = {"sequence": item.sequence}
        if item.witness:
            entry["txinwitness"] = [each.hex() for each in item.witness]
        if tx.is_coinbase:
            entry["coinbase"] = item.script_sig.hex()
        else:
            entry["txid"] = item.prevout.txid_display
            entry["vout"] = item.prevout.vout
            entry["scriptSig"] = {"asm": _asm(item.script_sig), "hex": item.script_sig.hex()}
            if spent:
                output, height, is_coinbase = spent[place]
                entry["prevout"] = {
                    "generated": is_coinbase,
                    "height": height,
                    "value": amount_json(output.amount),
                    "scriptPubKey": script_json(output.script),
                }
        inputs.append(entry)
    return {
        "txid": tx.txid_display,
        "hash": tx.wtxid[::-1].hex(),
        "version": tx.version,
        "size": len(tx.encode()),
        "vsize": tx.vsize,
        "weight": tx.weight,
        "locktime": tx.locktime,
        "vin": inputs,
        "vout": [
            {"value": amount_json(each.amount), "n": n, "scriptPubKey": script_json(each.script)}
            for n, each in enumerate(tx.outputs)
        ],
        "hex": tx.encode().hex(),
    }


def header_json(session: Session, block_hash: bytes) -> Json:
    """Return a block's header with its place: `confirmations` is -1 off the best chain."""
    chain = session.chain
    row = chain.row(block_hash)
    header = BlockHeader.decode(row.header)
    tip = chain.tip()
    active = chain.is_active(block_hash)
    following = chain.active_hash(row.height + 1) if active else None
    found: Json = {
        "hash": block_hash[::-1].hex(),
        "confirmations": tip.height - row.height + 1 if active else -1,
        "height": row.height,
        "version": header.version,
        "versionHex": f"{header.version & 0xFFFFFFFF:08x}",
        "merkleroot": header.merkle[::-1].hex(),
        "time": header.time,
        "mediantime": chain.entry(block_hash).median_time(),
        "nonce": header.nonce,
        "bits": f"{header.bits:08x}",
        "target": f"{target_of(header.bits) or 0:064x}",
        "chainwork": row.work.hex(),
        "nTx": len(Block.decode(row.raw).txs),
    }
    if row.height:
        found["previousblockhash"] = header.prev[::-1].hex()
    if following is not None:
        found["nextblockhash"] = following[::-1].hex()
    return found


def block_json(session: Session, block_hash: bytes, verbosity: int) -> Json:
    """Return a block: with txids (1), transactions (2), or also what they spend (3)."""
    row = session.chain.row(block_hash)
    block = Block.decode(row.raw)
    found = header_json(session, block_hash)
    stripped = len(block.encode(witness=False))
    found |= {"strippedsize": stripped, "size": len(row.raw), "weight": block.weight}
    if verbosity == 1:
        return found | {"tx": [tx.txid_display for tx in block.txs]}
    spent = session.chain.spent_coins(block_hash) if verbosity == 3 else [()] * len(block.txs)
    txs = []
    for tx, coins in zip(block.txs, spent, strict=True):
        told = [(coin.output, coin.height, coin.is_coinbase) for coin in coins]
        txs.append(transaction_json(tx, told))
    return found | {"tx": txs}


def _asm(script: bytes) -> str:
    try:
        return to_asm(script)
    except MalformedBitcoin:
        return "[error]"
