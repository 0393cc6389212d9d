"""W3C Data Integrity, eddsa-jcs-2022: every intermediate; a proof set and a proof chain (§14).

The published set and chain are of the suite eddsa-rdfc-2022, whose canonical form is RDF. They are
refused by name; the same documents, configurations and keys signed with eddsa-jcs-2022 verify, and
what a chained proof signs is compared with the published intermediate documents.
"""

from __future__ import annotations

from hashlib import sha256

import pytest

from conftest import load_json
from lodestamp.core.encoding import base58btc_decode, base58btc_encode, canonical_json
from lodestamp.core.keys import (
    SigningKey,
    multikey_decode,
    proof_hash,
    verify_data_integrity,
)
from lodestamp.errors import SignatureError

SECRET_PREFIX = bytes.fromhex("8026")


@pytest.fixture(scope="module")
def folder(vectors):
    return vectors / "operations/vc-di-eddsa"


def signer_of(pair):
    secret = base58btc_decode(pair["privateKeyMultibase"][1:])
    assert secret[:2] == SECRET_PREFIX
    signer = SigningKey.from_seed("ed25519", secret[2:])
    assert multikey_decode(pair["publicKeyMultibase"]) == ("ed25519", signer.public_key.raw)
    return signer


def test_every_intermediate_of_the_single_proof(folder):
    texts = folder / "eddsa-jcs-2022"
    document, options = (
        load_json(folder / "unsigned.json"),
        load_json(texts / "proofConfigJCS.json"),
    )
    assert canonical_json(document) == (texts / "canonDocJCS.txt").read_bytes().strip()
    assert canonical_json(options) == (texts / "proofCanonJCS.txt").read_bytes().strip()
    hashes = {
        "docHashJCS.txt": sha256(canonical_json(document)).hexdigest(),
        "proofHashJCS.txt": sha256(canonical_json(options)).hexdigest(),
        "combinedHashJCS.txt": proof_hash(document, options).hex(),
    }
    for name, value in hashes.items():
        assert (texts / name).read_text().strip() == value
    signature = signer_of(load_json(folder / "keyPair.json")).sign(proof_hash(document, options))
    assert signature.hex() == (texts / "sigHexJCS.txt").read_text().strip()
    proof_value = "z" + base58btc_encode(signature)
    assert proof_value == (texts / "sigBTC58JCS.txt").read_text().strip()
    signed = load_json(texts / "signedJCS.json")
    assert signed == {**document, "proof": {**options, "proofValue": proof_value}}
    (held,) = verify_data_integrity(signed)
    assert held.purpose == "assertionMethod"
    assert held.created == "2023-02-24T23:36:38Z"


def configured(folder, name):
    return load_json(folder / "proof-set-chain" / name) | {"cryptosuite": "eddsa-jcs-2022"}


def add_proof(document, options, signer):
    """Sign as VC Data Integrity §4.2 says, in steps of this test's own."""
    proofs = document.get("proof", [])
    named = options.get("previousProof", [])
    named = named if isinstance(named, list) else [named]
    bare = {name: value for name, value in document.items() if name != "proof"}
    signed = bare | ({"proof": [p for p in proofs if p.get("id") in named]} if named else {})
    signature = signer.sign(
        sha256(canonical_json(options)).digest() + sha256(canonical_json(signed)).digest()
    )
    proof = options | {"proofValue": "z" + base58btc_encode(signature)}
    return bare | {"proof": [*proofs, proof]}, signed


def without_signatures(document):
    def bare(proof):
        return {k: v for k, v in proof.items() if k not in ("proofValue", "cryptosuite")}

    return document | {"proof": [bare(proof) for proof in document["proof"]]}


def test_the_proof_set_and_the_proof_chain(folder):
    pairs = load_json(folder / "proof-set-chain/multiKeyPairs.json")
    signers = [signer_of(pairs[f"keyPair{number}"]) for number in range(1, 5)]
    document = load_json(folder / "proof-set-chain/unsigned.json")
    document, _ = add_proof(document, configured(folder, "proofSetConfig1.json"), signers[0])
    document, _ = add_proof(document, configured(folder, "proofSetConfig2.json"), signers[1])
    assert len(verify_data_integrity(document)) == 2
    document, covered = add_proof(
        document, configured(folder, "proofChainConfig1.json"), signers[2]
    )
    published = load_json(folder / "proof-set-chain/proofChainTempDoc1.json")
    assert without_signatures(covered) == without_signatures(published)
    document, covered = add_proof(
        document, configured(folder, "proofChainConfig2.json"), signers[3]
    )
    published = load_json(folder / "proof-set-chain/proofChainTempDoc2.json")
    assert without_signatures(covered) == without_signatures(published)
    held = verify_data_integrity(document)
    assert [proof.key for proof in held] == [signer.public_key for signer in signers]


@pytest.mark.parametrize(
    "name",
    ["signedProofSet1", "signedProofSet2", "signedProofChain1", "signedProofChain2"],
)
def test_the_published_documents_of_the_rdf_suite_are_refused_by_name(folder, name):
    with pytest.raises(SignatureError, match="eddsa-rdfc-2022") as refusal:
        verify_data_integrity(load_json(folder / f"proof-set-chain/{name}.json"))
    assert refusal.value.code == "bad-cryptosuite"
