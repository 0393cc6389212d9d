"""Exporting a proof from what a scan kept, and judging one by a scan (R47, R48)."""

from __future__ import annotations

import pytest

from lodestamp.core.ownership import Rules, decode_ownership_proof, verify_ownership_proof
from lodestamp.core.verdict import Status
from lodestamp.errors import HeightUnknown, OwnershipError, SourceIncomplete, WorkUnknown
from lodestamp.node.chains import MemoryChain
from lodestamp.node.scanner import MemoryStore, StateEngine, VerifyMerkle, verify_with_scan
from publishing import WORKS, Press, raw_chain

RULES = Rules.strict("regtest")


def blocks():
    """A work of several parts, sold, tipped and paid, with empty blocks between."""
    press = Press()
    return raw_chain(
        [
            press.register(0, 0, title=bytes(range(150)).hex()),
            [],
            press.transfer(0, 20_000, 0, [1, 0]),
            press.heart(0, [1], [(5_000, 0)]),
            press.heart(0, [0], [(1_000, 1)]),
            [],
        ]
    )


def engine(raws, store=None, **options):
    made = StateEngine(MemoryChain(raws), store or MemoryStore(), RULES, **options)
    made.scan_from()
    return made


def statuses(verdict):
    return {leg.name: leg.status for leg in verdict.verdict.legs}


def test_everything_that_befell_a_work_is_in_its_proof_in_order():
    raws = blocks()
    proof = decode_ownership_proof(engine(raws).export_proof(WORKS[0]))
    assert [op.kind for op in proof.ops] == ["register", "transfer", "tip", "payment"]
    assert len(proof.ops[0].parts) > 1
    assert (proof.headers.mode, proof.headers.first, len(proof.headers.headers)) == ("full", 1, 6)
    sparse = decode_ownership_proof(engine(raws).export_proof(WORKS[0], mode="sparse"))
    assert len(sparse.headers.headers) == 4


def test_a_proof_is_as_of_a_height():
    made = engine(blocks())
    early = decode_ownership_proof(made.export_proof(WORKS[0], at=2))
    assert (early.height, len(early.ops), len(early.claim.cap_table)) == (2, 1, 1)
    with pytest.raises(HeightUnknown):
        made.export_proof(WORKS[0], at=7)
    with pytest.raises(WorkUnknown):
        made.export_proof(WORKS[1])


def test_branches_that_were_not_kept_are_asked_of_the_source_and_kept():
    raws, store = blocks(), MemoryStore()
    made = engine(raws, store, verify=VerifyMerkle.OFF)
    alone = StateEngine(None, store, RULES)
    with pytest.raises(SourceIncomplete) as refused:
        alone.export_proof(WORKS[0])
    assert "--chain" in refused.value.hint
    proof = made.export_proof(WORKS[0])
    assert statuses(verify_ownership_proof(proof))["inclusion"] is Status.ESTABLISHED
    assert alone.export_proof(WORKS[0]) == proof


def test_ones_own_scan_tells_whether_anything_is_missing():
    raws = blocks()
    store = MemoryStore()
    proof = engine(raws, store).export_proof(WORKS[0])
    assert set(statuses(verify_with_scan(proof, store)).values()) == {Status.ESTABLISHED}
    other = MemoryStore()
    engine(raws[:3], other)  # which has not come that far
    assert statuses(verify_with_scan(proof, other))["completeness"] is Status.UNKNOWN


def test_another_chain_or_other_rules_never_establish():
    proof = engine(blocks()).export_proof(WORKS[0])
    press, elsewhere = Press(), MemoryStore()
    engine(raw_chain([press.register(1, 0), *[[] for _ in range(6)]]), elsewhere)
    found = statuses(verify_with_scan(proof, elsewhere))
    assert (found["work"], found["completeness"]) == (Status.REFUTED, Status.REFUTED)
    compat = MemoryStore()
    StateEngine(MemoryChain(blocks()), compat, Rules.peer_compat("regtest")).scan_from()
    assert statuses(verify_with_scan(proof, compat))["completeness"] is Status.UNKNOWN
    assert statuses(verify_with_scan(proof, MemoryStore()))["completeness"] is Status.UNKNOWN


def test_a_halted_scan_is_no_witness():
    store = MemoryStore()
    proof = engine(blocks(), store).export_proof(WORKS[0])
    store.halt("broken")
    with pytest.raises(OwnershipError):
        verify_with_scan(proof, store)
