"""How a home anchors in Bitcoin: the table ``[anchor]`` of its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

PLAIN: Final = "plain"
CHAIN: Final = "chain"
_BOUNDS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "birthday": (0, (1 << 31) - 1),
        "confirmations": (2, 200),
        "fee_max": (154, 10_000_000),
        "fee_rate_max": (1, 10_000),
        "min_interval_s": (0, 30 * 86_400),
    }
)
"""Least and most of each number."""
ANCHOR_FORM: Final = 'a table of mode ("plain" or "chain") and whole numbers: ' + ", ".join(
    f"{name} ({low:,} to {high:,})" for name, (low, high) in _BOUNDS.items()
)


@dataclass(frozen=True, slots=True)
class AnchorSettings:
    """How this home anchors; None where the network or the anchorer has its default.

    `fee_rate_max` is in satoshis per virtual byte, `fee_max` in satoshis of one transaction,
    `birthday` the height of the first block that may pay the anchor's key.
    """

    mode: str = PLAIN
    confirmations: int | None = None
    min_interval_s: int | None = None
    fee_rate_max: int | None = None
    fee_max: int | None = None
    birthday: int | None = None


def is_anchor(value: Any) -> bool:
    """Tell whether a value of TOML is the table."""
    if not isinstance(value, dict) or value.get("mode", PLAIN) not in {PLAIN, CHAIN}:
        return False
    numbers = {name: each for name, each in value.items() if name != "mode"}
    return not numbers.keys() - _BOUNDS.keys() and all(
        type(each) is int and _BOUNDS[name][0] <= each <= _BOUNDS[name][1]
        for name, each in numbers.items()
    )
