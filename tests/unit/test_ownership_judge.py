"""Judging one operation: R10 to R13, Q2 to Q5, Q8 to Q10, Q16."""

from __future__ import annotations

import pytest

from judged import (
    ALICE,
    BARE,
    BOB,
    CAROL,
    CARRIER,
    PEER,
    SHA1,
    STRICT,
    register_op,
    registered,
    sale,
    transfer_op,
    tx_of,
)
from lodestamp.core.bitcoin import MAX_MONEY
from lodestamp.core.ownership import (
    ASSET_UNITS,
    NOBODY,
    Judgement,
    Rules,
    State,
    judge_operation,
    read_operation,
)

BOTH = pytest.mark.parametrize("rules", [STRICT, PEER], ids=lambda rules: rules.name)


def judged(op, owners=(ALICE,), rules=STRICT, state=None, tx=None):
    return judge_operation(state or State(0), op, tx or tx_of(CARRIER), owners, rules)


def transferred(owners, rules=STRICT, value=5, tx=None, state=None):
    state = state or registered(rules)
    return judge_operation(state, transfer_op(value), tx or sale(), owners, rules)


@BOTH
def test_R10_the_owner_of_the_first_input_registers_and_holds_all(rules):
    found = judged(register_op(addr="somebody else"), (BOB, ALICE), rules)
    assert found == Judgement(None, SHA1, None, BOB, ASSET_UNITS, 0)
    assert found.valid


@BOTH
def test_R10_the_first_registration_wins(rules):
    assert judged(register_op(), (BOB,), rules, registered(rules)).reason == "already-registered"


def test_R10_a_registrant_must_sign():
    for owners in ((None,), (None, BOB), ()):
        assert judged(register_op(), owners).reason == "no-registrant"


def test_Q5_for_the_peer_nobody_may_register():
    assert judged(register_op(), (None,), PEER).receiver == NOBODY
    state = State(0)
    assert judged(register_op(), (), PEER, state).valid


@pytest.mark.parametrize("sha1", ["AB" * 20, "ab" * 19, "ab" * 21, "x", SHA1 + "\n", "\uff41" * 40])
def test_Q4_a_work_is_named_by_forty_lowercase_digits(sha1):
    assert judged(register_op(sha1)).reason == "bad-sha1"
    assert judged(register_op(sha1), rules=PEER).valid is (len(sha1) <= 80)


@pytest.mark.parametrize("sha1", ["", "x" * 81, "\0", "a\ud800", 5, None, ["ab" * 20]])
def test_Q4_what_no_store_can_hold_names_nothing(sha1):
    for rules in (STRICT, PEER):
        assert judged(register_op(sha1), rules=rules).reason == "bad-sha1"


@pytest.mark.parametrize("op", ["n", "", "R", None, 5, ["r"], "rt"])
def test_other_operations_have_no_effect(op):
    assert judged({"op": op, "sha1": SHA1}).reason == "bad-op"


@BOTH
@pytest.mark.parametrize(
    "value", ["5", True, 0.5, 0, -5, ASSET_UNITS, 10**400, None, [5], float("inf"), float("nan")]
)
def test_Q9_a_value_is_a_whole_number_of_units(value, rules):
    assert transferred((BOB, ALICE), rules, value).reason == "bad-value"


@BOTH
@pytest.mark.parametrize("value", [5, 5.0, 5e3, 1, ASSET_UNITS - 1])
def test_a_whole_double_is_a_value(value, rules):
    found = transferred((BOB, ALICE), rules, value)
    assert found == Judgement(None, SHA1, ALICE, BOB, int(value), 900)
    assert type(found.value) is int


@BOTH
def test_a_transfer_of_an_unknown_work_is_refused(rules):
    assert transferred((BOB, ALICE), rules, state=State(0)).reason == "not-registered"


@BOTH
@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        (((900, ALICE), (1, BARE), CARRIER), None),
        ((CARRIER, (1, BARE), (900, ALICE)), None),
        (((900, ALICE), CARRIER, (1, BARE)), "bad-layout"),
        (((900, ALICE), (1, BARE), (1, BARE), CARRIER), "bad-layout"),
        ((CARRIER, (1, BARE)), "bad-layout"),
        ((CARRIER,), "bad-layout"),
        ((), "bad-layout"),
        (((0, b"\x6a\x4c"), (1, BARE), (900, ALICE)), "bad-layout"),
        ((CARRIER, (1, BARE), CARRIER), "payment-not-address"),
        (((900, BARE), (1, BARE), CARRIER), "payment-not-address"),
        (((-1, ALICE), (1, BARE), CARRIER), "bad-layout"),
        (((MAX_MONEY + 1, ALICE), (1, BARE), CARRIER), "bad-layout"),
    ],
)
def test_R11_Q10_the_carrier_tells_which_output_pays(outputs, reason, rules):
    assert transferred((BOB, ALICE), rules, tx=tx_of(*outputs)).reason == reason


def test_R12_Q2_a_seller_who_does_not_sign_sells_nothing():
    """Theft: whoever pays Alice could name himself the buyer of what is hers."""
    assert transferred((BOB,)).reason == "seller-not-signing"
    assert transferred((BOB, None)).reason == "seller-not-signing"
    assert transferred((BOB,), PEER).valid


@pytest.mark.parametrize(
    ("owners", "strict", "peer"),
    [
        ((BOB, ALICE), BOB, BOB),
        ((ALICE, BOB), BOB, BOB),
        ((BOB, BOB, ALICE), BOB, BOB),
        ((BOB, None, ALICE), BOB, "no-receiver"),
        ((None, BOB, ALICE), BOB, BOB),
        ((BOB, ALICE, CAROL), "receiver-ambiguous", CAROL),
        ((CAROL, BOB, ALICE), "receiver-ambiguous", BOB),
        ((ALICE,), "no-receiver", "no-receiver"),
        ((ALICE, None), "no-receiver", "no-receiver"),
        ((ALICE, ALICE), "no-receiver", "no-receiver"),
    ],
)
def test_R12_Q3_the_buyer_is_the_one_other_owner(owners, strict, peer):
    for rules, wanted in ((STRICT, strict), (PEER, peer)):
        found = transferred(owners, rules)
        assert found.reason == wanted if isinstance(wanted, str) else found.receiver == wanted


@BOTH
def test_R13_Q16_a_whole_balance_is_never_sent(rules):
    state = registered(rules, (ALICE, BOB, 100))
    for value, reason in ((99, None), (100, "insufficient"), (101, "insufficient")):
        found = transferred((CAROL, BOB), rules, value, sale(BOB), state)
        assert found.reason == reason
    found = transferred((BOB, CAROL), rules, 1, sale(CAROL), state)
    assert found.reason == "insufficient"


def test_R9_an_output_bears_an_owner_only_where_its_kind_is_active():
    witness = b"\x00\x14" + bytes(20)
    state = State(0)
    for rules, reason in (
        (STRICT, "seller-not-signing"),
        (PEER, "payment-not-address"),
        (Rules.strict("main"), "payment-not-address"),
    ):
        state = registered(rules)
        found = transferred((BOB,), rules, tx=sale(witness), state=state)
        assert found.reason == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"x", "not-json"), (b"[]", "not-object"), (b"[" * 99, "too-deep"), (b"{}", "bad-op"),
        (b'{"op":"t","sha1":"%s","value":"5"}' % SHA1.encode(), "bad-value"),
        (b'{"op":"t","sha1":"%s"}' % SHA1.encode(), "bad-value"),
        (b'{"op":"r","sha1":"%s"}' % SHA1.upper().encode(), "bad-sha1"),
        (b'{"op":"r","sha1":"%s"}' % SHA1.encode(), None),
    ],
)  # fmt: skip
def test_what_a_text_says_is_judged_before_anybody_asks_who_signed(text, reason):
    assert read_operation(text, STRICT)[1] == reason
