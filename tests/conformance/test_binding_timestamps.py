"""The timestamps of the eight bindings: operations, anchor digest and file, both ways (§6.1)."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import pytest

from conftest import load_json
from lodestamp.core.merkle import InclusionProof
from lodestamp.core.timestamps import (
    ENTRY_OPS,
    SHA256,
    Detached,
    Pending,
    anchor_digest,
    anchor_ops,
    apply_ops,
    attested,
    encode_detached,
    encode_path,
    lead_to,
    parse_detached,
    path_ops,
    replay,
    walk,
)

CALENDAR = Pending("https://calendar.example")


@pytest.fixture(scope="module")
def cases(vectors):
    found = load_json(vectors / "transparency/binding.json")["cases"]
    assert len(found) == 8
    return found


def path_of(case):
    return InclusionProof(case["index"], case["size"], tuple(map(bytes.fromhex, case["path"])))


def ops_of(case):
    return (*ENTRY_OPS, *path_ops(path_of(case)), *anchor_ops(case["origin"], case["size"]))


def test_the_operations_lead_through_leaf_and_root_to_the_anchor_digest(cases):
    """R41, R44: each step gives the published value, and the digest is the direct hash."""
    for case in cases:
        digest = sha256(b64decode(case["op_bytes"])).digest()
        leaf = apply_ops(ENTRY_OPS, digest)
        assert leaf.hex() == case["leaf_hash"]
        root = apply_ops(path_ops(path_of(case)), leaf)
        assert root.hex() == case["root"]
        prefix, hashed = anchor_ops(case["origin"], case["size"])
        assert (prefix.argument.hex(), hashed) == (case["anchor_prefix"], SHA256)
        assert (
            apply_ops(anchor_ops(case["origin"], case["size"]), root).hex()
            == (case["anchor_digest"])
        )
        assert anchor_digest(case["origin"], case["size"], root).hex() == case["anchor_digest"]


def test_the_published_file_is_written_byte_for_byte(cases):
    for case in cases:
        digest, anchor = bytes.fromhex(case["op_digest"]), bytes.fromhex(case["anchor_digest"])
        timestamp = lead_to(digest, ops_of(case), attested(anchor, CALENDAR))
        published = b64decode(case["ots_file"])
        assert encode_detached(Detached(SHA256, timestamp)) == published
        assert published.endswith(encode_path(ops_of(case), CALENDAR))


def test_the_published_file_is_read_and_leads_to_the_anchor_digest(cases):
    for case in cases:
        published = b64decode(case["ots_file"])
        detached = parse_detached(published, strict=True)
        anchor = bytes.fromhex(case["anchor_digest"])
        assert detached.digest.hex() == case["op_digest"]
        assert list(walk(detached.timestamp)) == [(anchor, CALENDAR)]
        assert replay(published) == ((anchor, CALENDAR.tag, CALENDAR.payload),)
        assert encode_detached(detached) == published


def test_the_worked_case_is_the_one_of_the_spec(cases):
    """R44."""
    case = next(each for each in cases if each["label"] == "five-mid")
    assert (case["origin"], case["size"]) == ("log.example/b", 5)
    root = apply_ops(ENTRY_OPS + path_ops(path_of(case)), bytes.fromhex(case["op_digest"]))
    assert anchor_digest("log.example/b", 5, root).hex() == (
        "cc8a2b00bc28bfcfcf2c0cfa267337a3ef13ba62bafee64963930a3a5986eff3"
    )


def test_each_step_of_a_path_has_the_bytes_of_the_table(cases):
    """§6.1: 36 bytes as right child, 38 as left one, 61 and 2 for the anchor, 8 for the entry."""
    seen = set()
    for case in cases:
        encoded = encode_path(ops_of(case), CALENDAR)
        assert encoded[:8] == bytes.fromhex("f105000155122008")
        at = 8
        for sibling in map(bytes.fromhex, case["path"]):
            if encoded[at] == 0xF0:
                step = b"\xf0\x20" + sibling + b"\xf1\x01\x01\x08"
            else:
                step = b"\xf1\x21\x01" + sibling + b"\x08"
            assert encoded[at : at + len(step)] == step
            assert len(step) == (38 if encoded[at] == 0xF0 else 36)
            seen.add(encoded[at])
            at += len(step)
        prefix = bytes.fromhex(case["anchor_prefix"])
        assert encoded[at : at + 63] == b"\xf1\x3c" + prefix + b"\x08"
        assert encoded[at + 63] == 0x00
    assert seen == {0xF0, 0xF1}
