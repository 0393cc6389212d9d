"""Covenants over random parameters: one leaf a value, every opening works, every change fails."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains import OTHER, SCRIPT, SIGNER
from covenants import OWNER_SECRET, coin, made_reveals, mutants, path_of, prove, signed
from lodestamp.core.bitcoin import CONSENSUS_CAT_CTV, TxOut, sha256, verify_input
from lodestamp.core.covenants import (
    INQUISITION,
    BatchMember,
    CidLock,
    Content,
    DagPath,
    FixedOutputs,
    Kind,
    Member,
    Path,
    Template,
    at_depth,
    build,
    decode_bundle,
    path_lengths,
    plan_spend,
    proof_bundle,
    recognise,
    spend_vsize,
    verify_spend,
    write_asm,
)
from lodestamp.core.merkle import leaf_hash, root
from lodestamp.core.verdict import Status
from lodestamp.errors import CovenantError, LodestampError

OWNER = SIGNER.xonly()
HASH = st.binary(min_size=32, max_size=32)
ITEMS = st.integers(1, 7)
PARAMS = st.one_of(
    st.builds(CidLock, HASH.map(lambda h: bytes.fromhex("01551220") + h), ITEMS, st.just(OWNER)),
    st.builds(BatchMember, HASH, st.integers(0, 40), st.just(OWNER)),
    st.builds(
        DagPath,
        HASH,
        st.lists(st.tuples(ITEMS, ITEMS), min_size=1, max_size=8).map(tuple),
        st.none() | ITEMS,
        st.just(OWNER),
    ),
    st.builds(Template, HASH),
    st.builds(FixedOutputs, HASH),
)
PAID = [TxOut(99_000, OTHER)]


def leaf_of(params):
    from lodestamp.core.bitcoin import from_asm

    return from_asm(write_asm(params))


@given(PARAMS)
def test_a_leaf_and_its_parameters_are_two_spellings_of_one_thing(params):
    leaf = leaf_of(params)
    found = recognise(leaf)
    assert found is not None
    assert (found.params, found.leaf) == (params, leaf)


@given(PARAMS, st.data())
def test_a_changed_leaf_is_another_covenant_or_none(params, data):
    leaf = bytearray(leaf_of(params))
    at = data.draw(st.integers(0, len(leaf) - 1))
    leaf[at] ^= data.draw(st.integers(1, 255))
    found = recognise(bytes(leaf))
    assert found is None or found.params != params
    assert found is None or found.leaf == bytes(leaf)


@given(st.binary(max_size=700))
def test_no_bytes_at_all_make_recognition_fail(leaf):
    found = recognise(leaf)
    assert found is None or found.leaf == leaf


@given(st.binary(max_size=520))
@settings(max_examples=40)
def test_content_of_any_size_up_to_520_opens_its_lock(content):
    cov = build(Kind.T1, content=content, owner=OWNER)
    plan = plan_spend(cov, coin(cov), PAID, reveal=Content(content))
    tx = signed(plan, OWNER_SECRET)
    verdict = verify_spend(tx, 0, plan.spent, INQUISITION)
    assert verdict.status is Status.ESTABLISHED
    assert verdict.bound.content == content
    assert tx.vsize == plan.vsize <= spend_vsize(cov, PAID)
    assert not any(verify_input(each, 0, plan.spent, CONSENSUS_CAT_CTV).ok for each in mutants(tx))


@given(st.integers(1, 70), st.data())
@settings(max_examples=60)
def test_r26_every_member_of_a_batch_of_any_size_opens_it(size, data):
    """R26: one leaf per length of path, all under one root."""
    cids = [bytes.fromhex("01551220") + sha256(bytes((n,))) for n in range(size)]
    hashes = [leaf_hash(each) for each in cids]
    cov = build(Kind.T2, root=root(hashes), size=size, owner=OWNER)
    assert len(cov.leaves) == len(path_lengths(size)) <= max(1, size.bit_count())
    index = data.draw(st.integers(0, size - 1))
    member = Member(cids[index], prove(hashes, index))
    chosen = at_depth(cov, len(member.proof.hashes))
    plan = plan_spend(chosen, coin(cov), PAID, reveal=member)
    tx = signed(plan, OWNER_SECRET)
    judged = verify_spend(tx, 0, plan.spent, INQUISITION, tree=cov.tree)
    assert judged.status is Status.ESTABLISHED
    hidden = verify_spend(tx, 0, plan.spent, INQUISITION)
    assert hidden.status is (Status.UNKNOWN if len(cov.leaves) > 1 else Status.ESTABLISHED)
    other = Member(cids[index - 1], member.proof)
    if size > 1:
        with pytest.raises(CovenantError):
            plan_spend(chosen, coin(cov), PAID, reveal=other)


@given(st.integers(481, 480 * 70), st.booleans(), st.data())
@settings(max_examples=25)
def test_r27_every_leaf_of_a_dag_opens_its_root(size, is_digest, data):
    """R27: by its bytes or its digest, through one to three blocks, at the link that is claimed."""
    made = sha256(size.to_bytes(4, "big")) * (size // 32 + 1)
    index = data.draw(st.integers(0, (size - 1) // 480))
    levels, leaf = path_of(made[:size], index)
    shown = None if is_digest else leaf
    cov = build(Kind.T2B, path=levels, leaf=shown, owner=OWNER)
    plan = plan_spend(cov, coin(cov), PAID, reveal=Path(levels, shown))
    verdict = verify_spend(signed(plan, OWNER_SECRET), 0, plan.spent, INQUISITION)
    assert verdict.status is Status.ESTABLISHED
    number = 0
    for link in verdict.leg("binds_what").facts["links"]:
        number = number * 8 + int(link)
    assert number == index


@given(st.data())
@settings(max_examples=60)
def test_a_bundle_changed_anywhere_is_refused_or_not_established(data):
    cov, reveal, _ = made_reveals(OWNER, SCRIPT)["T1"]
    plan = plan_spend(cov, coin(cov), PAID, reveal=reveal)
    bundle = proof_bundle(cov, signed(plan, OWNER_SECRET), plan.spent, network="regtest")
    encoded = bytearray(bundle.encode())
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 127))
    try:
        changed = decode_bundle(bytes(encoded))
    except LodestampError:
        return
    assert changed != bundle
    verdict = verify_spend(changed.spend, changed.index, changed.spent, INQUISITION, r=changed.r)
    same_spend = replace(changed, network="regtest", kind=bundle.kind, leaves=bundle.leaves)
    assert verdict.status is not Status.ESTABLISHED or same_spend == bundle
