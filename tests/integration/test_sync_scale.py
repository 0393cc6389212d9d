"""Three nodes of one owner, a hundred thousand operations, a partition that both sides write in."""

from __future__ import annotations

from pathlib import Path

import pytest

from homes import NOW
from lodestamp.core.encoding import Digest, address_of_digest
from lodestamp.core.keys import Signer
from lodestamp.core.operations import (
    ProvenanceGraph,
    Status,
    build_op,
    claim,
    evidence,
    refutation,
)
from lodestamp.node.recorder import DatabaseGraphSource, best_sweep, head_leaves
from pairs import Pair, ids, pair

TOTAL = 100_000
APART = 20_000
"""What each side of the partition writes while it cannot see the other."""
COMMON = TOTAL - 2 * APART
SUBMITTED = 5_000


class Story:
    """One author's chain: evidence, claims on it, and now and then a refutation of evidence."""

    def __init__(self, signer: Signer, label: str) -> None:
        self._signer = signer
        self._label = label
        self._evidence: list[str] = []

    def write(self, count: int, prev: list[str]) -> list[bytes]:
        """Return the whole chain; its first operation merges `prev`."""
        wires = []
        for number in range(count):
            kind, body = self._say(number)
            op = build_op(self._signer, self._label, kind, body, prev, NOW, version=2, seq=number)
            if kind == "evidence":
                self._evidence.append(op.op_id)
            wires.append(op.wire)
            prev = [op.op_id]
        return wires

    def _say(self, number: int):
        if number % 100 == 99:
            return "refutation", refutation(target=self._evidence[-2], reason=str(number))
        if number % 3 == 2:
            return "claim", claim(
                subject=f"invoice/{number}",
                predicate="settled-by",
                object=number,
                confidence_bp=9_000,
                derived_from=self._evidence[-2:],
                deriver="matcher/3",
                rationale="the amounts agree",
            )
        return "evidence", evidence(
            source=self._label, kind="reading", content={"n": number}, captured_at=NOW
        )


def append(node, wires: list[bytes]) -> None:
    """Take operations in; each of them is new."""
    for at in range(0, len(wires), SUBMITTED):
        answers = node.append(wires[at : at + SUBMITTED])
        assert {str(each.status) for each in answers} == {"new"}


def heads(node) -> list[str]:
    """The heads of a node, ascending."""
    with node._database.reading("reading heads") as connection:
        return sorted(address_of_digest(head.digest) for head in head_leaves(connection))


def share_a_past(three: Pair) -> None:
    """Write the common log on one node; the others catch up, each in one round trip."""
    first, *others = three.nodes
    append(first, Story(three.keys[0], "before").write(COMMON, []))
    for node in others:
        report = node.sync(three.served[0].url)
        assert (report.relation, report.rounds, report.received) == ("behind", 1, COMMON)
        assert heads(node) == heads(first)


def state(node) -> tuple[Digest, set[int]]:
    """The state digest of a node, and which statuses there are."""
    source = DatabaseGraphSource(node._database)
    graph = ProvenanceGraph.load(source, roots=node.roots, bulk=best_sweep())
    return graph.digest(), set(graph.statuses())


@pytest.mark.slow
def test_S35_three_nodes_of_a_hundred_thousand_operations_meet_after_a_partition(tmp_path: Path):
    """S34, S35, Y1, T6: fast-forward is one round trip; afterwards heads and states are equal."""
    with pair(tmp_path, "abc", one_owner=True) as three:
        a, b, c = three.nodes
        share_a_past(three)
        stories = [Story(key, "split") for key in three.keys[:2]]
        append(a, stories[0].write(APART, heads(a)))
        append(b, stories[1].write(APART, heads(b)))
        assert heads(a) != heads(b)

        report = a.sync(three.served[1].url)
        assert (report.relation, report.complete, report.rejected) == ("diverged", True, ())
        assert (report.received, report.sent) == (APART, APART)
        assert len(heads(a)) == 2

        forward = c.sync(three.served[0].url)
        assert (forward.relation, forward.rounds, forward.complete) == ("behind", 1, True)
        assert forward.received == 2 * APART

        assert heads(a) == heads(b) == heads(c)
        assert ids(a) == ids(b) == ids(c)
        assert len(ids(a)) == TOTAL
        states = [state(node) for node in three.nodes]
        assert len({digest for digest, _statuses in states}) == 1
        assert {Status.VALID, Status.REFUTED, Status.SOURCE_INVALID} <= states[0][1]
