"""Bitcoin Core, from version 28 on, and Bitcoin Inquisition, as a `ChainSource`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lodestamp.core.bitcoin import (
    REGTEST,
    Coin,
    NetworkParams,
    OutPoint,
    Transaction,
    TxInclusion,
    TxOut,
    decode_merkle_block,
    encode_address,
)
from lodestamp.errors import ChainError, ChainRejected, ChainRpcError, MalformedBitcoin
from lodestamp.node.chains.remote import (
    RemoteChain,
    hash_in,
    hex_in,
    inconsistent,
    member,
    output_in,
)
from lodestamp.node.chains.rpc import RpcClient, satoshis
from lodestamp.node.chains.values import BlockRecord, Capabilities, Unspent

FALLBACK_FEE_RATE = 1_000
"""Satoshis per 1,000 vB where regtest has nothing to estimate from."""


class Bitcoind(RemoteChain):
    """A bitcoind over its JSON-RPC."""

    def __init__(self, rpc: RpcClient, network: NetworkParams) -> None:
        super().__init__(rpc, network)
        self._spent_in: tuple[bytes, tuple[tuple[TxOut, ...], ...]] = (b"", ())

    def capabilities(self) -> Capabilities:
        """Return what it can do; the index is asked for, the soft forks as it reports them."""
        indexes = self._rpc.call("getindexinfo", "txindex")
        deployments = member(self._rpc.call("getdeploymentinfo"), "deployments", dict)
        is_regtest = self._network is REGTEST
        return Capabilities(
            txindex=isinstance(indexes, dict) and "txindex" in indexes,
            prevouts=True,
            proofs=True,
            packages=True,
            mining=is_regtest,
            reorg=True,
            fee_estimates=not is_regtest,
            deployments={
                name: isinstance(each, dict) and each.get("active") is True
                for name, each in deployments.items()
            },
        )

    def block(self, block_hash: bytes, *, prevouts: bool = False) -> BlockRecord:
        """Return a block whose bytes were checked; its spent outputs are the node's word."""
        block = self._block(block_hash)[1]
        if not prevouts:
            return BlockRecord(block, self._height_of(block_hash))
        found = self._rpc.call("getblock", block_hash[::-1].hex(), 3)
        told = member(found, "tx", list)
        if len(told) != len(block.txs):
            raise inconsistent("a block has another number of transactions")
        pairs = zip(block.txs, told, strict=True)
        spent = tuple(_spent_in(tx, each) for tx, each in pairs)
        return BlockRecord(block, member(found, "height", int), spent)

    def prevouts(self, block_hash: bytes, tx_index: int) -> tuple[TxOut, ...]:
        """Return what a transaction of a block spends; the last block's answers are kept.

        The node tells them of a whole block at once, and hundreds of its transactions may be asked.
        """
        kept, spent = self._spent_in
        if kept != block_hash:
            spent = self.block(block_hash, prevouts=True).spent or ()
            self._spent_in = (block_hash, spent)
        if not 0 <= tx_index < len(spent):
            raise ChainRpcError(0, f"the block has no transaction {tx_index}")
        return spent[tx_index]

    def utxos_of(self, script: bytes) -> tuple[Unspent, ...]:
        """Every confirmed coin of a script, by a scan of the node's whole set."""
        found = self._rpc.call("scantxoutset", "start", [f"raw({script.hex()})"])
        if member(found, "success", bool) is not True:
            raise ChainRpcError(0, "the scan of the coins did not finish")
        coins = [_unspent_in(each, script) for each in member(found, "unspents", list)]
        return tuple(sorted(coins, key=lambda one: one.outpoint))

    def inclusion(self, txid: bytes, block: bytes) -> TxInclusion:
        """Return the node's own proof, decoded and checked."""
        found = self._rpc.call("gettxoutproof", [txid[::-1].hex()], block[::-1].hex())
        try:
            proof = decode_merkle_block(hex_in(found))
        except MalformedBitcoin as error:
            raise inconsistent(f"a proof: {error.message}") from error
        match = next((each for each in proof.matches if each.txid == txid), None)
        if match is None:
            raise inconsistent("a proof is about another transaction")
        stripped = self.transaction(txid, block=block).encode(witness=False)
        inclusion = TxInclusion(stripped, match.index, match.branch, proof.header)
        return self._checked(inclusion, txid, block)

    def fee_rate(self, target_blocks: int) -> int:
        """Return the node's estimate; on regtest 1,000 where it has none."""
        found = self._rpc.call("estimatesmartfee", target_blocks)
        if isinstance(found, dict) and "feerate" in found:
            return satoshis(found["feerate"])
        if self._network is REGTEST:
            return FALLBACK_FEE_RATE
        raise ChainRpcError(0, "the node has seen too little to estimate a fee")

    def mine(self, count: int, script: bytes) -> tuple[bytes, ...]:
        """Mine blocks with what waits; the script must have an address."""
        to = encode_address(script, self._network)
        return tuple(map(hash_in, self._rpc.call("generatetoaddress", count, to, retry=False)))

    def mine_with(self, txs: Sequence[Transaction], script: bytes) -> bytes:
        """Mine one block of exactly these; a refusal tells the reason where the node does (R31)."""
        to = encode_address(script, self._network)
        raws = [tx.encode().hex() for tx in txs]
        try:
            found = self._rpc.call("generateblock", to, raws, retry=False)
        except ChainRejected as error:
            raise self._told_apart(error, txs) from error
        return hash_in(member(found, "hash", str))

    def _told_apart(self, error: ChainRejected, txs: Sequence[Transaction]) -> ChainError:
        for tx in txs:
            answer = self.test_accept(tx)
            if answer.script_error is not None and error.script_error is None:
                return ChainRejected(
                    answer.reason or error.reason, script_error=answer.script_error
                )
        return error


def _spent_in(tx: Transaction, told: object) -> tuple[TxOut, ...]:
    if hash_in(member(told, "txid", str)) != tx.txid:
        raise inconsistent("a block has other transactions")
    if tx.is_coinbase:
        return ()
    inputs: list[Any] = member(told, "vin", list)
    if len(inputs) != len(tx.inputs):
        raise inconsistent("a transaction has another number of inputs")
    return tuple(output_in(member(each, "prevout", dict)) for each in inputs)


def _unspent_in(told: object, script: bytes) -> Unspent:
    if hex_in(member(told, "scriptPubKey", str)) != script:
        raise inconsistent("a coin of another script")
    outpoint = OutPoint(hash_in(member(told, "txid", str)), member(told, "vout", int))
    amount = satoshis(told.get("amount") if isinstance(told, dict) else None)
    coin = Coin(TxOut(amount, script), member(told, "height", int), member(told, "coinbase", bool))
    return Unspent(outpoint, coin)
