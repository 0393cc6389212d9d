"""Two questions about a few operations settle what is common (Y1)."""

from __future__ import annotations

from hashlib import sha256

from lodestamp.core.encoding import Digest
from lodestamp.node.recorder import Leaf
from lodestamp.node.sync.common_past import CommonPast


def chain(length: int) -> tuple[list[Leaf], dict[int, list[int]]]:
    leaves = [Leaf(n, n, Digest(sha256(b"%d" % n).digest())) for n in range(length)]
    return leaves, {n: [n - 1] for n in range(1, length)}


def settle(past: CommonPast, known: set[Digest]) -> None:
    for choose in (past.first_sample, past.next_sample):
        sample = choose(256)
        assert len(sample) == len(set(sample)) <= 256
        past.learn(sample, [each for each in sample if each not in known])


def test_the_branching_point_of_a_chain_is_found_in_two_questions():
    leaves, parents = chain(40_000)
    for common in (1, 20_000, 39_000, 39_990, 39_999):
        past = CommonPast(leaves, parents)
        settle(past, {leaf.digest for leaf in leaves[:common]})
        assert past.uncertain <= 32
        [newest] = past.newest_common()
        assert common - 33 <= newest.seq < common


def test_nothing_in_common_is_told_from_everything():
    leaves, parents = chain(1_000)
    past = CommonPast(leaves, parents)
    settle(past, set())
    assert past.newest_common() == []
    past = CommonPast(leaves, parents)
    settle(past, {leaf.digest for leaf in leaves})
    assert past.newest_common() == [leaves[-1]]


def test_answers_spread_to_ancestors_and_descendants():
    leaves, _ = chain(5)
    parents = {2: [0, 1], 3: [2], 4: [2]}
    past = CommonPast(leaves, parents)
    past.learn([leaves[2].digest], [])
    assert past.uncertain == 2
    past.learn([leaves[3].digest], [leaves[3].digest])
    assert past.newest_common() == [leaves[2]]
    assert past.uncertain == 1
