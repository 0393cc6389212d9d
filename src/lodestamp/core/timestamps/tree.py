"""A timestamp: a message, who attests it, and the operations that lead on (transparency spec R34).

It is a tree. Each edge is an operation and the timestamp of its result, so a value that exists is
right by construction: every message in it follows from the first. Attestations and edges stand in
the order of the file, without doubles. No path has more than 255 operations, and what walks a tree
does so with a stack of its own.

>>> from lodestamp.core.timestamps import SHA256, Pending
>>> leaf = attested(SHA256(b"message"), Pending("https://calendar.example"))
>>> timestamp = lead_to(b"message", [SHA256], leaf)
>>> [str(attestation) for message, attestation in walk(timestamp)]
['pending at https://calendar.example']
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from lodestamp.core.timestamps.attestations import Attestation, order
from lodestamp.core.timestamps.ops import MESSAGE_SIZE_MAX, Op
from lodestamp.errors import BadTimestamp, LimitExceeded

DEPTH_MAX: Final = 255
"""Operations on one path: the stock parser dies at the 256th (R38)."""

Edge: TypeAlias = "tuple[Op, Timestamp]"
_put: Final = object.__setattr__


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Timestamp:
    """That `msg` existed, as far as the attestations in it and below it say so.

    `msg` has 1 to 4,096 bytes. Attestations and edges may be given in any order and are sorted.
    BadTimestamp ``ots.empty`` for one with neither, ``ots.result`` for an edge whose timestamp is
    not that of its result, ``ots.duplicate`` for an operation or attestation given twice (`merge`
    joins); LimitExceeded for a path of more than 255 operations, and as `Op`. `depth` is the number
    of operations on the longest path.
    """

    msg: bytes
    attestations: tuple[Attestation, ...] = ()
    edges: tuple[Edge, ...] = ()
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        require_message(self.msg)
        for op, below in self.edges:
            if op(self.msg) != below.msg:
                raise BadTimestamp("ots.result", f"{op.name} does not lead to the message below it")
        distinct = len(set(self.attestations)) + len(dict(self.edges))
        if distinct < len(self.attestations) + len(self.edges):
            raise BadTimestamp("ots.duplicate", "an operation or attestation is given twice")
        self._settle()

    @classmethod
    def made(
        cls, msg: bytes, attestations: tuple[Attestation, ...], edges: tuple[Edge, ...]
    ) -> Timestamp:
        """Make a value whose messages have just been computed and whose parts are distinct.

        It is for this room alone: nothing is run again. Errors as the class.
        """
        made = object.__new__(cls)
        _put(made, "msg", msg)
        _put(made, "attestations", attestations)
        _put(made, "edges", edges)
        made._settle()
        return made

    def _settle(self) -> None:
        """Measure and sort parts that are known to be right."""
        if not self.attestations and not self.edges:
            raise BadTimestamp("ots.empty", "a timestamp that says nothing")
        deepest = max((below.depth + 1 for _, below in self.edges), default=0)
        if deepest > DEPTH_MAX:
            raise LimitExceeded("the number of operations on a path", DEPTH_MAX, deepest)
        _put(self, "depth", deepest)
        if len(self.attestations) > 1:
            _put(self, "attestations", tuple(sorted(self.attestations, key=order)))
        if len(self.edges) > 1:
            _put(self, "edges", tuple(sorted(self.edges, key=_op_of)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timestamp):
            return NotImplemented
        pairs = [(self, other)]
        while pairs:
            one, two = pairs.pop()
            if one is two:
                continue
            if one._head() != two._head():
                return False
            below = zip(one.edges, two.edges, strict=True)
            pairs += [(mine, theirs) for (_, mine), (_, theirs) in below]
        return True

    def __hash__(self) -> int:
        return hash(self._head())

    def __repr__(self) -> str:
        return (
            f"<Timestamp of {self.msg.hex()}, "
            f"{len(self.attestations)} attestations, {len(self.edges)} edges>"
        )

    def _head(self) -> tuple[object, ...]:
        """Return all that is to be compared but what lies below."""
        return self.msg, self.attestations, tuple(op for op, _ in self.edges)


def attested(msg: bytes, *attestations: Attestation) -> Timestamp:
    """Make a timestamp that ends here; errors as `Timestamp`."""
    return Timestamp(msg, attestations)


def lead_to(msg: bytes, ops: Sequence[Op], end: Timestamp) -> Timestamp:
    """Put a path of operations, which must lead from `msg` to that of `end`, before `end`.

    Without operations it is `end` itself. Errors as `Timestamp`; BadTimestamp ``ots.result`` when
    they lead elsewhere.
    """
    messages = [msg]
    for op in ops:
        messages.append(op(messages[-1]))
    if messages.pop() != end.msg:
        raise BadTimestamp("ots.result", "these operations lead to another message")
    for op, message in zip(reversed(ops), reversed(messages), strict=True):
        end = Timestamp(message, (), ((op, end),))
    return end


def walk(timestamp: Timestamp) -> Iterator[tuple[bytes, Attestation]]:
    """Yield every attestation with the message that it is about, in the order of the file."""
    waiting = [timestamp]
    while waiting:
        each = waiting.pop()
        for attestation in each.attestations:
            yield each.msg, attestation
        waiting += [below for _, below in reversed(each.edges)]


def paths(timestamp: Timestamp) -> Iterator[tuple[tuple[Op, ...], bytes, Attestation]]:
    """Yield every attestation with the operations that lead to it, and the message they lead to."""
    waiting: list[tuple[tuple[Op, ...], Timestamp]] = [((), timestamp)]
    while waiting:
        ops, each = waiting.pop()
        for attestation in each.attestations:
            yield ops, each.msg, attestation
        waiting += [((*ops, op), below) for op, below in reversed(each.edges)]


def merge(one: Timestamp, two: Timestamp) -> Timestamp:
    """Join all that two timestamps of one message say.

    BadTimestamp ``ots.other-message`` when they are of two.
    """
    if one.msg != two.msg:
        raise BadTimestamp("ots.other-message", "these timestamps are of different messages")
    draft = Draft(one.msg)
    draft.add(one)
    draft.add(two)
    return draft.timestamp()


def prune(timestamp: Timestamp, keep: Callable[[bytes, Attestation], bool]) -> Timestamp | None:
    """Leave out every attestation that `keep(message, attestation)` refuses, and what led to it.

    None when nothing is left.
    """
    draft = Draft(timestamp.msg)
    draft.add(timestamp, keep)
    return draft.timestamp() if draft.says_something() else None


class Draft:
    """A timestamp in the making: messages are computed on the way down, values on the way up."""

    __slots__ = ("attestations", "edges", "msg")

    def __init__(self, msg: bytes) -> None:
        self.msg = msg
        self.attestations: dict[Attestation, None] = {}
        self.edges: dict[Op, Draft] = {}

    def below(self, op: Op) -> Draft:
        """Return the draft that `op` leads to, the same one every time; errors as `Op`."""
        found = self.edges.get(op)
        if found is None:
            found = self.edges[op] = Draft(op(self.msg))
        return found

    def add(
        self, timestamp: Timestamp, keep: Callable[[bytes, Attestation], bool] | None = None
    ) -> None:
        """Add all of a timestamp of the same message, or only the attestations to keep."""
        waiting = [(self, timestamp)]
        while waiting:
            draft, each = waiting.pop()
            for attestation in each.attestations:
                if keep is None or keep(each.msg, attestation):
                    draft.attestations[attestation] = None
            waiting += [(draft.below(op), below) for op, below in each.edges]

    def says_something(self) -> bool:
        """Tell whether there is an attestation here or below."""
        return any(each.attestations for each in self._all())

    def timestamp(self) -> Timestamp:
        """Return the value; edges that lead to no attestation are left out. Errors as the value."""
        done: dict[int, Timestamp] = {}
        for draft in reversed(self._all()):
            edges = tuple(
                (op, done[id(below)]) for op, below in draft.edges.items() if id(below) in done
            )
            if draft.attestations or edges or draft is self:
                done[id(draft)] = Timestamp.made(draft.msg, tuple(draft.attestations), edges)
        return done[id(self)]

    def _all(self) -> list[Draft]:
        """Return this draft and all below it, each before those below it."""
        found = [self]
        for each in found:  # grows as it is walked
            found += each.edges.values()
        return found


def require_message(msg: bytes) -> bytes:
    """Return a message of 1 to 4,096 bytes; BadTimestamp ``ots.empty-message``, LimitExceeded."""
    if not msg:
        raise BadTimestamp("ots.empty-message", "a timestamp of an empty message")
    if len(msg) > MESSAGE_SIZE_MAX:
        raise LimitExceeded("the message's size", MESSAGE_SIZE_MAX, len(msg))
    return msg


def _op_of(edge: Edge) -> Op:
    return edge[0]
