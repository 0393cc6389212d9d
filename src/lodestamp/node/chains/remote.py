"""What the backends of real nodes share: asking, and believing nothing unchecked (R30).

Bytes are parsed by core and held against the hash they were asked for by; a header must carry its
work, a block its Merkle root. A node that contradicts itself is a ChainRpcError, never a value.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from threading import Event
from typing import Any, Final, TypeVar

from lodestamp.core.bitcoin import (
    Block,
    BlockHeader,
    Coin,
    NetworkParams,
    OutPoint,
    Transaction,
    TxInclusion,
    TxOut,
    check_inclusion,
    check_merkle,
    check_witnesses,
    has_work,
    told_height,
)
from lodestamp.errors import (
    ChainError,
    ChainNotFound,
    ChainRejected,
    ChainRpcError,
    ChainUnavailable,
    InputError,
    MalformedBitcoin,
    WrongNetwork,
)
from lodestamp.node.chains.reasons import script_error_in
from lodestamp.node.chains.rpc import RpcClient, satoshis
from lodestamp.node.chains.values import Acceptance, BlockRef, ChainEvent, Unspent
from lodestamp.node.chains.watch import watch

PREFETCHED_BLOCKS_MAX: Final = 16
"""Blocks asked for ahead of the consumer: at most 64 MB."""
HEADERS_MAX: Final = 10_000
"""Headers of one call, each of which costs two questions."""

_Kind = TypeVar("_Kind")

_ACCEPTED_FEE_RATE: Final = Decimal("0.1")
"""Bitcoins per 1,000 vB above which a node should suspect a mistake; bitcoind's own default."""
_PREFETCH_THREADS: Final = 4
_BROADCAST_TRIES: Final = 3
_ALREADY_IN_CHAIN: Final = -27
_KNOWN_SAYINGS: Final = ("already have transaction", "txn-already-in-mempool", "txn-already-known")


class RemoteChain:
    """Questions that bitcoind and btcd answer alike."""

    def __init__(self, rpc: RpcClient, network: NetworkParams) -> None:
        self._rpc = rpc
        self._network = network

    def require_network(self) -> None:
        """Refuse a node of another chain: WrongNetwork unless its genesis block is ours."""
        if hash_in(self._rpc.call("getblockhash", 0)) != self._network.genesis.hash:
            hint = "name the node's network in the URL, such as &network=regtest"
            raise WrongNetwork(f"the node is not on {self._network}", hint=hint)

    @property
    def network(self) -> NetworkParams:
        """The network that was configured and checked."""
        return self._network

    def close(self) -> None:
        """Release the connections."""
        self._rpc.close()

    def tip(self) -> BlockRef:
        """Return the last block; asked again when the chain moves between two questions."""
        while True:
            block_hash = hash_in(self._rpc.call("getbestblockhash"))
            height = self._height_of(block_hash)
            if self.block_hash(height) == block_hash:
                return BlockRef(height, block_hash)

    def block_hash(self, height: int) -> bytes | None:
        """Return the best chain's block at a height; None above the tip."""
        if height < 0:
            return None
        try:
            return hash_in(self._rpc.call("getblockhash", height))
        except ChainNotFound:
            return None
        except ChainRpcError as error:
            if error.rpc_code == -1:  # btcd's word for a height out of range
                return None
            raise

    def header(self, block_hash: bytes) -> BlockHeader:
        """Return a header whose hash and work were checked."""
        raw = hex_in(self._rpc.call("getblockheader", block_hash[::-1].hex(), False))
        try:
            header = BlockHeader.decode(raw)
        except MalformedBitcoin as error:
            raise inconsistent(f"a header: {error.message}") from error
        if header.hash != block_hash or not has_work(header, self._network):
            raise inconsistent("a header is not the one asked for, or lacks its work")
        return header

    def headers(self, start: int, count: int) -> tuple[BlockHeader, ...]:
        """Headers that link; ChainRpcError when the chain moved while they were read."""
        found: list[BlockHeader] = []
        for height in range(start, start + min(count, HEADERS_MAX)):
            block_hash = self.block_hash(height)
            if block_hash is None:
                break
            header = self.header(block_hash)
            if found and header.prev != found[-1].hash:
                raise inconsistent("the headers do not link; the chain may just have changed")
            found.append(header)
        return tuple(found)

    def raw_block(self, block_hash: bytes) -> bytes:
        """Return the bytes of a block, checked."""
        return self._block(block_hash)[0]

    def raw_blocks(self, start: int, stop: int) -> Iterator[tuple[BlockRef, bytes]]:
        """Blocks in order, fetched ahead; it ends where the chain does.

        ChainRpcError when they do not link, as after a reorganisation on the way.
        """
        last: bytes | None = None
        ahead: deque[tuple[BlockRef, Future[bytes]]] = deque()
        heights = iter(range(start, stop))
        with ThreadPoolExecutor(_PREFETCH_THREADS) as pool:
            while True:
                while len(ahead) < PREFETCHED_BLOCKS_MAX:
                    height = next(heights, None)
                    block_hash = None if height is None else self.block_hash(height)
                    if height is None or block_hash is None:
                        break
                    ref = BlockRef(height, block_hash)
                    ahead.append((ref, pool.submit(self.raw_block, block_hash)))
                if not ahead:
                    return
                ref, waiting = ahead.popleft()
                raw = waiting.result()
                if last not in (None, raw[4:36]):
                    raise inconsistent("the blocks do not link; the chain may have changed")
                last = ref.hash
                yield ref, raw

    def transaction(
        self, txid: bytes, *, block: bytes | None = None, near: int | None = None
    ) -> Transaction:
        """Return a transaction with a checked id; without an index `block` or `near` is needed.

        The block at `near` is read only where the node does not find it by itself.
        """
        if block is not None:
            return self._transaction_in(block, txid)
        try:
            raw = hex_in(self._rpc.call("getrawtransaction", txid[::-1].hex(), *self._raw_form()))
        except ChainNotFound:
            near_block = None if near is None else self.block_hash(near)
            if near_block is None:
                raise
            return self._transaction_in(near_block, txid)
        try:
            tx = Transaction.decode(raw)
        except MalformedBitcoin as error:
            raise inconsistent(f"a transaction: {error.message}") from error
        if tx.txid != txid:
            raise inconsistent("a transaction is not the one asked for")
        return tx

    def _transaction_in(self, block: bytes, txid: bytes) -> Transaction:
        found = next((tx for tx in self._block(block)[1].txs if tx.txid == txid), None)
        if found is None:
            raise ChainNotFound("the block does not hold this transaction")
        return found

    def utxo(self, outpoint: OutPoint) -> Unspent | None:
        """Return the confirmed coin at an outpoint."""
        found = self._rpc.call("gettxout", outpoint.txid_display, outpoint.vout, False)
        if found is None:
            return None
        best = self._height_of(hash_in(member(found, "bestblock", str)))
        height = best - member(found, "confirmations", int) + 1
        output = output_in(found)
        return Unspent(outpoint, Coin(output, height, member(found, "coinbase", bool)))

    def test_accept(self, tx: Transaction) -> Acceptance:
        """Whether the node's mempool would take a transaction."""
        replies = self._rpc.call("testmempoolaccept", [tx.encode().hex()], _ACCEPTED_FEE_RATE)
        if not isinstance(replies, list) or len(replies) != 1:
            raise inconsistent("testmempoolaccept does not answer one by one")
        if isinstance(replies[0], dict) and replies[0].get("allowed") is True:
            fees = member(replies[0], "fees", dict)
            fee = satoshis(fees.get("base"))
            return Acceptance(allowed=True, vsize=member(replies[0], "vsize", int), fee=fee)
        reason = member(replies[0], "reject-reason", str)
        return Acceptance(allowed=False, reason=reason, script_error=script_error_in(reason))

    def broadcast(self, tx: Transaction) -> bytes:
        """Hand in a transaction; where the connection is lost, look before sending again (R29)."""
        txid, raw = tx.txid, tx.encode().hex()
        for tries_left in reversed(range(_BROADCAST_TRIES)):
            try:
                self._rpc.call("sendrawtransaction", raw, retry=False)
            except ChainUnavailable:
                if self._is_known(txid):
                    return txid
                if not tries_left:
                    raise
                continue
            except (ChainRejected, ChainRpcError) as error:
                if not _says_known(error):
                    raise
            return txid
        return txid

    def watch(self, since: BlockRef, stop: Event) -> Iterator[ChainEvent]:
        """Return what changes after `since`, by asking once a second."""
        return watch(self, since, stop)  # type: ignore[arg-type]  # a subclass is the whole source

    def invalidate(self, block_hash: bytes) -> None:
        """Treat a block, and all upon it, as invalid."""
        self._rpc.call("invalidateblock", block_hash[::-1].hex())

    def reconsider(self, block_hash: bytes) -> None:
        """Take that back."""
        self._rpc.call("reconsiderblock", block_hash[::-1].hex())

    def _raw_form(self) -> tuple[Any, ...]:
        """How to ask `getrawtransaction` for bytes: bitcoind wants false, btcd 0."""
        return (False,)

    def _block(self, block_hash: bytes) -> tuple[bytes, Block]:
        raw = hex_in(self._rpc.call("getblock", block_hash[::-1].hex(), 0))
        try:
            block = Block.decode(raw)
        except InputError as error:
            raise inconsistent(f"a block: {error.message}") from error
        if block.hash != block_hash or not has_work(block.header, self._network):
            raise inconsistent("a block is not the one asked for, or lacks its work")
        reason = check_merkle(block) or _witness_fault(block, self._network)
        if reason is not None:
            raise inconsistent(f"a block does not hold together: {reason}")
        return raw, block

    def _height_of(self, block_hash: bytes) -> int:
        found = self._rpc.call("getblockheader", block_hash[::-1].hex(), True)
        return member(found, "height", int)

    def _is_known(self, txid: bytes) -> bool:
        try:
            self._rpc.call("getrawtransaction", txid[::-1].hex(), *self._raw_form())
        except ChainNotFound:
            return self._rpc.call("gettxout", txid[::-1].hex(), 0, True) is not None
        return True

    def _checked(self, inclusion: TxInclusion, txid: bytes, block: bytes) -> TxInclusion:
        """Hold a proof against what it was asked for."""
        try:
            check_inclusion(inclusion)
        except MalformedBitcoin as error:
            raise inconsistent(f"a proof: {error.message}") from error
        if inclusion.txid != txid or inclusion.header.hash != block:
            raise inconsistent("a proof is about another transaction or block")
        return inclusion


def _witness_fault(block: Block, net: NetworkParams) -> str | None:
    """Return what is wrong with a block's witnesses; nothing can be before there were any.

    A block after that tells its own height, so that nobody can pass it off as an early one.
    """
    height = told_height(block)
    carried = any(item.witness for tx in block.txs for item in tx.inputs)
    if height is not None and height < net.segwit_height and not carried:
        return None
    return check_witnesses(block)


def _says_known(error: ChainError) -> bool:
    """Tell whether a refusal only says that the node has the transaction."""
    in_chain = isinstance(error, ChainRpcError) and error.rpc_code == _ALREADY_IN_CHAIN
    return in_chain or any(saying in error.message for saying in _KNOWN_SAYINGS)


def inconsistent(what: str) -> ChainRpcError:
    """Return the error for a node that contradicts itself."""
    return ChainRpcError(0, f"inconsistent answer from the node: {what}")


def hex_in(value: object) -> bytes:
    """Return the bytes of a hex text in a reply."""
    try:
        if isinstance(value, str) and value.isascii():
            return bytes.fromhex(value)
    except ValueError:
        pass
    raise inconsistent("no hex text")


def hash_in(value: object) -> bytes:
    """Return a hash in internal byte order from its reversed hex text."""
    raw = hex_in(value)
    if len(raw) != 32:
        raise inconsistent("a hash has 32 bytes")
    return raw[::-1]


def member(found: object, name: str, kind: type[_Kind]) -> _Kind:
    """Return a member of an object in a reply, of the type it must have."""
    value = found.get(name) if isinstance(found, dict) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise inconsistent(f"no {name} of its type")
    return value


def output_in(found: object) -> TxOut:
    """Return the output that an object with ``value`` and ``scriptPubKey.hex`` describes."""
    script = member(member(found, "scriptPubKey", dict), "hex", str)
    value = found.get("value") if isinstance(found, dict) else None
    return TxOut(satoshis(value), hex_in(script))
