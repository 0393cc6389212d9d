"""What can be built, and what is refused before anybody could lose a coin by it."""

from __future__ import annotations

import pytest

from chains import OTHER, SCRIPT, SIGNER
from covenants import OWNER_SECRET, coin, made_reveals, path_of, signed, with_witness
from lodestamp.core.bitcoin import (
    Branch,
    Leaf,
    OutPoint,
    TxOut,
    control_block,
    nums_with,
    output_script,
    public_key,
    sha256,
)
from lodestamp.core.content import covenant_layout
from lodestamp.core.covenants import (
    INQUISITION,
    MAINNET,
    Content,
    FundedCoin,
    Kind,
    NextRoot,
    Path,
    build,
    check_path,
    complete,
    forced_outputs,
    funding_amount,
    leaf_index,
    path_lengths,
    plan_spend,
    restore,
    verify_spend,
)
from lodestamp.core.covenants import spending as spending_module
from lodestamp.core.verdict import Status
from lodestamp.errors import CovenantError, ElementTooLarge, GrindExhausted, UsageError

OWNER = SIGNER.xonly()
PAID = [TxOut(90_000, OTHER)]
MADE = made_reveals(OWNER, SCRIPT)


def whole(cov, reveal, **more):
    plan = plan_spend(cov, coin(cov), PAID, reveal=reveal, **more)
    return signed(plan, OWNER_SECRET), plan.spent


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "T7"},
        {"kind": "T1", "owner": OWNER},
        {"kind": "T1", "content": b"x"},
        {"kind": "T1", "content": b"x", "size": 1, "owner": OWNER},
        {"kind": "T2", "root": bytes(32), "owner": OWNER},
        {"kind": "T2B", "owner": OWNER},
        {"kind": "T3"},
        {"kind": "T4", "outputs": PAID, "outputs_hash": bytes(32)},
        {"kind": "T5"},
        {"kind": "T6", "owner": OWNER, "anyone": True},
        {"kind": "T6", "owner": OWNER, "r": 7},
        {"kind": "T5", "colour": "red"},
    ],
)
def test_parameters_that_say_nothing_or_too_much_are_a_usage_error(given):
    with pytest.raises(UsageError):
        build(**given)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"kind": "T1", "cid": bytes(36), "size": 1, "owner": OWNER}, "cid"),
        ({"kind": "T1", "content": b"x", "owner": b"\xff" * 32}, "owner"),
        ({"kind": "T1", "content": b"x", "owner": OWNER, "chunks": 8}, "count"),
        ({"kind": "T2", "root": bytes(31), "depth": 1, "owner": OWNER}, "hash"),
        ({"kind": "T2", "root": bytes(32), "depth": 41, "owner": OWNER}, "count"),
        ({"kind": "T2", "root": bytes(32), "size": 8, "depth": 2, "owner": OWNER}, "depth"),
        (
            {"kind": "T2B", "root": bytes(32), "levels": [(1, 1)] * 9, "owner": OWNER},
            "count",
        ),
        ({"kind": "T3", "template_hash": b"x"}, "hash"),
    ],
)
def test_values_out_of_range_are_refused_by_their_code(given, code):
    with pytest.raises(CovenantError) as refused:
        build(**given)
    assert refused.value.code == code


def test_r24_t1_t2_t2b_need_an_owner_and_t5_t6_are_open_only_by_saying_so():
    """R24: the open form needs anyone=True, and the verdict says that anyone may go on."""
    for name in ("T1", "T2", "T2B"):
        assert MADE[name][0].owner == OWNER
    cov = build(Kind.T5, anyone=True)
    assert cov.owner is None
    fee = FundedCoin(OutPoint(b"\x12" * 32, 1), TxOut(50_000, b"\x51\x20" + OWNER))
    plan = plan_spend(cov, coin(cov), [], reveal=NextRoot(bytes(32)), fee_coin=fee)
    leg = verify_spend(signed(plan, OWNER_SECRET), 0, plan.spent, INQUISITION).leg("binds_what")
    assert leg.facts["anyone"] is True
    assert "anyone" in leg.basis


def test_r25_sizes_are_counted_when_it_is_built_and_never_cut():
    """R25: 520 bytes are an element, 521 are refused; items over 80 need relay=False."""
    assert build(Kind.T1, content=bytes(520), owner=OWNER).params.chunks == 7
    with pytest.raises(ElementTooLarge) as refused:
        build(Kind.T1, content=bytes(521), owner=OWNER)
    assert (refused.value.maximum, refused.value.actual) == (520, 521)
    with pytest.raises(ElementTooLarge):
        build(Kind.T1, content=bytes(200), owner=OWNER, chunks=2)
    cov = build(Kind.T1, content=bytes(200), owner=OWNER, relay=False)
    with pytest.raises(ElementTooLarge) as long:
        whole(cov, Content(bytes(200)))
    assert long.value.hint
    assert whole(cov, Content(bytes(200)), relay=False)


def test_r25_outputs_that_a_script_could_not_join_are_refused():
    cov = build(Kind.T5, owner=OWNER)
    fee = FundedCoin(OutPoint(b"\x12" * 32, 1), TxOut(50_000, SCRIPT))
    many = [TxOut(330, OTHER)] * 12
    with pytest.raises(ElementTooLarge):
        plan_spend(cov, coin(cov), many, reveal=NextRoot(bytes(32)), fee_coin=fee, relay=False)


def test_r26_one_leaf_per_length_of_path():
    """R26: lengths by the recursion of RFC 9162, at most as many as bits are set."""
    assert path_lengths(1) == (0,)
    assert path_lengths(7) == (3, 2)
    assert path_lengths(11) == (4, 3, 2)[: len(path_lengths(11))]
    for size in range(1, 300):
        assert len(path_lengths(size)) <= max(1, size.bit_count())
    with pytest.raises(UsageError):
        path_lengths(0)


def test_r27_a_path_that_is_none_is_refused_though_its_hashes_are_right():
    """R27: prefix, canonical block, and the claimed link are checked beside the script."""
    levels, leaf = path_of(bytes(480 * 70), 64)
    assert leaf_index(check_path(levels, leaf)) == 64
    with pytest.raises(CovenantError):
        check_path(levels, leaf, numbers=(0,) * len(levels))
    with pytest.raises(CovenantError):
        check_path(levels, leaf + b"x")
    with pytest.raises(CovenantError):
        check_path(levels[1:] + levels[:1])
    with pytest.raises(CovenantError):
        check_path(())
    digest = sha256(b"chosen")
    fake = covenant_layout.Level(bytes.fromhex("0a2401551220"), digest, b"tail")
    with pytest.raises(CovenantError) as refused:
        check_path((fake,))
    assert refused.value.code == "path"
    with pytest.raises(ElementTooLarge):
        check_path((covenant_layout.Level(bytes(500) + fake.prefix, digest, b""),))


def test_r27_the_verdict_refutes_a_path_whose_blocks_are_no_dag():
    """R27: the script of such a leaf is content with hashes; our verdict is not."""
    prefix, suffix, leaf = bytes.fromhex("0a2401551220"), b"tail", b"leaf"
    top = sha256(prefix + sha256(leaf) + suffix)
    cov = build(Kind.T2B, root=top, levels=[(1, 1)], chunks=1, owner=OWNER)
    honest, _ = made_reveals(OWNER, SCRIPT)["T2B"][:2]
    assert honest.kind is cov.kind
    plan = spending_module.SpendPlan(
        cov, *_unsigned(cov), (suffix, prefix, leaf), _asked(cov, *_unsigned(cov))
    )
    tx = signed(plan, OWNER_SECRET)
    verdict = verify_spend(tx, 0, plan.spent, INQUISITION)
    assert verdict.leg("script").status is Status.ESTABLISHED
    assert verdict.leg("binds_what").code == "binds_what.path"


def _unsigned(cov):
    from lodestamp.core.bitcoin import Transaction, TxIn

    made = coin(cov)
    return Transaction(2, (TxIn(made.outpoint),), tuple(PAID)), (made.output,)


def _asked(cov, tx, spent):
    from lodestamp.core.bitcoin import SignatureHashes

    message = SignatureHashes(tx, spent).taproot(0, 0, leaf_hash=cov.leaf_hash)
    return (spending_module.ToSign(0, message, OWNER),)


def test_r23_an_open_key_path_is_refuted_and_a_published_r_is_not():
    """R23: NUMS, or NUMS + r·G with r given; any other internal key can spend alone."""
    cov, reveal, _ = MADE["T1"]
    r = sha256(b"published")
    blinded = build(Kind.T1, content=reveal.content, owner=OWNER, r=r)
    assert blinded.internal_key == nums_with(r)
    tx, spent = whole(blinded, reveal)
    assert verify_spend(tx, 0, spent, INQUISITION, r=r).status is Status.ESTABLISHED
    hidden = verify_spend(tx, 0, spent, INQUISITION)
    assert hidden.leg("nums_key").code == "nums_key.key-path-open"
    key = public_key(OWNER_SECRET)[1:]
    opened = (TxOut(100_000, output_script(key, Leaf(cov.leaf))),)
    witness = (
        *tx.inputs[0].witness[:-2],
        bytes(cov.leaf),
        control_block(key, Leaf(cov.leaf), Leaf(cov.leaf)),
    )
    verdict = verify_spend(with_witness(tx, witness), 0, opened, INQUISITION)
    assert verdict.leg("nums_key").code == "nums_key.key-path-open"
    assert verdict.status is Status.REFUTED


def test_r23_every_leaf_of_a_tree_must_be_ours():
    """R23: one unknown leaf beside a covenant is a back door."""
    cov, reveal, _ = MADE["T1"]
    tx, _ = whole(cov, reveal)
    door = Leaf(b"\x51")
    tree = Branch(Leaf(bytes(cov.leaf)), door)
    spent = (TxOut(100_000, output_script(cov.internal_key, tree)),)
    control = control_block(cov.internal_key, tree, Leaf(bytes(cov.leaf)))
    moved = with_witness(tx, (*tx.inputs[0].witness[:-1], control))
    legs = verify_spend(moved, 0, spent, INQUISITION, tree=tree)
    assert legs.leg("leaf_recognised").code == "leaf_recognised.unrecognised-leaf"
    hidden = verify_spend(moved, 0, spent, INQUISITION)
    assert hidden.leg("leaf_recognised").code == "leaf_recognised.leaves-not-shown"
    lie = verify_spend(moved, 0, spent, INQUISITION, tree=Leaf(bytes(cov.leaf)))
    assert lie.leg("leaf_recognised").code == "leaf_recognised.other-tree"
    with pytest.raises(CovenantError):
        restore([bytes(cov.leaf), b"\x51"])


def test_a_spend_without_a_leaf_or_of_another_output_is_refuted():
    cov, reveal, _ = MADE["T1"]
    tx, spent = whole(cov, reveal)
    for rules in (INQUISITION, MAINNET):
        bare = verify_spend(with_witness(tx, (bytes(64),)), 0, spent, rules)
        assert bare.leg("leaf_recognised").code == "leaf_recognised.no-leaf"
    other = (TxOut(100_000, OTHER),)
    assert verify_spend(tx, 0, other, INQUISITION).leg("output_key").status is Status.REFUTED
    with pytest.raises(UsageError):
        verify_spend(tx, 1, spent, INQUISITION)


def test_what_does_not_open_a_leaf_is_refused_before_it_is_signed():
    cov, _, _ = MADE["T1"]
    for reveal, error in (
        (Content(b"other"), CovenantError),
        (Path(()), UsageError),
        (None, UsageError),
    ):
        with pytest.raises(error):
            whole(cov, reveal)
    with pytest.raises(CovenantError) as refused:
        plan_spend(cov, FundedCoin(OutPoint(bytes(32), 0), PAID[0]), PAID)
    assert refused.value.code == "coin"
    with pytest.raises(CovenantError):
        plan_spend(cov, coin(cov, 10), PAID, reveal=MADE["T1"][1])


def test_a_wrong_signature_never_leaves():
    cov, reveal, _ = MADE["T1"]
    plan = plan_spend(cov, coin(cov), PAID, reveal=reveal)
    with pytest.raises(CovenantError) as refused:
        complete(plan, [bytes(64)])
    assert refused.value.code == "signature"
    with pytest.raises(UsageError):
        complete(plan)


def test_other_outputs_than_the_fixed_ones_are_refused():
    for name in ("T3", "T4"):
        with pytest.raises(CovenantError) as refused:
            plan_spend(MADE[name][0], coin(MADE[name][0]), PAID)
        assert refused.value.code == "outputs"


def test_the_search_for_a_lock_time_has_an_end(monkeypatch):
    """The mean is 256 tries; where none does, GrindExhausted and no endless loop."""
    cov, _, outputs = MADE["T4"]
    monkeypatch.setattr(spending_module, "GRIND_TRIES_MAX", 0)
    with pytest.raises(GrindExhausted):
        plan_spend(cov, coin(cov), outputs)
    with pytest.raises(UsageError):
        plan_spend(cov, coin(cov), outputs, first_locktime=2**32)


def test_r28_the_reserve_holds_the_outputs_and_the_fee():
    """R28: the fee is fixed with the outputs, so the coin must hold it from the start."""
    cov, _, outputs = MADE["T3"]
    paid = sum(each.amount for each in outputs)
    assert funding_amount(cov, outputs, 1_000) - paid == 202
    for bad in ({"cpfp": True}, {"cpfp": True, "owner": OWNER, "bump_amount": 329}):
        with pytest.raises(CovenantError):
            forced_outputs(bytes(32), TxOut(1_000, SCRIPT), **bad)
    with pytest.raises(CovenantError):
        forced_outputs(bytes(32), TxOut(329, SCRIPT))
    with pytest.raises(UsageError):
        funding_amount(MADE["T1"][0], outputs, 1_000)
