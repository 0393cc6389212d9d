from __future__ import annotations

import pytest

from lodestamp.core.keys import SigningKey
from lodestamp.core.merkle import EMPTY_ROOT, Frontier, leaf_hashes, prove_consistency, root
from lodestamp.core.transparency import (
    ADD_CHECKPOINT_SIZE_MAX,
    AddCheckpoint,
    Checkpoint,
    Note,
    NoteSignature,
    NoteSigner,
    Outcome,
    WitnessState,
    decide,
    encode_add_checkpoint,
    parse_add_checkpoint,
    parse_note,
    sign_note,
)
from lodestamp.errors import BadNote

LOG = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x01" * 32))
STRANGER = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x02" * 32))
KEYS = [LOG.verifier_key]
LEAVES = leaf_hashes([bytes([i]) for i in range(9)])


class Tiles:
    def __init__(self, leaves):
        self._levels = Frontier.EMPTY.grow(leaves)[1]

    def hashes(self, level, start, count):
        return self._levels[level][32 * start : 32 * (start + count)]


def signed(size, *, leaves=LEAVES, signer=LOG, said_root=None):
    checkpoint = Checkpoint("log.example/a", size, said_root or root(leaves[:size]))
    return parse_note(sign_note(checkpoint.text(), [signer]))


def asked(old, size, *, leaves=LEAVES, proof=None, **changed):
    if proof is None:
        proof = prove_consistency(Tiles(leaves), old, size).hashes if 0 < old <= size else ()
    return AddCheckpoint(old, proof, signed(size, leaves=leaves, **changed))


def at(size):
    return WitnessState(size, root(LEAVES[:size]))


def outcome(state, request, keys=KEYS):
    decision = decide(state, request, keys)
    assert decision.reason
    return decision.outcome


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 1), (0, 9), (3, 9), (4, 5), (7, 7)])
def test_r23_a_tree_that_grew_is_cosigned(old, size):
    decision = decide(at(old), asked(old, size), KEYS)
    assert (decision.outcome, decision.is_evidence) == (Outcome.COSIGN, False)
    assert decision.outcome.status == 200


def test_r23_an_unknown_log_is_404_before_anything_is_verified():
    assert outcome(at(0), asked(0, 3, signer=STRANGER), None) is Outcome.UNKNOWN_LOG
    assert Outcome.UNKNOWN_LOG.status == 404


def test_r23_a_checkpoint_nobody_known_signed_is_403_before_its_sizes_are_looked_at():
    assert outcome(at(5), asked(9, 3, signer=STRANGER)) is Outcome.NOT_SIGNED
    assert outcome(at(0), asked(0, 3), []) is Outcome.NOT_SIGNED
    assert Outcome.NOT_SIGNED.status == 403


def test_r23_a_bad_signature_beside_a_good_one_of_known_keys_is_403():
    note = signed(3)
    bad = NoteSignature(STRANGER.name, STRANGER.verifier_key.key_id, bytes(64))
    both = AddCheckpoint(0, (), Note(note.text, (*note.signatures, bad)))
    assert outcome(at(0), both) is Outcome.COSIGN
    assert outcome(at(0), both, [*KEYS, STRANGER.verifier_key]) is Outcome.NOT_SIGNED


def test_r23_an_old_size_above_the_size_is_400_before_it_is_409():
    assert outcome(at(5), asked(4, 3)) is Outcome.OLD_ABOVE_SIZE
    assert Outcome.OLD_ABOVE_SIZE.status == 400


@pytest.mark.parametrize(("stored", "old", "size"), [(5, 0, 7), (5, 4, 7), (5, 6, 7), (0, 1, 1)])
def test_r23_another_old_size_than_the_stored_one_is_409_whatever_the_proof(stored, old, size):
    assert outcome(at(stored), asked(old, size)) is Outcome.CONFLICT
    assert outcome(at(stored), asked(old, size, proof=(bytes(32),))) is Outcome.CONFLICT
    assert Outcome.CONFLICT.status == 409


def test_r23_the_root_of_nothing_is_that_of_the_empty_tree_or_422():
    text = Checkpoint("log.example/a", 0, EMPTY_ROOT).text().split("\n")
    text[2] = Checkpoint("log.example/a", 1, bytes(32)).text().split("\n")[2]
    lie = AddCheckpoint(0, (), parse_note(sign_note("\n".join(text), [LOG])))
    decision = decide(at(0), lie, KEYS)
    assert (decision.outcome, decision.outcome.status) == (Outcome.TWO_ROOTS, 422)
    assert decision.is_evidence
    assert outcome(at(0), lie, [STRANGER.verifier_key]) is Outcome.NOT_SIGNED


def test_r23_a_proof_from_nothing_is_422_and_convicts_nobody():
    decision = decide(at(0), asked(0, 3, proof=(bytes(32),)), KEYS)
    assert (decision.outcome, decision.is_evidence) == (Outcome.NOTHING_TO_PROVE, False)
    assert decision.outcome.status == 422


def test_r23_r25_a_second_root_for_one_size_is_422_and_evidence():
    decision = decide(at(5), asked(5, 5, said_root=b"\x07" * 32), KEYS)
    assert (decision.outcome, decision.outcome.status) == (Outcome.TWO_ROOTS, 422)
    assert decision.is_evidence


def test_r23_r25_a_proof_that_does_not_hold_is_422_and_kept():
    other = leaf_hashes([bytes([i + 100]) for i in range(9)])
    for request in (
        asked(5, 9, leaves=other),
        asked(5, 9, proof=()),
        asked(5, 9, proof=(bytes(32),) * 4),
        asked(5, 5, proof=(bytes(32),)),
    ):
        decision = decide(at(5), request, KEYS)
        assert (decision.outcome, decision.outcome.status) == (Outcome.NOT_SHOWN, 422)
        assert decision.is_evidence


def test_what_is_kept_of_a_request_is_what_the_log_signed():
    note = signed(3)
    junk = NoteSignature("someone.example", b"junk", b"x" * 1000)
    decision = decide(at(0), AddCheckpoint(0, (), Note(note.text, (junk, *note.signatures))), KEYS)
    assert decision.note == note


def test_a_request_has_one_spelling():
    wire = encode_add_checkpoint(asked(3, 9))
    assert wire.startswith(b"old 3\n")
    assert parse_add_checkpoint(wire) == asked(3, 9)
    assert encode_add_checkpoint(asked(0, 0)).startswith(b"old 0\n\nlog.example/a\n0\n")


WIRE = encode_add_checkpoint(asked(3, 9))


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"\n\n",
        WIRE[1:],
        b"\n" + WIRE,
        WIRE.replace(b"old 3", b"old 03"),
        WIRE.replace(b"old 3", b"old +3"),
        WIRE.replace(b"old 3", b"old  3"),
        WIRE.replace(b"old 3", b"old -3"),
        WIRE.replace(b"old 3", b"old 9223372036854775808"),
        WIRE.replace(b"old 3", "old \u0663".encode()),
        WIRE.replace(b"old 3\n", b"old 3\r\n"),
        WIRE.replace(b"old 3\n", b"old 3\nAAAA\n"),
        WIRE.replace(b"old 3\n", b"old 3\n" + b"A" * 43 + b"\n"),
        WIRE.replace(b"old 3\n", b"old 3\n\n"),
        WIRE.replace(b"old 3\n", b"old 3\n" + (b"A" * 43 + b"=\n") * 64),
        WIRE[:-1],
        WIRE + b"\n",
        b"x" * (ADD_CHECKPOINT_SIZE_MAX + 1),
        WIRE.replace(b"\n9\n", b"\n09\n"),
    ],
)
def test_r23_what_is_malformed_is_refused_before_it_is_decided(wire):
    with pytest.raises(BadNote) as refused:
        parse_add_checkpoint(wire)
    assert refused.value.code in ("malformed", "bad-checkpoint")
