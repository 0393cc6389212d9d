from __future__ import annotations

import pytest

from lodestamp.core.keys import SigningKey
from lodestamp.core.merkle import InclusionProof, leaf_hashes, root
from lodestamp.core.transparency import (
    TLOG_PROOF_SIZE_MAX,
    Checkpoint,
    Cosigner,
    Note,
    NoteSigner,
    TlogProof,
    parse_tlog_proof,
    sign_note,
    verify_tlog_proof,
)
from lodestamp.errors import BadNote, BadTreeProof, LodestampError

LOG = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x01" * 32))
WITNESS = Cosigner("witness.example/w1", SigningKey.from_seed("ed25519", b"\x02" * 32))
ONE, TWO, THREE = leaf_hashes([b"one", b"two", b"three"])
TEXT = Checkpoint("log.example/a", 3, root([ONE, TWO, THREE])).text()
NOTE = Note(TEXT, (LOG.sign(TEXT), WITNESS.sign(TEXT, 1_700_000_000))).encode()
PROOF = TlogProof(InclusionProof(1, 3, (ONE, THREE)), NOTE)
WIRE = PROOF.encode()
KEYS = [LOG.verifier_key, WITNESS.verifier_key]


def test_r22_a_proof_is_header_index_path_and_checkpoint():
    head, note = WIRE.split(b"\n\n", 1)
    assert note == NOTE
    assert [len(line) for line in head.split(b"\n")] == [22, 7, 44, 44]
    assert parse_tlog_proof(WIRE) == PROOF
    checkpoint, opened = verify_tlog_proof(PROOF, TWO, KEYS)
    assert (checkpoint.size, opened.verified) == (3, tuple(KEYS))


def test_r22_foreign_extra_is_kept_and_never_an_empty_line():
    extra = TlogProof(PROOF.path, NOTE, b"what was meant")
    assert parse_tlog_proof(extra.encode()) == extra
    assert b"\nextra d2hhdCB3YXMgbWVhbnQ=\nindex 1\n" in extra.encode()
    assert b"extra" not in WIRE


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        WIRE[1:],
        b"\n" + WIRE,
        WIRE[:-1],
        WIRE.replace(b"@v1", b"@v2"),
        WIRE.replace(b"index 1", b"index 01"),
        WIRE.replace(b"index 1", b"index 3"),
        WIRE.replace(b"index 1", b"index x"),
        WIRE.replace(b"index 1\n", b""),
        WIRE.replace(b"index 1", b"extra \nindex 1"),
        WIRE.replace(b"index 1", b"extra ?\nindex 1"),
        WIRE.replace(b"index 1", b"extra QQ==\nextra QQ==\nindex 1"),
        WIRE.replace(b"index 1\n", b"index 1\n" + b"A" * 43 + b"=\n"),
        WIRE.replace(b"index 1\n", b"index 1\n" + (b"A" * 43 + b"=\n") * 100),
        WIRE.replace(b"index 1\n", b"index 1\nAAAA\n"),
        WIRE.replace(b"\n3\n", b"\n4\n"),
        WIRE.replace(b"index 1\n", "index \u0661\n".encode()),
        WIRE + b"x" * TLOG_PROOF_SIZE_MAX,
    ],
)
def test_other_bytes_are_refused(wire):
    try:
        found = parse_tlog_proof(wire)
    except LodestampError:
        return
    # only a change of size keeps the shape: a path of two may fit a tree of four
    assert found.path.size == 4
    with pytest.raises(BadNote):
        verify_tlog_proof(found, TWO, KEYS)


def test_what_does_not_belong_together_is_not_made():
    with pytest.raises(BadNote):
        TlogProof(InclusionProof(1, 4, (ONE, THREE)), NOTE)
    with pytest.raises(BadNote):
        TlogProof(PROOF.path, NOTE, b"x" * TLOG_PROOF_SIZE_MAX)


def test_another_leaf_root_or_signer_is_refused():
    with pytest.raises(BadTreeProof):
        verify_tlog_proof(PROOF, ONE, KEYS)
    with pytest.raises(BadNote) as refused:
        verify_tlog_proof(PROOF, TWO, [WITNESS.verifier_key])
    assert refused.value.code == "no-known-signature"
    other = Checkpoint("log.example/a", 3, bytes(32))
    with pytest.raises(BadTreeProof):
        verify_tlog_proof(
            TlogProof(PROOF.path, sign_note(other.text(), [LOG])), TWO, [LOG.verifier_key]
        )
