"""Methods of the simulator's JSON-RPC about blocks, transactions and the mempool (R37)."""

from __future__ import annotations

from typing import Any

from lodestamp.core.bitcoin import Block, Rejection, Transaction
from lodestamp.errors import ChainRejected
from lodestamp.node.chains.simulator.calls import Call, RpcRefusal, outpoint_of, raw_of
from lodestamp.node.chains.simulator.chainstate import Status
from lodestamp.node.chains.simulator.forms import (
    Json,
    amount_json,
    block_json,
    header_json,
    transaction_json,
)
from lodestamp.node.chains.simulator.mempool import Mempool, Waiting


def getblockchaininfo(call: Call) -> Json:
    """Show the best chain."""
    with call.simulator.reading(call.method) as session:
        tip = session.chain.tip()
        header = header_json(session, tip.hash)
        return {
            "chain": "regtest",
            "blocks": tip.height,
            "headers": tip.height,
            "bestblockhash": tip.hash_display,
            "bits": header["bits"],
            "time": header["time"],
            "mediantime": header["mediantime"],
            "verificationprogress": 1,
            "initialblockdownload": False,
            "chainwork": header["chainwork"],
            "pruned": False,
            "warnings": [],
        }


def getblockcount(call: Call) -> int:
    """Return the height of the tip."""
    with call.simulator.reading(call.method) as session:
        return session.chain.tip().height


def getbestblockhash(call: Call) -> str:
    """Return the hash of the tip."""
    with call.simulator.reading(call.method) as session:
        return session.chain.tip().hash_display


def getblockhash(call: Call) -> str:
    """Return the hash of the best chain's block at a height."""
    height = call.param(0, int)
    with call.simulator.reading(call.method) as session:
        found = session.chain.active_hash(height) if 0 <= height < 1 << 31 else None
    if found is None:
        raise RpcRefusal(-8, "Block height out of range")
    return found[::-1].hex()


def getblockheader(call: Call) -> Any:
    """Show a header, or its hex."""
    block_hash, verbose = call.hash(0), call.param(1, bool, default=True)
    with call.simulator.reading(call.method) as session:
        if not verbose:
            return session.chain.row(block_hash).header.hex()
        return header_json(session, block_hash)


def getblock(call: Call) -> Any:
    """Show a block: hex (0), txids (1), transactions (2), with what they spend (3)."""
    block_hash, verbosity = call.hash(0), call.level(1, 1)
    if not 0 <= verbosity <= 3:
        raise RpcRefusal(-8, "verbosity is 0 to 3")
    with call.simulator.reading(call.method) as session:
        if verbosity == 0:
            return session.chain.row(block_hash).raw.hex()
        return block_json(session, block_hash, verbosity)


def getchaintips(call: Call) -> list[Json]:
    """Show the last block of every branch."""
    with call.simulator.reading(call.method) as session:
        chain, tip = session.chain, session.chain.tip()
        tips = [row for row in chain.leaves() if row.hash != tip.hash]
        found: list[Json] = [
            {"height": tip.height, "hash": tip.hash_display, "branchlen": 0, "status": "active"}
        ]
        for row in tips:
            fork = row
            while not chain.is_active(fork.hash):
                fork = chain.row(fork.prev)
            status = "valid-fork" if row.undo is not None else "valid-headers"
            if row.status != Status.STANDING:
                status = "invalid"
            if fork.hash != row.hash:
                found.append(
                    {
                        "height": row.height,
                        "hash": row.hash[::-1].hex(),
                        "branchlen": row.height - fork.height,
                        "status": status,
                    }
                )
        return sorted(found, key=lambda each: -each["height"])


def getrawtransaction(call: Call) -> Any:
    """Show a transaction, or its hex, of the mempool, the chain, or a named block."""
    txid, verbosity = call.hash(0), call.level(1, 0)
    with call.simulator.reading(call.method) as session:
        chain = session.chain
        waiting = session.mempool.get(txid)
        if len(call.params) > 2:
            block_hash, waiting = call.hash(2), None
        else:
            place = chain.place_of(txid)
            block_hash = place[0] if place else b""
        if waiting is not None:
            tx = waiting.tx
        elif block_hash:
            block = Block.decode(chain.row(block_hash).raw)
            found = [each for each in block.txs if each.txid == txid]
            if not found:
                raise RpcRefusal(-5, "No such transaction found in the provided block")
            tx = found[0]
        else:
            raise RpcRefusal(-5, "No such mempool or blockchain transaction")
        if verbosity == 0:
            return tx.encode().hex()
        shown = transaction_json(tx)
        if waiting is None:
            header = header_json(session, block_hash)
            shown |= {
                "blockhash": header["hash"],
                "confirmations": max(header["confirmations"], 0),
                "time": header["time"],
                "blocktime": header["time"],
            }
        return shown


def decoderawtransaction(call: Call) -> Json:
    """Show a transaction given in hex."""
    shown = transaction_json(Transaction.decode(call.raw(0)))
    del shown["hex"]
    return shown


def sendrawtransaction(call: Call) -> str:
    """Take a transaction into the mempool; one that waits already is no error."""
    tx = Transaction.decode(call.raw(0))
    with call.simulator.reading(call.method) as session:
        waiting = session.mempool.get(tx.txid)
        if waiting is not None and waiting.tx == tx:
            return tx.txid_display
    try:
        call.simulator.send(tx)
    except ChainRejected as error:
        if error.reason == "missing-inputs":
            raise RpcRefusal(-25, "bad-txns-inputs-missingorspent") from error
        if error.reason == "txn-already-known":
            raise RpcRefusal(-27, "Transaction outputs already in utxo set") from error
        raise
    return tx.txid_display


def testmempoolaccept(call: Call) -> list[Json]:
    """Say whether the mempool would take a transaction."""
    raws = call.param(0, list)
    if len(raws) != 1:
        raise RpcRefusal(-8, "one transaction at a time")
    tx = Transaction.decode(raw_of(raws[0]))
    with call.simulator.reading(call.method) as session:
        judged = session.judge(tx)
    found: Json = {"txid": tx.txid_display, "wtxid": tx.wtxid[::-1].hex()}
    if isinstance(judged, Rejection):
        return [found | {"allowed": False, "reject-reason": judged.reason}]
    fees = {"base": amount_json(judged.entry.fee)}
    return [found | {"allowed": True, "vsize": judged.entry.vsize, "fees": fees}]


def getrawmempool(call: Call) -> Any:
    """List what waits."""
    with call.simulator.reading(call.method) as session:
        entries = session.mempool.entries()
        if not call.param(0, bool, default=False):
            return [entry.tx.txid_display for entry in entries]
        return {entry.tx.txid_display: _entry_json(session.mempool, entry) for entry in entries}


def getmempoolentry(call: Call) -> Json:
    """Show one that waits."""
    with call.simulator.reading(call.method) as session:
        entry = session.mempool.get(call.hash(0))
        if entry is None:
            raise RpcRefusal(-5, "Transaction not in mempool")
        return _entry_json(session.mempool, entry)


def getmempoolinfo(call: Call) -> Json:
    """Show how much waits."""
    with call.simulator.reading(call.method) as session:
        entries = session.mempool.entries()
    return {
        "loaded": True,
        "size": len(entries),
        "bytes": sum(entry.vsize for entry in entries),
        "total_fee": amount_json(sum(entry.fee for entry in entries)),
        "mempoolminfee": amount_json(1000),
        "minrelaytxfee": amount_json(1000),
        "incrementalrelayfee": amount_json(1000),
        "fullrbf": False,
    }


def gettxspendingprevout(call: Call) -> list[Json]:
    """Show which waiting transactions spend outputs."""
    found: list[Json] = []
    with call.simulator.reading(call.method) as session:
        for each in call.param(0, list):
            outpoint = outpoint_of(each)
            spender = session.mempool.spender_of(outpoint)
            entry: Json = {"txid": outpoint.txid_display, "vout": outpoint.vout}
            if spender is not None:
                entry["spendingtxid"] = spender[::-1].hex()
            found.append(entry)
    return found


def _entry_json(mempool: Mempool, entry: Waiting) -> Json:
    ancestors = mempool.ancestors(entry.tx)
    return {
        "vsize": entry.vsize,
        "weight": entry.tx.weight,
        "time": entry.added,
        "wtxid": entry.tx.wtxid[::-1].hex(),
        "ancestorcount": len(ancestors) + 1,
        "descendantcount": len(mempool.descendants(entry.txid)),
        "fees": {"base": amount_json(entry.fee)},
        "depends": sorted(
            {item.prevout.txid_display for item in entry.tx.inputs if item.prevout.txid in mempool}
        ),
    }
