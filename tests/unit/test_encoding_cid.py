from __future__ import annotations

from hashlib import sha256

import pytest

from lodestamp.core.encoding import OP_CID_PREFIX, Cid, Codec, digest_of_op_cid
from lodestamp.errors import CidError, EncodingError

DIGEST = sha256(b"hello world").digest()
RAW = Cid(1, Codec.RAW, 0x12, DIGEST)
DAG = Cid(0, Codec.DAG_PB, 0x12, DIGEST)


def code_of(call, *arguments):
    with pytest.raises(EncodingError) as refusal:
        call(*arguments)
    return refusal.value.code


def test_a_cid_reads_back_from_bytes_and_every_text():
    for cid in (RAW, DAG.to_v1()):
        assert Cid.decode(cid.encode()) == cid
        for base in "bBkKzfFu":
            assert Cid.parse(cid.text(base)) == cid
    assert Cid.decode(DAG.encode()) == DAG == Cid.parse(str(DAG))


def test_an_operation_id_and_its_cid_are_one_digest():
    assert RAW.op_id == "sha256:" + DIGEST.hex()
    assert Cid.from_op_id(RAW.op_id) == RAW
    assert RAW.encode() == OP_CID_PREFIX + DIGEST
    assert digest_of_op_cid(RAW.encode()) == DIGEST


def test_no_other_cid_is_an_operation():
    for cid in (DAG, DAG.to_v1(), Cid(1, Codec.RAW, 0x1E, DIGEST)):
        assert code_of(lambda cid=cid: cid.op_id) == "cid.not-operation"
    for entry in (b"", DAG.encode(), RAW.encode() + b"\0", RAW.encode()[:-1], DAG.to_v1().encode()):
        assert digest_of_op_cid(entry) is None
    assert code_of(Cid.from_op_id, "sha256:00") == "bad-address"


def test_versions_convert_only_where_version_zero_exists():
    assert DAG.to_v1().to_v0() == DAG
    assert DAG.multihash == DAG.to_v1().multihash
    assert code_of(RAW.to_v0) == "cid.version"
    assert code_of(DAG.text, "b") == "cid.base"
    assert code_of(Cid, 2, Codec.RAW, 0x12, DIGEST) == "cid.version"
    assert code_of(RAW.text, "m") == "cid.base"


def test_a_known_function_needs_its_full_digest():
    assert code_of(Cid, 1, Codec.RAW, 0x12, DIGEST[:-1]) == "cid.digest-length"
    assert Cid(1, Codec.RAW, 0x9999, b"x").digest == b"x"


def test_a_cid_knows_its_block():
    assert Cid.of(Codec.RAW, b"hello world") == RAW
    assert RAW.matches(b"hello world")
    assert not RAW.matches(b"hello worle")


def test_keys_are_spelled_in_base36_by_default():
    assert str(Cid(1, Codec.LIBP2P_KEY, 0x12, DIGEST)).startswith("k")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "cid.trailing"), (bytes(257), "cid.trailing"), (RAW.encode() + b"\0", "cid.trailing"),
        (b"\x02" + RAW.encode()[1:], "cid.version"), (b"\x00" + RAW.encode()[1:], "cid.version"),
        (RAW.encode()[:-1], "cid.digest-length"), (b"\x01", "cid.varint"),
        (b"\x01\xd5\x00\x12\x20" + DIGEST, "cid.varint"), (DAG.encode()[:-1], "cid.digest-length"),
        (b"\x81\x00" + RAW.encode()[1:], "cid.varint"),
    ],
)  # fmt: skip
def test_other_bytes_are_no_cid(data, code):
    assert code_of(Cid.decode, data) == code


@pytest.mark.parametrize(
    "text",
    [
        "", "Qm", str(DAG)[:-1], str(DAG) + "1", str(RAW) + "a", str(RAW)[1:], str(RAW).title(),
        "z" + str(DAG), "b" * 600, "m" + str(RAW), str(RAW) + "\n", "Qm" + "0" * 44,
    ],
)  # fmt: skip
def test_other_texts_are_no_cid(text):
    with pytest.raises(CidError):
        Cid.parse(text)
