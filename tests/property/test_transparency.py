"""Whatever bytes come in: a note, a checkpoint, a key, or our own error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodestamp.core.keys import SigningKey
from lodestamp.core.merkle import EMPTY_ROOT, SIZE_MAX
from lodestamp.core.transparency import (
    Checkpoint,
    NoteSigner,
    open_note,
    parse_checkpoint,
    parse_note,
    parse_vkey,
    sign_note,
)
from lodestamp.errors import BadNote

KEYS = [SigningKey.from_seed("ed25519", bytes([i]) * 32) for i in range(4)]
SIGNERS = [NoteSigner(f"log.example/{i}", key) for i, key in enumerate(KEYS)]
SAMPLE = sign_note(Checkpoint("log.example/0", 0, EMPTY_ROOT).text(), SIGNERS[:2])

lines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20)
names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Z"], exclude_characters="+"),
    min_size=1,
    max_size=20,
)
bits = st.integers(0, 8 * len(SAMPLE) - 1)


@given(st.lists(lines, min_size=1, max_size=6), st.lists(st.sampled_from(SIGNERS), min_size=1))
def test_what_is_signed_opens_and_encodes_to_its_own_bytes(text_lines, signers):
    text = "".join(f"{line}\n" for line in text_lines)
    wire = sign_note(text, signers)
    assert parse_note(wire).encode() == wire
    opened = open_note(wire, [signer.verifier_key for signer in SIGNERS])
    assert opened.text == text
    assert set(opened.verified) == {signer.verifier_key for signer in signers}
    assert opened.ignored == ()


@given(names)
def test_any_proper_name_signs_and_its_key_is_spelled_back(name):
    signer = NoteSigner(name, KEYS[0])
    vkey = parse_vkey(signer.verifier_key.text())
    assert vkey == signer.verifier_key
    assert open_note(sign_note("text\n", [signer]), [vkey]).verified == (vkey,)


@given(bits)
def test_one_flipped_bit_never_leaves_both_signatures_good(bit):
    """A flip in a line may make its signer a stranger; the other line still holds then."""
    wire = bytearray(SAMPLE)
    wire[bit // 8] ^= 1 << bit % 8
    known = [signer.verifier_key for signer in SIGNERS]
    try:
        opened = open_note(bytes(wire), known)
    except BadNote:
        return
    assert opened.text.encode() == SAMPLE[: SAMPLE.index(b"\n\n") + 1]
    assert len(opened.verified) == len(opened.ignored) == 1
    assert bit // 8 > SAMPLE.index(b"\n\n")


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: SAMPLE[:90] + tail))
def test_random_bytes_are_a_note_of_one_spelling_or_refused(wire):
    for attempt in (wire, wire + b"\n\n" + SAMPLE):
        try:
            note = parse_note(attempt)
        except BadNote:
            continue
        assert note.encode() == attempt


@given(st.data())
def test_a_damaged_note_is_a_note_of_one_spelling_or_refused(data):
    start = data.draw(st.integers(0, len(SAMPLE)))
    end = data.draw(st.integers(start, min(len(SAMPLE), start + 3)))
    wire = SAMPLE[:start] + data.draw(st.binary(max_size=3)) + SAMPLE[end:]
    try:
        note = parse_note(wire)
    except BadNote:
        return
    assert note.encode() == wire


checkpoint_like = st.lists(
    st.sampled_from(["log", "", "0", "5", "05", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="])
    | st.text(max_size=8),
    max_size=6,
).map("\n".join)


@given(st.text(max_size=80) | checkpoint_like | checkpoint_like.map(lambda text: text + "\n"))
def test_any_text_is_a_checkpoint_of_one_spelling_or_refused(text):
    try:
        checkpoint = parse_checkpoint(text)
    except BadNote:
        return
    assert checkpoint.text() == text


@given(
    names,
    st.integers(1, SIZE_MAX),
    st.binary(min_size=32, max_size=32),
    st.lists(lines.filter(bool), max_size=3),
)
def test_every_checkpoint_survives_its_text(origin, size, root, extensions):
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert parse_checkpoint(checkpoint.text()) == checkpoint


@given(st.text(max_size=90), st.integers(0, 70), st.text(max_size=3))
def test_any_text_is_a_verifier_key_of_one_spelling_or_refused(text, at, inserted):
    good = SIGNERS[0].verifier_key.text()
    for attempt in (text, good[:at] + inserted + good[at:], good[:at] + inserted + good[at + 1 :]):
        try:
            vkey = parse_vkey(attempt)
        except BadNote:
            continue
        assert vkey.text() == attempt


def test_a_note_signed_by_nobody_known_says_nothing():
    with pytest.raises(BadNote) as refused:
        open_note(SAMPLE, [SIGNERS[3].verifier_key])
    assert refused.value.code == "no-known-signature"
