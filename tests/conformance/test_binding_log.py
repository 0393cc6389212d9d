"""The log legs of the eight bindings: entry, leaf, path, root, log key and note (spec §13)."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import pytest

from conftest import load_json
from lodestamp.core.encoding import OP_CID_PREFIX, base64_encode
from lodestamp.core.keys import SigningKey
from lodestamp.core.merkle import (
    Frontier,
    InclusionProof,
    operation_leaf,
    prove_inclusion,
    root,
    root_at,
    root_from,
    verify_inclusion,
)
from lodestamp.core.transparency import (
    ED25519_COSIGNATURE,
    Checkpoint,
    Cosigner,
    NoteSigner,
    TlogProof,
    open_note,
    parse_checkpoint,
    parse_note,
    parse_tlog_proof,
    parse_vkey,
    sign_note,
    verify_cosignatures,
    verify_tlog_proof,
)


class Rows:
    """The tile rows of one log."""

    def __init__(self, leaves):
        self.frontier, self.rows = Frontier.EMPTY.grow(leaves)

    def hashes(self, level, start, count):
        return self.rows[level][32 * start : 32 * (start + count)]


@pytest.fixture(scope="module")
def cases(vectors):
    found = load_json(vectors / "transparency/binding.json")["cases"]
    assert len(found) == 8
    return found


def entry_of(case, index):
    operation = f"lodestamp test operation {index} of {case['label']}".encode()
    return OP_CID_PREFIX + sha256(operation).digest()


def test_an_operation_leads_to_its_published_leaf_and_root(cases):
    for case in cases:
        entry = entry_of(case, case["index"])
        assert entry.hex() == case["entry"]
        assert sha256(b64decode(case["op_bytes"])).hexdigest() == case["op_digest"]
        leaf = operation_leaf(entry)
        assert leaf.hex() == case["leaf_hash"]
        path = bytes.fromhex("".join(case["path"]))
        proof = InclusionProof.from_bytes(case["index"], case["size"], path)
        assert root_from(leaf, proof).hex() == case["root"]
        verify_inclusion(leaf, proof, bytes.fromhex(case["root"]))


def test_the_whole_log_has_the_published_path_and_root(cases):
    for case in cases:
        leaves = [operation_leaf(entry_of(case, i)) for i in range(case["size"])]
        log = Rows(leaves)
        assert root(leaves).hex() == log.frontier.root().hex() == case["root"]
        assert root_at(log, case["size"]).hex() == case["root"]
        proof = prove_inclusion(log, case["index"], case["size"])
        assert [each.hex() for each in proof.hashes] == case["path"]


def test_the_log_signs_the_published_note_byte_for_byte(cases):
    for case in cases:
        signer = NoteSigner(
            case["origin"], SigningKey.from_seed("ed25519", bytes.fromhex(case["log_seed"]))
        )
        assert signer.verifier_key.text() == case["log_vkey"]
        assert parse_vkey(case["log_vkey"]) == signer.verifier_key
        checkpoint = Checkpoint(case["origin"], case["size"], bytes.fromhex(case["root"]))
        published = case["note"].encode()
        own = sign_note(checkpoint.text(), [signer])
        assert published.startswith(own)
        assert parse_note(published).encode() == published


def test_the_published_note_opens_under_its_log_and_its_witness(cases):
    for case in cases:
        log, witness = parse_vkey(case["log_vkey"]), parse_vkey(case["witness_vkey"])
        assert witness.key_type == ED25519_COSIGNATURE
        opened = open_note(case["note"].encode(), [log, witness])
        assert opened.verified == (log, witness)
        assert opened.ignored == ()
        checkpoint = parse_checkpoint(opened.text)
        assert (checkpoint.origin, checkpoint.size, checkpoint.root.hex()) == (
            case["origin"],
            case["size"],
            case["root"],
        )
        assert base64_encode(checkpoint.root) in opened.text


def test_the_witness_signs_the_published_cosignature_byte_for_byte(cases):
    for case in cases:
        seed = sha256(bytes.fromhex(case["log_seed"])).digest()
        cosigner = Cosigner("witness.example/w1", SigningKey.from_seed("ed25519", seed))
        assert cosigner.verifier_key.text() == case["witness_vkey"]
        note = parse_note(case["note"].encode())
        line = cosigner.sign(note.text, case["witness_time"])
        assert note.signatures[1] == line
        (said,) = verify_cosignatures(note, [cosigner.verifier_key])
        assert (said.time, said.line()) == (case["witness_time"], line.line())
    assert len(cases) == 8


def test_r22_the_published_tlog_proofs_are_written_and_read_byte_for_byte(cases):
    for case in cases:
        wire = case["tlog_proof"].encode()
        path = InclusionProof(case["index"], case["size"], tuple(map(bytes.fromhex, case["path"])))
        assert TlogProof(path, case["note"].encode()).encode() == wire
        proof = parse_tlog_proof(wire)
        assert proof.encode() == wire
        keys = [parse_vkey(case["log_vkey"]), parse_vkey(case["witness_vkey"])]
        leaf = operation_leaf(bytes.fromhex(case["entry"]))
        checkpoint, opened = verify_tlog_proof(proof, leaf, keys)
        assert (checkpoint.root.hex(), opened.verified) == (case["root"], tuple(keys))
    assert len(cases) == 8
