"""More methods of the simulator's JSON-RPC: coins, proofs, mining and the node itself."""

from __future__ import annotations

import re

from lodestamp.core.bitcoin import (
    REGTEST,
    Block,
    Transaction,
    decode_address,
    decode_merkle_block,
    encode_merkle_block,
    witness_program,
)
from lodestamp.errors import ChainNotFound, ChainRejected, MalformedAddress, MalformedBitcoin
from lodestamp.node.chains.simulator.calls import Call, RpcRefusal, hash_of, outpoint_of, raw_of
from lodestamp.node.chains.simulator.forms import Json, amount_json, script_json
from lodestamp.node.chains.simulator.mempool import MIN_RELAY_FEE_RATE

_ESTIMATED_BLOCKS_MAX = 1_008


def gettxout(call: Call) -> Json | None:
    """Show a coin, from the mempool too unless the third parameter is false."""
    outpoint = outpoint_of({"txid": call.param(0, str), "vout": call.param(1, int)})
    with_mempool = call.param(2, bool, default=True)
    with call.simulator.reading(call.method) as session:
        tip = session.chain.tip()
        coin = session.chain.find_coin(outpoint)
        shown: Json = {"bestblock": tip.hash_display}
        if with_mempool:
            if session.mempool.spender_of(outpoint) is not None:
                return None
            waiting = session.mempool.get(outpoint.txid)
            if waiting is not None and outpoint.vout < len(waiting.tx.outputs):
                output = waiting.tx.outputs[outpoint.vout]
                return shown | {
                    "confirmations": 0,
                    "value": amount_json(output.amount),
                    "scriptPubKey": script_json(output.script),
                    "coinbase": False,
                }
    if coin is None:
        return None
    return shown | {
        "confirmations": tip.height - coin.height + 1,
        "value": amount_json(coin.output.amount),
        "scriptPubKey": script_json(coin.output.script),
        "coinbase": coin.is_coinbase,
    }


def scantxoutset(call: Call) -> Json:
    """Show the coins of scripts given as ``raw(hex)`` or ``addr(address)``."""
    if call.param(0, str) != "start":
        raise RpcRefusal(-8, "only `start` is known: a scan here ends at once")
    scripts = [_described(each) for each in call.param(1, list)]
    with call.simulator.reading(call.method) as session:
        tip = session.chain.tip()
        coins = [each for script in scripts for each in session.chain.coins_of(script)]
    return {
        "success": True,
        "height": tip.height,
        "bestblock": tip.hash_display,
        "unspents": [
            {
                "txid": each.outpoint.txid_display,
                "vout": each.outpoint.vout,
                "scriptPubKey": each.coin.output.script.hex(),
                "amount": amount_json(each.coin.output.amount),
                "coinbase": each.coin.is_coinbase,
                "height": each.coin.height,
            }
            for each in coins
        ],
        "total_amount": amount_json(sum(each.coin.output.amount for each in coins)),
    }


def _described(descriptor: object) -> bytes:
    text = descriptor.get("desc") if isinstance(descriptor, dict) else descriptor
    found = re.fullmatch(r"(raw|addr)\((\w*)\)(#\w{8})?", text) if isinstance(text, str) else None
    if found is None:
        raise RpcRefusal(-5, "a descriptor is raw(hex) or addr(address)")
    return raw_of(found[2]) if found[1] == "raw" else decode_address(found[2], REGTEST)


def gettxoutproof(call: Call) -> str:
    """Prove in hex that a block holds transactions."""
    wanted = {hash_of(each) for each in call.param(0, list)}
    if not wanted:
        raise RpcRefusal(-8, "no transaction is named")
    with call.simulator.reading(call.method) as session:
        if len(call.params) > 1:
            block_hash = call.hash(1)
        else:
            place = session.chain.place_of(min(wanted))
            if place is None:
                raise RpcRefusal(-5, "Transaction not yet in block")
            block_hash = place[0]
        block = Block.decode(session.chain.row(block_hash).raw)
    txids = [tx.txid for tx in block.txs]
    if not wanted <= set(txids):
        raise RpcRefusal(-5, "Not all transactions found in specified or retrieved block")
    return encode_merkle_block(block.header, txids, wanted).hex()


def verifytxoutproof(call: Call) -> list[str]:
    """Return the transactions that a proof is about, if its block is in the best chain."""
    try:
        proof = decode_merkle_block(call.raw(0))
    except MalformedBitcoin:
        return []
    with call.simulator.reading(call.method) as session:
        if not session.chain.is_active(proof.header.hash):
            raise RpcRefusal(-5, "Block not found in chain")
    return [match.txid[::-1].hex() for match in proof.matches]


def getdeploymentinfo(call: Call) -> Json:
    """Show which soft forks are active; here each is from the start, or never."""
    with call.simulator.reading(call.method) as session:
        tip, switched = session.chain.tip(), dict(session.deployments)
    always = dict.fromkeys(("bip34", "bip65", "bip66", "csv", "segwit", "taproot"), True)
    deployments = {
        name: {"type": "buried", "active": active, "height": 0 if name == "segwit" else 1}
        for name, active in (always | switched).items()
    }
    return {"hash": tip.hash_display, "height": tip.height, "deployments": deployments}


def getindexinfo(call: Call) -> Json:
    """Show the one index there is, of transactions."""
    with call.simulator.reading(call.method) as session:
        height = session.chain.tip().height
    return {"txindex": {"synced": True, "best_block_height": height}}


def getnetworkinfo(call: Call) -> Json:
    """Show a node without peers."""
    del call
    return {
        "version": 280000,
        "subversion": "/lodestamp-simulator/",
        "connections": 0,
        "relayfee": amount_json(MIN_RELAY_FEE_RATE),
        "incrementalfee": amount_json(MIN_RELAY_FEE_RATE),
        "warnings": [],
    }


def estimatesmartfee(call: Call) -> Json:
    """Say that there is nothing to estimate from, as a regtest node does; 1 to 1,008 blocks."""
    target = call.param(0, int)
    if not 1 <= target <= _ESTIMATED_BLOCKS_MAX:
        raise RpcRefusal(-8, f"Invalid conf_target, must be between 1 and {_ESTIMATED_BLOCKS_MAX}")
    return {"errors": ["Insufficient data or no feerate found"], "blocks": target}


def validateaddress(call: Call) -> Json:
    """Show what an address stands for."""
    text = call.param(0, str)
    try:
        script = decode_address(text, REGTEST)
    except MalformedAddress as error:
        return {"isvalid": False, "error": error.message}
    program = witness_program(script)
    found: Json = {"isvalid": True, "address": text, "scriptPubKey": script.hex()}
    found["iswitness"] = program is not None
    if program is not None:
        found |= {"witness_version": program[0], "witness_program": program[1].hex()}
    return found


def generatetoaddress(call: Call) -> list[str]:
    """Mine blocks with what waits."""
    script = decode_address(call.param(1, str), REGTEST)
    return [each[::-1].hex() for each in call.simulator.mine(call.param(0, int), script)]


def generateblock(call: Call) -> Json:
    """Mine one block of exactly these transactions, given raw or by the id of one that waits."""
    script = decode_address(call.param(0, str), REGTEST)
    txs = []
    for each in call.param(1, list):
        raw = raw_of(each)
        waiting = None
        if len(raw) == 32:
            with call.simulator.reading(call.method) as session:
                waiting = session.mempool.get(raw[::-1])
            if waiting is None:
                raise RpcRefusal(-5, "Transaction not in mempool")
        txs.append(Transaction.decode(raw) if waiting is None else waiting.tx)
    try:
        block_hash = call.simulator.mine_with(txs, script)
    except ChainRejected as error:
        raise RpcRefusal(-25, f"TestBlockValidity failed: {error.reason}") from error
    return {"hash": block_hash[::-1].hex()}


def invalidateblock(call: Call) -> None:
    """Treat a block, and all upon it, as invalid."""
    call.simulator.invalidate(call.hash(0))


def reconsiderblock(call: Call) -> None:
    """Take that back."""
    call.simulator.reconsider(call.hash(0))


def submitblock(call: Call) -> str | None:
    """Hand in a block; the reason when it is refused, ``duplicate`` when it is known."""
    block = Block.decode(call.raw(0))
    try:
        with call.simulator.reading(call.method) as session:
            session.chain.row(block.hash)
    except ChainNotFound:
        pass
    else:
        return "duplicate"
    try:
        call.simulator.submit(block)
    except ChainRejected as error:
        return error.reason
    return None


def setmocktime(call: Call) -> None:
    """Let the clock stand still, or run again at 0."""
    call.simulator.set_mock_time(call.param(0, int))


def uptime(call: Call) -> int:
    """Return for how many seconds the server is up."""
    return call.uptime


def stop(call: Call) -> str:
    """Say goodbye; the server ends after this reply."""
    del call
    return "Bitcoin Core stopping"
