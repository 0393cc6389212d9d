"""The stream for a delegate: what was granted to it and nothing else, not even counts (Y5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection

from lodestamp.core.keys import KeyId
from lodestamp.core.operations import Operation, parse_op
from lodestamp.errors import AccessError, CapError, InputError
from lodestamp.node.recorder import (
    GrantChain,
    count_receipts,
    key_events_for,
    read_chain,
    read_wires,
    revocations_of,
    said_under,
    speaks_for,
)
from lodestamp.node.storage import Database
from lodestamp.node.sync.messages import End

RECEIPTS_MAX: Final = 16
"""Receipts that an owner takes under one grant: one is needed, and more only after mishaps."""

STREAM_TYPES: Final = frozenset({"grant", "revocation", "attestation", "notice", "receipt", "key"})
"""All that a delegate is ever shown; evidence and claims never leave."""


class DelegationServer:
    """Serves delegates from a log. Thread-safe."""

    def __init__(
        self,
        database: Database,
        roots: Callable[[], Iterable[str]],
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._roots = roots
        self._clock = clock

    def is_root(self, key_id: KeyId) -> bool:
        """Tell whether a key is one of the log's roots, or speaks for one."""
        roots = self._roots()  # before the transaction: it reads in one of its own
        with self._database.reading("looking for a root") as connection:
            return any(speaks_for(connection, key_id, root) for root in roots)

    def may_see(self, key_id: KeyId, cap_id: str) -> bool:
        """Tell whether a key is the audience of a grant that stands."""
        roots = tuple(self._roots())
        with self._database.reading("checking a grant") as connection:
            return _chain(connection, key_id, cap_id, roots) is not None

    def takes_receipts(self, key_id: KeyId, cap_id: str) -> bool:
        """Tell whether a key is the audience of a grant, and may send one more receipt of it."""
        if not self.may_see(key_id, cap_id):
            return False
        with self._database.reading("counting receipts") as connection:
            return count_receipts(connection, cap_id) < RECEIPTS_MAX

    def stream(self, key_id: KeyId, cap_id: str, after: int) -> Iterator[bytes]:
        """Return the lines for a delegate, from the one of number `after` on.

        AccessError ``not-found`` when there is no such grant, or it is not this key's: the answer
        is the same. Attestations are no longer given once the grant is revoked or has ended, nor
        those that a notice has called stale; their places in the count stay.
        """
        roots = tuple(self._roots())
        with self._database.reading("reading what was delegated") as connection:
            chain = _chain(connection, key_id, cap_id, roots)
            if chain is None:
                raise AccessError("there is no such thing for this key", code="not-found")
            revocations = revocations_of(connection, chain, roots)
            shown = self._in_order(connection, chain, revocations)
        now = self._clock() // 1000
        ended = bool(revocations) or any(now >= cap.expires_at for cap in chain.caps)
        stale = _stale(shown)
        lines = [
            op.wire
            for op in shown[after:]
            if op.type != "attestation" or not (ended or op.op_id in stale)
        ]
        end = End(len(lines), ()).encode()
        return iter([b"".join(line + b"\n" for line in lines), end + b"\n"])

    def _in_order(
        self, connection: Connection, chain: GrantChain, revocations: list[int]
    ) -> list[Operation]:
        """Return what is shown in an order that only grows: each after the keys it needs."""
        seqs = sorted({*chain.seqs, *revocations, *said_under(connection, chain.cap)})
        shown: dict[str, Operation] = {}
        for op in _operations(connection, seqs):
            for event in _operations(connection, key_events_for(connection, _keys_of(op))):
                shown.setdefault(event.op_id, event)
            shown.setdefault(op.op_id, op)
        return [op for op in shown.values() if op.type in STREAM_TYPES]


def _chain(
    connection: Connection, key_id: KeyId, cap_id: str, roots: Sequence[str]
) -> GrantChain | None:
    try:
        chain = read_chain(connection, cap_id, roots)
    except (CapError, InputError):
        return None
    return chain if speaks_for(connection, key_id, chain.cap.audience) else None


def _operations(connection: Connection, seqs: list[int]) -> list[Operation]:
    return [parse_op(wire) for wire in read_wires(connection, seqs)]


def _keys_of(op: Operation) -> set[str]:
    """Return the keys that checking an operation takes, where an id does not carry its key."""
    keys: set[str] = {op.author}
    if op.type == "grant":
        cap = op.body["cap"]
        keys.add(cap["issuer"])  # type: ignore[index,call-overload,arg-type]  # its schema holds
    return keys


def _stale(shown: Iterable[Operation]) -> set[str]:
    """Return the attestations whose newest notice calls them stale (S26)."""
    notices = (op.body for op in shown if op.type == "notice")
    state = {str(body["attestation_op"]): body["state"] for body in notices}
    return {op_id for op_id, said in state.items() if said == "stale"}
