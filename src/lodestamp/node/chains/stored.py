"""What chains have in common whose blocks lie here as bytes: in memory, or in files.

Nothing is asked of a node, so that there is no mempool, no coin index and no fee estimate. A
transaction or a spent output is found by looking through blocks, backwards.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from threading import Event

from lodestamp.core.bitcoin import (
    HEADER_SIZE,
    Block,
    BlockHeader,
    NetworkParams,
    OutPoint,
    Transaction,
    Txid,
    TxInclusion,
    TxOut,
    branch_of,
    check_merkle,
    merkle_root,
    sha256d,
)
from lodestamp.core.ownership import walk_block
from lodestamp.errors import (
    BlockMalformed,
    ChainNotFound,
    ChainRpcError,
    InputError,
)
from lodestamp.node.chains.genesis import genesis_block
from lodestamp.node.chains.header_tree import GENESIS_PLACE, HeaderTree
from lodestamp.node.chains.nodeless import Nodeless
from lodestamp.node.chains.values import (
    BlockRecord,
    BlockRef,
    Capabilities,
    ChainEvent,
)
from lodestamp.node.chains.watch import watch


class StoredChain(Nodeless):
    """Answers about blocks that are read by `_read`; how they are kept is the subclass's.

    `made` gives outputs that no block here makes, for chains whose beginning was cut away.
    """

    def __init__(self, net: NetworkParams, made: Mapping[OutPoint, TxOut]) -> None:
        self._net = net
        self._made = made
        self._tree = HeaderTree(net)

    def _read(self, place: int) -> bytes:
        """Return the bytes of a block by its place in the tree, but for the genesis block's."""
        raise NotImplementedError

    def _look_again(self) -> None:
        """Take in blocks that came since."""

    @property
    def network(self) -> NetworkParams:
        """The network whose genesis block everything leads back to."""
        return self._net

    def capabilities(self) -> Capabilities:
        """Blocks in order, and nothing that takes a node or an index."""
        return Capabilities()

    def tip(self) -> BlockRef:
        """Return the last block of the branch of most work; the first seen wins a tie."""
        self._look_again()
        height, place = self._tree.tip()
        return BlockRef(height, self._tree.hash_of(place))

    def block_hash(self, height: int) -> bytes | None:
        """Return the best branch's block at a height; None above the tip."""
        if height > self._tree.tip()[0]:
            self._look_again()
        place = self._tree.active(height)
        return None if place is None else self._tree.hash_of(place)

    def header(self, block_hash: bytes) -> BlockHeader:
        """Return the header of a block of any branch; ChainNotFound."""
        return self._tree.header_at(self._place(block_hash))

    def headers(self, start: int, count: int) -> tuple[BlockHeader, ...]:
        """Headers of the best branch."""
        places = (self._tree.active(height) for height in range(max(start, 0), start + count))
        found = []
        for place in places:
            if place is None:
                break
            found.append(self._tree.header_at(place))
        return tuple(found)

    def block(self, block_hash: bytes, *, prevouts: bool = False) -> BlockRecord:
        """Return a block, its transactions held against its header.

        That its witnesses are what the coinbase commits to is not asked: a fixture may have cut
        them, and whoever relies on one checks the signature in it. With `prevouts` also what it
        spends, which may mean to look through all blocks before it.
        """
        place = self._place(block_hash)
        block = self._block(place)
        height = self._tree.height_of(place)
        if height is None:
            raise ChainNotFound("the block is not linked to the genesis block")
        spent = self._spent(place, block.txs) if prevouts else None
        return BlockRecord(block, height, spent)

    def raw_block(self, block_hash: bytes) -> bytes:
        """Return the bytes of a block, their header checked; what follows it is as it lies here."""
        return self._raw(self._place(block_hash))

    def raw_blocks(self, start: int, stop: int) -> Iterator[tuple[BlockRef, bytes]]:
        """Return the best branch's blocks in order; it ends where the branch does.

        ChainRpcError when they no longer link, as after a reorganisation on the way.
        """
        last: bytes | None = None
        for height in range(max(start, 0), stop):
            place = self._tree.active(height)
            if place is None:
                return
            raw = self._raw(place)
            if last not in (None, raw[4:36]):
                raise inconsistent("the best branch has changed while its blocks were read")
            last = sha256d(raw[:HEADER_SIZE])
            yield BlockRef(height, last), raw

    def transaction(
        self, txid: bytes, *, block: bytes | None = None, near: int | None = None
    ) -> Transaction:
        """Return a transaction of `block`, else of the best branch: from `near` down, then above.

        ChainNotFound once everything was looked through.
        """
        if block is not None:
            found = self._txs(self._place(block)).get(txid)
        else:
            top = self._tree.tip()[0]
            start = top if near is None else max(0, min(near, top))
            heights = (*range(start, -1, -1), *range(start + 1, top + 1))
            found = self._look_at(heights, txid)
        if found is None:
            raise ChainNotFound(f"no block here holds the transaction {txid[::-1].hex()}")
        return Transaction.decode(found)

    def prevouts(self, block_hash: bytes, tx_index: int) -> tuple[TxOut, ...]:
        """Return what a transaction of a block spends, looking backwards from that block."""
        place = self._place(block_hash)
        txs = self._block(place).txs
        if not 0 <= tx_index < len(txs):
            raise ChainNotFound(f"the block has no transaction {tx_index}")
        return self._spent(place, txs, tx_index)[0]

    def inclusion(self, txid: bytes, block: bytes) -> TxInclusion:
        """Return the proof that a block holds a transaction."""
        found = self._block(self._place(block))
        txids = [tx.txid for tx in found.txs]
        if txid not in txids:
            raise ChainNotFound("the block does not hold this transaction")
        index = txids.index(Txid(txid))
        stripped = found.txs[index].encode(witness=False)
        return TxInclusion(stripped, index, branch_of(txids, index), found.header)

    def watch(self, since: BlockRef, stop: Event) -> Iterator[ChainEvent]:
        """Return what changes after `since`, by looking once a second."""
        return watch(self, since, stop)

    def close(self) -> None:
        """Hold nothing open."""

    def invalidate(self, block_hash: bytes) -> None:
        """Treat a block, and all upon it, as invalid, as far as answers here go."""
        self._tree.bar(self._place(block_hash))

    def reconsider(self, block_hash: bytes) -> None:
        """Take that back."""
        self._tree.unbar(self._place(block_hash))

    # Looking through blocks

    def _place(self, block_hash: bytes) -> int:
        place = self._tree.place_of(block_hash)
        if place is None:
            self._look_again()
            place = self._tree.place_of(block_hash)
        if place is None:
            raise ChainNotFound(f"there is no block {block_hash[::-1].hex()} here")
        return place

    def _raw(self, place: int) -> bytes:
        if place == GENESIS_PLACE:
            return genesis_block(self._net).encode()
        raw = self._read(place)
        if raw[:HEADER_SIZE] != self._tree.header_at(place).encode():
            raise inconsistent("a block is not the one that lay there before")
        return raw

    def _block(self, place: int) -> Block:
        try:
            block = Block.decode(self._raw(place))
        except InputError as error:
            raise inconsistent(f"a block: {error.message}") from error
        if check_merkle(block) is not None:
            raise inconsistent(f"the block {block.hash_display} is not what its header says")
        return block

    def _txs(self, place: int) -> Mapping[bytes, bytes]:
        """Return the bytes of a block's transactions by their ids, which its header commits to."""
        raw = self._raw(place)
        try:
            spans = list(walk_block(raw))
        except BlockMalformed as error:
            raise inconsistent(f"a block: {error.message}") from error
        txids = [each.txid(raw) for each in spans]
        if merkle_root(txids) != (self._tree.header_at(place).merkle, False):
            raise inconsistent("a block is not what its header says")
        pairs = zip(txids, spans, strict=True)
        return {txid: raw[each.start : each.end] for txid, each in pairs}

    def _look_at(self, heights: Iterable[int], txid: bytes) -> bytes | None:
        for height in heights:
            place = self._tree.active(height)
            found = None if place is None else self._txs(place).get(txid)
            if found is not None:
                return found
        return None

    def _look_through(self, place: int, wanted: Collection[bytes]) -> dict[bytes, Transaction]:
        """Find transactions in a block and those before it, as far back as it takes."""
        found: dict[bytes, Transaction] = {}
        missing = set(wanted)
        for each in self._tree.ancestors(place, 0) if missing else ():
            if not missing:
                break
            txs = self._txs(each)
            found.update((each, Transaction.decode(txs[each])) for each in missing & txs.keys())
            missing -= found.keys()
        return found

    def _spent(
        self, place: int, txs: Sequence[Transaction], only: int | None = None
    ) -> tuple[tuple[TxOut, ...], ...]:
        asked = txs if only is None else (txs[only],)
        spending = [() if tx.is_coinbase else tx.inputs for tx in asked]
        points = [each.prevout for inputs in spending for each in inputs]
        wanted = {each.txid for each in points if each not in self._made}
        found = self._look_through(place, wanted)
        return tuple(
            tuple(self._output(each.prevout, found) for each in inputs) for inputs in spending
        )

    def _output(self, point: OutPoint, found: Mapping[bytes, Transaction]) -> TxOut:
        given = self._made.get(point)
        if given is not None:
            return given
        tx = found.get(point.txid)
        if tx is None or point.vout >= len(tx.outputs):
            raise ChainNotFound(f"no block here makes the output {point}")
        return tx.outputs[point.vout]


def inconsistent(what: str) -> ChainRpcError:
    """Return the error for stored blocks that contradict themselves."""
    return ChainRpcError(0, f"the stored blocks are inconsistent: {what}")
