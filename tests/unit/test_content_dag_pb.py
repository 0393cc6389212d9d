"""dag-pb: what is refused, under which code, and the two lenient forms."""

from __future__ import annotations

import pytest

from lodestamp.core.content import BLOCK_SIZE_MAX, LINKS_READ_MAX, PBLink, PBNode, dag_pb
from lodestamp.core.encoding import Cid
from lodestamp.errors import CidError, CodecError, LimitExceeded

CID = Cid.parse("bafkqabiaaebagba")
HASH = "0a09015500050001020304"
LINK = f"120b{HASH}"


def refusal(text, *, strict=False):
    with pytest.raises(CodecError) as caught:
        dag_pb.decode(bytes.fromhex(text), strict=strict)
    return caught.value.code


def test_names_and_tsizes_may_be_absent_which_differs_from_empty_and_zero():
    absent, empty = PBLink(CID), PBLink(CID, b"", 0)
    assert dag_pb.encode(PBNode((absent,))).hex() == LINK
    assert dag_pb.encode(PBNode((empty,))).hex() == f"120f{HASH}12001800"
    assert dag_pb.decode(dag_pb.encode(PBNode((absent, empty)))).links == (absent, empty)


def test_absent_data_differs_from_empty_data():
    assert dag_pb.encode(PBNode()) == b""
    assert dag_pb.encode(PBNode(data=b"")).hex() == "0a00"
    assert dag_pb.decode(b"").data is None
    assert dag_pb.decode(b"\x0a\x00").data == b""


def test_data_before_links_is_read_but_not_canonical():
    node = dag_pb.decode(bytes.fromhex(f"0a0101{LINK}"))
    assert node == PBNode((PBLink(CID),), b"\x01")
    assert refusal(f"0a0101{LINK}", strict=True) == "dagpb.not-canonical"


def test_a_varint_that_is_not_minimal_is_read_but_not_canonical():
    block = f"120e{HASH}188100"
    assert dag_pb.decode(bytes.fromhex(block)).links == (PBLink(CID, None, 1),)
    assert refusal(block, strict=True) == "dagpb.not-canonical"


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ("1a00", "dagpb.field"),
        ("0200", "dagpb.field"),
        (f"120d{HASH}2200", "dagpb.field"),
        ("0801", "dagpb.wire"),
        ("1001", "dagpb.wire"),
        (f"120d{HASH}1001", "dagpb.wire"),
        (f"120d{HASH}1a00", "dagpb.wire"),
        ("09" + "00" * 8, "dagpb.wire"),
        ("0d00000000", "dagpb.wire"),
        (f"1216{HASH}18ffffffffffffffffff02", "dagpb.wire"),
        (f"1217{HASH}1880808080808080808080 00", "dagpb.wire"),
        ("0a02ff", "dagpb.truncated"),
        ("0a", "dagpb.truncated"),
        ("0aff", "dagpb.truncated"),
        ("0affffffffffffffffff01", "dagpb.truncated"),
        ("120c0a0a015500050001020304", "dagpb.truncated"),
        ("0a000a00", "dagpb.duplicate-data"),
        (f"{LINK}0a00{LINK}", "dagpb.link-order"),
        (f"120d1200{HASH}", "dagpb.link-order"),
        (f"1216{HASH}{HASH}", "dagpb.link-order"),
        (f"120f{HASH}18001200", "dagpb.link-order"),
        (f"120f{HASH}12001200", "dagpb.link-order"),
        ("12021800", "dagpb.no-hash"),
    ],
)  # fmt: skip
def test_a_malformed_block_is_refused_with_its_code(block, code):
    assert refusal(block) == code


def test_a_hash_that_is_no_cid_is_refused_as_a_cid():
    with pytest.raises(CidError):
        dag_pb.decode(bytes.fromhex("12050a03015500"))


def test_an_error_says_at_which_byte():
    with pytest.raises(CodecError, match="at byte 13") as caught:
        dag_pb.decode(bytes.fromhex(f"{LINK}1a00"))
    assert caught.value.at == 13


def test_a_tsize_takes_64_bits_and_no_more():
    largest = PBNode((PBLink(CID, None, (1 << 64) - 1),))
    assert dag_pb.decode(dag_pb.encode(largest), strict=True) == largest
    for tsize in (1 << 64, -1):
        with pytest.raises(CodecError) as caught:
            dag_pb.encode(PBNode((PBLink(CID, None, tsize),)))
        assert caught.value.code == "protobuf.range"


def test_blocks_and_their_links_are_bounded():
    with pytest.raises(LimitExceeded):
        dag_pb.decode(bytes(BLOCK_SIZE_MAX + 1))
    link = bytes.fromhex("12060a0401550000")
    assert len(dag_pb.decode(link * LINKS_READ_MAX).links) == LINKS_READ_MAX
    with pytest.raises(LimitExceeded):
        dag_pb.decode(link * (LINKS_READ_MAX + 1))
    with pytest.raises(LimitExceeded):
        PBNode((PBLink(CID),) * (LINKS_READ_MAX + 1))
