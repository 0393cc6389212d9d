"""What every leg of a report shares: the view of the chain, and how a check becomes a leg."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import log2

from lodestamp.core.bitcoin import BlockHeader, NetworkParams, TxInclusion
from lodestamp.core.verdict import Fact, Leg, Status
from lodestamp.errors import BlockMissing, FlowError, LodestampError

Judged = tuple[str, Mapping[str, Fact]]
"""What a leg rests on, and its facts."""


@dataclass(frozen=True, slots=True)
class ChainView:
    """What a checker holds of the chain: headers in a row, and transactions shown to be in them.

    `height` is that of the first header. `pins` are the checker's own, by hash.
    """

    network: NetworkParams
    height: int
    headers: tuple[BlockHeader, ...]
    inclusions: Mapping[bytes, TxInclusion]
    pins: Mapping[bytes, int] = field(default_factory=dict)


def judged(name: str, judge: Callable[[], Judged]) -> Leg:
    """Return the leg that a check ends in; `judge` gives its basis and facts, or raises."""
    try:
        basis, facts = judge()
    except BlockMissing as error:
        return Leg.unknown(name, "block-missing", error.message)
    except LodestampError as error:
        return Leg.refuted(name, error.code, error.message)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        return Leg.refuted(name, "malformed", f"{type(error).__name__}: {error}")
    return Leg(name, Status.ESTABLISHED, basis=basis, facts=facts)


def require_equal(what: str, stored: object, derived: object) -> None:
    """Refute the leg when a stored value is not the derived one."""
    if stored != derived:
        detail = f"{what}: stored {stored!s:.80}, not {derived!s:.80}"
        raise FlowError(detail, code=what.replace(" ", "-"))


def work_log2(work: int) -> float:
    """Return work as a power of two; 0 when there is none."""
    return log2(work) if work else 0.0
