"""The auditor's fourth part: what operations rest on is in their past, and of the right type.

Derived from bytes and edges alone; like `audit` it shares no code with the writer. It keeps a byte
an operation, and the leaves of grants and key events.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from lodestamp.core.encoding import digest_of_address
from lodestamp.core.keys import KeyEvent, KeyId, PublicKey
from lodestamp.core.operations import KINDS, Operation, cap_references, references
from lodestamp.node.findings import AuditReport
from lodestamp.node.recorder import tables
from lodestamp.node.recorder.audit_lineage import Lineage

_Leaves = defaultdict[str, "array[int]"]


class Foundations:
    """What the rules S6, S15, S18 and K11 ask of each operation's past: S9."""

    def __init__(self, connection: Connection, report: AuditReport, lineage: Lineage) -> None:
        self._connection = connection
        self._report = report
        self._lineage = lineage
        self._types = bytearray()
        self._grants: _Leaves = defaultdict(lambda: array("q"))
        self._key_events: _Leaves = defaultdict(lambda: array("q"))

    def check(
        self, where: str, row: Any, operation: Operation | None, parents: list[int], down: list[Any]
    ) -> None:
        """Hold the next leaf against its past; of a purged one nothing is known but its type."""
        if operation is not None:
            for problem in self._problems(operation, parents, down):
                self._report.find("S9", where, problem)
            self._note(operation, row.seq)
        type_ = row.type if operation is None else operation.type
        self._types.append(KINDS.index(type_) if type_ in KINDS else len(KINDS))

    def _problems(self, operation: Operation, parents: list[int], down: list[Any]) -> Iterator[str]:
        """Yield what this operation rests on and should not, or cannot."""
        sources = {edge.op_id: edge.parent for edge in down}
        named = [
            (each, self._leaf(digest_of_address(each.op_id), sources))
            for each in references(operation)
        ]
        needed = [(f"a grant of {cap}", self._grants[cap]) for cap in cap_references(operation)]
        author = operation.author
        if PublicKey.parse_key_id(author) is None and operation.type != "key":
            needed.append((f"the key {author}", self._key_events[author]))
        leaves = [leaf for _each, leaf in named if leaf is not None]
        leaves += [leaf for _what, some in needed for leaf in some]
        # asked for nothing, there is no need to go down at all
        past = self._lineage.past(parents, min(leaves, default=len(self._types)))
        for reference, leaf in named:
            if leaf is None or leaf not in past:
                yield f"{reference.op_id} (at {reference.at}) is not in its past"
            elif KINDS[self._types[leaf]] not in reference.types:
                yield f"{reference.op_id} (at {reference.at}) is of another type"
        for what, some in needed:
            if not any(leaf in past for leaf in some):
                yield f"{what} is not in its past"

    def _leaf(self, digest: bytes, sources: dict[bytes, int]) -> int | None:
        """Return the leaf of an operation that comes before this one."""
        leaf = sources.get(digest)
        if leaf is None:
            column = tables.operation.c
            query = select(column.seq).where(column.op_id == digest)
            leaf = self._connection.execute(query).scalar()
        return leaf if leaf is not None and leaf < len(self._types) else None

    def _note(self, operation: Operation, seq: int) -> None:
        body: Any = operation.body
        if operation.type == "grant":
            self._grants[body["cap"]["cap_id"]].append(seq)
        elif operation.type == "key":
            key: KeyId = KeyEvent.parse(body["event"]).key.key_id
            self._key_events[key].append(seq)
