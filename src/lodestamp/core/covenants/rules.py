"""By which rules a spend is judged, named in every verdict (R22)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from lodestamp.core.bitcoin import CONSENSUS, CONSENSUS_CAT_CTV, Flag
from lodestamp.core.covenants.kinds import Kind

_NO_HEIGHTS: Final[Mapping[str, int | None]] = MappingProxyType({})
_FLAG_OF: Final = MappingProxyType(
    {"opcat": Flag.OP_CAT, "checktemplateverify": Flag.DEFAULT_CHECK_TEMPLATE_VERIFY_HASH}
)


@dataclass(frozen=True, slots=True)
class Rules:
    """A set of script rules, the network it is assumed of, and since which height each fork is.

    A height is None where the node does not tell it. Nothing here makes the assumption true: the
    verdict only says that it stands on it.
    """

    name: str
    flags: Flag
    network: str
    heights: Mapping[str, int | None] = field(default_factory=lambda: _NO_HEIGHTS)

    def enforce(self, kind: Kind) -> bool:
        """Whether a leaf of this kind binds anyone under these rules."""
        fork = "checktemplateverify" if kind is Kind.T3 else "opcat"
        return bool(self.flags & _FLAG_OF[fork])

    def __str__(self) -> str:
        forks = ", ".join(
            name if at is None else f"{name} from {at}" for name, at in sorted(self.heights.items())
        )
        return f"{self.name} on {self.network}" + (f" ({forks})" if forks else "")


INQUISITION: Final = Rules(
    "CONSENSUS_CAT_CTV",
    CONSENSUS_CAT_CTV,
    "regtest",
    MappingProxyType({"opcat": 0, "checktemplateverify": 0}),
)
"""What the simulator and a node of Bitcoin Inquisition enforce on regtest, from the genesis on."""
MAINNET: Final = Rules("CONSENSUS", CONSENSUS, "main")
"""What the main chain enforces: neither fork, so that no covenant binds there."""
