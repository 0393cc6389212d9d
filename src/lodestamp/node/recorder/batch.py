"""One transaction's worth of operations: checked against the log and each other, written at once.

Causal rules of the operations spec §7: every `prev` is in the log (S2, S8), every reference is in
the operation's past (S6), a version 2 chain has no gaps (V2), heads are operations that are
nobody's `prev` (S5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, insert, update

from lodestamp.core.encoding import Digest, address_of_digest, digest_of_address
from lodestamp.core.keys import KeyId
from lodestamp.core.operations import PREV_MAX, Operation, cap_references, references, verify_op
from lodestamp.errors import CausalError, RecordError
from lodestamp.node.recorder import tables
from lodestamp.node.recorder.ancestry import Ancestry, Past, covered_by
from lodestamp.node.recorder.causes import Grants, LogKeys, check_causes, key_in_past
from lodestamp.node.recorder.chains import ChainKey, Chains, Interned
from lodestamp.node.recorder.heads import HeadsChange
from lodestamp.node.recorder.known import Known, KnownOperations
from lodestamp.node.recorder.pasts import Pasts
from lodestamp.node.recorder.recorded import Equivocated
from lodestamp.node.recorder.rows import (
    NOTHING_PRIVATE,
    Accepted,
    Private,
    Rows,
    add_authority,
    add_edges,
    read_event,
    read_grant,
)

_NO_ID = -1
"""The number of an author or label that the log has not met."""


class Batch:
    """The operations of one transaction. `accept` decides; `write` stores what was accepted."""

    def __init__(self, connection: Connection, size: int, heads: HeadsChange, pasts: Pasts) -> None:
        self._connection = connection
        self._next_seq = size
        self._heads = heads
        self._ancestry = Ancestry(connection, size, pasts)
        self._operations = KnownOperations(connection)
        self._grants = Grants(connection)
        self._keys = LogKeys(connection)
        self._authors = Interned(connection, tables.author)
        self._nodes = Interned(connection, tables.node)
        self._chains = Chains(connection, self._ancestry)
        self._accepted: list[Accepted] = []
        self._rivals: list[tuple[Accepted, ChainKey, int]] = []

    @property
    def digests(self) -> list[Digest]:
        """The new leaves, in log order."""
        return [each.known.op_id for each in self._accepted]

    @property
    def walked(self) -> int:
        """Leaves that searches for ancestors have read so far."""
        return self._ancestry.walked

    def look_up(self, operations: Sequence[Operation]) -> None:
        """Read in a few queries everything that accepting these operations will ask for."""
        wanted, caps = {op.digest for op in operations}, set[Digest]()
        for op in operations:
            wanted.update(map(digest_of_address, op.prev))
            wanted.update(digest_of_address(reference.op_id) for reference in references(op))
            caps.update(map(digest_of_address, cap_references(op)))
        self._operations.look_up(wanted)
        self._grants.look_up(caps)
        self._authors.look_up(op.author for op in operations)
        self._nodes.look_up(op.node for op in operations)
        self._chains.look_up((self._chain(op), op.seq) for op in operations if op.seq is not None)

    def find(self, digest: Digest) -> Known | None:
        """Return the operation of this id, if the log or this batch holds it."""
        return self._operations.find(digest)

    def missing(self, op: Operation) -> list[Digest]:
        """Return the parents that neither the log nor this batch holds."""
        parents = map(digest_of_address, op.prev)
        return [parent for parent in parents if self._operations.find(parent) is None]

    def next_place(self, author: str, node: str) -> tuple[int, Digest | None]:
        """Return the next place of a version 2 chain, and the operation before it."""
        key = ChainKey(self._authors.find(author) or _NO_ID, self._nodes.find(node) or _NO_ID)
        place, before = self._chains.next_place(key)
        return place, None if before is None else self._operations.at(before).op_id

    def key_events(self, key_id: KeyId) -> list[Digest]:
        """Return the key events that show the key of this id, the first of them."""
        leaf = self._keys.first(key_id)
        return [] if leaf is None else [self._operations.at(leaf).op_id]

    def parents_for(self, wanted: Iterable[Digest], caps: Iterable[Digest] = ()) -> list[str]:
        """Return what a new operation points at: all heads, or the newest of them up to 32 (S5).

        Where there are more, what the operation refers to comes first, or it would not be in its
        past. CausalError when the log lacks one of these, RecordError ``too-many-heads`` when they
        stand on more than 32 branches.
        """
        named = [self._require(digest) for digest in wanted]
        for cap_id in caps:
            named += [self._operations.at(leaf) for leaf in self._grants.of(cap_id)[:1]]
        kept: dict[int, Known] = {}
        if len(self._heads) > PREV_MAX:
            for known in sorted(named, reverse=True):
                if not self._ancestry.reached((known.seq,), list(kept.values())):
                    kept[known.seq] = known
        if len(kept) > PREV_MAX:
            raise RecordError(
                f"what it refers to stands on {len(kept):,} branches, and it may have"
                f" {PREV_MAX} parents",
                code="too-many-heads",
                hint="record something first: each operation merges up to 32 branches",
            )
        for head in self._heads.newest():
            if len(kept) == PREV_MAX:
                break
            kept[head.seq] = head
        return sorted(address_of_digest(known.op_id) for known in kept.values())

    def accept(
        self, op: Operation, *, private: Private = NOTHING_PRIVATE, verified: bool = True
    ) -> Known:
        """Give the operation the next leaf.

        CausalError and RecordError as `check_causes`, CausalError when the log lacks a parent,
        RecordError ``seq-gap``; unless it is `verified`, SignatureError, ``key-unknown`` when the
        key is not in its past. Nothing is kept of a refused one.
        """
        parents = [self._require(digest_of_address(op_id)) for op_id in op.prev]
        past = Past(self._ancestry, parents)
        if not verified:
            key = key_in_past(op, self._keys, past)
            verify_op(op, {key.key_id: key})
        causes = check_causes(op, past, self._operations, self._grants)
        self._chains.check_place(self._chain(op), op, parents)
        known = Known(
            self._next_seq,
            1 + max((parent.generation for parent in parents), default=-1),
            self._covers(parents),
            op.digest,
            op.type,
            op.ts,
        )
        accepted = Accepted(
            op, known, tuple(parents), causes, private, read_grant(op), read_event(op)
        )
        self._put(accepted, parents)
        return known

    def latest_parent(self, op: Operation) -> int:
        """Return the largest `ts` of its parents; 0 without parents."""
        return max((self._require(digest_of_address(each)).ts for each in op.prev), default=0)

    def write(self, received_at: int) -> list[Equivocated]:
        """Store every accepted operation with what it adds, and move the heads.

        Returns the contradictions found.
        """
        if not self._accepted:
            return []
        self._insert_operations(received_at)
        rows = Rows()
        add_edges(rows, self._accepted)
        add_authority(rows, self._accepted, self._authors)
        for each, key, rival in self._rivals:
            rows.add(
                tables.equivocation,
                author_id=key.author_id,
                node_id=key.node_id,
                seq_a=rival,
                seq_b=each.known.seq,
            )
        rows.insert(self._connection)
        self._confirm()
        self._heads.write(self._connection)
        return [
            Equivocated(
                each.op.author,
                each.op.node,
                address_of_digest(self._operations.at(rival).op_id),
                each.op.op_id,
            )
            for each, _key, rival in self._rivals
        ]

    def _require(self, digest: Digest) -> Known:
        known = self._operations.find(digest)
        if known is None:
            op_id = address_of_digest(digest)
            raise CausalError(f"this log does not hold {op_id}", missing=(op_id,))
        return known

    def _covers(self, parents: Sequence[Known]) -> int:
        merged = sum(parent.seq in self._heads for parent in parents)
        return self._next_seq if merged == len(self._heads) else covered_by(parents)

    def _chain(self, op: Operation) -> ChainKey:
        author, node = self._authors.find(op.author), self._nodes.find(op.node)
        return ChainKey(
            _NO_ID if author is None else author,
            _NO_ID if node is None else node,
        )

    def _put(self, accepted: Accepted, parents: list[Known]) -> None:
        op, known = accepted.op, accepted.known
        key = ChainKey(self._authors.number(op.author), self._nodes.number(op.node))
        if self._authors.is_new(key.author_id) or self._nodes.is_new(key.node_id):
            self._chains.begin(key)
        rival = self._chains.put(key, op, known, parents)
        if rival is not None:
            self._rivals.append((accepted, key, rival))
        if accepted.cap is not None:
            self._grants.add(digest_of_address(accepted.cap.cap_id), known.seq)
        if accepted.event is not None:
            self._keys.add(accepted.event.key, known.seq)
        self._ancestry.add(parents)
        self._operations.add(known)
        self._heads.put(known, parents)
        self._accepted.append(accepted)
        self._next_seq += 1

    def _insert_operations(self, received_at: int) -> None:
        rows = [
            {
                "seq": each.known.seq,
                "op_id": each.known.op_id,
                "version": each.op.v,
                "type": each.op.type,
                "author_id": self._authors.number(each.op.author),
                "node_id": self._nodes.number(each.op.node),
                "author_seq": each.op.seq,
                "ts": each.op.ts,
                "cap_ref": each.causes.acting_under.seq if each.causes.acting_under else None,
                "generation": each.known.generation,
                "covers": each.known.covers,
                "raw": each.op.wire,
                "received_at": received_at,
            }
            for each in self._accepted
        ]
        self._connection.execute(insert(tables.operation), rows)

    def _confirm(self) -> None:
        """Note for each contradiction the newest `confirm` that came after it (S7)."""
        column = tables.equivocation.c
        for each in self._accepted:
            if each.op.type != "confirm":
                continue
            author = self._authors.find(str(each.op.body["author"]))
            node = self._nodes.find(str(each.op.body["node"]))
            if author is not None and node is not None:
                self._connection.execute(
                    update(tables.equivocation)
                    .where(column.author_id == author, column.node_id == node)
                    .where(column.seq_b < each.known.seq)
                    .values(confirmed_by=each.known.seq)
                )
