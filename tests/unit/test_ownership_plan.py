"""Plans: steps, fees, dust, and what can be signed when (ownership R41 to R43, R46)."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from lodestamp.core.bitcoin import OutPoint, Transaction, TxOut, dust_limit
from lodestamp.core.ownership import (
    ASSET_UNITS,
    FEE_RATE_MAX,
    FEE_RATE_MIN,
    Owner,
    Party,
    RegistrationText,
    Spendable,
    State,
    StepOutput,
    TxPlan,
    build_payment,
    build_register,
    build_tip,
    build_transfer,
    carrier_payloads,
    encode_payloads,
    parse_heart,
    read_back,
    read_carrier,
    rehearse,
)
from lodestamp.errors import CarrierTooLarge, FeeTooHigh, FundsError, UsageError, WouldBeInvalid
from lodestamp.node.chains import KeyScript, key_scripts, sign_transaction
from written import ALICE, BOB, RULES, noise, registration

FORMS = tuple(KeyScript)
SHA1 = registration().sha1


def party(signer=ALICE, form=KeyScript.P2PKH, amounts=(100_000_000,), tag=0):
    script = key_scripts(signer)[form]
    coins = tuple(
        Spendable(OutPoint(bytes([n + 1, tag]) * 16, n), TxOut(amount, script))
        for n, amount in enumerate(amounts)
    )
    return Party(Owner(script), coins, len(signer.public_key()))


def held_by(owner, others=()):
    """The state where somebody registered the work, and others hold some units."""
    balances = [(SHA1, owner, ASSET_UNITS - sum(units for _, units in others))]
    balances += [(SHA1, each, units) for each, units in others]
    return State.of(
        100, registrants=[(SHA1, owner)], balances=balances, operations=[], tips=[], payments=[]
    )


def signed(plan, *signers):
    made = []
    for step in plan.steps:
        made.append(
            sign_transaction(step.transaction([each.txid for each in made]), step.spent, signers)
        )
    return made


def check(plan, txs, fee_rate):
    """What holds of every plan: fees by the rate, no dust, no value lost."""
    for step, tx in zip(plan.steps, txs, strict=True):
        assert tx.vsize <= step.vsize <= tx.vsize + 2 * len(step.inputs)
        assert step.fee >= -(-fee_rate * tx.vsize // 1000)
        assert sum(each.amount for each in step.spent) == step.fee + sum(
            each.amount for each in step.outputs
        )
        assert all(each.amount >= dust_limit(each.script) for each in step.outputs)
        assert all(each.sequence == 0xFFFFFFFD for each in tx.inputs)
    assert plan.fee == sum(step.fee for step in plan.steps)


def text_of_parts(parts):
    """A registration whose text takes so many payloads."""
    texts = (RegistrationText(SHA1, bytes(32), title=noise(size)) for size in range(1, 1_300, 9))
    return next(each for each in texts if len(encode_payloads(each.encode())) == parts)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fee_rate", [FEE_RATE_MIN, 12_345, FEE_RATE_MAX])
def test_r41_fees_follow_the_rate_and_nothing_is_lost(form, fee_rate):
    plan = build_register(State(0), registration(noise(200)), party(form=form), fee_rate)
    assert len(plan.steps) > 2
    txs = signed(plan, ALICE)
    check(plan, txs, fee_rate)
    for step in plan.steps:
        assert step.fee == -(-fee_rate * step.vsize // 1000)


@pytest.mark.parametrize("rate", [0, FEE_RATE_MIN - 1, -1])
def test_r41_a_rate_that_nobody_relays_is_refused(rate):
    with pytest.raises(UsageError):
        build_register(State(0), registration(), party(), rate)


def test_r41_a_rate_above_the_cap_is_refused_for_everything_that_is_written():
    alice, bob = party(), party(BOB)
    state = held_by(alice.owner, [(bob.owner, 5)])
    rate = FEE_RATE_MAX + 1
    for build in (
        lambda: build_register(State(0), registration(), alice, rate),
        lambda: build_transfer(state, SHA1, 1, 600, seller=alice, buyer=bob, fee_rate=rate),
        lambda: build_tip(state, SHA1, bob, rate),
        lambda: build_payment(state, SHA1, bob.owner, alice, rate, amount=600),
    ):
        with pytest.raises(FeeTooHigh):
            build()


@pytest.mark.parametrize(("form", "least"), [(FORMS[0], 546), (FORMS[1], 294), (FORMS[3], 330)])
def test_r41_change_that_is_dust_goes_to_the_fee(form, least):
    state = held_by(Owner(key_scripts(BOB)[form]))
    exact = build_tip(state, SHA1, party(form=form), 1_000).steps[0]
    spent = 10_000 + exact.fee
    kept = build_tip(state, SHA1, party(form=form, amounts=(spent + least,)), 1_000).steps[0]
    assert kept.outputs[2].amount == least == dust_limit(kept.outputs[2].script)
    given = build_tip(state, SHA1, party(form=form, amounts=(spent + least - 1,)), 1_000).steps[0]
    assert len(given.outputs) == 2
    assert given.fee == spent + least - 1 - 10_000
    with pytest.raises(FundsError):
        build_tip(state, SHA1, party(form=form, amounts=(10_000 + 100,)), 1_000)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("parts", [2, 3, 15, 16])
def test_r42_a_carrier_of_any_length_is_a_chain_that_reads_back(form, parts):
    """The last payload goes first; each next spends the change before as its last input."""
    text = text_of_parts(parts)
    plan = build_register(State(0), text, party(form=form, amounts=(40_000, 30_000, 20_000)), 1_000)
    txs = signed(plan, ALICE)
    assert len(txs) == parts
    for before, after in pairwise(txs):
        assert after.inputs[-1].prevout == OutPoint(before.txid, 1)
        assert len(after.inputs) == 1
    carrier = read_carrier(txs[-1], {bytes(tx.txid): tx for tx in txs}.get)
    assert carrier.text == text.encode()
    assert [carrier_payloads(tx) for tx in reversed(txs)] == [[each] for each in carrier.payloads]
    assert read_back(State(0), txs, plan.steps[-1].spent, RULES).reason is None
    check(plan, txs, 1_000)


def test_r42_of_legacy_inputs_one_step_can_be_signed_at_a_time_of_segwit_all():
    for form in FORMS:
        plan = build_register(State(0), registration(noise(200)), party(form=form), 1_000)
        txs = signed(plan, ALICE)
        at_once = form in {KeyScript.P2WPKH, KeyScript.P2TR}
        assert len(plan.ready()) == (len(txs) if at_once else 1)
        for done in range(len(txs) + 1):
            ready = plan.ready(txs[:done])
            assert len(ready) == (len(txs) - done if at_once else min(1, len(txs) - done))
            for tx, step in zip(txs[done:], ready, strict=False):
                assert tx.inputs[0].prevout == step.inputs[0].prevout
                assert tx.outputs == step.outputs
    with pytest.raises(UsageError):
        plan.steps[1].transaction([])


def test_a_transaction_that_is_not_the_plans_is_refused():
    plan = build_register(State(0), registration(noise(200)), party(), 1_000)
    txs = signed(plan, ALICE)
    changed = replace(txs[0], outputs=txs[0].outputs[::-1])
    for wrong in ([changed], [txs[1]], [*txs, txs[0]], [replace(txs[0], locktime=9)]):
        with pytest.raises(UsageError):
            plan.ready(wrong)


def test_a_plan_is_the_same_each_time_and_takes_the_largest_coins():
    coins = (5_000, 90_000, 700, 60_000)
    one, two = (
        build_register(State(0), registration(), party(amounts=coins), 1_000) for _ in range(2)
    )
    assert one == two
    assert [each.value for each in one.steps[0].inputs] == [90_000]
    assert isinstance(one, TxPlan)


def test_a_first_step_gathers_as_many_coins_as_it_takes():
    coins = (1_000,) * 40
    plan = build_register(State(0), registration(noise(500)), party(amounts=coins), 1_000)
    assert len(plan.steps[0].inputs) > 3
    assert all(len(step.inputs) == 1 for step in plan.steps[1:])
    check(plan, signed(plan, ALICE), 1_000)
    with pytest.raises(FundsError):
        build_register(State(0), registration(noise(500)), party(amounts=(1_000,) * 2), 1_000)
    with pytest.raises(FundsError):
        build_register(State(0), registration(), party(amounts=()), 1_000)


def test_r46_a_known_work_is_refused_before_anything_is_built():
    with pytest.raises(WouldBeInvalid) as refused:
        build_register(held_by(party().owner), registration(), party(amounts=()), 1_000)
    assert refused.value.reason == "already-registered"


def test_r46_what_does_not_fit_sixteen_parts_names_the_longest_field():
    text = replace(registration(noise(2_000)), keywords="a, b")
    with pytest.raises(CarrierTooLarge) as refused:
        build_register(State(0), text, party(), 1_000)
    assert "`title`, 4,000 bytes" in refused.value.hint


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("price", [600, 5_000_000])
def test_r43_a_transfer_is_layout_a_with_the_buyer_first_and_the_seller_last(form, price):
    seller, buyer = party(form=form, amounts=(50_000, 700)), party(BOB, form, (9_000_000,), 3)
    state = held_by(seller.owner)
    plan = build_transfer(state, SHA1, 77, price, seller=seller, buyer=buyer, fee_rate=1_500)
    primary = plan.steps[-1]
    assert [each.script for each in primary.inputs] == [buyer.owner, seller.owner]
    payment, change, carrier, back = primary.outputs
    assert (payment.amount, payment.script) == (price, seller.owner)
    assert change.script == buyer.owner
    assert (carrier.amount, carrier.script[:1]) == (0, b"\x6a")
    assert (back.script, back.amount) == (seller.owner, primary.inputs[-1].value)
    if len(plan.steps) > 1:
        assert primary.inputs[-1].source == StepOutput(len(plan.steps) - 2, 1)
    else:
        assert primary.inputs[-1].value == 700  # the smallest coin signs
    txs = signed(plan, ALICE, BOB)
    check(plan, txs, 1_500)
    found = read_back(state, txs, primary.spent, RULES)
    assert (found.kind, found.reason, found.units, found.amount) == ("transfer", None, 77, price)
    assert found.receiver == buyer.owner
    unsigned = [*txs[:-1], primary.transaction([tx.txid for tx in txs])]
    assert read_back(state, unsigned, primary.spent, RULES).reason == "seller-not-signing"
    assert read_back(state, unsigned, primary.spent, RULES, is_signed=False).reason is None


def test_r43_several_coins_of_the_buyer_stay_before_the_seller():
    seller, buyer = party(), party(BOB, amounts=(4_000,) * 5, tag=3)
    plan = build_transfer(
        held_by(seller.owner), SHA1, 1, 9_000, seller=seller, buyer=buyer, fee_rate=1_000
    )
    scripts = [each.script for each in plan.steps[-1].inputs]
    assert scripts == [buyer.owner] * (len(scripts) - 1) + [seller.owner]
    assert len(scripts) > 3
    txs = signed(plan, ALICE, BOB)
    assert read_back(held_by(seller.owner), txs, plan.steps[-1].spent, RULES).reason is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [(0, "bad-value"), (-1, "bad-value"), (ASSET_UNITS, "bad-value"),
     (ASSET_UNITS - 5, "insufficient"),
     (ASSET_UNITS - 6, None)],
)  # fmt: skip
def test_r43_one_unit_must_stay_or_nothing_is_built(value, reason):
    seller, buyer = party(), party(BOB, tag=3)
    state = held_by(seller.owner, [(buyer.owner, 5)])
    options = {"seller": seller, "buyer": buyer, "fee_rate": 1_000}
    if reason is None:
        assert build_transfer(state, SHA1, value, 600, **options).steps
        return
    with pytest.raises(WouldBeInvalid) as refused:
        build_transfer(state, SHA1, value, 600, **options)
    assert refused.value.reason == reason


def test_r43_what_could_never_have_an_effect_is_refused():
    alice, bob, eve = party(), party(BOB, tag=3), party(BOB, KeyScript.P2TR, tag=4)
    state = held_by(alice.owner, [(bob.owner, 5)])
    options = {"fee_rate": 1_000}
    cases = {
        "no-receiver": lambda: build_transfer(
            state, SHA1, 1, 600, seller=alice, buyer=alice, **options
        ),
        "not-registered": lambda: build_transfer(
            State(0), SHA1, 1, 600, seller=alice, buyer=bob, **options
        ),
        "self-payment": lambda: build_tip(state, SHA1, alice, 1_000),
        "payer-not-registrant": lambda: build_payment(
            state, SHA1, alice.owner, bob, 1_000, amount=600
        ),
        "not-a-holder": lambda: build_payment(state, SHA1, eve.owner, alice, 1_000, amount=600),
    }
    for reason, build in cases.items():
        with pytest.raises(WouldBeInvalid) as refused:
            build()
        assert refused.value.reason == reason
    with pytest.raises(WouldBeInvalid):
        build_tip(State(0), SHA1, alice, 1_000)
    with pytest.raises(WouldBeInvalid):
        build_payment(state, SHA1, alice.owner, alice, 1_000, amount=600)


def test_r41_dust_is_not_sent_to_anybody():
    alice, bob = party(), party(BOB, tag=3)
    state = held_by(alice.owner, [(bob.owner, 5)])
    for build in (
        lambda: build_tip(state, SHA1, bob, 1_000, amount=545),
        lambda: build_payment(state, SHA1, bob.owner, alice, 1_000, amount=545),
        lambda: build_transfer(state, SHA1, 1, 545, seller=alice, buyer=bob, fee_rate=1_000),
        lambda: build_tip(state, SHA1, bob, 1_000, amount=21 * 10**14 + 1),
    ):
        with pytest.raises(UsageError):
            build()
    poor = party(amounts=(545,))
    with pytest.raises(FundsError):
        build_transfer(state, SHA1, 1, 600, seller=poor, buyer=bob, fee_rate=1_000)


def test_a_transfer_never_drops_the_buyers_change_for_it_holds_the_carriers_place():
    alice = party()
    state = held_by(alice.owner)
    most = build_transfer(
        state, SHA1, 1, 600, seller=alice, buyer=party(BOB, tag=3), fee_rate=1_000
    ).steps[-1]
    spent = 600 + most.fee
    for amount, fits in ((spent + 546, True), (spent + 545, False)):
        buyer = party(BOB, amounts=(amount,), tag=3)
        if fits:
            plan = build_transfer(state, SHA1, 1, 600, seller=alice, buyer=buyer, fee_rate=1_000)
            assert plan.steps[-1].outputs[1].amount == 546
            continue
        with pytest.raises(FundsError):
            build_transfer(state, SHA1, 1, 600, seller=alice, buyer=buyer, fee_rate=1_000)


@pytest.mark.parametrize("form", FORMS)
def test_a_tip_and_a_payment_are_hearts_as_the_original_writes_them(form):
    """§3.3: vout 0 the heart, worth nothing; vout 1 who is paid; vout 2 the change."""
    alice, bob = party(form=form), party(BOB, form, tag=3)
    state = held_by(alice.owner, [(bob.owner, 5)])
    tip = build_tip(state, SHA1, bob, 1_000)
    pay = build_payment(state, SHA1, bob.owner, alice, 1_000, amount=4_321)
    for plan, to, back, amount in ((tip, alice, bob, 10_000), (pay, bob, alice, 4_321)):
        (step,) = plan.steps
        heart, paid, change = step.outputs
        assert (heart.amount, parse_heart(heart.script), len(heart.script)) == (0, SHA1, 25)
        assert paid == TxOut(amount, to.owner)
        assert change.script == back.owner
        txs = signed(plan, ALICE, BOB)
        check(plan, txs, 1_000)
        found = read_back(state, txs, step.spent, RULES)
        kind = "tip" if plan is tip else "payment"
        assert (found.kind, found.reason, found.amount) == (kind, None, amount)
        assert found.receiver == to.owner
    assert read_back(State(0), txs, step.spent, RULES).reason == "not-registered"


@pytest.mark.parametrize("form", FORMS)
def test_r45_a_plan_is_judged_before_anything_is_signed(form):
    """Legacy txids are still to change; that the steps hang together can be seen already."""
    owner = party(form=form)
    plan = build_register(State(0), registration(noise(120)), owner, 1_000)
    found = rehearse(State(0), plan, RULES)
    assert (found.kind, found.sha1, found.reason, found.receiver) == (
        "register", SHA1, None, owner.owner,
    )  # fmt: skip
    assert found.as_json()["valid"] is True
    late = rehearse(held_by(owner.owner), plan, RULES)
    assert late.as_json() == {
        "kind": "register", "sha1": SHA1, "valid": False, "reason": "already-registered",
        "receiver": None, "units": 0, "amount": 0,
    }  # fmt: skip


def test_a_plan_is_shown_step_by_step():
    shown = build_register(State(0), registration(noise(60)), party(), 1_000).as_json()
    first, *_, last = shown["steps"]
    assert shown["fee"] == sum(step["fee"] for step in shown["steps"])
    assert first["inputs"][0]["source"] == str(party().coins[0].outpoint)
    assert last["inputs"][0]["source"] == f"step {len(shown['steps']) - 2}:1"
    assert last["purpose"] == "primary"
    assert json.loads(json.dumps(shown)) == shown


def test_the_text_is_written_in_the_published_order():
    """§3.2: op, btih, sha1, ipfs, name, size, type, title, uri, keywords."""
    full = RegistrationText(
        SHA1, bytes(32), "b" * 40, "n", 5, "text/plain", "t ♥", "ipfs://x", "k, l"
    )
    keys = ["op", "btih", "sha1", "ipfs", "name", "size", "type", "title", "uri", "keywords"]
    assert list(json.loads(full.encode())) == keys
    assert full.encode().startswith(b'{"op":"r","btih":"bbbb')
    assert "t ♥".encode() in full.encode()
    least = json.loads(RegistrationText(SHA1, bytes(32)).encode())
    assert list(least) == ["op", "sha1", "ipfs"]
    assert least["ipfs"].startswith("Qm")


@pytest.mark.parametrize(
    "wrong",
    [
        {"sha1": SHA1.upper()}, {"sha1": "ab"}, {"sha256": bytes(31)}, {"btih": "x"}, {"size": -1},
        {"size": 2**53}, {"title": "\ud800"},
    ],
)  # fmt: skip
def test_a_text_that_would_not_be_read_is_not_written(wrong):
    with pytest.raises(UsageError):
        replace(registration(), **wrong)


def test_a_party_is_one_owner_of_a_script_that_a_key_spends():
    with pytest.raises(UsageError):
        Party(party().owner, party(BOB).coins)
    for script in (b"\x51", b"\x00\x20" + bytes(32), b""):
        with pytest.raises(UsageError):
            Party(Owner(script), ())


def test_reading_back_says_why_there_would_be_no_effect():
    alice = party()
    plan = build_register(State(0), registration(noise(60)), alice, 1_000)
    txs = signed(plan, ALICE)
    spent = plan.steps[-1].spent
    assert read_back(held_by(alice.owner), txs, spent, RULES).reason == "already-registered"
    unsigned = [*txs[:-1], plan.steps[-1].transaction([tx.txid for tx in txs])]
    assert read_back(State(0), unsigned, spent, RULES).reason == "no-registrant"
    plain = Transaction(2, txs[0].inputs, (alice.coins[0].output,))
    assert read_back(State(0), [plain], [alice.coins[0].output], RULES).reason == "bad-layout"
    with pytest.raises(UsageError):
        read_back(State(0), [], [], RULES)
