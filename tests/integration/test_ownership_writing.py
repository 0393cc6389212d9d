"""Register, transfer, tip and pay on the simulator, judged block by block (ownership §7)."""

from __future__ import annotations

import pytest
from embit import ec
from embit.psbt import PSBT

from lodestamp.core.bitcoin import MAIN, NETWORKS, REGTEST, Psbt, PsbtField, finish_psbt, hash160
from lodestamp.core.ownership import (
    ASSET_UNITS,
    FEE_RATE_MAX,
    FEE_RATE_MIN,
    Owner,
    Rules,
    State,
    build_payment,
    build_register,
    build_tip,
    build_transfer,
)
from lodestamp.errors import (
    ChainRejected,
    FundsError,
    PsbtError,
    RulesMismatch,
    UsageError,
    WouldBeInvalid,
)
from lodestamp.node.chains import MINER_SCRIPT, KeyScript, SecretSigner, key_scripts
from lodestamp.node.scanner import fee_rate_of, party_of, psbts_of, send_plan, sign_plan
from written import ALICE, BOB, RULES, follow, noise, parties, registration, scanned

SHA1 = registration().sha1
FORMS = tuple(KeyScript)


def say(source, state, plan, *signers):
    """Sign, send and mine a plan; return what was read back, and the effects of the block."""
    txs = sign_plan(plan, signers, source.network)
    found = send_plan(source, state, RULES, plan, txs)
    source.mine(1, MINER_SCRIPT)
    return found, follow(source, state)


@pytest.mark.parametrize("form", FORMS)
def test_r41_to_r46_a_work_is_registered_sold_tipped_and_its_dividends_paid(form):
    source, alice, bob = parties(form)
    state = scanned(source)
    rate = fee_rate_of(source)
    plan = build_register(state, registration(noise(300)), party_of(source, alice), rate)
    found, (effect,) = say(source, state, plan, ALICE)
    assert (found.kind, found.reason) == ("register", None)
    assert effect.ops[0].meta["title"] == noise(300)
    assert state.holders(SHA1) == {alice: ASSET_UNITS}

    plan = build_transfer(
        state, SHA1, 40_000_000, 20_000, seller=party_of(source, alice),
        buyer=party_of(source, bob), fee_rate=rate,
    )  # fmt: skip
    found, (effect,) = say(source, state, plan, ALICE, BOB)
    assert (found.units, found.amount, found.receiver) == (40_000_000, 20_000, bob)
    assert effect.ops[0].bitcoin_value == 20_000
    assert state.holders(SHA1) == {alice: 60_000_000, bob: 40_000_000}

    found, (effect,) = say(source, state, build_tip(state, SHA1, party_of(source, bob), rate), BOB)
    assert (found.kind, effect.tips[0].amount, effect.tips[0].sources) == ("tip", 10_000, (bob,))
    plan = build_payment(state, SHA1, Owner(bob), party_of(source, alice), rate, amount=4_000)
    found, (effect,) = say(source, state, plan, ALICE)
    assert found.kind == "payment"
    assert (effect.payments[0].amount, effect.payments[0].destination) == (4_000, bob)
    assert scanned(source).holders(SHA1) == state.holders(SHA1)


def test_r42_a_legacy_chain_of_sixteen_parts_waits_in_one_mempool_and_is_read_back():
    source, alice, _ = parties(KeyScript.P2PKH)
    state = scanned(source)
    plan = build_register(state, registration(noise(940)), party_of(source, alice), 1_000)
    assert len(plan.steps) == 16
    assert [step.purpose for step in plan.steps[:2]] == ["payload 16 of 16", "payload 15 of 16"]
    assert plan.steps[-1].purpose == "primary"
    _, (effect,) = say(source, state, plan, ALICE)
    assert effect.ops[0].registrant == alice


def in_a_wallet(psbt, *signers):
    found = PSBT.parse(psbt.encode())
    for signer in signers:
        found.sign_with(ec.PrivateKey(signer._secret))
    return Psbt.decode(found.serialize())


@pytest.mark.parametrize("form", FORMS)
def test_r44_a_foreign_wallet_signs_what_is_written_and_it_holds(form):
    """Of segwit inputs all steps at once; of legacy inputs one after the other (R42)."""
    source, alice, _ = parties(form)
    state = scanned(source)
    plan = build_register(state, registration(noise(200)), party_of(source, alice), 1_500)
    signed, rounds = [], 0
    while len(signed) < len(plan.steps):
        for psbt in psbts_of(source, plan, signed):
            if form is KeyScript.P2SH_P2WPKH:
                program = b"\x00\x14" + hash160(ALICE.public_key())
                psbt = psbt.with_input(  # noqa: PLW2901
                    0, psbt.inputs[0].having(PsbtField.REDEEM_SCRIPT, program)
                )
            signed.append(finish_psbt([in_a_wallet(psbt, ALICE)]))
        rounds += 1
    assert rounds == (1 if form in {KeyScript.P2WPKH, KeyScript.P2TR} else len(plan.steps))
    assert psbts_of(source, plan, signed) == ()
    assert send_plan(source, state, RULES, plan, signed).reason is None
    source.mine(1, MINER_SCRIPT)
    follow(source, state)
    assert state.registrant(SHA1) == alice


def test_r44_buyer_and_seller_sign_apart():
    source, alice, bob = parties(KeyScript.P2TR)
    state = scanned(source)
    register = build_register(state, registration(), party_of(source, alice), 1_000)
    say(source, state, register, ALICE)
    plan = build_transfer(
        state,
        SHA1,
        9,
        700,
        seller=party_of(source, alice),
        buyer=party_of(source, bob),
        fee_rate=1_000,
    )
    signed = []
    for psbt in psbts_of(source, plan):
        is_last = len(signed) == len(plan.steps) - 1
        files = [in_a_wallet(psbt, each) for each in ((BOB, ALICE) if is_last else (ALICE,))]
        if is_last:
            with pytest.raises(PsbtError):
                finish_psbt(files[:1])
        signed.append(finish_psbt(files))
    assert send_plan(source, state, RULES, plan, signed).units == 9


def test_r44_keys_of_this_machine_sign_on_regtest_alone():
    source, alice, _ = parties(KeyScript.P2WPKH)
    plan = build_register(State(0), registration(), party_of(source, alice), 1_000)
    assert sign_plan(plan, [ALICE], REGTEST)
    for net in NETWORKS.values():
        if net is not REGTEST:
            with pytest.raises(UsageError) as refused:
                sign_plan(plan, [ALICE], net)
            assert "PSBT" in refused.value.hint
    with pytest.raises(FundsError):
        sign_plan(plan, [BOB], REGTEST)
    assert MAIN in NETWORKS.values()


def test_r45_what_would_have_no_effect_is_not_sent_unless_forced():
    source, alice, bob = parties(KeyScript.P2WPKH)
    state = scanned(source)
    late = build_register(state, registration(), party_of(source, bob), 1_000)
    say(source, state, build_register(state, registration(), party_of(source, alice), 1_000), ALICE)
    txs = sign_plan(late, [BOB], REGTEST)
    with pytest.raises(WouldBeInvalid) as refused:
        send_plan(source, state, RULES, late, txs)
    assert refused.value.reason == "already-registered"
    source.mine(1, MINER_SCRIPT)
    assert follow(source, state) == []
    found = send_plan(source, state, RULES, late, txs, force=True)
    assert found.reason == "already-registered"
    source.mine(1, MINER_SCRIPT)
    (effect,) = follow(source, state)
    assert [why for _, _, why in effect.rejected] == ["already-registered"]
    assert state.holders(SHA1) == {alice: ASSET_UNITS}


def test_r45_rules_that_do_not_see_segwit_say_so_before_anything_is_sent():
    source, alice, _ = parties(KeyScript.P2WPKH)
    plan = build_register(scanned(source), registration(), party_of(source, alice), 1_000)
    txs = sign_plan(plan, [ALICE], REGTEST)
    rules = Rules.peer_compat("regtest")
    # The peer gives a work whose registrant it cannot read to nobody: that is valid, and useless.
    assert send_plan(source, scanned(source), rules, plan, txs).receiver == b""


def test_r45_the_mempool_is_asked_before_each_step():
    source, alice, _ = parties(KeyScript.P2PKH)
    state = scanned(source)
    plan = build_register(state, registration(noise(200)), party_of(source, alice), 1_000)
    txs = sign_plan(plan, [ALICE], REGTEST)
    other = build_register(state, registration(data=b"other"), party_of(source, alice), 50_000)
    send_plan(source, state, RULES, other, sign_plan(other, [ALICE], REGTEST))
    with pytest.raises(ChainRejected) as refused:
        send_plan(source, state, RULES, plan, txs)
    assert "0 of" in refused.value.hint
    with pytest.raises(UsageError):
        send_plan(source, state, RULES, plan, txs[:-1])
    with pytest.raises(RulesMismatch):
        send_plan(source, state, Rules.strict("main"), plan, txs)
    with pytest.raises(UsageError):
        send_plan(source, state, RULES, plan, txs[::-1])


def test_a_sending_that_broke_off_is_repeated():
    source, alice, _ = parties(KeyScript.P2PKH)
    state = scanned(source)
    plan = build_register(state, registration(noise(200)), party_of(source, alice), 1_000)
    txs = sign_plan(plan, [ALICE], REGTEST)
    source.broadcast(txs[0])
    source.broadcast(txs[1])
    for _ in range(2):
        assert send_plan(source, state, RULES, plan, txs).reason is None
    source.mine(1, MINER_SCRIPT)
    assert len(follow(source, state)) == 1


def test_r41_the_rate_is_the_chains_within_its_bounds(monkeypatch):
    source, _, _ = parties(KeyScript.P2PKH)
    for said, taken in ((1, FEE_RATE_MIN), (7_777, 7_777), (10**9, FEE_RATE_MAX)):
        monkeypatch.setattr(source, "fee_rate", lambda _, said=said: said)
        assert fee_rate_of(source) == taken


def test_coins_that_are_young_or_reserved_are_left_alone():
    source, alice, _ = parties(KeyScript.P2PKH)
    whole = party_of(source, alice)
    assert len(whole.coins) == 3
    source.mine(1, alice)
    assert party_of(source, alice).coins == whole.coins
    reserved = {whole.coins[0].outpoint}
    assert party_of(source, alice, reserved=reserved).coins == whole.coins[1:]
    assert party_of(source, key_scripts(BOB)[KeyScript.P2TR]).coins == ()


def test_an_old_key_whose_public_key_is_written_long_pays_for_it():
    old = SecretSigner(bytes(31) + b"\x31", compressed=False)
    source, _, _ = parties(KeyScript.P2PKH)
    script = key_scripts(old)[KeyScript.P2PKH]
    source.mine(1, script)
    source.mine(100, MINER_SCRIPT)
    state = scanned(source)
    plan = build_register(state, registration(), party_of(source, script, key_size=65), 1_000)
    _, (effect,) = say(source, state, plan, old)
    assert effect.ops[0].registrant == script
