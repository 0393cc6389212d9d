"""Packets and patterns: closed forms that survive JSON (R46)."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from lodestamp.core.encoding import Cid
from lodestamp.core.flows import STANDARD_WORKFLOWS, ContentRef, DataFlowPacket, Pattern
from lodestamp.errors import LimitExceeded, MalformedPacket

SMALL = DataFlowPacket("0a" * 16, b"\x00\xff", {"a": [1]}, timestamps={})
LARGE = DataFlowPacket("0a" * 16, ContentRef(Cid.of(0x70, b"x"), 70_000), {})


@pytest.mark.parametrize("packet", [SMALL, LARGE], ids=["bytes", "reference"])
def test_r46_a_packet_survives_json_and_its_document_is_left_alone(packet):
    document = json.loads(json.dumps(packet.to_dict()))
    kept = deepcopy(document)
    read = DataFlowPacket.from_dict(document)
    assert read == packet
    assert document == kept
    document["metadata"]["a"] = 2
    assert read == packet
    assert DataFlowPacket.decode(packet.encode()) == packet


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("processing_stage", "verification "),
        ("processing_state", "done"),
        ("packet_id", "0A" * 16),
        ("content", "AA"),
        ("content", {"cid": str(Cid.of(0x70, b"x")), "size": 10}),
        ("content", {"cid": "bafy", "size": 70_000}),
        ("metadata", []),
        ("op_cat_operations", "ab"),
        ("timestamps", {"created": "2026-01-01T00:00:00Z"}),
        ("timestamps", {"created": "2026-01-01T00:00:00.000000+00:00"}),
        ("verification_data", None),
        ("verification_data", {"a": 1.5}),
    ],
)
def test_r46_another_form_is_refused(key, value):
    with pytest.raises(MalformedPacket):
        DataFlowPacket.from_dict(SMALL.to_dict() | {key: value})


def test_r46_unknown_and_missing_keys_are_refused():
    with pytest.raises(MalformedPacket):
        DataFlowPacket.from_dict(SMALL.to_dict() | {"more": 1})
    document = SMALL.to_dict()
    del document["content"]
    with pytest.raises(MalformedPacket):
        DataFlowPacket.from_dict(document)
    with pytest.raises(LimitExceeded):
        DataFlowPacket("0a" * 16, bytes(65_537), {})
    with pytest.raises(LimitExceeded):
        DataFlowPacket.from_dict(SMALL.to_dict() | {"metadata": {"a": "x" * 65_536}})


@pytest.mark.parametrize("name", sorted(STANDARD_WORKFLOWS))
def test_standard_patterns_are_read_back_from_json(name):
    pattern = Pattern.parse(STANDARD_WORKFLOWS[name])
    assert Pattern.parse(json.loads(json.dumps(pattern.as_json()))) == pattern
