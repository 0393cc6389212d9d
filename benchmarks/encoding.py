"""Canonical JSON against rfc8785: how quick, and whether the bytes are the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import rfc8785

from benchmarks.documents import Documents, is_astral
from benchmarks.operations import claims
from benchmarks.table import Fact, Findings, Row, compare, trial
from lodestamp.core.encoding import JsonObject, canonical_json, parse_canonical


def findings(*, quick: bool) -> Findings:
    """Time three kinds of documents; compare the bytes of 1,000,000 (50,000 when quick)."""
    rounds = 3 if quick else 5
    whole_claims = [parse_canonical(op.wire) for op in claims(200)]
    yield _compare("claims", whole_claims, rounds, aim=10)
    smiling = [_smiling(each) for each in whole_claims]
    yield _compare("claims with one emoji", smiling, rounds, aim=10)
    plain = Documents(with_astral=False).take(4_000)
    yield _compare("documents up to U+FFFF", plain, rounds, aim=10)
    generated = Documents(with_astral=True).take(10_000)
    astral = [each for each in generated if is_astral(canonical_json(each))]
    yield _compare("documents beyond U+FFFF", astral, rounds, aim=10)
    yield from _equality(50_000 if quick else 1_000_000)


def _compare(kind: str, documents: Sequence[JsonObject], rounds: int, aim: float) -> Row:
    size = sum(len(canonical_json(each)) for each in documents) // len(documents)

    def run(encode: Callable[[Any], bytes]) -> Callable[[], None]:
        def encode_all() -> None:
            for document in documents:
                encode(document)

        return encode_all

    return compare(
        f"canonical JSON, {kind} of {size:,} bytes",
        unit="document",
        ours=trial(run(canonical_json), len(documents)),
        peer="rfc8785",
        theirs=trial(run(rfc8785.dumps), len(documents)),
        aim=aim,
        rounds=rounds,
    )


def _equality(count: int) -> Findings:
    """Compare every document with rfc8785, and with a third serializer those beyond U+FFFF.

    The third is the standard library's, told the order of keys, and shares nothing with either.
    """
    mismatches = beyond = 0
    for document in islice(Documents(with_astral=True), count):
        data = canonical_json(document)
        mismatches += data != rfc8785.dumps(document)
        if is_astral(data):
            beyond += 1
            mismatches += data != _by_hand(document)
    yield Fact(
        f"… byte-equal on {count:,} documents, {beyond:,} beyond U+FFFF",
        f"{mismatches} differ",
        aim="0",
        is_met=mismatches == 0,
    )
    assert mismatches == 0
    assert beyond > count // 10


def _smiling(claim: JsonObject) -> JsonObject:
    """Return a claim of which one text, but no key, has a character beyond U+FFFF."""
    return {**claim, "node": "ledger \U0001f600"}


def _by_hand(document: JsonObject) -> bytes:
    text = json.dumps(_in_order(document), ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def _in_order(value: Any) -> Any:
    """Rebuild a value with its keys in the order of their UTF-16 units (RFC 8785 §3.2.3)."""
    if isinstance(value, dict):
        ordered = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: _in_order(value[key]) for key in ordered}
    return [_in_order(each) for each in value] if isinstance(value, list) else value
