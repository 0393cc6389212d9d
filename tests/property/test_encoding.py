from __future__ import annotations

import base64
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from documents import documents
from lodestamp.core import encoding
from lodestamp.core.encoding import (
    INT_MAX,
    Cid,
    Multihash,
    base32_decode,
    base32_encode,
    base64_decode,
    canonical_json,
    multibase_decode,
    multibase_encode,
    parse_canonical,
    uvarint_decode,
    uvarint_encode,
)
from lodestamp.errors import CidError, EncodingError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-INT_MAX, INT_MAX) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def test_canonical_bytes_equal_rfc8785_on_generated_documents():
    astral = 0
    for document in documents(seed=20260101, count=20_000):
        wire = canonical_json(document)
        assert wire == rfc8785.dumps(document)
        assert parse_canonical(wire) == document
        astral += max(wire) >= 0xF0
    assert 5_000 < astral < 19_000


def test_the_same_seed_gives_the_same_documents():
    assert list(documents(7, 50)) == list(documents(7, 50)) != list(documents(8, 50))


@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_a_document_survives_its_canonical_bytes(document):
    wire = canonical_json(document)
    assert wire == rfc8785.dumps(document)
    assert parse_canonical(wire) == document
    assert canonical_json(json.loads(wire)) == wire


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4), st.data())
def test_what_parses_after_any_flipped_bit_is_again_canonical(document, data):
    wire = bytearray(canonical_json(document))
    bit = data.draw(st.integers(0, len(wire) * 8 - 1))
    wire[bit // 8] ^= 1 << bit % 8
    try:
        value = parse_canonical(bytes(wire))
    except EncodingError:
        return
    assert canonical_json(value) == bytes(wire)


JSON_BYTES = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b":", b",", b'"', b'"a"', b"1", b"-0", b"1.5", b"null", b"true",
         b"\\ud800", b"\\u0041", b"\xff", b"\xf0\x9f\x98\x80",
         b"9" * 30, b" ", b"\n", b"1e400", b"NaN"]
    ),
    max_size=20,
).map(b"".join)  # fmt: skip


@given(st.binary(max_size=60) | JSON_BYTES | JSON_BYTES.map(lambda inner: b'{"a":' + inner + b"}"))
def test_any_bytes_parse_or_raise_an_encoding_error(data):
    try:
        value = parse_canonical(data)
    except EncodingError:
        return
    assert canonical_json(value) == data


ANY_TEXT = st.text(st.characters())  # lone surrogates too
ANYTHING = st.recursive(
    st.none() | st.floats() | st.binary() | st.integers() | ANY_TEXT,
    lambda inner: (
        st.lists(inner) | st.tuples(inner) | st.dictionaries(st.integers() | ANY_TEXT, inner)
    ),
    max_leaves=8,
)


@given(ANYTHING)
def test_any_value_has_canonical_bytes_or_raises_an_encoding_error(value):
    try:
        wire = canonical_json(value)
    except EncodingError:
        return
    assert json.loads(wire) == value


@given(st.integers(0, 2**63 - 1), st.binary(max_size=4))
def test_a_varint_reads_back_and_stops(number, rest):
    wire = uvarint_encode(number)
    assert uvarint_decode(wire + rest) == (number, len(wire))


@given(st.binary(max_size=80), st.sampled_from("bBkKzfFu"))
def test_bytes_survive_every_base(data, prefix):
    assert multibase_decode(multibase_encode(prefix, data)) == (prefix, data)


def _standard_base32(text):
    """Decode as the standard library does, and take only what it would write."""
    raw = text.encode("ascii").upper()
    data = base64.b32decode(raw + b"=" * (-len(raw) % 8))
    if base64.b32encode(data).rstrip(b"=").decode().lower() != text:
        raise ValueError(text)
    return data


@given(st.binary(max_size=130))
def test_base32_is_that_of_the_standard_library_unpadded_and_in_lower_case(data):
    text = base32_encode(data)
    assert text == base64.b32encode(data).rstrip(b"=").decode().lower()
    assert base32_decode(text) == data


@given(st.text("abz27", max_size=20) | st.text("ab7A189=_-+ é\ud800٣", max_size=6))
def test_base32_reads_what_the_standard_library_would_write_and_nothing_else(text):
    try:
        expected = _standard_base32(text)
    except ValueError:
        with pytest.raises(EncodingError):
            base32_decode(text)
    else:
        assert base32_decode(text) == expected


BASES = ["base16", "base32", "base36", "base58btc", "base64", "base64url"]


@given(st.sampled_from(BASES), st.text(max_size=12) | st.text("aAzZ059+/-_=", max_size=12))
def test_a_text_decodes_to_bytes_that_encode_to_it_or_is_refused(name, text):
    try:
        data = getattr(encoding, f"{name}_decode")(text)
    except EncodingError:
        return
    assert getattr(encoding, f"{name}_encode")(data) == text


@given(st.binary(max_size=60))
def test_any_bytes_are_a_cid_and_a_multihash_or_are_refused(data):
    for kind in (Cid, Multihash):
        try:
            value = kind.decode(data)
        except CidError:
            continue
        assert value.encode() == data


@given(st.text(max_size=60) | st.text("Qmbz123aB", max_size=60))
def test_any_text_is_a_cid_or_is_refused(text):
    try:
        cid = Cid.parse(text)
    except CidError:
        return
    assert Cid.parse(str(cid)) == cid


@given(st.binary(max_size=100))
def test_base64_has_one_spelling(data):
    text = encoding.base64_encode(data)
    assert base64_decode(text) == data
    with pytest.raises(EncodingError):
        base64_decode(text + "\n")
