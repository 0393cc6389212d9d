"""Signing what one key may spend: four forms of output, everything signed (R43)."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import (
    REGTEST,
    STANDARD,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    verify_transaction,
    wif_encode,
)
from lodestamp.errors import FundsError
from lodestamp.node.chains import (
    FileSigner,
    KeyScript,
    SecretSigner,
    key_scripts,
    sign_transaction,
)

SIGNER = SecretSigner(bytes(31) + b"\x05", bytes)
OLD = SecretSigner(bytes(31) + b"\x05", bytes, compressed=False)


def spending(scripts):
    inputs = tuple(TxIn(OutPoint(bytes([n]) * 32, n)) for n in range(len(scripts)))
    tx = Transaction(2, inputs, (TxOut(500, b"\x6a"), TxOut(800, scripts[0])))
    return tx, [TxOut(1_000 + n, script) for n, script in enumerate(scripts)]


@pytest.mark.parametrize("signers", [(SIGNER,), (SIGNER, OLD), (OLD, SIGNER)])
def test_every_form_is_signed_as_nodes_want_it(signers):
    scripts = [script for each in signers for script in key_scripts(each).values()]
    tx, spent = spending(scripts)
    signed = sign_transaction(tx, spent, signers)
    assert [each.error.name for each in verify_transaction(signed, spent, STANDARD)] == [
        "OK"
    ] * len(scripts)


@pytest.mark.parametrize("form", KeyScript)
def test_r43_each_signature_is_over_all_outputs_and_inputs(form):
    tx, spent = spending([key_scripts(SIGNER)[form], key_scripts(SIGNER)[form]])
    signed = sign_transaction(tx, spent, [SIGNER])
    for changed in (
        Transaction(2, signed.inputs, (*signed.outputs, TxOut(0, b"\x6a"))),
        Transaction(2, (signed.inputs[0], TxIn(OutPoint(bytes([9]) * 32, 0))), signed.outputs),
    ):
        assert not verify_transaction(changed, spent, STANDARD)[0].ok


def test_an_uncompressed_key_has_no_segwit_output_of_version_0():
    assert set(key_scripts(OLD)) == {KeyScript.P2PKH, KeyScript.P2TR}
    assert key_scripts(OLD)[KeyScript.P2PKH] != key_scripts(SIGNER)[KeyScript.P2PKH]
    assert key_scripts(OLD)[KeyScript.P2TR] == key_scripts(SIGNER)[KeyScript.P2TR]
    assert len(OLD.public_key()) == 65


@pytest.mark.parametrize("compressed", [True, False])
def test_r44_a_wif_tells_how_its_public_key_is_written(tmp_path, compressed):
    path = tmp_path / "key"
    path.write_text(wif_encode(bytes(31) + b"\x05", REGTEST, compressed=compressed))
    path.chmod(0o600)
    expected = SIGNER if compressed else OLD
    assert FileSigner(path, REGTEST).public_key() == expected.public_key()


def test_an_input_of_another_key_is_refused():
    tx, spent = spending([key_scripts(SIGNER)[KeyScript.P2PKH], b"\x51"])
    with pytest.raises(FundsError) as refused:
        sign_transaction(tx, spent, [SIGNER])
    assert refused.value.code == "key-foreign"
