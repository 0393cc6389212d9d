"""ML-DSA-65 verification: Wycheproof 210 of 210 (operations spec §14).

Eight cases carry a context. The product uses none, so those go to the primitive directly, and
where the context is not empty the product must refuse the same signature.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

from conftest import load_json
from lodestamp.core.keys import SUITES, PublicKey, verify
from lodestamp.errors import KeyFormatError, SignatureError


def product_accepts(raw, payload, signature):
    try:
        verify(PublicKey("mldsa65", raw), payload, signature)
    except (KeyFormatError, SignatureError):
        return False
    return True


def primitive_accepts(raw, payload, signature, context):
    try:
        MLDSA65PublicKey.from_public_bytes(raw).verify(signature, payload, context)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_every_wycheproof_case_comes_out_as_stated(vectors):
    groups = load_json(vectors / "operations/mldsa65/mldsa_65_verify_test.json")["testGroups"]
    valid = invalid = with_context = odd_keys = 0
    for group in groups:
        raw = bytes.fromhex(group["publicKey"])
        odd_keys += len(raw) != SUITES["mldsa65"].public_size
        for case in group["tests"]:
            payload, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
            holds = product_accepts(raw, payload, signature)
            if "ctx" in case:
                with_context += 1
                assert not (holds and case["ctx"])
                holds = primitive_accepts(raw, payload, signature, bytes.fromhex(case["ctx"]))
            assert holds == (case["result"] == "valid"), (case["tcId"], case["comment"])
            valid += holds
            invalid += not holds
    assert (valid, invalid, with_context) == (79, 131, 8)
    assert odd_keys
