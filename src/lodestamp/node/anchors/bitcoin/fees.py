"""What an anchor may cost (R58, R59).

>>> terms = FeeTerms()
>>> terms.first_fee(1_000), terms.next_fee(154, 1_000), terms.first_fee(900_000)
(154, 308, 7700)
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from lodestamp.node.anchors.bitcoin.transaction import ANCHOR_VSIZE

TARGET_BLOCKS: Final = 144
"""Blocks within which a cycle should be mined: a day."""
FEE_RATE_MIN: Final = 1_000
"""Satoshis per 1,000 vB: what nodes relay, and what is paid where none gives an estimate."""
FEE_RATE_MAX: Final = 50_000
"""Satoshis per 1,000 vB that an anchor pays at most: a proof can wait for a calmer hour."""
FEE_MAX: Final = 100_000
"""Satoshis that one anchor pays at most."""
INCREMENTAL_RATE: Final = 1_000
"""Satoshis per 1,000 vB that a replacement adds (BIP125 rule 4)."""
CHANGE_MIN: Final = 546
"""Satoshis that must be left, beside one more fee, before an operator is told (R58)."""
REJECTED_FACTOR: Final = Fraction(5, 4)
"""By how much the fee is raised when a node finds it too low."""
REJECTED_MAX: Final = 5
"""How often it is raised at one tip."""


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """An operator's bounds; rates are satoshis per 1,000 vB, `vsize` that of the transaction."""

    vsize: int = ANCHOR_VSIZE
    rate_max: int = FEE_RATE_MAX
    fee_max: int = FEE_MAX

    @property
    def cap(self) -> int:
        """The most satoshis that one transaction may pay."""
        return min(self.rate_max * self.vsize // 1000, self.fee_max)

    def first_fee(self, estimate: int) -> int:
        """Return the fee of a first version at an estimated rate, in satoshis."""
        rate = max(estimate, FEE_RATE_MIN)
        return min(-(-rate * self.vsize // 1000), self.cap)

    def next_fee(self, paid: int, estimate: int) -> int | None:
        """Return the fee of a replacement; None when that would pass the cap."""
        least = paid + -(-INCREMENTAL_RATE * self.vsize // 1000)
        return max(least, self.first_fee(estimate)) if least <= self.cap else None

    def raised(self, rejected: int) -> int | None:
        """Return the fee to try after a rejected one; None when that would pass the cap."""
        fee = -(-rejected * REJECTED_FACTOR.numerator // REJECTED_FACTOR.denominator)
        return fee if fee <= self.cap else None

    def needed(self, fee: int) -> int:
        """Return what a coin must hold to pay a fee and leave `CHANGE_MIN` and one more."""
        return 2 * fee + CHANGE_MIN

    def is_enough(self, value: int, fee: int) -> bool:
        """Tell whether a coin of so many satoshis holds that."""
        return value >= self.needed(fee)
