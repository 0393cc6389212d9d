"""Attestations: tags, payloads and what is refused (transparency spec R36, R37)."""

from __future__ import annotations

import pytest

from lodestamp.core.timestamps import (
    PAYLOAD_SIZE_MAX,
    URI_LENGTH_MAX,
    BitcoinHeader,
    EthereumHeader,
    LitecoinHeader,
    Pending,
    Unknown,
    attested,
    parse_attestation,
)
from lodestamp.errors import BadTimestamp, LimitExceeded

SAMPLES = {
    Pending("https://a.example:14788/x"): ("83dfe30d2ef90c8e", b"\x19https://a.example:14788/x"),
    Pending(""): ("83dfe30d2ef90c8e", b"\x00"),
    BitcoinHeader(358_391): ("0588960d73d71901", bytes.fromhex("f7ef15")),
    LitecoinHeader(0): ("06869a0d73d71b45", b"\x00"),
    EthereumHeader(2**64 - 1): ("30fe8087b5c7ead7", b"\xff" * 9 + b"\x01"),
    Unknown(b"8 bytes!", b"any"): (b"8 bytes!".hex(), b"any"),
}


@pytest.mark.parametrize("attestation", SAMPLES, ids=str)
def test_an_attestation_has_its_tag_and_payload_and_is_read_back(attestation):
    tag, payload = SAMPLES[attestation]
    assert (attestation.tag.hex(), attestation.payload) == (tag, payload)
    assert parse_attestation(attestation.tag, payload) == attestation


def code_of(tag, payload):
    with pytest.raises(BadTimestamp) as refused:
        parse_attestation(tag, payload)
    return refused.value.code


def test_a_known_kind_uses_its_payload_up_to_the_last_byte():
    assert code_of(BitcoinHeader.tag, b"\x01\x00") == "ots.payload"
    assert code_of(Pending.tag, b"\x01ab") == "ots.payload"
    assert code_of(BitcoinHeader.tag, b"") == "ots.truncated"
    assert code_of(Pending.tag, b"\x03ab") == "ots.truncated"
    assert code_of(Pending.tag, b"") == "ots.truncated"


@pytest.mark.parametrize(
    "uri", ["https://a/?q", "a b", "a@b", "[::1]", "a%20", "a\n", "é", "\udcff"]
)
def test_a_uri_of_other_characters_is_refused(uri):
    """R54 rests on it: no query, no login, no IPv6 brackets."""
    with pytest.raises(BadTimestamp) as refused:
        Pending(uri)
    assert refused.value.code == "ots.uri"
    raw = uri.encode("utf-8", "surrogateescape")
    assert code_of(Pending.tag, bytes((len(raw),)) + raw) == "ots.uri"


def test_limits_of_uri_payload_and_height():
    longest = "a" * URI_LENGTH_MAX
    assert parse_attestation(Pending.tag, Pending(longest).payload) == Pending(longest)
    with pytest.raises(LimitExceeded):
        Pending(longest + "a")
    with pytest.raises(LimitExceeded):
        parse_attestation(Pending.tag, b"\xe9\x07" + b"a" * 1_001)
    Unknown(b"8 bytes!", bytes(PAYLOAD_SIZE_MAX))
    with pytest.raises(LimitExceeded):
        Unknown(b"8 bytes!", bytes(PAYLOAD_SIZE_MAX + 1))
    for height in (-1, 2**64):
        with pytest.raises(LimitExceeded):
            BitcoinHeader(height)


@pytest.mark.parametrize("tag", [b"", b"7 bytes", b"nine byte", Pending.tag, BitcoinHeader.tag])
def test_an_unknown_attestation_cannot_pass_for_a_known_one(tag):
    with pytest.raises(BadTimestamp) as refused:
        Unknown(tag, b"")
    assert refused.value.code == "ots.tag"


def test_attestations_sort_by_tag_then_number_uri_or_payload():
    """R37: 255 before 256, though its bytes are the greater ones."""
    ordered = (
        Unknown(bytes(8), b"b"),
        BitcoinHeader(127),
        BitcoinHeader(255),
        BitcoinHeader(256),
        LitecoinHeader(1),
        EthereumHeader(1),
        Pending("b"),
        Pending("ba"),
        Pending("c"),
        Unknown(b"\xff" * 8, b""),
    )
    assert attested(b"message", *reversed(ordered)).attestations == ordered
