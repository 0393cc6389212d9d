"""Signature hashes, template hashes, Schnorr and taproot against public vectors."""

from __future__ import annotations

import csv

from conftest import load_json
from lodestamp.core.bitcoin import (
    Branch,
    Leaf,
    SignatureHashes,
    Transaction,
    TxOut,
    control_block,
    ctv_hash,
    output_key,
    output_script,
    public_key,
    schnorr_sign,
    schnorr_verify,
    tagged_hash,
    tweak_hash,
)
from lodestamp.core.bitcoin.ecc import GROUP_ORDER


def test_all_500_legacy_signature_hashes_agree_r12(vectors):
    rows = load_json(vectors / "bitcoin/sighash.json")[1:]
    wrong = []
    for raw, script, index, hash_type, expected in rows:
        tx = Transaction.decode(bytes.fromhex(raw))
        hashes = SignatureHashes(tx, [TxOut(0, b"")] * len(tx.inputs))
        found = hashes.legacy(index, bytes.fromhex(script), hash_type)
        if found[::-1].hex() != expected:
            wrong.append(raw)
    assert (len(rows), wrong) == (500, [])


def test_all_400_template_hashes_agree_r10(vectors):
    cases = [
        (each["hex_tx"], index, expected)
        for each in load_json(vectors / "bitcoin/ctvhash.json")
        if isinstance(each, dict)
        for index, expected in zip(each["spend_index"], each["result"], strict=True)
    ]
    assert len(cases) == 400
    for encoded, index, expected in cases:
        assert ctv_hash(Transaction.decode(bytes.fromhex(encoded)), index).hex() == expected


def test_all_19_bip340_rows_verify_and_sign_as_they_should(vectors):
    with (vectors / "bitcoin/bip340_test_vectors.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 19
    signed = 0
    for row in rows:
        message, sig = bytes.fromhex(row["message"]), bytes.fromhex(row["signature"])
        key = bytes.fromhex(row["public key"])
        assert schnorr_verify(sig, message, key) is (row["verification result"] == "TRUE")
        secret = bytes.fromhex(row["secret key"])
        if secret:
            assert public_key(secret)[1:] == key
        if secret and len(message) == 32:
            assert schnorr_sign(message, secret, bytes.fromhex(row["aux_rand"])) == sig
            signed += 1
    assert signed >= 4


def tree_of(given):
    """Read the nested lists of bip341_wallet_vectors."""
    if given is None:
        return None
    if isinstance(given, list):
        return Branch(*map(tree_of, given))
    return Leaf(bytes.fromhex(given["script"]), given["leafVersion"])


def leaves_of(given):
    """Return (id, leaf) of all leaves."""
    if given is None:
        return []
    if isinstance(given, list):
        return [leaf for each in given for leaf in leaves_of(each)]
    return [(given["id"], tree_of(given))]


def test_all_7_wallet_trees_give_every_intermediary_value_r14(vectors):
    cases = load_json(vectors / "bitcoin/bip341_wallet_vectors.json")["scriptPubKey"]
    assert len(cases) == 7
    for case in cases:
        internal = bytes.fromhex(case["given"]["internalPubkey"])
        given, between, expected = (
            case["given"]["scriptTree"],
            case["intermediary"],
            case["expected"],
        )
        tree = tree_of(given)
        leaves = [leaf for _, leaf in sorted(leaves_of(given), key=lambda each: each[0])]
        assert [leaf.hash.hex() for leaf in leaves] == between.get("leafHashes", [])
        root = tree.hash if tree else b""
        assert (root.hex() or None) == between["merkleRoot"]
        assert tweak_hash(internal, root).hex() == between["tweak"]
        assert output_key(internal, tree)[0].hex() == between["tweakedPubkey"]
        assert output_script(internal, tree).hex() == expected["scriptPubKey"]
        blocks = [control_block(internal, tree, leaf).hex() for leaf in leaves]
        assert blocks == expected.get("scriptPathControlBlocks", [])


def test_all_7_wallet_key_paths_give_every_hash_and_the_same_signature_r12(vectors):
    (case,) = load_json(vectors / "bitcoin/bip341_wallet_vectors.json")["keyPathSpending"]
    tx = Transaction.decode(bytes.fromhex(case["given"]["rawUnsignedTx"]))
    spent = [
        TxOut(each["amountSats"], bytes.fromhex(each["scriptPubKey"]))
        for each in case["given"]["utxosSpent"]
    ]
    hashes, shared = SignatureHashes(tx, spent), case["intermediary"]
    assert hashes.amounts_hash.hex() == shared["hashAmounts"]
    assert hashes.outputs_hash.hex() == shared["hashOutputs"]
    assert hashes.prevouts_hash.hex() == shared["hashPrevouts"]
    assert hashes.scripts_hash.hex() == shared["hashScriptPubkeys"]
    assert hashes.sequences_hash.hex() == shared["hashSequences"]
    assert len(case["inputSpending"]) == 7
    for each in case["inputSpending"]:
        given, between = each["given"], each["intermediary"]
        secret = bytes.fromhex(given["internalPrivkey"])
        internal = public_key(secret)[1:]
        assert internal.hex() == between["internalPubkey"]
        root = bytes.fromhex(given["merkleRoot"] or "")
        assert tweak_hash(internal, root).hex() == between["tweak"]
        tweaked = tweaked_secret(secret, tweak_hash(internal, root))
        assert tweaked.hex() == between["tweakedPrivkey"]
        message = hashes.taproot_message(given["txinIndex"], given["hashType"])
        assert message.hex() == between["sigMsg"]
        assert tagged_hash("TapSighash", message).hex() == between["sigHash"]
        digest = hashes.taproot(given["txinIndex"], given["hashType"])
        sig = schnorr_sign(digest, tweaked, bytes(32))
        kind = bytes((given["hashType"],)) if given["hashType"] else b""
        assert [(sig + kind).hex()] == each["expected"]["witness"]


def tweaked_secret(secret, tweak):
    """Return the secret of the output key (BIP-341)."""
    d = int.from_bytes(secret, "big")
    if public_key(secret)[0] == 3:
        d = GROUP_ORDER - d
    return ((d + int.from_bytes(tweak, "big")) % GROUP_ORDER).to_bytes(32, "big")
