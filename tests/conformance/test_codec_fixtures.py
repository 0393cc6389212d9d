"""DAG-CBOR and DAG-JSON: the shared codec fixtures (content spec R70, R71, §13)."""

from __future__ import annotations

import pytest

from conftest import load_json
from lodestamp.core.content import dag_cbor, dag_json
from lodestamp.core.encoding import Cid
from lodestamp.errors import CodecError


def _forms(vectors, codec):
    fixtures = load_json(vectors / "content/codec_fixtures.json")["fixtures"]
    return [(each["name"], each["forms"][codec]) for each in fixtures if codec in each["forms"]]


def test_every_dag_cbor_fixture_reencodes_byte_for_byte(vectors):
    """R70."""
    forms = _forms(vectors, "dag-cbor")
    for name, form in forms:
        block = bytes.fromhex(form["hex"])
        assert dag_cbor.encode(dag_cbor.decode(block)) == block, name
        assert Cid.of(0x71, block) == Cid.parse(form["cid"]), name
    assert len(forms) == 128


def test_every_dag_json_fixture_is_the_value_of_its_dag_cbor(vectors):
    """R71."""
    cbor = dict(_forms(vectors, "dag-cbor"))
    forms = _forms(vectors, "dag-json")
    for name, form in forms:
        value = dag_json.decode(bytes.fromhex(form["hex"]))
        other = dag_cbor.decode(bytes.fromhex(cbor[name]["hex"]))
        assert value == other, name
        assert type(value) is type(other), name
        links = set(dag_json.links(bytes.fromhex(form["hex"])))
        assert links == set(dag_cbor.links(bytes.fromhex(cbor[name]["hex"]))), name
    assert len(forms) == 128


@pytest.mark.parametrize(
    ("codec", "decode", "code"),
    [
        ("dag-cbor", dag_cbor.decode, "dagcbor.malformed"),
        ("dag-json", dag_json.decode, "dagjson.keys"),
    ],
)
def test_duplicate_keys_are_refused(vectors, codec, decode, code):
    cases = load_json(vectors / "content/codec_negative_fixtures.json")
    cases = cases[f"{codec}/decode/duplicate-keys.json"]
    for case in cases:
        with pytest.raises(CodecError) as refused:
            decode(bytes.fromhex(case["hex"]))
        assert refused.value.code == code
    assert len(cases) == 1
