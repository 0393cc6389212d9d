"""Addresses and wallet import format: every attack of R4 with its code."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import (
    MAIN,
    REGTEST,
    TEST,
    Encoding,
    base58check_decode,
    base58check_encode,
    bech32_encode,
    decode_address,
    encode_address,
    wif_decode,
    wif_encode,
)
from lodestamp.core.bitcoin.bech32 import to_base32
from lodestamp.errors import MalformedAddress

P2TR = b"\x51\x20" + bytes(range(32))
V0 = b"\x00\x14" + bytes(range(20))


def code_of(text, net=MAIN, read=decode_address):
    with pytest.raises(MalformedAddress) as refused:
        read(text, net)
    return refused.value.code


@pytest.mark.parametrize(
    "script",
    [
        b"\x76\xa9\x14" + bytes(20) + b"\x88\xac",
        b"\xa9\x14" + bytes(20) + b"\x87",
        V0,
        b"\x00\x20" + bytes(32),
        P2TR,
        b"\x60\x02ab",
        b"\x52\x28" + bytes(40),
    ],
)
def test_every_standard_script_has_one_address_on_every_network(script):
    for net in (MAIN, TEST, REGTEST):
        assert decode_address(encode_address(script, net), net) == script


@pytest.mark.parametrize("script", [b"", b"\x51", b"\x6a\x01a", b"\x00\x15" + bytes(21), V0 + b"x"])
def test_other_scripts_have_none(script):
    with pytest.raises(MalformedAddress) as refused:
        encode_address(script, MAIN)
    assert refused.value.code == "no-address"


def test_r4_an_address_of_another_network_is_refused():
    for script in (P2TR, V0, b"\xa9\x14" + bytes(20) + b"\x87"):
        text = encode_address(script, MAIN)
        assert code_of(text, TEST) == "wrong-network"
        assert code_of(text, REGTEST) == "wrong-network"
    assert code_of(encode_address(P2TR, REGTEST), MAIN) == "wrong-network"


def test_r4_mixed_case_is_refused():
    text = encode_address(P2TR, MAIN)
    assert code_of(text[:8].upper() + text[8:]) == "bech32"
    assert decode_address(text.upper(), MAIN) == P2TR


def test_r4_each_version_has_its_own_check():
    assert code_of(bech32_encode("bc", b"\x01" + to_base32(P2TR[2:]), Encoding.BECH32)) == (
        "bech32-variant"
    )
    assert code_of(bech32_encode("bc", b"\x00" + to_base32(V0[2:]), Encoding.BECH32M)) == (
        "bech32-variant"
    )


@pytest.mark.parametrize(
    ("version", "size", "encoding"),
    [(0, 21, 1), (0, 2, 1), (1, 1, 0x2BC830A3), (1, 41, 0x2BC830A3), (17, 32, 0x2BC830A3)],
)
def test_r4_programs_have_their_sizes_and_versions(version, size, encoding):
    values = bytes([version]) + to_base32(bytes(size))
    assert code_of(bech32_encode("bc", values, Encoding(encoding))) == "witness-program"


def test_a_changed_character_is_a_typing_error():
    text = encode_address(P2TR, MAIN)
    assert code_of(text[:-1] + ("q" if text[-1] != "q" else "p")) == "bech32"
    text = encode_address(b"\xa9\x14" + bytes(20) + b"\x87", MAIN)
    assert code_of(text[:-1] + ("1" if text[-1] != "1" else "2")) == "base58check"


def test_base58check_is_bounded_and_needs_its_check():
    assert base58check_decode(base58check_encode(b"")) == b""
    for text in ("", "1", "11111", "1" * 113, "0OIl"):
        with pytest.raises(MalformedAddress):
            base58check_decode(text)
    with pytest.raises(MalformedAddress):
        decode_address(base58check_encode(bytes(22)), MAIN)


@pytest.mark.parametrize("compressed", [True, False])
def test_wif_goes_both_ways_on_its_own_network_only(compressed):
    secret = bytes(31) + b"\x01"
    text = wif_encode(secret, REGTEST, compressed=compressed)
    assert wif_decode(text, REGTEST) == (secret, compressed)
    assert code_of(text, MAIN, wif_decode) == "wrong-network"


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32, bytes(31), bytes(33)])
def test_what_is_no_secret_key_is_refused(secret):
    with pytest.raises(MalformedAddress):
        wif_encode(secret, MAIN)
    assert code_of(base58check_encode(b"\x80" + secret), MAIN, wif_decode) == "wif"


def test_no_error_quotes_a_secret():
    text = wif_encode(b"\x42" * 32, MAIN)
    for broken in (text[:-1] + "0", text[:-1] + "1", text + "1"):
        with pytest.raises(MalformedAddress) as refused:
            wif_decode(broken, MAIN)
        assert text[:8] not in str(refused.value)
        assert refused.value.__cause__ is None
