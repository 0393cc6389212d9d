"""Bech32 and bech32m by the examples of BIP173 and BIP350."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import Encoding, bech32_decode, bech32_encode
from lodestamp.core.bitcoin.bech32 import from_base32, to_base32
from lodestamp.errors import MalformedAddress

VALID = {
    "A12UEL5L": Encoding.BECH32,
    "a12uel5l": Encoding.BECH32,
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs":
        Encoding.BECH32,
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw": Encoding.BECH32,
    "?1ezyfcl": Encoding.BECH32,
    "A1LQFN3A": Encoding.BECH32M,
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx": Encoding.BECH32M,
    "?1v759aa": Encoding.BECH32M,
}  # fmt: skip
INVALID = [
    "\x201nwldj5", "\x7f1axkwrx", "\x801eym55h", "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v",
    "li1dgmt3", "de1lg7wt\xff", "A1G7SGD8", "10a06t8", "1qzzfhee", "A12UeL5L", "", "1",
    "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
]  # fmt: skip


@pytest.mark.parametrize("text", VALID)
def test_valid_texts_are_read_and_written_back(text):
    hrp, values, encoding = bech32_decode(text)
    assert encoding is VALID[text]
    assert bech32_encode(hrp, values, encoding) == text.lower()


@pytest.mark.parametrize("text", INVALID)
def test_r4_invalid_texts_are_refused(text):
    with pytest.raises(MalformedAddress) as refused:
        bech32_decode(text)
    assert refused.value.code == "bech32"


def test_what_would_be_too_long_is_not_written():
    with pytest.raises(MalformedAddress):
        bech32_encode("a", bytes(90), Encoding.BECH32)
    with pytest.raises(MalformedAddress):
        bech32_encode("a", b"\x20", Encoding.BECH32)


def test_r4_padding_is_up_to_four_zero_bits():
    assert from_base32(to_base32(b"\xff\x01")) == b"\xff\x01"
    assert to_base32(b"\xff") == bytes([31, 28])
    for bad in (bytes([31, 29]), bytes([31, 28, 0]), bytes([1])):
        with pytest.raises(MalformedAddress) as refused:
            from_base32(bad)
        assert refused.value.code == "bech32-padding"
