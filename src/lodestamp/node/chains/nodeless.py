"""What only a node can do, and a chain of stored blocks therefore refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Never

from lodestamp.core.bitcoin import OutPoint, Transaction
from lodestamp.errors import ChainUnsupported
from lodestamp.node.chains.values import Acceptance, Unspent


class Nodeless:
    """A source without mempool, coin index and miner; `backend` is its name in errors."""

    backend = "a chain of stored blocks"

    def utxo(self, outpoint: OutPoint) -> Unspent | None:
        """ChainUnsupported: there is no index of coins."""
        del outpoint
        self._refuse("index of coins")

    def utxos_of(self, script: bytes) -> tuple[Unspent, ...]:
        """ChainUnsupported: there is no index of coins."""
        del script
        self._refuse("index of coins")

    def test_accept(self, tx: Transaction) -> Acceptance:
        """ChainUnsupported: there is no mempool."""
        del tx
        self._refuse("mempool")

    def broadcast(self, tx: Transaction) -> bytes:
        """ChainUnsupported: there is nobody to send it to."""
        del tx
        self._refuse("way to send a transaction")

    def fee_rate(self, target_blocks: int) -> int:
        """ChainUnsupported: there is no mempool to estimate from."""
        del target_blocks
        self._refuse("fee estimate")

    def mine(self, count: int, script: bytes) -> tuple[bytes, ...]:
        """ChainUnsupported: blocks come from elsewhere."""
        del count, script
        self._refuse("mining")

    def mine_with(self, txs: Sequence[Transaction], script: bytes) -> bytes:
        """ChainUnsupported: blocks come from elsewhere."""
        del txs, script
        self._refuse("mining")

    def _refuse(self, call: str) -> Never:
        raise ChainUnsupported(call, self.backend)
