"""Hearts: the output by which a tip or payment names its work (§3.3)."""

from __future__ import annotations

import pytest

from carriers import tx_with
from lodestamp.core.ownership import heart_of, heart_script, may_contain, parse_heart
from lodestamp.errors import UsageError

SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
OTHER = "ffffffffffffffffffffffffffffffffffffffff"


def test_a_heart_goes_there_and_back():
    assert heart_script(SHA1).hex() == "6a17e299a5" + SHA1
    assert parse_heart(heart_script(SHA1)) == SHA1


def test_the_byte_behind_op_return_is_not_looked_at_if_the_script_comes_apart():
    """24 pushes more than follows; 4c, 4d and 4e read a size out of the heart itself."""
    rest = heart_script(OTHER)[2:]
    found = [second for second in range(256) if parse_heart(bytes([0x6A, second]) + rest)]
    assert found == [n for n in range(256) if n <= 0x17 or n > 0x4E]
    assert parse_heart(bytes([0x6A, 0x17]) + rest) == OTHER


def test_a_sha1_that_is_read_as_opcodes_must_come_apart_too():
    assert parse_heart(b"\x6a\x03\xe2\x99\xa5" + bytes(20)) == "00" * 20
    assert parse_heart(b"\x6a\x03\xe2\x99\xa5" + bytes(19) + b"\x01") is None


@pytest.mark.parametrize(
    "script",
    [
        b"",
        heart_script(SHA1)[:-1],
        heart_script(SHA1) + b"\x00",
        b"\x6a\x4c" + heart_script(SHA1)[1:],
        b"\x6b" + heart_script(SHA1)[1:],
        heart_script(SHA1).replace(b"\xa5", b"\xa4", 1),
    ],
    ids=["nothing", "24 bytes", "26 bytes", "OP_PUSHDATA1", "no OP_RETURN", "no heart"],
)
def test_anything_else_is_no_heart(script):
    assert parse_heart(script) is None


def test_the_last_heart_of_a_transaction_counts_at_any_output():
    assert heart_of(tx_with()) is None
    assert heart_of(tx_with(heart_script(SHA1), b"\x51")) == SHA1
    assert heart_of(tx_with(heart_script(SHA1), heart_script(OTHER), b"\x6a")) == OTHER
    assert may_contain(tx_with(heart_script(SHA1)).encode())


@pytest.mark.parametrize("sha1", ["", SHA1[:-1], SHA1.upper(), SHA1 + "\n", "g" * 40])
def test_only_lowercase_hex_is_written(sha1):
    with pytest.raises(UsageError):
        heart_script(sha1)
