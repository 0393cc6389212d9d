"""Ed25519: Wycheproof 151 of 151, and exactly the 43 CCTV vectors that libsodium accepts (K1)."""

from __future__ import annotations

from conftest import load_json
from lodestamp.core.keys import ed25519_verify


def test_every_wycheproof_case_comes_out_as_stated(vectors):
    groups = load_json(vectors / "operations/ed25519/ed25519_test.json")["testGroups"]
    valid = invalid = 0
    for group in groups:
        key = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            holds = ed25519_verify(key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert holds == (case["result"] == "valid"), (case["tcId"], case["comment"])
            valid += holds
            invalid += not holds
    assert (valid, invalid) == (88, 63)


def test_exactly_the_named_cctv_vectors_are_accepted(vectors):
    folder = vectors / "operations/ed25519"
    cases = load_json(folder / "ed25519vectors.json")
    accepted = [
        case["number"]
        for case in cases
        if ed25519_verify(
            bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"])
        )
    ]
    assert accepted == load_json(folder / "cctv-accepted.json")["accepted"]
    assert (len(cases), len(accepted)) == (914, 43)
