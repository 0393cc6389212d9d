"""What an operation rests on, and whether all of it is in its past (operations spec S6, S15, S18).

The answer depends on the operation's past alone, so every log that takes it in gives the same one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from lodestamp.core.encoding import Digest, JsonObject, digest_of_address, is_content_address
from lodestamp.core.keys import KeyId, PublicKey
from lodestamp.core.operations import Operation, cap_references, references
from lodestamp.errors import CausalError, RecordError, SignatureError
from lodestamp.node.recorder import tables
from lodestamp.node.recorder.ancestry import Past
from lodestamp.node.recorder.known import LOOKUP_WIDTH, Known, KnownOperations

_NAMED_BY = {
    "claim": "derived_from",
    "refutation": "target",
    "attestation": "claim_op",
    "receipt": "revocation_op",
    "notice": "attestation_op",
    "confirm": "keep",
}
"""The field of each type's body that names operations."""


def named_in(type_: str, body: JsonObject) -> list[Digest]:
    """Return the operations that a body not yet checked names, as far as they are ids."""
    named = body.get(_NAMED_BY.get(type_, ""))
    listed = named if isinstance(named, list) else [named]
    return [digest_of_address(each) for each in listed if is_content_address(each)]


@dataclass(frozen=True, slots=True)
class Causes:
    """What an operation rests on: the operations it names, the grant of the cap it acts under."""

    named: tuple[Known, ...]
    acting_under: Known | None


class Grants:
    """The leaves of the grants that carry a cap."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._leaves: dict[Digest, list[int]] = {}

    def look_up(self, cap_ids: Iterable[Digest]) -> None:
        """Read in a few queries what `of` will be asked for."""
        wanted = sorted(set(cap_ids) - self._leaves.keys())
        column = tables.cap.c
        for at in range(0, len(wanted), LOOKUP_WIDTH):
            some = wanted[at : at + LOOKUP_WIDTH]
            query = select(column.cap_id, column.grant_seq).where(column.cap_id.in_(some))
            for cap_id, seq in self._connection.execute(query.order_by(column.grant_seq)):
                self._leaves.setdefault(Digest(cap_id), []).append(seq)
            for cap_id in some:
                self._leaves.setdefault(cap_id, [])

    def of(self, cap_id: Digest) -> list[int]:
        """Return the leaves of the grants that carry this cap, ascending."""
        self.look_up((cap_id,))
        return self._leaves[cap_id]

    def add(self, cap_id: Digest, seq: int) -> None:
        """Note a grant of this transaction."""
        self.of(cap_id).append(seq)


@dataclass(slots=True)
class LogKeys:
    """The public keys that key events of the log disclose (K11)."""

    connection: Connection
    _found: dict[KeyId, list[tuple[int, PublicKey]]] = field(default_factory=dict)

    def add(self, key: PublicKey, seq: int) -> None:
        """Note a key event of this transaction."""
        self._of(key.key_id).append((seq, key))

    def first(self, key_id: KeyId) -> int | None:
        """Return the first leaf that shows the key of this id."""
        return min((seq for seq, _key in self._of(key_id)), default=None)

    def in_past(self, key_id: KeyId, past: Past) -> PublicKey | None:
        """Return the key of this id, if a key event in this past shows it."""
        return next((key for seq, key in self._of(key_id) if past.reached((seq,))), None)

    def _of(self, key_id: KeyId) -> list[tuple[int, PublicKey]]:
        if key_id not in self._found:
            column = tables.key_event.c
            query = select(column.seq, column.pub).where(column.key_id == key_id)
            suite = key_id.partition(":")[0]
            self._found[key_id] = [
                (seq, PublicKey(suite, raw)) for seq, raw in self.connection.execute(query)
            ]
        return self._found[key_id]


def key_in_past(op: Operation, keys: LogKeys, past: Past) -> PublicKey:
    """Return the key that an author's id only names; SignatureError ``key-unknown`` without it."""
    key = keys.in_past(op.author, past)
    if key is None:
        message = f"no key event in the past of {op.op_id} shows the key {op.author}"
        raise SignatureError(message, code="key-unknown")
    return key


def check_causes(op: Operation, past: Past, operations: KnownOperations, grants: Grants) -> Causes:
    """Return what the operation rests on.

    CausalError ``missing-causal-reference`` when something it names, or the grant of a cap it uses,
    is not in its past; RecordError ``wrong-reference-type`` or ``not-refutable`` when it is there
    and of another type than it must be.
    """
    wanted = references(op)
    found = [operations.find(digest_of_address(each.op_id)) for each in wanted]
    reached = past.reached({each.seq for each in found if each is not None})
    named = tuple(each for each in found if each is not None and each.seq in reached)
    if len(named) < len(wanted):
        missing = [
            each
            for each, known in zip(wanted, found, strict=True)
            if known is None or known.seq not in reached
        ]
        raise _not_in_past([each.op_id for each in missing], missing[0].at, op)
    for reference, known in zip(wanted, named, strict=True):
        if known.type not in reference.types:
            message = f"{reference.op_id} (at {reference.at}) is of type {known.type}"
            raise RecordError(message, code=reference.code)
    acting: Known | None = None
    for cap_id in cap_references(op):
        # one by one: a stranger's copy of a grant must not send every use of it down the log
        leaves = grants.of(digest_of_address(cap_id))
        leaf = next((each for each in leaves if past.reached((each,))), None)
        if leaf is None:
            at = "/cap" if cap_id == op.cap else "/body/cap_id"
            raise _not_in_past([cap_id], at, op)
        if cap_id == op.cap:
            acting = operations.at(leaf)
    return Causes(named, acting)


def _not_in_past(missing: list[str], at: str, op: Operation) -> CausalError:
    return CausalError(
        f"{missing[0]} (at {at}) is not in the past of {op.op_id}", missing=tuple(missing)
    )
