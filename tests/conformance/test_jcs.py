"""JCS test files of cyberphone/json-canonicalization: 6 of 6 (operations spec §14)."""

from __future__ import annotations

import json

import pytest
import rfc8785

from lodestamp.core.encoding import canonical_json, parse_canonical
from lodestamp.errors import EncodingError

NAMES = ["arrays", "french", "structures", "unicode", "values", "weird"]


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_gives_the_published_bytes(vectors, name):
    folder = vectors / "operations/jcs"
    value = json.loads((folder / "input" / f"{name}.json").read_text("utf-8"))
    wanted = (folder / "output" / f"{name}.json").read_bytes()
    assert rfc8785.dumps(value) == wanted
    assert bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text()) == wanted
    if _has_float(value):
        with pytest.raises(EncodingError) as refused:
            canonical_json(value)
        assert refused.value.code == "float"
    else:
        assert canonical_json(value) == wanted
        if isinstance(value, dict):
            assert parse_canonical(wanted) == value


def test_values_and_structures_are_refused_in_the_integer_profile(vectors):
    refused = set()
    for name in NAMES:
        value = json.loads((vectors / "operations/jcs/input" / f"{name}.json").read_text("utf-8"))
        try:
            canonical_json(value)
        except EncodingError as error:
            refused.add((name, error.code))
    assert refused == {("structures", "float"), ("values", "float")}


def _has_float(value):
    if isinstance(value, dict):
        return any(map(_has_float, value.values()))
    if isinstance(value, list):
        return any(map(_has_float, value))
    return isinstance(value, float)
