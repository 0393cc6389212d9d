"""What witnessing says on its own accord: contradictions that people must hear of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogForked:
    """An event, ``log_fork``: a log signed what is not shown to follow from what it signed (R25).

    It `convicts` the log when it signed two roots for one size. Otherwise a proof did not hold,
    which whoever knows a true checkpoint can bring about.
    """

    origin: str
    size: int
    reason: str
    convicts: bool


@dataclass(frozen=True, slots=True)
class WitnessAhead:
    """An event, ``witness_ahead``: a witness has cosigned more of our log than we hold (R26).

    Either it lies, or this log fell back to an older state after it had published a newer one.
    """

    url: str
    size: int
    own_size: int


WitnessEvent = LogForked | WitnessAhead
