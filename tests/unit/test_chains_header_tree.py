"""Headers in any order and the branch of most work among them, against a naive walk (R18)."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from blk_writer import block_upon
from lodestamp.core.bitcoin import REGTEST
from lodestamp.node.chains.header_tree import HeaderTree


def grown(parents):
    """Headers upon each other: the n-th is upon the one that `parents[n]` names."""
    headers = [REGTEST.genesis]
    for tag, parent in enumerate(parents):
        headers.append(block_upon(headers[parent % len(headers)], tag=tag).header)
    return headers


def naive_best(given_headers):
    """The height of the longest chain that leads to the genesis block."""
    known = {each.hash: each for each in given_headers}
    best = 0
    for each in given_headers:
        height = 0
        while each.hash != REGTEST.genesis.hash and each.prev in known:
            each, height = known[each.prev], height + 1  # noqa: PLW2901
        if each.hash == REGTEST.genesis.hash:
            best = max(best, height)
    return best


@given(st.lists(st.integers(0, 30), max_size=25), st.randoms(use_true_random=False))
def test_any_order_of_any_tree_has_the_heaviest_branch_active(parents, random):
    headers = grown(parents)
    order = headers[1:]
    random.shuffle(order)
    tree, seen = HeaderTree(REGTEST), [REGTEST.genesis]
    for header in order:
        place = tree.add(header)
        seen.append(header)
        assert tree.add(header) == place
        height, tip = tree.tip()
        assert height == naive_best(seen)
        active = [tree.active(each) for each in range(height + 1)]
        assert active[-1] == tip
        assert tree.active(height + 1) is tree.active(-1) is None
        for low, high in pairwise(active):
            assert tree.header_at(high).prev == tree.hash_of(low)
            assert tree.height_of(high) == tree.height_of(low) + 1
    assert len(tree) == len(headers)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=14), st.data())
def test_what_is_barred_is_out_with_all_upon_it_and_comes_back(parents, drawn):
    headers = grown(parents)
    tree = HeaderTree(REGTEST)
    places = [tree.add(each) for each in headers]
    before = tree.tip()
    out = drawn.draw(st.sampled_from(places[1:]))
    tree.bar(out)
    left = [
        each for each, place in zip(headers, places, strict=True)
        if out not in tree.ancestors(place, 0)
    ]  # fmt: skip
    assert tree.tip()[0] == naive_best(left)
    kin = [
        each for each in places if each in tree.ancestors(out, 0) or out in tree.ancestors(each, 0)
    ]
    tree.unbar(drawn.draw(st.sampled_from(kin)))  # itself, one before it, or one upon it
    assert tree.tip() == before
