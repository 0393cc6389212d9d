"""Scripts as text."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import from_asm, to_asm
from lodestamp.errors import MalformedScript


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("0", "00"), ("<>", "00"), ("1", "51"), ("16", "60"), ("-1", "4f"), ("1NEGATE", "4f"),
        ("17", "0111"), ("<01>", "0101"), ("<00>", "0100"), ("32", "0120"), ("128", "028000"),
        ('"PRV1"', "0450525631"), ("PUSHDATA1<>", "4c00"), ("PUSHDATA2<07>", "4d010007"),
        ("OP_DUP HASH160", "76a9"), ("CHECKTEMPLATEVERIFY", "b3"), ("NOP4", "b3"),
        ("CHECKSIGADD", "ba"), ("SUCCESS187", "bb"), ("INVALIDOPCODE", "ff"), ("TRUE", "51"),
    ],
)  # fmt: skip
def test_text_compiles_to(text, script):
    assert from_asm(text).hex() == script
    assert from_asm(to_asm(from_asm(text))).hex() == script


@pytest.mark.parametrize(
    "word",
    [
        "FOO", "dup", "<0>", "<0G>", "<AB>", "01", "+1", "-0", "2147483648", "99999999999",
        "PUSHDATA1", "PUSHBYTES_1", "PUSHDATA3<00>",
        '"', '"ä"', "0x51", "PUSHDATA1<" + "00" * 256 + ">",
    ],
)  # fmt: skip
def test_text_that_is_no_script_says_which_word(word):
    with pytest.raises(MalformedScript) as refused:
        from_asm(f"DUP {word}")
    assert (refused.value.code, refused.value.at) == ("asm", 1)


def test_a_push_cut_off_has_no_text():
    with pytest.raises(MalformedScript) as refused:
        to_asm(b"\x76\x02\x01")
    assert (refused.value.code, refused.value.at) == ("cut-short", 1)
