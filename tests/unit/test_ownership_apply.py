"""A whole block: R1 to R3, and the values that its effect is made of."""

from __future__ import annotations

from copy import deepcopy

import pytest

from judged import (
    ALICE,
    BOB,
    CAROL,
    PEER,
    SHA1,
    STRICT,
    block_of,
    carried,
    heart,
    hearted,
    reasons,
    register_op,
    registered,
    sale,
    transfer_op,
)
from lodestamp.core.ownership import (
    NOBODY,
    DividendPayment,
    Registration,
    State,
    Tip,
    Transfer,
    apply_block,
    judge_block,
    undo,
)
from lodestamp.errors import StoreOrderError


def test_R1_hearts_see_the_block_before_and_carriers_those_before_them():
    state = State(0)
    block = block_of(
        1,
        carried(transfer_op(7), (BOB, ALICE), 3, sale()),
        carried(transfer_op(9), (BOB, ALICE), 1, sale()),
        carried(register_op(), (ALICE,), 2),
        hearted(heart((5, ALICE)), (BOB,), 4),
    )
    effect = apply_block(state, block, STRICT)
    assert [op.tx_index for op in effect.ops] == [2, 3]
    assert effect.rejected == ((b"\x01" * 32, 1, "not-registered"),)
    assert effect.tips == ()
    assert state.holders(SHA1) == {ALICE: 99_999_993, BOB: 7}


def test_R1_a_holder_of_this_block_is_paid_in_the_next():
    state = registered()
    sold = carried(transfer_op(7), (BOB, ALICE), 1, sale())
    paid = hearted(heart((5, BOB)), (ALICE,), 2)
    assert apply_block(state, block_of(3, sold, paid), STRICT).payments == ()
    assert len(apply_block(state, block_of(4, paid), STRICT).payments) == 1


def test_R2_one_operation_and_one_flow_of_each_kind_per_txid():
    state = registered()
    sold = carried(transfer_op(7), (BOB, ALICE), 1, sale())
    tip = hearted(heart((5, ALICE)), (BOB,), 2)
    effect = apply_block(state, block_of(3, sold, sold, tip, tip), STRICT)
    assert (len(effect.ops), len(effect.tips), reasons(effect)) == (1, 1, ["duplicate-txid"])
    effect = apply_block(state, block_of(4, sold, tip), STRICT)
    assert (effect.is_empty, reasons(effect)) == (True, ["duplicate-txid"])
    paid = hearted(heart((5, BOB)), (ALICE,), 2)  # the same txid in another role
    effect = apply_block(state, block_of(5, paid, paid), STRICT)
    assert len(effect.payments) == 1
    assert apply_block(state, block_of(6, paid), STRICT).is_empty


def test_R2_what_was_undone_may_come_again():
    state = registered()
    block = block_of(
        3,
        carried(transfer_op(7), (BOB, ALICE), 1, sale()),
        hearted(heart((5, ALICE)), (BOB,), 2),
    )
    before = deepcopy(state)
    effect = apply_block(state, block, STRICT)
    undo(state, effect)
    assert state == before
    assert apply_block(state, block, STRICT) == effect


def test_R3_nothing_in_a_block_stops_a_scan():
    texts = [b"", b"\xff", b"null", b"{}", b'{"op":"t"}', b"[" * 10**5, b'{"op":"r","sha1":5}']
    texts += [b'{"op":"t","sha1":"%s","value":1e400}' % SHA1.encode()]
    carriers = [carried(text, (), at) for at, text in enumerate(texts)]
    effect = apply_block(registered(), block_of(3, *carriers), STRICT)
    assert reasons(effect) == [
        "not-json", "not-json", "not-object", "bad-op", "bad-sha1", "too-deep", "bad-sha1",
        "bad-value",
    ]  # fmt: skip


def test_judging_changes_nothing():
    state = registered()
    before = deepcopy(state)
    judge_block(state, block_of(3, carried(transfer_op(7), (BOB, ALICE), 1, sale())), STRICT)
    assert state == before


def test_only_the_next_block_is_judged():
    state = registered()
    before = deepcopy(state)
    for height in (0, 1, 2, 4):
        with pytest.raises(StoreOrderError):
            apply_block(state, block_of(height), STRICT)
    assert state == before


def test_an_effect_holds_what_the_transactions_and_the_text_say():
    state = registered()
    text = register_op("cd" * 20, addr="x", title="A work", ipfs="Qm", more=[1])
    effect = apply_block(
        state,
        block_of(
            3,
            carried(text, (CAROL, None), 1),
            carried({**transfer_op(7), "ttl": 30}, (BOB, ALICE), 2, sale(price=800)),
            hearted(heart((5, ALICE)), (BOB, None, CAROL), 3),
        ),
        STRICT,
    )
    block_hash = b"\x03" * 32
    made, moved = effect.ops
    assert made == Registration(
        b"\x01" * 32, 3, 1, block_hash, "cd" * 20, CAROL, made.text,
        {"title": "A work", "ipfs": "Qm", "more": [1]},
    )  # fmt: skip
    assert moved == Transfer(b"\x02" * 32, 3, 2, block_hash, SHA1, ALICE, BOB, 7, 800, 30)
    assert effect.tips == (Tip(b"\x03" * 32, 3, 3, block_hash, SHA1, 5, ALICE, (BOB, CAROL)),)
    paid = apply_block(state, block_of(4, hearted(heart((6, BOB)), (ALICE,), 1)), STRICT)
    assert paid.payments == (
        DividendPayment(b"\x01" * 32, 4, 1, b"\x04" * 32, SHA1, 6, BOB, (ALICE,)),
    )


@pytest.mark.parametrize(
    ("ttl", "kept"),
    [(365, 365), (0, 0), (30.0, 30), (-1, None), (0.5, None), (True, None), ("30", None),
     ([1], None), (None, None), (2**53, None), (1e300, None)],
)  # fmt: skip
def test_a_ttl_is_kept_where_it_is_a_number_of_days_and_decides_nothing(ttl, kept):
    carrier = carried({**transfer_op(7), "ttl": ttl}, (BOB, ALICE), 1, sale())
    (op,) = apply_block(registered(), block_of(3, carrier), STRICT).ops
    assert op.ttl == kept


def test_Q5_a_work_that_nobody_holds_is_registered_for_good():
    state = State(0)
    apply_block(state, block_of(1, carried(register_op(), (None,), 1)), PEER)
    assert state.holders(SHA1) == {NOBODY: 100_000_000}
    effect = apply_block(state, block_of(2, carried(register_op(), (ALICE,), 2)), PEER)
    assert reasons(effect) == ["already-registered"]
