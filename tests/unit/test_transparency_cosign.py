from __future__ import annotations

import pickle

import pytest
from dilithium_py.ml_dsa import ML_DSA_44

from lodestamp.core.keys import Mldsa44Key, SigningKey
from lodestamp.core.merkle import EMPTY_ROOT
from lodestamp.core.transparency import (
    MLDSA44_COSIGNATURE,
    Checkpoint,
    Cosigner,
    Note,
    NoteSignature,
    NoteSigner,
    VerifierKey,
    cosign_message,
    verify_cosignature,
    verify_cosignatures,
)
from lodestamp.errors import BadNote, KeyFormatError, UsageError

ROOT = bytes(range(32))
TEXT = Checkpoint("log.example/a", 7, ROOT).text()
NOW = 1_700_000_000
ED = Cosigner("witness.example/w1", SigningKey.from_seed("ed25519", b"\x01" * 32))
PQ = Cosigner("witness.example/w1", Mldsa44Key.from_seed(b"\x01" * 32))
LOG = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x02" * 32))
both = pytest.mark.parametrize("cosigner", [ED, PQ], ids=["type04", "type06"])


def refused(attempt, code):
    with pytest.raises(BadNote) as error:
        attempt()
    assert error.value.code == code


def test_r18_the_message_of_type_04_is_two_lines_and_the_text():
    message = cosign_message(ED.verifier_key, TEXT, NOW)
    assert message == b"cosignature/v1\ntime 1700000000\n" + TEXT.encode()


def test_r19_the_message_of_type_06_is_the_packed_subtree_from_zero_to_the_size():
    message = cosign_message(PQ.verifier_key, TEXT, NOW)
    assert message == (
        b"subtree/v1\n\x00"
        b"\x12witness.example/w1"
        b"\x00\x00\x00\x00\x65\x53\xf1\x00"
        b"\x0dlog.example/a"
        b"\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x00\x00\x07" + ROOT
    )


def test_r19_the_signature_is_that_of_the_parameter_set_by_another_implementation():
    line = PQ.sign(TEXT, NOW)
    assert len(line.blob) == 8 + 2_420
    message = cosign_message(PQ.verifier_key, TEXT, NOW)
    assert ML_DSA_44.verify(PQ.verifier_key.public, message, line.blob[8:])


@both
def test_a_cosignature_says_who_and_when_and_spells_its_line_again(cosigner):
    line = cosigner.sign(TEXT, NOW)
    said = verify_cosignature(cosigner.verifier_key, TEXT, line)
    assert (said.name, said.time) == ("witness.example/w1", NOW)
    assert said.line() == line.line()


@both
def test_a_changed_text_time_signature_or_key_does_not_hold(cosigner):
    line, vkey = cosigner.sign(TEXT, NOW), cosigner.verifier_key
    other_text = Checkpoint("log.example/a", 8, ROOT).text()
    refused(lambda: verify_cosignature(vkey, other_text, line), "bad-signature")
    for blob in (
        (NOW + 1).to_bytes(8, "big") + line.blob[8:],  # tamper 41
        bytes(8) + line.blob[8:],
        b"\xff" * 8 + line.blob[8:],
        line.blob[:-1],
        line.blob + b"\x00",
        line.blob[:4],
    ):
        changed = NoteSignature(line.name, line.key_id, blob)
        refused(lambda changed=changed: verify_cosignature(vkey, TEXT, changed), "bad-signature")
    stranger = NoteSignature("witness.example/w2", line.key_id, line.blob)
    refused(lambda: verify_cosignature(vkey, TEXT, stranger), "bad-signature")


def test_the_two_types_of_one_witness_do_not_stand_for_each_other():
    refused(lambda: verify_cosignature(PQ.verifier_key, TEXT, ED.sign(TEXT, NOW)), "bad-signature")
    assert ED.verifier_key.key_id != PQ.verifier_key.key_id


@both
@pytest.mark.parametrize("time", [0, -1, 2**63])
def test_r18_a_time_outside_1_to_2_63_is_never_signed(cosigner, time):
    with pytest.raises(UsageError):
        cosigner.sign(TEXT, time)


@both
def test_nothing_but_a_checkpoint_is_cosigned(cosigner):
    refused(lambda: cosigner.sign("some text\n", NOW), "bad-checkpoint")


def test_r17_a_log_signs_its_own_checkpoint_with_type_06_under_its_origin():
    own = Cosigner("log.example/a", Mldsa44Key.from_seed(b"\x05" * 32))
    line = own.sign(Checkpoint("log.example/a", 0, EMPTY_ROOT).text(), NOW)
    assert line.key_id == own.verifier_key.key_id
    assert own.verifier_key.key_type == MLDSA44_COSIGNATURE


def test_only_cosigners_that_are_known_are_looked_at():
    ed, pq = ED.sign(TEXT, NOW), PQ.sign(TEXT, NOW)
    note = Note(TEXT, (LOG.sign(TEXT), ed, pq, ed))
    keys = [ED.verifier_key, PQ.verifier_key, LOG.verifier_key]
    said = verify_cosignatures(note, keys)
    assert [each.line() for each in said] == [ed.line(), pq.line(), ed.line()]
    assert verify_cosignatures(note, [LOG.verifier_key]) == ()
    broken = NoteSignature(ed.name, ed.key_id, bytes(72))
    refused(lambda: verify_cosignatures(Note(TEXT, (broken,)), keys), "bad-signature")
    assert verify_cosignatures(Note(TEXT, (broken,)), [PQ.verifier_key]) == ()


def test_keys_that_cannot_cosign_are_refused_at_once():
    with pytest.raises(UsageError):
        Cosigner("w", SigningKey.from_seed("mldsa65", bytes(32)))
    refused(lambda: Cosigner("two words", PQ.key), "bad-vkey")
    refused(lambda: Cosigner("w" * 256, PQ.key), "bad-vkey")
    assert Cosigner("w" * 256, ED.key).sign(TEXT, NOW)
    refused(lambda: cosign_message(LOG.verifier_key, TEXT, NOW), "bad-vkey")
    long = VerifierKey("w" * 256, MLDSA44_COSIGNATURE, PQ.verifier_key.public)
    refused(lambda: cosign_message(long, TEXT, NOW), "bad-vkey")


def test_a_secret_key_is_never_shown_or_copied():
    assert repr(PQ.key) == f"<Mldsa44Key {PQ.key.key_id}>"
    with pytest.raises(UsageError):
        pickle.dumps(PQ.key)
    with pytest.raises(KeyFormatError):
        Mldsa44Key.from_seed(bytes(31))


def test_attack_39_a_line_of_a_stranger_changes_nothing():
    stranger = NoteSignature("stranger.example", b"abcd", b"anything")
    plain = Note(TEXT, (LOG.sign(TEXT), ED.sign(TEXT, NOW)))
    longer = Note(TEXT, (*plain.signatures, stranger))
    keys = [ED.verifier_key, PQ.verifier_key]
    assert verify_cosignatures(longer, keys) == verify_cosignatures(plain, keys)


@both
def test_attack_42_a_cosignature_of_another_checkpoint_does_not_hold(cosigner):
    for other in (
        Checkpoint("log.example/a", 6, ROOT),
        Checkpoint("log.example/a", 7, bytes(32)),
        Checkpoint("log.example/b", 7, ROOT),
    ):
        copied = Note(TEXT, (LOG.sign(TEXT), cosigner.sign(other.text(), NOW)))
        keys = [cosigner.verifier_key]
        refused(lambda note=copied, keys=keys: verify_cosignatures(note, keys), "bad-signature")
