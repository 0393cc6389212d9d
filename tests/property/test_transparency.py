"""Whatever bytes come in: a note, a checkpoint, a key, or our own error."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodestamp.core.keys import Mldsa44Key, SigningKey
from lodestamp.core.merkle import (
    EMPTY_ROOT,
    SIZE_MAX,
    Frontier,
    leaf_hashes,
    prove_consistency,
    root,
)
from lodestamp.core.transparency import (
    AddCheckpoint,
    Checkpoint,
    Cosigner,
    Note,
    NoteSigner,
    Outcome,
    TlogProof,
    WitnessState,
    decide,
    encode_add_checkpoint,
    open_note,
    parse_add_checkpoint,
    parse_checkpoint,
    parse_note,
    parse_policy,
    parse_tlog_proof,
    parse_vkey,
    quorum_met,
    sign_note,
    verify_cosignatures,
)
from lodestamp.errors import BadNote, LodestampError, TrustError

KEYS = [SigningKey.from_seed("ed25519", bytes([i]) * 32) for i in range(4)]
SIGNERS = [NoteSigner(f"log.example/{i}", key) for i, key in enumerate(KEYS)]
SEALED = sign_note(Checkpoint("log.example/0", 1, bytes(32)).text(), SIGNERS[:1])
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


COSIGNERS = [
    Cosigner("witness.example/w1", KEYS[2]),
    Cosigner("witness.example/w2", KEYS[3]),
    Cosigner("witness.example/w3", Mldsa44Key.from_seed(bytes(32))),
]
CHECKPOINT = Checkpoint("log.example/0", 7, bytes(range(32))).text()
COSIGNED = Note(
    CHECKPOINT,
    (SIGNERS[0].sign(CHECKPOINT), *(each.sign(CHECKPOINT, 1_700_000_000) for each in COSIGNERS)),
).encode()
EVERYBODY = [SIGNERS[0].verifier_key, *(each.verifier_key for each in COSIGNERS)]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_mutation_of_a_cosigned_note_is_accepted_with_all_its_signers(data):
    """Cut, insert or change bytes: refused, or one signer less, and never another text."""
    start = data.draw(st.integers(0, len(COSIGNED)))
    end = data.draw(st.integers(start, min(len(COSIGNED), start + 3)))
    wire = COSIGNED[:start] + data.draw(st.binary(max_size=3)) + COSIGNED[end:]
    try:
        opened = open_note(wire, EVERYBODY)
    except BadNote:
        return
    assert opened.text == CHECKPOINT
    assert wire == COSIGNED or len(opened.verified) < len(EVERYBODY)


@given(st.integers(0, len(COSIGNED) * 8 - 1))
def test_a_flipped_bit_never_makes_a_witness_say_another_time(bit):
    wire = bytearray(COSIGNED)
    wire[bit // 8] ^= 1 << bit % 8
    try:
        said = verify_cosignatures(parse_note(bytes(wire)), EVERYBODY)
    except BadNote:
        return
    assert {each.time for each in said} <= {1_700_000_000}


@st.composite
def policies(draw):
    """A policy text, and the same rule as nested tuples for a brute force."""
    count = draw(st.integers(1, 5))
    keys = [Cosigner("w", SigningKey.from_seed("ed25519", bytes([i]) * 32)) for i in range(count)]
    lines = [f"witness W{i} {key.verifier_key}" for i, key in enumerate(keys)]
    rules: dict[str, object] = {f"W{i}": i for i in range(count)}
    free = list(rules)
    for number in range(draw(st.integers(0, 4))):
        if not free:
            break
        members = draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
        k = draw(st.integers(1, len(members)))
        spelled = [str(k), *["any"] * (k == 1), *["all"] * (k == len(members))]
        lines.append(f"group G{number} {draw(st.sampled_from(spelled))} {' '.join(members)}")
        rules[f"G{number}"] = (k, [rules[member] for member in members])
        free = [name for name in free if name not in members] + [f"G{number}"]
    quorum = draw(st.sampled_from(["none", *rules]))
    text = "\n".join([*lines, f"quorum {quorum}"]) + "\n"
    return text, count, None if quorum == "none" else rules[quorum]


def holds(rule, present):
    if rule is None:
        return True
    if isinstance(rule, int):
        return rule in present
    k, members = rule
    return sum(holds(member, present) for member in members) >= k


@given(policies())
def test_r21_a_policy_is_met_by_exactly_the_sets_that_a_brute_force_says(drawn):
    text, count, rule = drawn
    policy = parse_policy(text)
    for chosen in range(1 << count):
        present = {i for i in range(count) if chosen >> i & 1}
        assert quorum_met(policy, {f"W{i}" for i in present}) is holds(rule, present)


@given(st.text(max_size=60) | st.text("\n \tlogwitnessgroupquorumnone#1", max_size=60))
def test_any_text_is_a_policy_or_our_own_error(text):
    try:
        parse_policy(text)
    except TrustError:
        return


TREE = leaf_hashes([bytes([i]) for i in range(40)])
OTHER_TREE = leaf_hashes([bytes([i + 100]) for i in range(40)])


class Rows:
    """The tile rows of one log."""

    def __init__(self, leaves):
        self.rows = Frontier.EMPTY.grow(leaves)[1]

    def hashes(self, level, start, count):
        return self.rows[level][32 * start : 32 * (start + count)]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.booleans())
def test_r23_a_witness_follows_one_tree_and_no_other(stored, old, size, honest):
    tree = TREE if honest else OTHER_TREE
    state = WitnessState(stored, root(TREE[:stored]))
    note = parse_note(
        sign_note(Checkpoint("log.example/0", size, root(tree[:size])).text(), [SIGNERS[0]])
    )
    proof = prove_consistency(Rows(tree), old, size).hashes if 0 < old <= size else ()
    request = AddCheckpoint(old, proof, note)
    assert parse_add_checkpoint(encode_add_checkpoint(request)) == request
    outcome = decide(state, request, [SIGNERS[0].verifier_key]).outcome
    follows = old == stored <= size and (honest or stored == 0)
    assert (outcome is Outcome.COSIGN) is follows


@given(st.binary(max_size=80), st.integers(0, 200))
def test_any_bytes_are_a_request_or_a_tlog_proof_of_one_spelling_or_refused(junk, at):
    for parse, encode, good in (
        (parse_add_checkpoint, encode_add_checkpoint, b"old 0\n\n" + SAMPLE),
        (parse_tlog_proof, TlogProof.encode, b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + SEALED),
    ):
        for wire in (junk, good[:at] + junk + good[at:], good[:at] + junk + good[at + len(junk) :]):
            try:
                found = parse(wire)
            except LodestampError:
                continue
            assert encode(found) == wire
