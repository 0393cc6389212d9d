"""What became of a sync: its report, and the tally it is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lodestamp.errors import LodestampError, PeerError
from lodestamp.node.recorder import Answer, RecordStatus
from lodestamp.node.sync.limits import PEER_ERRORS_MAX
from lodestamp.node.sync.messages import claimed_id


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one session did (operations spec Y7).

    `relation` is how we stood to the peer at the start; `rounds` are requests after the first.
    Bytes are those of bodies, as they travelled. `received` and `sent` count operations new to the
    receiver; `pending` are those that wait here for what did not come, or for the clock. `withheld`
    are ids the peer spoke of and did not serve. It is `complete` when both sides have the same
    heads in the end, or the direction that was asked for is done.
    """

    peer: str
    relation: str
    rounds: int
    bytes_sent: int
    bytes_received: int
    received: int
    sent: int
    pending: int
    rejected: tuple[tuple[str, str], ...]
    equivocations: int
    withheld: tuple[str, ...]
    complete: bool

    def as_json(self) -> dict[str, object]:
        """Return the report as JSON shows it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Tally:
    """What was counted so far in a session."""

    received: int = 0
    sent: int = 0
    waiting: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    refused_there: list[tuple[str, str]] = field(default_factory=list)
    withheld: set[str] = field(default_factory=set)

    def missing(self) -> set[str]:
        """Return what the waiting operations wait for."""
        return {each for missing in self.waiting.values() for each in missing}

    def take(self, wires: Sequence[bytes], answers: Sequence[Answer]) -> int:
        """Count what became of received operations; return how many were known before.

        PeerError ``dropped`` after 16 bad ones (S38): each was refused by the recorder, one by one,
        and changed nothing.
        """
        known = 0
        for wire, answer in zip(wires, answers, strict=True):
            if isinstance(answer, LodestampError):
                self.rejected.append((claimed_id(wire) or "", answer.code))
            elif answer.status is RecordStatus.NEW:
                self.received += 1
            elif answer.status in {RecordStatus.PENDING, RecordStatus.HELD}:
                self.waiting[answer.op_id] = answer.missing
            else:
                known += 1
        if len(self.rejected) >= PEER_ERRORS_MAX:
            raise PeerError("dropped", f"{len(self.rejected)} of its operations were refused")
        return known
