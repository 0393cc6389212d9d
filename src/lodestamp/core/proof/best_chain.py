"""What a verifier knows of a chain of headers, beside what a proof carries (R75, R76)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from lodestamp.core.proof.bitcoin_trust import BITCOIN_TRUST, BitcoinTrust

if TYPE_CHECKING:  # the room takes a tenth of a second to import, and most proofs do without
    from lodestamp.core.bitcoin import NetworkParams

MAIN: Final = "main"


class BestChain(Protocol):
    """The best chain of one network, as the verifier knows it. Hashes in internal byte order."""

    @property
    def network(self) -> NetworkParams:
        """The network it is of."""

    def hash_at(self, height: int) -> bytes | None:
        """Return the hash at a height; None above the tip."""

    def confirmations(self, block_hash: bytes) -> int:
        """Return how many blocks stand from this one on, it included; 0 when it is not there."""


@dataclass(frozen=True, slots=True)
class HeaderTrust:
    """What the caller takes for granted of headers; `network` is one beside those accepted."""

    bitcoin: BitcoinTrust = field(default_factory=lambda: BITCOIN_TRUST)
    network: str | None = None
    store: BestChain | None = None

    def accepts(self, network: str) -> bool:
        """Tell whether anchors of this network count; those of main always do (R76)."""
        return network in {MAIN, self.bitcoin.network, self.network}
