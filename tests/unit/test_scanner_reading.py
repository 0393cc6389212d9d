"""From a raw block to what the rules judge and what proves it (R28-R31)."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import REGTEST, BlockHeader, Transaction, TxInclusion, check_inclusion
from lodestamp.core.ownership import Rules, State, apply_block
from lodestamp.errors import BlockMalformed, ChainNotFound, SourceIncomplete
from lodestamp.node.chains import BlockRef, MemoryChain
from lodestamp.node.scanner import VerifyMerkle
from lodestamp.node.scanner.reading import BlockReader
from lodestamp.node.scanner.stores import NOWHERE
from publishing import WORKS, Press, raw_chain

RULES = Rules.strict("regtest")


def ref_of(raw, height):
    return BlockRef(height, BlockHeader.decode(raw[:80]).hash)


def reader(raws, verify=VerifyMerkle.HITS):
    return BlockReader(MemoryChain(raws), RULES, verify)


def read_all(made, raws):
    """Read and judge blocks in order; return each with its effect."""
    state, previous, found = State(0), REGTEST.genesis.hash, []
    for height, raw in enumerate(raws, 1):
        ref = ref_of(raw, height)
        block = made.read(ref, raw, previous, state)
        found.append((block, apply_block(state, block.block, RULES)))
        previous = ref.hash
    return found


@pytest.fixture
def raws():
    press = Press()
    parts = press.register(0, 0, title=bytes(range(150)).hex())
    return raw_chain([parts[:1], parts[1:], press.heart(0, [1], [(700, 0)])])


def test_evidence_leads_from_every_part_into_its_block(raws):
    made = reader(raws)
    headers = {height: BlockHeader.decode(raw[:80]) for height, raw in enumerate(raws, 1)}
    for found, effect in read_all(made, raws):
        kept = made.evidence(found, effect)
        assert bool(kept) is not effect.is_empty
        for each in kept:
            stripped = Transaction.decode(each.raw).encode(witness=False)
            check_inclusion(TxInclusion(stripped, each.tx_index, each.branch, headers[each.height]))


def test_without_checking_the_tree_no_branch_is_kept(raws):
    made = reader(raws, VerifyMerkle.OFF)
    for found, effect in read_all(made, raws):
        assert all(each.branch is None for each in made.evidence(found, effect))


def test_a_part_that_only_the_source_knows_has_no_place(raws):
    """As when a scan was started again, and its parts lie behind the blocks it holds (R30)."""
    state = State(0)
    first = reader(raws).read(ref_of(raws[0], 1), raws[0], REGTEST.genesis.hash, state)
    apply_block(state, first.block, RULES)
    made = reader(raws)
    found = made.read(ref_of(raws[1], 2), raws[1], ref_of(raws[0], 1).hash, state)
    effect = apply_block(state, found.block, RULES)
    kept = made.evidence(found, effect)
    assert (NOWHERE, None) in [(each.height, each.branch) for each in kept]
    assert effect.ops[0].sha1 == WORKS[0]


def test_a_block_of_another_height_or_another_parent_is_refused(raws):
    made = reader(raws)
    with pytest.raises(BlockMalformed) as refused:
        made.read(ref_of(raws[1], 1), raws[0], REGTEST.genesis.hash, State(0))
    assert refused.value.reason == "link"
    with pytest.raises(BlockMalformed) as refused:
        made.read(ref_of(raws[1], 2), raws[1], REGTEST.genesis.hash, State(0))
    assert refused.value.reason == "link"


def test_a_source_that_lacks_a_parent_is_incomplete_and_nothing_is_judged(raws, monkeypatch):
    made = reader(raws)

    def absent(*_, **__):
        raise ChainNotFound("it")

    monkeypatch.setattr(made._source, "transaction", absent)
    monkeypatch.setattr(made._source, "raw_block", absent)
    with pytest.raises(SourceIncomplete):
        made.read(ref_of(raws[1], 2), raws[1], ref_of(raws[0], 1).hash, State(0))
