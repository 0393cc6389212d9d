"""DAG-CBOR: what cbrrr lets through is refused here (content spec R70)."""

from __future__ import annotations

import pytest

from lodestamp.core.content import BLOCK_SIZE_MAX, dag_cbor
from lodestamp.core.encoding import Cid
from lodestamp.errors import CidError, CodecError, LimitExceeded

CID = Cid.of(0x55, b"x")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "dagcbor.malformed"),
        ("1817", "dagcbor.malformed"),  # 23 in two bytes
        ("fb7ff8000000000000", "dagcbor.malformed"),  # NaN
        ("f97e00", "dagcbor.malformed"),  # half float
        ("8100", "ok"),
        ("810000", "dagcbor.malformed"),  # trailing
        ("a20101", "dagcbor.malformed"),  # integer keys
        ("c100", "dagcbor.malformed"),  # another tag
        ("9affffffff", "dagcbor.malformed"),  # four thousand million items that are not there
        ("d82a58250001", "dagcbor.malformed"),  # a CID cut short
    ],
)
def test_only_the_one_encoding_is_read(text, code):
    if code == "ok":
        assert dag_cbor.decode(bytes.fromhex(text)) == [0]
        return
    with pytest.raises(CodecError) as refused:
        dag_cbor.decode(bytes.fromhex(text))
    assert refused.value.code == code


def test_r70_a_link_that_is_no_cid_is_refused():
    for text in ("d82a4100", "d82a420001", "d82a4500015500ff"):
        with pytest.raises(CidError):
            dag_cbor.decode(bytes.fromhex(text))


def test_r70_bytes_that_look_like_a_cid_stay_bytes():
    value = [CID.encode(), CID]
    assert dag_cbor.decode(dag_cbor.encode(value)) == value
    assert list(dag_cbor.links(dag_cbor.encode(value))) == [CID]


def test_r70_depth_ends_at_64():
    assert dag_cbor.decode(b"\x81" * 63 + b"\x80")
    for block in (b"\x81" * 64 + b"\x80", b"\x81" * 1_000_000 + b"\x80"):
        with pytest.raises(LimitExceeded):
            dag_cbor.decode(block)


def test_a_block_over_two_mebibytes_is_not_looked_at():
    with pytest.raises(LimitExceeded):
        dag_cbor.decode(bytes(BLOCK_SIZE_MAX + 1))


@pytest.mark.parametrize("value", [float("nan"), 1 << 64, {1: 2}, object(), "\ud800", {"a": set()}])
def test_what_the_format_cannot_hold_is_refused(value):
    with pytest.raises(CodecError) as refused:
        dag_cbor.encode(value)
    assert refused.value.code == "dagcbor.value"


def test_a_list_within_itself_is_refused_for_its_depth():
    value = []
    value.append(value)
    with pytest.raises(LimitExceeded):
        dag_cbor.encode(value)


def test_links_come_in_the_order_of_the_bytes():
    cids = [Cid.of(0x71, bytes([n])) for n in range(5)]
    block = dag_cbor.encode({"b": cids[0], "a": [cids[1], cids[0]], "cc": {"x": cids[2]}})
    assert list(dag_cbor.links(block)) == [cids[1], cids[0], cids[0], cids[2]]
