"""From PSBTs that a wallet signed to a transaction; the wallet is embit's (ownership R44)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from embit import ec
from embit.psbt import PSBT

from lodestamp.core.bitcoin import (
    OutPoint,
    Psbt,
    PsbtField,
    PsbtMap,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    finish_psbt,
    hash160,
    var_list,
)
from lodestamp.errors import PsbtError
from lodestamp.node.chains import KeyScript, SecretSigner, key_scripts, sign_transaction
from written import ALICE, BOB

FORMS = tuple(KeyScript)


def unsigned(*scripts):
    parents = [
        Transaction(1, (TxIn(OutPoint(bytes([n]) * 32, 0), b"\x51"),), (TxOut(10_000, script),))
        for n, script in enumerate(scripts)
    ]
    inputs = tuple(TxIn(OutPoint(each.txid, 0)) for each in parents)
    tx = Transaction(2, inputs, (TxOut(9_000, scripts[0]),))
    spent = tuple(each.outputs[0] for each in parents)
    made = Psbt.of(tx, spent, {each.txid: each for each in parents})
    for index, script in enumerate(scripts):
        for signer in (ALICE, BOB):
            program = b"\x00\x14" + hash160(signer.public_key())
            if script == key_scripts(signer)[KeyScript.P2SH_P2WPKH]:
                redeem = made.inputs[index].having(PsbtField.REDEEM_SCRIPT, program)
                made = made.with_input(index, redeem)
    return made


def in_a_wallet(psbt, signer):
    """What embit makes of a PSBT with this key."""
    found = PSBT.parse(psbt.encode())
    assert found.sign_with(ec.PrivateKey(signer._secret)) > 0
    return Psbt.decode(found.serialize())


@pytest.mark.parametrize("form", FORMS)
def test_a_wallet_reads_signs_and_gives_back_what_is_written(form):
    psbt = unsigned(key_scripts(ALICE)[form])
    tx = finish_psbt([in_a_wallet(psbt, ALICE)])
    assert tx.txid == sign_transaction(psbt.tx, psbt.spent, [ALICE]).txid or form in {
        KeyScript.P2PKH,
        KeyScript.P2SH_P2WPKH,
    }
    assert tx.outputs == psbt.tx.outputs


def test_several_signers_are_joined_from_several_files():
    scripts = [key_scripts(BOB)[form] for form in FORMS] + [
        key_scripts(ALICE)[form] for form in FORMS
    ]
    psbt = unsigned(*scripts)
    tx = finish_psbt([in_a_wallet(psbt, ALICE), in_a_wallet(psbt, BOB)])
    assert len(tx.inputs) == 8
    with pytest.raises(PsbtError) as refused:
        finish_psbt([in_a_wallet(psbt, ALICE)])
    assert refused.value.code == "incomplete"


def test_what_another_finisher_finished_is_taken_and_checked():
    psbt = unsigned(key_scripts(ALICE)[KeyScript.P2PKH], key_scripts(ALICE)[KeyScript.P2WPKH])
    signed = sign_transaction(psbt.tx, psbt.spent, [ALICE])
    legacy = psbt.inputs[0].having(PsbtField.FINAL_SCRIPTSIG, signed.inputs[0].script_sig)
    witness = psbt.inputs[1].having(
        PsbtField.FINAL_SCRIPTWITNESS, var_list(signed.inputs[1].witness)
    )
    whole = psbt.with_input(0, legacy).with_input(1, witness)
    assert finish_psbt([whole]) == signed
    broken = psbt.with_input(0, legacy).with_input(
        1, psbt.inputs[1].having(PsbtField.FINAL_SCRIPTWITNESS, var_list((b"", b"")))
    )
    with pytest.raises(PsbtError) as refused:
        finish_psbt([broken])
    assert refused.value.code == "signature"


def with_signature(form, hash_type, *, key=ALICE):
    psbt = unsigned(key_scripts(ALICE)[form])
    hashes = SignatureHashes(psbt.tx, psbt.spent)
    code = key_scripts(ALICE)[KeyScript.P2PKH]
    if form is KeyScript.P2TR:
        made = key.sign_schnorr(hashes.taproot(0, hash_type), tweaked=True)
        made += bytes([hash_type]) if hash_type else b""
        return psbt.with_input(0, psbt.inputs[0].having(PsbtField.TAP_KEY_SIG, made))
    digest = (hashes.legacy if form is KeyScript.P2PKH else hashes.witness_v0)(0, code, hash_type)
    made = key.sign_ecdsa(digest) + bytes([hash_type])
    field = psbt.inputs[0].having(PsbtField.PARTIAL_SIG, made, ALICE.public_key())
    return psbt.with_input(0, field)


@pytest.mark.parametrize("form", [KeyScript.P2PKH, KeyScript.P2WPKH, KeyScript.P2TR])
@pytest.mark.parametrize("hash_type", [2, 3, 0x81])
def test_r43_a_signature_that_is_not_over_everything_is_refused(form, hash_type):
    """Nobody could be said to have signed the operation (R5)."""
    assert finish_psbt([with_signature(form, 1)])
    with pytest.raises(PsbtError) as refused:
        finish_psbt([with_signature(form, hash_type)])
    assert refused.value.code == "sighash"


@pytest.mark.parametrize("form", [KeyScript.P2PKH, KeyScript.P2WPKH, KeyScript.P2TR])
def test_a_signature_by_another_key_does_not_pass_the_machine(form):
    with pytest.raises(PsbtError) as refused:
        finish_psbt([with_signature(form, 1, key=BOB)])
    assert refused.value.code == "signature"


def test_what_no_single_key_spends_is_left_to_its_wallet():
    psbt = unsigned(b"\x00\x20" + bytes(32))
    with pytest.raises(PsbtError) as refused:
        finish_psbt([psbt])
    assert refused.value.code == "incomplete"
    for empty in ([], [replace(psbt, inputs=(PsbtMap(),))]):
        with pytest.raises(PsbtError):
            finish_psbt(empty)


def test_an_uncompressed_key_finishes_its_own_hash():
    old = SecretSigner(bytes(31) + b"\x21", compressed=False)
    psbt = unsigned(key_scripts(old)[KeyScript.P2PKH])
    signed = sign_transaction(psbt.tx, psbt.spent, [old])
    size = signed.inputs[0].script_sig[0]
    signature = signed.inputs[0].script_sig[1 : 1 + size]
    field = psbt.inputs[0].having(PsbtField.PARTIAL_SIG, signature, old.public_key())
    assert finish_psbt([psbt.with_input(0, field)]) == signed
