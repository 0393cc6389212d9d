"""The operations, one by one (transparency spec R35)."""

from __future__ import annotations

from hashlib import sha1, sha256

import pytest
from Cryptodome.Hash import RIPEMD160 as CRYPTODOME_RIPEMD160
from Cryptodome.Hash import keccak

from lodestamp.core.timestamps import (
    DIGEST_SIZES,
    HEXLIFY,
    KECCAK256,
    MESSAGE_SIZE_MAX,
    REVERSE,
    RIPEMD160,
    SHA1,
    SHA256,
    SLOW_FILE_SIZE_MAX,
    Op,
    apply_ops,
    hash_pieces,
)
from lodestamp.errors import BadTimestamp, LimitExceeded

RESULTS = {
    SHA1: sha1(b"message", usedforsecurity=False).digest(),
    SHA256: sha256(b"message").digest(),
    RIPEMD160: CRYPTODOME_RIPEMD160.new(b"message").digest(),
    KECCAK256: keccak.new(digest_bits=256, data=b"message").digest(),
    REVERSE: b"egassem",
    HEXLIFY: b"6d657373616765",
    Op.append(b"!"): b"message!",
    Op.prepend(b"a "): b"a message",
}


@pytest.mark.parametrize("op", RESULTS, ids=str)
def test_each_operation_gives_its_result(op):
    assert op(b"message") == RESULTS[op]


def test_tags_are_those_of_the_format():
    assert {op.name: op.tag for op in RESULTS} == {
        "sha1": 0x02,
        "ripemd160": 0x03,
        "sha256": 0x08,
        "keccak256": 0x67,
        "append": 0xF0,
        "prepend": 0xF1,
        "reverse": 0xF2,
        "hexlify": 0xF3,
    }


def test_operations_sort_by_tag_and_then_argument():
    ordered = [SHA1, SHA256, KECCAK256, Op.append(b"a"), Op.append(b"aa"), Op.append(b"b"), REVERSE]
    assert sorted([ordered[-1], *ordered[:-1]]) == ordered


@pytest.mark.parametrize("tag", [0x00, 0x01, 0x04, 0xF4, 0xFF])
def test_another_tag_is_no_operation(tag):
    with pytest.raises(BadTimestamp) as refused:
        Op(tag)
    assert refused.value.code == "ots.unknown-op"


@pytest.mark.parametrize(("tag", "argument"), [(0xF0, b""), (0xF1, b""), (0x08, b"x")])
def test_an_argument_stands_exactly_where_it_belongs(tag, argument):
    with pytest.raises(BadTimestamp) as refused:
        Op(tag, argument)
    assert refused.value.code == "ots.argument"


def test_message_argument_and_result_have_at_most_4096_bytes():
    whole = bytes(MESSAGE_SIZE_MAX)
    assert SHA256(whole) == sha256(whole).digest()
    assert len(HEXLIFY(whole[: MESSAGE_SIZE_MAX // 2])) == MESSAGE_SIZE_MAX
    assert len(Op.append(whole[1:])(b"x")) == MESSAGE_SIZE_MAX
    for op, message in (
        (SHA256, whole + b"x"),
        (HEXLIFY, whole[: MESSAGE_SIZE_MAX // 2 + 1]),
        (Op.append(whole), b"x"),
        (Op.prepend(b"x"), whole),
    ):
        with pytest.raises(LimitExceeded):
            op(message)
    with pytest.raises(LimitExceeded):
        Op.append(whole + b"x")


@pytest.mark.parametrize("op", RESULTS, ids=str)
def test_nothing_is_done_with_an_empty_message(op):
    with pytest.raises(BadTimestamp) as refused:
        op(b"")
    assert refused.value.code == "ots.empty-message"


def test_operations_follow_one_another():
    assert apply_ops([Op.append(b"b"), Op.append(b"c")], b"a") == b"abc"
    assert apply_ops([], b"a") == b"a"


@pytest.mark.parametrize("op", DIGEST_SIZES, ids=str)
def test_a_file_in_pieces_has_the_digest_of_the_whole(op):
    pieces = [b"one", memoryview(b"two"), b"", b"three"]
    assert hash_pieces(op, pieces) == op(b"onetwothree")
    assert len(hash_pieces(op, [])) == DIGEST_SIZES[op]


def test_a_large_file_is_hashed_only_where_openssl_does_it():
    pieces = [bytes(SLOW_FILE_SIZE_MAX), b"x"]
    assert hash_pieces(SHA256, pieces) == sha256(b"".join(pieces)).digest()
    with pytest.raises(LimitExceeded):
        hash_pieces(KECCAK256, pieces)
    with pytest.raises(BadTimestamp) as refused:
        hash_pieces(REVERSE, pieces)
    assert refused.value.code == "ots.file-op"
