from __future__ import annotations

import pytest

from lodestamp.core.encoding import (
    base36_decode,
    base36_encode,
    base58btc_decode,
    base58btc_encode,
    multibase_decode,
    multibase_encode,
)
from lodestamp.core.encoding.multibase import MULTIBASE_TEXT_MAX
from lodestamp.errors import CidError, EncodingError

# draft-msporny-base58 §5 and the multibase specification's test vectors
YES = b"yes mani !"
SPELLINGS = {
    "b": "bpfsxgidnmfxgsibb", "B": "BPFSXGIDNMFXGSIBB", "k": "k2lcpzo5yikidynfl",
    "K": "K2LCPZO5YIKIDYNFL", "z": "z7paNL19xttacUY", "f": "f796573206d616e692021",
    "F": "F796573206D616E692021", "u": "ueWVzIG1hbmkgIQ",
}  # fmt: skip


@pytest.mark.parametrize("prefix", SPELLINGS)
def test_the_published_spelling_goes_both_ways(prefix):
    assert multibase_encode(prefix, YES) == SPELLINGS[prefix]
    assert multibase_decode(SPELLINGS[prefix]) == (prefix, YES)


@pytest.mark.parametrize("prefix", SPELLINGS)
def test_leading_zero_bytes_survive(prefix):
    for data in (b"", b"\0", b"\0\0yes", bytes(32)):
        assert multibase_decode(multibase_encode(prefix, data)) == (prefix, data)


def test_base58_keeps_to_the_published_examples():
    assert base58btc_encode(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
    assert base58btc_encode(bytes.fromhex("0000287fb4cd")) == "11233QC4"
    assert base58btc_decode("11233QC4") == bytes.fromhex("0000287fb4cd")
    assert base36_encode(b"\0\xff") == "073"


@pytest.mark.parametrize(
    ("decode", "text", "at"),
    [
        (base58btc_decode, "0", "0"), (base58btc_decode, "1O", "1"), (base58btc_decode, "1I", "1"),
        (base58btc_decode, "11l", "2"), (base58btc_decode, "1 ", "1"),
        (base36_decode, "aB", "1"), (base36_decode, "a\n", "1"), (base36_decode, "\u0663", "0"),
    ],
)  # fmt: skip
def test_a_character_outside_the_alphabet_is_refused_by_its_position(decode, text, at):
    with pytest.raises(EncodingError) as refusal:
        decode(text)
    assert refusal.value.at == at


@pytest.mark.parametrize(
    "text",
    [
        "", "mZm9v", "x00", "\0", "bpfsxgidnmfxgsib1", "bPFSXGIDNMFXGSIBB", "Bpfsxgidnmfxgsibb",
        "BPFSXGIDNMFXGSIBb", "f7", "fZZ", "F7a", "ueWVz=", "ue+Vz", "z0", "k2lc ", "b\n", "K2lc",
    ],
)  # fmt: skip
def test_an_unknown_prefix_or_another_spelling_is_refused(text):
    with pytest.raises(CidError) as refusal:
        multibase_decode(text)
    assert refusal.value.code == "cid.base"


def test_an_unknown_prefix_encodes_nothing():
    with pytest.raises(CidError):
        multibase_encode("m", b"foo")


def test_a_long_text_is_refused_before_it_is_decoded():
    assert multibase_decode("z" + "2" * (MULTIBASE_TEXT_MAX - 1))[0] == "z"
    with pytest.raises(CidError):
        multibase_decode("z" + "2" * MULTIBASE_TEXT_MAX)
    for decode in (base58btc_decode, base36_decode):
        with pytest.raises(EncodingError):
            decode("2" * (MULTIBASE_TEXT_MAX + 1))
