"""dag-pb: the shared codec fixtures, 17 accepted and 9 refused (content spec §13)."""

from __future__ import annotations

import pytest

from conftest import load_json
from lodestamp.core.content import dag_pb
from lodestamp.core.encoding import Cid
from lodestamp.errors import CodecError

REFUSALS = {"data between links": "dagpb.link-order"}


def test_every_dag_pb_fixture_reencodes_byte_for_byte(vectors):
    fixtures = load_json(vectors / "content/codec_fixtures.json")["fixtures"]
    forms = [fixture["forms"]["dag-pb"] for fixture in fixtures if "dag-pb" in fixture["forms"]]
    for form in forms:
        block = bytes.fromhex(form["hex"])
        assert dag_pb.encode(dag_pb.decode(block, strict=True)) == block
        assert str(Cid.of(0x70, block)) == form["cid"]
    assert len(forms) == 17


def test_every_negative_dag_pb_fixture_is_refused(vectors):
    fixtures = load_json(vectors / "content/codec_negative_fixtures.json")
    cases = fixtures["dag-pb/decode/edges.json"]
    for case in cases:
        with pytest.raises(CodecError) as caught:
            dag_pb.decode(bytes.fromhex(case["hex"]))
        assert caught.value.code == REFUSALS.get(case["name"], "dagpb.no-hash"), case["name"]
    assert len(cases) == 9


def test_five_dag_pb_defects_are_named(vectors):
    cases = load_json(vectors / "content/dag_defects.json")["cases"]
    named = [case for case in cases if case["name"].startswith("dag-pb:")]
    for case in named:
        block = bytes.fromhex(case["blocks"][case["root"]])
        expected = case["expect"].removeprefix("ok; strict: ")
        with pytest.raises(CodecError) as caught:
            dag_pb.decode(block, strict=True)
        assert caught.value.code == expected
        if expected != case["expect"]:
            dag_pb.decode(block)
    assert len(named) == 5
