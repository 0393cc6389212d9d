"""btcd, from version 0.24.2 on, as a `ChainSource`; it never has OP_CAT or CTV."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from lodestamp.core.bitcoin import (
    REGTEST,
    NetworkParams,
    OutPoint,
    Transaction,
    Txid,
    TxInclusion,
    TxOut,
    branch_of,
    encode_address,
)
from lodestamp.errors import (
    ChainNotFound,
    ChainRpcError,
    ChainUnsupported,
    MalformedBitcoin,
)
from lodestamp.node.chains.remote import RemoteChain, hash_in, hex_in, inconsistent
from lodestamp.node.chains.rpc import RpcClient, satoshis
from lodestamp.node.chains.values import BlockRecord, Capabilities, Unspent

CACHED_OUTPUTS_MAX: Final = 200_000
"""Outputs of parents kept in memory, some 40 MB: most are spent soon after they are made."""
SEARCH_PAGE_MAX: Final = 100
"""Transactions of one answer to a search by address."""
FALLBACK_FEE_RATE: Final = 1_000
"""Satoshis per 1,000 vB where regtest has nothing to estimate from."""


class Btcd(RemoteChain):
    """A btcd over its JSON-RPC, with its transaction and address indexes on."""

    def __init__(self, rpc: RpcClient, network: NetworkParams) -> None:
        super().__init__(rpc, network)
        self._outputs: OrderedDict[OutPoint, TxOut] = OrderedDict()
        self._asked_of: tuple[bytes, Sequence[Transaction]] = (b"", ())

    def capabilities(self) -> Capabilities:
        """No proofs and no packages of its own; spent outputs are looked up one by one."""
        return Capabilities(
            txindex=True, prevouts=True, mining=self._network is REGTEST, reorg=True,
            fee_estimates=self._network is not REGTEST,
        )  # fmt: skip

    def block(self, block_hash: bytes, *, prevouts: bool = False) -> BlockRecord:
        """Return a checked block; its parents are checked too, so what it spends is certain."""
        block = self._block(block_hash)[1]
        spent = None
        if prevouts:
            for tx in block.txs:
                self._remember(tx)
            spent = tuple(self._spent_by(tx) for tx in block.txs)
        return BlockRecord(block, self._height_of(block_hash), spent)

    def prevouts(self, block_hash: bytes, tx_index: int) -> tuple[TxOut, ...]:
        """Return what a transaction of a block spends; the block asked of last is kept."""
        kept, txs = self._asked_of
        if kept != block_hash:
            txs = self._block(block_hash)[1].txs
            self._asked_of = (block_hash, txs)
        if not 0 <= tx_index < len(txs):
            raise ChainNotFound(f"the block has no transaction {tx_index}")
        return self._spent_by(txs[tx_index])

    def utxos_of(self, script: bytes) -> tuple[Unspent, ...]:
        """Every confirmed coin of a script that has an address, by the address index."""
        text = encode_address(script, self._network)
        coins: dict[OutPoint, Unspent] = {}
        for tx in self._search(text):
            for vout, output in enumerate(tx.outputs):
                outpoint = OutPoint(tx.txid, vout)
                if output.script == script and outpoint not in coins:
                    coin = self.utxo(outpoint)
                    if coin is not None:
                        coins[outpoint] = coin
        return tuple(coins[outpoint] for outpoint in sorted(coins))

    def inclusion(self, txid: bytes, block: bytes) -> TxInclusion:
        """Our own proof from the whole block, as btcd makes none."""
        found = self._block(block)[1]
        txids = [tx.txid for tx in found.txs]
        if txid not in txids:
            raise ChainNotFound("the block does not hold this transaction")
        index = txids.index(Txid(txid))
        stripped = found.txs[index].encode(witness=False)
        inclusion = TxInclusion(stripped, index, branch_of(txids, index), found.header)
        return self._checked(inclusion, txid, block)

    def fee_rate(self, target_blocks: int) -> int:
        """Return the node's estimate; on regtest 1,000 where it has none."""
        if self._network is REGTEST:
            return FALLBACK_FEE_RATE
        return satoshis(self._rpc.call("estimatefee", target_blocks))

    def mine(self, count: int, script: bytes) -> tuple[bytes, ...]:
        """Mine blocks with what waits; they pay the ``--miningaddr`` of the node.

        ChainUnsupported when that is not `script`; the blocks stand all the same.
        """
        hashes = tuple(map(hash_in, self._rpc.call("generate", count, retry=False)))
        if hashes and self._block(hashes[-1])[1].txs[0].outputs[0].script != script:
            raise ChainUnsupported("mining to another script than --miningaddr", "btcd")
        return hashes

    def mine_with(self, txs: Sequence[Transaction], script: bytes) -> bytes:
        """Refuse: btcd mines only what waits."""
        del txs, script
        raise ChainUnsupported("mine_with", "btcd")

    def _raw_form(self) -> tuple[int, ...]:
        return (0,)

    def _spent_by(self, tx: Transaction) -> tuple[TxOut, ...]:
        if tx.is_coinbase:
            return ()
        return tuple(self._output(item.prevout) for item in tx.inputs)

    def _output(self, outpoint: OutPoint) -> TxOut:
        found = self._outputs.get(outpoint)
        if found is not None:
            self._outputs.move_to_end(outpoint)
            return found
        parent = self.transaction(outpoint.txid)
        if outpoint.vout >= len(parent.outputs):
            raise inconsistent("an input spends an output that its parent does not have")
        self._remember(parent)
        return parent.outputs[outpoint.vout]

    def _remember(self, tx: Transaction) -> None:
        txid = tx.txid
        for vout, output in enumerate(tx.outputs):
            self._outputs[OutPoint(txid, vout)] = output
        while len(self._outputs) > CACHED_OUTPUTS_MAX:
            self._outputs.popitem(last=False)

    def _search(self, text: str) -> list[Transaction]:
        found: list[Transaction] = []
        while True:
            try:
                page = self._rpc.call("searchrawtransactions", text, 0, len(found), SEARCH_PAGE_MAX)
            except (ChainNotFound, ChainRpcError) as error:
                if isinstance(error, ChainRpcError) and error.rpc_code not in (-5, -1):
                    raise
                return found  # btcd says "no information" where there is none, or no more
            try:
                found += [Transaction.decode(hex_in(each)) for each in page or ()]
            except MalformedBitcoin as error:
                raise inconsistent(f"a transaction: {error.message}") from error
            if len(page or ()) < SEARCH_PAGE_MAX:
                return found
