"""Whatever bytes come, the verifier answers; and nothing but the true proof is established."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor_defects import honest
from anchors import HEIGHT, with_anchors
from authorities import DATA as AUTHORITY_DATA
from authorities import authority_proof, for_identity, state_of
from lodestamp.core.proof import (
    CODES,
    LEGS,
    BitcoinTrust,
    Proof,
    Trust,
    Unpinned,
    from_parts,
    verify,
)
from lodestamp.core.transparency import threshold_policy
from lodestamp.core.verdict import Status, Verdict
from lodestamp.errors import LodestampError
from proofs import claim_of, content_of, edited, evidence_of, proof_of_content, sealed, statement_of
from witnesses import W1, W2, cosigned

DATA = b"x"
BYTES = proof_of_content(DATA, 0, 2).encode()
SEED = 20_260_101
ROUNDS = 10_000


def well_formed(verdict: Verdict) -> bool:
    return tuple(leg.name for leg in verdict.legs) == LEGS and all(
        leg.code in CODES and CODES[leg.code] is leg.status
        for leg in verdict.legs
        if leg.status is not Status.ESTABLISHED
    )


def test_ten_thousand_mutations_of_one_byte_are_never_established():
    draw = random.Random(SEED)
    assert verify(BYTES, None, DATA).verdict is Status.ESTABLISHED
    for turn in range(ROUNDS):
        at = draw.randrange(len(BYTES))
        byte = (BYTES[at] + draw.randrange(1, 256)) % 256
        kind = draw.randrange(4)
        head, tail = BYTES[:at], BYTES[at + 1 :]
        mutated = (
            head + bytes([byte]) + tail,
            head + tail,
            head + bytes([byte]) + BYTES[at:],
            head + bytes([draw.choice(b'0123456789"[]{},:')]) + tail,
        )[kind]
        verdict = verify(mutated, None, DATA)
        assert mutated == BYTES or verdict.verdict is not Status.ESTABLISHED, (turn, mutated)
        assert well_formed(verdict) or mutated == BYTES, (turn, mutated)


@pytest.mark.slow
def test_ten_thousand_mutations_of_a_proof_with_authority_are_never_established():
    """Each byte of grants, keys and state note is checked, or covered by a check."""
    subject, grants, keys = for_identity("first", "second", by="first")
    data = authority_proof(subject, grants, keys, state_of(subject))
    assert verify(data, None, AUTHORITY_DATA).verdict is Status.ESTABLISHED
    start, end = data.index(b'"authority"'), data.index(b',"checkpoint"')
    draw = random.Random(SEED)
    for turn in range(ROUNDS):
        at = draw.randrange(start, end)
        byte = (data[at] + draw.randrange(1, 256)) % 256
        head, tail = data[:at], data[at + 1 :]
        mutated = (
            head + bytes([byte]) + tail,
            head + tail,
            head + bytes([byte]) + data[at:],
            head + bytes([draw.choice(b'0123456789abcdef"[]{},:')]) + tail,
        )[draw.randrange(4)]
        verdict = verify(mutated, None, AUTHORITY_DATA)
        assert mutated == data or verdict.verdict is not Status.ESTABLISHED, (turn, mutated)
        assert mutated == data or well_formed(verdict), (turn, mutated)


@pytest.mark.slow
def test_ten_thousand_mutations_of_a_whole_proof_are_never_established():
    """Cosignatures and anchors too: each byte is checked, or covered by a check (§9, §13).

    The last header is pinned, since on regtest every other nonce does as well as the honest one.
    """
    plain, made = honest()
    data = with_anchors(cosigned(plain, W1, W2), made.anchor).encode()
    trust = Trust(
        witnesses=threshold_policy(2, [W1.verifier_key, W2.verifier_key]),
        bitcoin=BitcoinTrust("regtest", {made.run[-1].hash: HEIGHT + 5}),
        unpinned=Unpinned.SELF_ASSERTED,
    )
    content = b"hello world\n"
    assert verify(data, trust, content).verdict is Status.ESTABLISHED
    draw = random.Random(SEED)
    for turn in range(ROUNDS):
        at = draw.randrange(len(data))
        byte = (data[at] + draw.randrange(1, 256)) % 256
        head, tail = data[:at], data[at + 1 :]
        mutated = (
            head + bytes([byte]) + tail,
            head + tail,
            head + bytes([byte]) + data[at:],
            head + bytes([draw.choice(BASE64)]) + tail,
        )[draw.randrange(4)]
        verdict = verify(mutated, trust, content)
        assert mutated == data or verdict.verdict is not Status.ESTABLISHED, (turn, mutated)
        assert mutated == data or well_formed(verdict), (turn, mutated)


def test_bytes_of_an_anchor_changed_at_will_never_raise():
    """Paths and headers of any bytes at all get a verdict, and none of them stands."""
    plain, made = honest()
    draw = random.Random(SEED)
    standing = 0
    for _ in range(1_000):
        ots = bytearray(made.anchor.ots)
        for _ in range(draw.randrange(1, 4)):
            ots[draw.randrange(len(ots))] = draw.randrange(256)
        cut = draw.randrange(len(ots) + 1) if draw.random() < 0.3 else len(ots)
        anchor = replace(made.anchor, ots=bytes(ots[:cut]) or b"\0")
        verdict = verify(with_anchors(plain, anchor).encode(), network="regtest")
        assert well_formed(verdict)
        changed = anchor.ots != made.anchor.ots
        standing += changed and verdict.leg("time").status is Status.ESTABLISHED
    assert standing == 0


BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


def test_ten_thousand_random_byte_strings_are_never_established():
    draw = random.Random(SEED)
    alphabet = b'{}[]:,"\\0123456789.eE-+truefalsn \n\xc3\xa9\xff\xed\xa0\x80\xf0\x9f\x98\x80'
    for turn in range(ROUNDS):
        length = draw.randrange(200)
        kind = draw.randrange(3)
        if kind == 0:
            data = draw.randbytes(length)
        elif kind == 1:
            data = bytes(draw.choices(alphabet, k=length))
        else:
            start = draw.randrange(len(BYTES))
            data = BYTES[start:] + draw.randbytes(length % 7) + BYTES[:start]
        verdict = verify(data, None, DATA)
        assert verdict.verdict is Status.REFUTED or data == BYTES, (turn, data)
        assert well_formed(verdict) or data == BYTES, (turn, data)


def test_ten_thousand_random_trust_files_raise_nothing_else():
    draw = random.Random(SEED)
    good = b'{"version":1,"require":["log"],"unpinned":"unknown","bitcoin":{"network":"main"}}'
    codes: list[str] = []
    for _ in range(ROUNDS):
        at = draw.randrange(len(good))
        data = good[:at] + draw.randbytes(draw.randrange(3)) + good[at + draw.randrange(3) :]
        try:
            Trust.parse(data)
        except LodestampError as error:
            codes.append(error.code)
    assert len(codes) > ROUNDS // 2
    assert all(code.startswith("trust.") for code in codes)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(
        [
            (),
            ("subject",),
            ("subject", "operation"),
            ("subject", "operation", "body"),
            ("subject", "operation", "body", "content"),
            ("content",),
            ("log",),
            ("checkpoint",),
        ]
    ),
    st.data(),
    JSON,
)
def test_any_value_in_any_place_gets_a_verdict(place: tuple[str, ...], data: Any, value: Any):
    top = json.loads(BYTES)
    section = top
    for name in place:
        section = section[name]
    name = data.draw(st.sampled_from(sorted(section)) | st.text())
    before = section.get(name, ...)
    section[name] = value
    raw = json.dumps(top, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    verdict = verify(raw.encode("utf-8", "surrogatepass"), None, DATA)
    same = before == value and type(before) is type(value)
    assert same or verdict.verdict is not Status.ESTABLISHED
    assert same or well_formed(verdict)


@given(
    st.sampled_from([(), ("state",), ("grants", 0), ("grants", 0, "body", "cap"), ("keys", 1)]),
    st.data(),
    JSON,
)
def test_any_value_in_any_place_of_authority_gets_a_verdict(
    place: tuple[str | int, ...], data: Any, value: Any
):
    subject, grants, keys = for_identity("first", "second", by="first")
    top = json.loads(authority_proof(subject, grants, keys, state_of(subject)))
    section = top["authority"]
    for name in place:
        section = section[name]
    name = data.draw(st.sampled_from(sorted(section)) | st.text())
    before = section.get(name, ...)
    section[name] = value
    raw = json.dumps(top, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    verdict = verify(raw.encode("utf-8", "surrogatepass"), None, AUTHORITY_DATA)
    same = before == value and type(before) is type(value)
    assert same or verdict.verdict is not Status.ESTABLISHED
    assert same or well_formed(verdict)


@given(
    st.binary(max_size=600),
    st.sampled_from(["unixfs-v1-2025", "unixfs-v0-2015", "covenant-8-480", "legacy-cidv1-dagpb"]),
    st.integers(1, 40).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))),
    st.integers(0, 3),
)
def test_what_is_joined_honestly_round_trips_and_is_established(
    data: bytes, profile: str, place: tuple[int, int], depth: int
):
    content = content_of(data, profile)
    chain = [evidence_of(statement_of(content))]
    for step in range(depth):
        chain.append(claim_of([chain[-1]], step))
    proof = from_parts(chain[-1], chain[:-1], content, *sealed(chain[-1], *place))
    encoded = proof.encode()
    assert Proof.parse(encoded) == proof
    assert verify(encoded, None, data).exit_code == 0
    assert verify(encoded, None, data + b"!").exit_code == 1


@given(st.integers(1, 64).flatmap(lambda size: st.tuples(*[st.integers(0, size - 1)] * 2)))
def test_no_other_index_fits_the_path(places: tuple[int, int]):
    true, claimed = places
    size = max(places) + 1
    subject = evidence_of({}, source="s")
    proof = from_parts(subject, (), None, *sealed(subject, true, size))
    data = edited(proof, lambda top: top["log"].update(index=claimed))
    assert (verify(data).exit_code == 0) == (true == claimed)
