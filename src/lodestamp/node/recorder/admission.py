"""Who comes in: every operation goes through here, a stranger's and our own alike (S37).

A stranger's operation is known, accepted, kept waiting for its parents or the clock, or refused.
When one is accepted or refused, those that waited for it are tried again in the same transaction.
A peer whose operations make the log search far for their ancestors has so much of that in one
transaction; its other operations are held for a second.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lodestamp.core.encoding import Digest, address_of_digest
from lodestamp.core.keys import PublicKey
from lodestamp.core.operations import Operation, parse_op, verify_op
from lodestamp.errors import LodestampError, RecordError, UsageError
from lodestamp.node.recorder.batch import Batch
from lodestamp.node.recorder.limits import CLOCK_SKEW_S_MAX, WALKED_MAX
from lodestamp.node.recorder.pool import Pool, Waiting
from lodestamp.node.recorder.recorded import Recorded, RecordStatus, Released

_BEHIND = ("clock-behind",)
_HELD_S = 1
"""Seconds that a peer's operations wait when it has used up its searches."""


@dataclass(frozen=True, slots=True)
class Read:
    """A wire form as the pool of verifiers read it.

    `verified` is False where only the log can tell the author's key (K11). `error` says what is
    wrong with it; an operation beside it was well-formed but not signed by its author.
    """

    op: Operation | None
    error: LodestampError | None = None
    verified: bool = True


def read_wire(wire: bytes) -> Read:
    """Parse and, as far as the operation itself shows its author's key, verify a wire form."""
    if type(wire) is not bytes:
        message = f"an operation is handed in as bytes, not as {type(wire).__name__}"
        return Read(None, UsageError(message))
    try:
        op = parse_op(wire)
    except LodestampError as error:
        return Read(None, error)
    if PublicKey.parse_key_id(op.author) is None and op.type != "key":
        return Read(op, verified=False)
    try:
        verify_op(op)
    except LodestampError as error:
        return Read(op, error)
    return Read(op)


@dataclass(frozen=True, slots=True)
class Place:
    """What became of an operation, before the size of the tree is known."""

    op_id: str
    log_index: int | None
    status: RecordStatus
    missing: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def recorded(self, tree_size: int) -> Recorded:
        """Return the answer under a tree of this size."""
        return Recorded(
            self.op_id, self.log_index, tree_size, self.status, self.missing, self.flags
        )


class Admission:
    """The door of one transaction."""

    def __init__(self, batch: Batch, pool: Pool, now_s: int) -> None:
        self._batch = batch
        self._pool = pool
        self._now_s = now_s
        self._settled: list[Digest] = []
        self._walked: Counter[str] = Counter()
        self.released: list[Released] = []

    def take(self, reads: Sequence[Read], peer: str) -> list[Place | LodestampError]:
        """Admit what one peer handed in at once; the answers stand in its order."""
        places: dict[int, Place | LodestampError] = {
            at: self._refuse(read.op, read.error)
            for at, read in enumerate(reads)
            if read.error is not None
        }
        good = {at: read.op for at, read in enumerate(reads) if at not in places and read.op}
        for at, op in _topological(good):
            places[at] = self._admit(op, peer, verified=reads[at].verified)
        self.release()
        released = {each.op_id: each for each in self.released}
        return [_anew(places[at], released) for at in range(len(reads))]

    def release(self) -> None:
        """Try those again that waited for what this transaction accepted or refused."""
        while self._settled:
            settled, self._settled = self._settled, []
            for waiting in self._pool.awaiting(settled):
                self._try_again(waiting)

    def release_due(self) -> None:
        """Try held operations again whose time has come."""
        for waiting in self._pool.due():
            self._try_again(waiting)
        self.release()

    def _try_again(self, waiting: Waiting) -> None:
        if self._walked[waiting.peer] >= WALKED_MAX:
            self._pool.postpone(waiting.op_id, self._now_s + _HELD_S)
            return
        read = read_wire(waiting.raw)
        if read.op is None or read.error is not None:
            self._pool.settle(waiting.op_id)  # it was whole when it came: the store damaged it
            return
        place = self._admit(read.op, waiting.peer, verified=read.verified)
        op_id = address_of_digest(waiting.op_id)
        if isinstance(place, LodestampError):
            self.released.append(Released(op_id, RecordStatus.REJECTED, code=place.code))
        elif place.log_index is not None:
            self._pool.settle(waiting.op_id)
            self.released.append(Released(op_id, RecordStatus.NEW, place.log_index))

    def _admit(self, op: Operation, peer: str, *, verified: bool) -> Place | LodestampError:
        known = self._batch.find(op.digest)
        if known is not None:
            return Place(op.op_id, known.seq, RecordStatus.KNOWN)
        if op.ts > self._now_s + CLOCK_SKEW_S_MAX:
            self._pool.hold(op, peer, op.ts - CLOCK_SKEW_S_MAX)
            return Place(op.op_id, None, RecordStatus.HELD)
        missing = self._batch.missing(op)
        if missing:
            return self._wait(op, peer, missing)
        if self._walked[peer] >= WALKED_MAX:
            self._pool.hold(op, peer, self._now_s + _HELD_S)
            return Place(op.op_id, None, RecordStatus.HELD)
        before = self._batch.walked
        try:
            known = self._batch.accept(op, verified=verified)
        except LodestampError as error:
            return self._refuse(op, error)
        finally:
            self._walked[peer] += self._batch.walked - before
        self._pool.settle(op.digest)
        self._settled.append(op.digest)
        return Place(op.op_id, known.seq, RecordStatus.NEW, flags=self._flags(op))

    def _wait(self, op: Operation, peer: str, missing: list[Digest]) -> Place | LodestampError:
        rejected = self._pool.rejected(missing)
        if rejected is not None:
            parent = address_of_digest(rejected)
            message = f"{op.op_id} stands on {parent}, which this log rejected"
            return self._refuse(op, RecordError(message, code="rejected-parent"))
        self._pool.wait(op, peer, missing)
        waits_for = tuple(map(address_of_digest, missing))
        return Place(op.op_id, None, RecordStatus.PENDING, waits_for)

    def _refuse(self, op: Operation | None, error: LodestampError) -> LodestampError:
        """Refuse for good: whether an operation fits depends on its bytes and its past alone."""
        if op is not None:
            self._pool.reject(op.digest, error.code)
            self._settled.append(op.digest)
        return error

    def _flags(self, op: Operation) -> tuple[str, ...]:
        return _BEHIND if op.ts < self._batch.latest_parent(op) - CLOCK_SKEW_S_MAX else ()


def _anew(place: Place | LodestampError, released: dict[str, Released]) -> Place | LodestampError:
    """Say of what waited and was settled in the same transaction where it stands now."""
    if isinstance(place, LodestampError) or place.log_index is not None:
        return place
    settled = released.get(place.op_id)
    if settled is None:
        return place
    if settled.code is not None:
        message = f"{place.op_id} was refused when what it waited for came"
        return RecordError(message, code=settled.code)
    return Place(place.op_id, settled.log_index, RecordStatus.NEW)


def _topological(good: dict[int, Operation]) -> Iterator[tuple[int, Operation]]:
    """Yield operations so that parents in the batch come before children, ties by op id (N4)."""
    position = {op.op_id: at for at, op in good.items()}
    waits: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for at, op in good.items():
        inside = [position[op_id] for op_id in op.prev if op_id in position]
        waits[at] = len(inside)
        for parent in inside:
            children.setdefault(parent, []).append(at)
    ready = [(good[at].op_id, at) for at, count in waits.items() if count == 0]
    heapq.heapify(ready)
    while ready:
        _, at = heapq.heappop(ready)
        yield at, good[at]
        for child in children.get(at, ()):
            waits[child] -= 1
            if waits[child] == 0:
                heapq.heappush(ready, (good[child].op_id, child))
