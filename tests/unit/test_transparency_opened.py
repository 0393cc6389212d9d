from __future__ import annotations

import pytest

from lodestamp.core.keys import Mldsa44Key, SigningKey
from lodestamp.core.merkle import EMPTY_ROOT
from lodestamp.core.transparency import (
    ED25519_NOTE,
    Checkpoint,
    Cosigner,
    Note,
    NoteSignature,
    NoteSigner,
    VerifierKey,
    open_note,
    parse_note,
    sign_note,
)
from lodestamp.errors import BadNote

LOG = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x01" * 32))
OTHER = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x02" * 32))
TEXT = "log.example/a\n"
SIGNED = sign_note(TEXT, [LOG])


def refused(attempt, code):
    with pytest.raises(BadNote) as error:
        attempt()
    assert error.value.code == code


def test_a_note_opens_to_its_text_and_the_keys_that_signed_it():
    opened = open_note(SIGNED, [LOG.verifier_key])
    assert (opened.text, opened.verified, opened.ignored) == (TEXT, (LOG.verifier_key,), ())


def test_a_note_that_was_parsed_opens_as_its_bytes_do():
    assert open_note(parse_note(SIGNED), [LOG.verifier_key]) == open_note(
        SIGNED, [LOG.verifier_key]
    )


def test_bytes_that_are_no_note_are_malformed():
    refused(lambda: open_note(SIGNED[:-1], [LOG.verifier_key]), "malformed")


def test_an_unknown_signer_is_ignored_and_listed():
    both = sign_note(TEXT, [OTHER, LOG])
    line = NoteSigner.sign(OTHER, TEXT).line()
    opened = open_note(both, [LOG.verifier_key])
    assert (opened.verified, opened.ignored) == ((LOG.verifier_key,), (line,))
    opened = open_note(both, [LOG.verifier_key, OTHER.verifier_key])
    assert (opened.verified, opened.ignored) == ((OTHER.verifier_key, LOG.verifier_key), ())


@pytest.mark.parametrize("part", ["name", "id"])
def test_a_line_of_which_only_name_or_id_is_known_is_ignored(part):
    good = LOG.sign(TEXT)
    name = "log.example/b" if part == "name" else good.name
    key_id = b"\x00\x00\x00\x00" if part == "id" else good.key_id
    stranger = NoteSignature(name, key_id, b"not a signature")
    wire = Note(TEXT, (stranger, good)).encode()
    assert open_note(wire, [LOG.verifier_key]).ignored == (stranger.line(),)


def test_one_bad_signature_of_a_known_key_refuses_the_whole_note():
    bad = NoteSignature(OTHER.name, OTHER.verifier_key.key_id, bytes(64))
    wire = Note(TEXT, (LOG.sign(TEXT), bad)).encode()
    known = [LOG.verifier_key, OTHER.verifier_key]
    refused(lambda: open_note(wire, known), "bad-signature")
    assert open_note(wire, known[:1]).verified == (LOG.verifier_key,)


def test_a_known_signer_who_signs_twice_is_verified_twice_and_listed_once():
    good = LOG.sign(TEXT)
    bad = NoteSignature(good.name, good.key_id, good.blob[:-1])
    opened = open_note(Note(TEXT, (good, good)).encode(), [LOG.verifier_key])
    assert (opened.verified, opened.ignored) == ((LOG.verifier_key,), ())
    wire = Note(TEXT, (good, bad)).encode()
    refused(lambda: open_note(wire, [LOG.verifier_key]), "bad-signature")


def test_the_signature_is_of_this_text():
    other = SIGNED.replace(b"log.example/a\n\n", b"log.example/b\n\n")
    refused(lambda: open_note(other, [LOG.verifier_key]), "bad-signature")


def test_a_note_that_no_known_key_signed_is_refused():
    refused(lambda: open_note(SIGNED, []), "no-known-signature")
    refused(lambda: open_note(SIGNED, [OTHER.verifier_key]), "no-known-signature")


COSIGNERS = [
    Cosigner("witness.example/w1", SigningKey.from_seed("ed25519", b"\x03" * 32)),
    Cosigner("witness.example/w1", Mldsa44Key.from_seed(b"\x03" * 32)),
]


@pytest.mark.parametrize("cosigner", COSIGNERS)
def test_r18_r19_the_line_of_a_known_cosigner_is_verified(cosigner):
    text = Checkpoint("log.example/a", 0, EMPTY_ROOT).text()
    line = cosigner.sign(text, 1_700_000_000)
    wire = Note(text, (LOG.sign(text), line)).encode()
    opened = open_note(wire, [LOG.verifier_key, cosigner.verifier_key])
    assert opened.verified == (LOG.verifier_key, cosigner.verifier_key)
    assert opened.ignored == ()
    assert open_note(wire, [LOG.verifier_key]).ignored == (line.line(),)


@pytest.mark.parametrize("cosigner", COSIGNERS)
def test_r14_a_bad_cosignature_of_a_known_key_refuses_the_whole_note(cosigner):
    text = Checkpoint("log.example/a", 0, EMPTY_ROOT).text()
    line = cosigner.sign(text, 1_700_000_000)
    later = NoteSignature(
        line.name, line.key_id, (1_700_000_001).to_bytes(8, "big") + line.blob[8:]
    )
    wire = Note(text, (LOG.sign(text), later)).encode()
    refused(lambda: open_note(wire, [LOG.verifier_key, cosigner.verifier_key]), "bad-signature")
    assert open_note(wire, [LOG.verifier_key]).verified == (LOG.verifier_key,)


@pytest.mark.parametrize("cosigner", COSIGNERS)
def test_a_cosignature_is_of_a_checkpoint_and_of_nothing_else(cosigner):
    vkey = cosigner.verifier_key
    wire = Note(TEXT, (NoteSignature(vkey.name, vkey.key_id, b"\x01" * 72),)).encode()
    refused(lambda: open_note(wire, [vkey]), "bad-checkpoint")


def test_r15_the_line_of_a_key_of_another_type_is_ignored_though_it_is_known():
    rfc6962 = VerifierKey("log.example/a", 5, b"some key")
    line = NoteSignature(rfc6962.name, rfc6962.key_id, bytes(72))
    wire = Note(TEXT, (LOG.sign(TEXT), line)).encode()
    assert open_note(wire, [LOG.verifier_key, rfc6962]).ignored == (line.line(),)


def test_two_known_keys_that_cannot_be_told_apart_are_refused():
    found = (9_457, 87_522)  # by trying: ids are four bytes long
    twins = [VerifierKey(LOG.name, ED25519_NOTE, each.to_bytes(32, "big")) for each in found]
    assert twins[0].key_id == twins[1].key_id
    refused(lambda: open_note(SIGNED, [LOG.verifier_key, *twins]), "bad-vkey")
    assert open_note(sign_note(TEXT, [LOG]), [LOG.verifier_key] * 2).verified == (LOG.verifier_key,)
