"""T1 to T6 funded, spent and mutated on the simulator; and where no rule binds, nothing is paid."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chains import SCRIPT, SIGNER, simulator
from covenants import made_reveals, mutants, path_of
from lodestamp.core.bitcoin import CONSENSUS, MAIN, REGTEST, TxOut, sha256, verify_input
from lodestamp.core.covenants import (
    INQUISITION,
    MAINNET,
    Content,
    Kind,
    NextRoot,
    build,
    decode_bundle,
    follow_chain,
    funding_amount,
    genesis_state,
    next_state,
    proof_bundle,
    verify_bundle,
    verify_spend,
)
from lodestamp.core.verdict import Status
from lodestamp.errors import CovenantError, CovenantsNotActive, FundsError
from lodestamp.node.chains import Acceptance, SimulatedChain
from lodestamp.node.covenants import (
    CovenantFile,
    coins_of,
    fund,
    pay_address,
    reused_coins,
    rules_of,
    show_address,
    spend,
)

KINDS = made_reveals(SIGNER.xonly(), SCRIPT)
AMOUNT = 100_000
RATE = 1_000


@pytest.fixture(scope="module")
def chain():
    source = SimulatedChain(simulator())
    source.mine(110, SCRIPT)
    yield source
    source.close()


def funded(chain, name, amount=AMOUNT):
    cov, _, outputs = KINDS[name]
    if outputs:
        amount = funding_amount(cov, outputs, RATE)
    made = fund(
        chain, SIGNER, cov, amount, fee_rate=RATE, outputs=outputs, origin="example.org/log"
    )
    chain.mine(1, SCRIPT)
    return made


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_covenant_is_funded_spent_proved_and_its_mutants_are_refused(chain, name):
    cov, reveal, outputs = KINDS[name]
    assert show_address(chain, cov).startswith("bcrt1p")
    made = funded(chain, name)
    assert made.coin in coins_of(chain, cov)
    dry = spend(
        chain, SIGNER, cov, made.coin, reveal=reveal, outputs=outputs, fee_rate=RATE, send=False
    )
    refused = [chain.test_accept(each) for each in mutants(dry.tx)]
    assert len(refused) == len(dry.tx.inputs[0].witness) - 2
    assert all(isinstance(each, Acceptance) and not each.allowed for each in refused)
    assert all(each.script_error for each in refused)
    done = spend(chain, SIGNER, cov, made.coin, reveal=reveal, outputs=outputs, fee_rate=RATE)
    (block,) = chain.mine(1, SCRIPT)
    assert done.tx.txid in [each.txid for each in chain.block(block).block.txs]
    assert made.coin not in coins_of(chain, cov)
    assert done.fee >= done.tx.vsize * RATE // 1000
    bundle = _bundle(chain, cov, made, done, block)
    again = decode_bundle(bundle.encode())
    assert again == bundle
    assert verify_bundle(again, INQUISITION).status is Status.ESTABLISHED
    assert verify_bundle(again, MAINNET).status is Status.REFUTED


def _bundle(chain, cov, made, done, block):
    funded_in = chain.block_hash(chain.tip().height - 1)
    return proof_bundle(
        cov,
        done.tx,
        done.spent,
        network="regtest",
        funding=chain.inclusion(made.tx.txid, funded_in),
        inclusion=chain.inclusion(done.tx.txid, block),
    )


def test_a_bundle_about_other_transactions_is_refuted(chain):
    cov, reveal, _ = KINDS["T1"]
    made = funded(chain, "T1")
    done = spend(chain, SIGNER, cov, made.coin, reveal=reveal)
    (block,) = chain.mine(1, SCRIPT)
    bundle = _bundle(chain, cov, made, done, block)
    swapped = replace(bundle, funding=bundle.inclusion, inclusion=bundle.funding)
    codes = {leg.code for leg in verify_bundle(swapped, INQUISITION).legs}
    assert {"funding.other-coin", "inclusion.other-spend"} <= codes
    bare = replace(bundle, funding=None, inclusion=None)
    assert verify_bundle(bare, INQUISITION).status is Status.UNKNOWN
    named = replace(bundle, kind=Kind.T2)
    assert verify_bundle(named, INQUISITION).status is Status.REFUTED
    moved = replace(bundle.inclusion, header=replace(bundle.inclusion.header, merkle=bytes(32)))
    legs = verify_bundle(replace(bundle, inclusion=moved), INQUISITION)
    assert legs.leg("inclusion").code == "inclusion.root"


def test_a_chain_of_states_goes_on_and_is_followed_from_its_genesis(chain):
    cov = KINDS["T6"][0]
    made = funded(chain, "T6")
    states, transactions, coin = [], [made.tx], made.coin
    roots = [sha256(bytes((n,))) for n in range(3)]
    for root in roots:
        done = spend(chain, SIGNER, cov, coin, reveal=NextRoot(root), fee_rate=RATE)
        chain.mine(1, SCRIPT)
        states.append(done.verdict.leg("binds_what").facts["state"])
        transactions.append(done.tx)
        coin = replace(coin, outpoint=replace(coin.outpoint, txid=done.tx.txid))
    state = genesis_state("example.org/log")
    for root, published in zip(roots, states, strict=True):
        state = next_state(state, root)
        assert state.hex() == published
    given = {
        "genesis_txid": made.tx.txid,
        "origin": "example.org/log",
        "script_pubkey": cov.script_pubkey,
    }
    assert follow_chain(transactions, roots, **given) == state
    for wrong, code in (
        ((transactions[1:], roots[1:], given), "genesis"),
        ((transactions, roots, given | {"origin": "other"}), "genesis"),
        (([transactions[0], *transactions[2:]], roots[1:], given), "link"),
        ((transactions, [*roots[1:], roots[0]], given), "state"),
        ((transactions, roots[1:], given), "genesis"),
    ):
        with pytest.raises(CovenantError) as refused:
            follow_chain(wrong[0], wrong[1], **wrong[2])
        assert refused.value.code == code


@pytest.mark.parametrize("name", sorted(KINDS))
def test_r21_nothing_is_shown_or_paid_where_the_rule_is_not_active(name):
    """R21: the gate reads the chain's own report; the coins stay where they are."""
    cov, reveal, outputs = KINDS[name]
    source = SimulatedChain(
        simulator(opcat=cov.kind is Kind.T3, checktemplateverify=cov.kind is not Kind.T3)
    )
    source.mine(102, SCRIPT)
    before = source.utxos_of(SCRIPT)
    for refused in (
        lambda: show_address(source, cov),
        lambda: fund(source, SIGNER, cov, AMOUNT, outputs=outputs, origin="o"),
        lambda: pay_address(source, SIGNER, "bcrt1p", AMOUNT),
        lambda: spend(source, SIGNER, cov, None, reveal=reveal, outputs=outputs),
    ):
        with pytest.raises(CovenantsNotActive):
            refused()
    source.mine(1, SCRIPT)
    assert set(before) <= set(source.utxos_of(SCRIPT))
    assert not source.utxos_of(cov.script_pubkey)


class OnMain(SimulatedChain):
    """A chain that says it is the main one, and that everything is active there."""

    network = MAIN


def test_r21_main_is_refused_by_name_whatever_it_reports():
    source = OnMain(simulator())
    cov = KINDS["T1"][0]
    with pytest.raises(CovenantsNotActive):
        show_address(source, cov)
    assert REGTEST is not source.network


def test_r22_under_plain_rules_a_garbage_witness_takes_the_coin():
    """R22: the same coin, a garbage witness: consensus of main accepts, and the verdict says so."""
    source = SimulatedChain(simulator())
    source.mine(102, SCRIPT)
    cov, reveal, _ = KINDS["T1"]
    made = fund(source, SIGNER, cov, AMOUNT)
    source.mine(1, SCRIPT)
    done = spend(source, SIGNER, cov, made.coin, reveal=reveal, send=False)
    thief = replace(
        done.tx,
        inputs=(
            replace(done.tx.inputs[0], witness=(b"garbage", bytes(cov.leaf), cov.control_block)),
        ),
        outputs=(TxOut(AMOUNT - 500, b"\x51\x20" + b"\x02" * 32),),
    )
    assert verify_input(thief, 0, done.spent, CONSENSUS).ok
    assert not source.test_accept(thief).allowed
    for tx in (thief, done.tx):
        verdict = verify_spend(tx, 0, done.spent, MAINNET)
        assert verdict.status is Status.REFUTED
        assert verdict.leg("rules_assumed").code == "rules_assumed.anyone-could-spend"
        assert "anyone could spend" in verdict.leg("rules_assumed").detail
    assert verify_spend(thief, 0, done.spent, INQUISITION).status is Status.REFUTED
    assert verify_spend(done.tx, 0, done.spent, rules_of(source)).status is Status.ESTABLISHED


@pytest.mark.parametrize("name", ["T3", "T4"])
def test_r28_a_second_coin_at_fixed_outputs_is_refused_and_reported(name):
    """R28: funding again is refused; a coin that came all the same is reported."""
    source = SimulatedChain(simulator())
    source.mine(105, SCRIPT)
    cov, _, outputs = KINDS[name]
    amount = funding_amount(cov, outputs, RATE)
    with pytest.raises(CovenantError) as short:
        fund(source, SIGNER, cov, amount - 1, fee_rate=RATE, outputs=outputs)
    assert short.value.code == "reserve"
    made = fund(source, SIGNER, cov, amount, fee_rate=RATE, outputs=outputs)
    source.mine(1, SCRIPT)
    assert not reused_coins(source, cov)
    with pytest.raises(CovenantError) as again:
        fund(source, SIGNER, cov, amount, fee_rate=RATE, outputs=outputs)
    assert again.value.code == "address-reuse"
    pay_address(source, SIGNER, show_address(source, cov), amount)
    source.mine(1, SCRIPT)
    done = spend(source, SIGNER, cov, made.coin, outputs=outputs)
    assert len(done.reused) == 2
    assert done.fee == amount - sum(each.amount for each in outputs)


def test_r28_with_cpfp_a_plain_output_of_the_owner_is_fixed_too():
    """R28: with cpfp the template pays the owner's plain P2TR key at least 330 satoshis."""
    _, _, outputs = KINDS["T3"]
    assert outputs[2] == TxOut(330, SCRIPT)


def test_a_chain_of_states_needs_two_coins_to_begin_with():
    source = SimulatedChain(simulator())
    source.mine(100, SCRIPT)
    with pytest.raises(FundsError):
        fund(source, SIGNER, KINDS["T6"][0], AMOUNT, origin="o")


def test_r25_content_in_long_items_is_mined_and_not_relayed(chain):
    content = bytes(480)
    cov = build(Kind.T1, content=content, owner=SIGNER.xonly(), relay=False)
    made = fund(chain, SIGNER, cov, AMOUNT)
    chain.mine(1, SCRIPT)
    done = spend(chain, SIGNER, cov, made.coin, reveal=Content(content), relay=False)
    assert chain.test_accept(done.tx).reason == "bad-witness-nonstandard"
    chain.mine_with([done.tx], SCRIPT)
    assert not coins_of(chain, cov)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_covenant_file_is_read_back_as_it_was_written(name):
    cov, reveal, outputs = KINDS[name]
    shown = None if isinstance(reveal, NextRoot) else reveal
    made = CovenantFile(cov, "regtest", shown, outputs, "o")
    assert CovenantFile.decode(made.encode()) == made
    for broken in (b"", b"{}", made.encode()[:-1], made.encode().replace(b'"o"', b"7")):
        with pytest.raises(CovenantError) as refused:
            CovenantFile.decode(broken)
        assert refused.value.code == "file"


def test_another_owner_cannot_spend(chain):
    levels, leaf = path_of(bytes(1000), 1)
    cov = build(Kind.T2B, path=levels, leaf=leaf, owner=OTHER_KEY)
    with pytest.raises(CovenantError) as refused:
        spend(chain, SIGNER, cov, None, reveal=None)
    assert refused.value.code == "owner"


OTHER_KEY = bytes.fromhex("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
