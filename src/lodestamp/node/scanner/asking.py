"""What the engine and its views ask alike: whether a scan may go on, and what is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from lodestamp.core.ownership import (
    DividendPayment,
    Owner,
    Tip,
    Transfer,
    dividends_classic_e8,
    dividends_classic_float,
    dividends_owed_e8,
)
from lodestamp.errors import OwnershipError, UsageError
from lodestamp.node.scanner.stores import OperationsStore

_Formula = Callable[
    [Owner, Sequence[Transfer], Sequence[Tip], Sequence[DividendPayment]],
    Mapping[Owner, int] | Mapping[Owner, float],
]
_FORMULAS: Final[Mapping[str, _Formula]] = MappingProxyType(
    {
        "classic": dividends_classic_float,
        "classic_e8": dividends_classic_e8,
        "owed_e8": dividends_owed_e8,
    }
)
DIVIDEND_VIEWS: Final = tuple(_FORMULAS)
"""The published formula as floats and exactly, and what is really owed (R19-R21)."""


def formula_of(view: str) -> _Formula:
    """Return how a view of dividends is computed; UsageError for another name."""
    formula = _FORMULAS.get(view)
    if formula is None:
        raise UsageError(f"no view {view!r}", hint=f"one of {', '.join(DIVIDEND_VIEWS)}")
    return formula


def require_running(store: OperationsStore) -> None:
    """Refuse a store whose scan was stopped for good: OwnershipError ``halted`` says why (R35)."""
    halted = store.halted()
    if halted is not None:
        hint = "`lodestamp ownership scan --reindex-from HEIGHT` goes on from before the cause"
        raise OwnershipError(f"the scan was halted: {halted}", code="halted", hint=hint)
