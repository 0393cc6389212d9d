"""A chain in memory, of whatever blocks it is given: for fixtures and replays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from lodestamp.core.bitcoin import (
    HEADER_SIZE,
    REGTEST,
    BlockHeader,
    NetworkParams,
    OutPoint,
    TxOut,
)
from lodestamp.errors import LodestampError
from lodestamp.node.chains.stored import StoredChain
from lodestamp.node.chains.values import Capabilities

_NOTHING: Final[Mapping[OutPoint, TxOut]] = MappingProxyType({})


class MemoryChain(StoredChain):
    """Blocks in memory: given in any order, joined as they link, reorganised by work.

    `made` are outputs that are spent but that no given block makes. Blocks need their work, and
    must lead back to the network's genesis block to count; what they hold is checked when asked
    for, so that a damaged one can be given.
    """

    backend = "a chain in memory"

    def __init__(
        self,
        blocks: Iterable[bytes] = (),
        *,
        net: NetworkParams = REGTEST,
        made: Mapping[OutPoint, TxOut] = _NOTHING,
    ) -> None:
        super().__init__(net, made)
        self._raws: dict[bytes, bytes] = {}
        self._indexed: dict[int, Mapping[bytes, bytes]] = {}
        for raw in blocks:
            self.give(raw)

    def give(self, raw: bytes) -> bytes:
        """Take the bytes of a block and return its hash; the best branch may change by it.

        A block that is known already is no error, and is not replaced. MalformedBlock
        ``header-size`` below 80 bytes, BadHeader ``high-hash`` when it lacks its work, WrongNetwork
        for another genesis block.
        """
        header = BlockHeader.decode(raw[:HEADER_SIZE])
        block_hash = header.hash
        self._raws.setdefault(block_hash, bytes(raw))  # first, for whoever sees it in the tree
        try:
            self._tree.add(header)
        except LodestampError:
            del self._raws[block_hash]
            raise
        return block_hash

    def capabilities(self) -> Capabilities:
        """Transactions and what they spend are found at once: a fixture has few blocks."""
        return Capabilities(txindex=True, prevouts=True, reorg=True)

    def _read(self, place: int) -> bytes:
        return self._raws[self._tree.hash_of(place)]

    def _txs(self, place: int) -> Mapping[bytes, bytes]:
        found = self._indexed.get(place)
        if found is None:
            found = self._indexed[place] = super()._txs(place)
        return found
