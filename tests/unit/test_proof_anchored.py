"""The sections `ledger` and `anchors`: what their shapes accept, and what is refused by name."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from headers import grown, run_of
from lodestamp.core.bitcoin import REGTEST
from lodestamp.core.encoding import base64_encode
from lodestamp.core.proof import (
    CHAIN_TRANSACTIONS_MAX,
    RUN_MAX,
    SKIPS_MAX,
    Anchor,
    AnchorChain,
    AnchorCovenant,
    AnchorKind,
    Proof,
    compress_run,
    from_parts,
    prune_anchors,
    replace_checkpoint,
)
from lodestamp.errors import ProofFormatError, UsageError
from proofs import (
    LEDGER,
    content_of,
    edited,
    evidence_of,
    proof_of_content,
    sealed,
    statement_of,
)

PROOF = proof_of_content()
SUBJECT = evidence_of({}, source="s")
B32 = base64_encode(bytes(32))
COVENANT = {"leaf": "AAAA", "roots": [], "transactions": ["AAAA"]}
CHAIN = {"genesis_txid": "0a" * 32, "state_before": B32, "covenant": COVENANT}


@cache
def headers() -> tuple[bytes, ...]:
    return tuple(header.encode() for header in run_of(grown(REGTEST, 3), 1))


def run() -> bytes:
    return compress_run(headers())


def pending(**more: Any) -> dict[str, Any]:
    return {"kind": "ots", "network": "main", "ots": "AAAA", **more}


def complete(**more: Any) -> dict[str, Any]:
    return pending(height=7, headers=base64_encode(run()), **more)


def chained(**more: Any) -> dict[str, Any]:
    return {**complete(), "kind": "chain", "chain": {**CHAIN, **more}}


def covenant(**more: Any) -> dict[str, Any]:
    return chained(covenant={**COVENANT, **more})


def without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value[key] for key in value if key != name}


def anchored(*anchors: Any) -> bytes:
    return edited(PROOF, lambda top: top.update(anchors=list(anchors)))


def refusal(data: bytes) -> str:
    with pytest.raises(ProofFormatError) as caught:
        Proof.parse(data)
    return caught.value.code


def test_anchors_are_parsed_to_values_and_written_as_they_came():
    assert len(Proof.parse(anchored(pending(), complete())).anchors) == 2
    for each in (pending(), complete(), chained(), complete(network="regtest")):
        data = anchored(each)
        proof = Proof.parse(data)
        assert proof.encode() == data
        assert proof.anchors[0].as_json() == each


def test_a_pending_anchor_has_neither_height_nor_headers():
    (anchor,) = Proof.parse(anchored(pending())).anchors
    assert (anchor.height, anchor.headers, anchor.chain, anchor.run()) == (None, None, None, ())


def test_a_genesis_txid_is_written_as_people_read_it():
    txid = bytes(range(32))
    chain = AnchorChain(txid, bytes(32), AnchorCovenant(b"leaf", (b"tx",)))
    assert chain.as_json()["genesis_txid"] == txid[::-1].hex()
    anchor = Anchor(AnchorKind.CHAIN, "regtest", b"ots", 7, run(), chain)
    log, checkpoint = sealed(SUBJECT)
    proof = from_parts(SUBJECT, (), None, log, checkpoint, anchors=[anchor])
    assert proof.anchors == (anchor,)
    assert anchor.run() == headers()


def test_from_parts_puts_anchors_in_their_one_order():
    anchors = [
        Anchor(AnchorKind.OTS, "testnet4", b"a"),
        Anchor(AnchorKind.OTS, "main", b"b", 9, run()),
        Anchor(AnchorKind.OTS, "main", b"b", 8, run()),
    ]
    proof = from_parts(SUBJECT, (), None, *sealed(SUBJECT), anchors=anchors)
    assert proof.anchors == (anchors[2], anchors[1], anchors[0])


def test_a_complete_anchor_makes_pending_ones_of_its_network_needless():
    """R70: a completed path prunes the other branches."""
    waiting = [Anchor(AnchorKind.OTS, network, b"z") for network in ("main", "testnet4")]
    done = Anchor(AnchorKind.OTS, "main", b"b", 9, run())
    proof = from_parts(SUBJECT, (), None, *sealed(SUBJECT), anchors=[*waiting, done])
    assert proof.anchors == (done, waiting[1])
    assert prune_anchors(waiting) == tuple(waiting)


def test_another_checkpoint_takes_the_place_of_all_that_bound_the_old_one():
    """R68: log, checkpoint, ledger and anchors are replaced together, never mixed."""
    data = edited(PROOF, lambda top: top.update(ledger=LEDGER, anchors=[pending()]))
    before, anchor = Proof.parse(data), Anchor(AnchorKind.OTS, "main", b"b", 9, run())
    evidence = evidence_of(statement_of(content_of(b"hello world\n")))
    log, checkpoint = sealed(evidence, 2, 9)
    after = replace_checkpoint(before, log, checkpoint, [anchor])
    assert (after.log, after.checkpoint, after.anchors) == (log, checkpoint, (anchor,))
    assert after.ledger is None
    assert (after.subject, after.content) == (before.subject, before.content)
    assert Proof.parse(after.encode()) == after


def test_a_proof_keeps_its_place_in_its_log():
    for log, checkpoint in (sealed(SUBJECT, 3, 9), sealed(SUBJECT, 2, 9, origin="log.example/x")):
        with pytest.raises(UsageError):
            replace_checkpoint(PROOF, log, checkpoint)
    alone = from_parts(SUBJECT)
    with pytest.raises(UsageError):
        replace_checkpoint(alone, *sealed(SUBJECT))


OTS_A, OTS_B = pending(ots="AAAA"), pending(ots="AAAB")
ANCHORS: dict[str, tuple[list[Any], str]] = {
    "twice": ([pending(), pending()], "not_canonical"),
    "by path, descending": ([OTS_B, OTS_A], "not_canonical"),
    "by height, descending": ([complete(), pending()], "not_canonical"),
    "by network, descending": ([pending(network="regtest"), pending()], "not_canonical"),
    "of another kind": ([pending(kind="coin")], "bad_type"),
    "of an unknown network": ([pending(network="test")], "bad_type"),
    "with more members": ([pending(note="x")], "unknown_member"),
    "without a network": ([without(pending(), "network")], "missing_member"),
    "without a path": ([without(pending(), "ots")], "missing_member"),
    "with an empty path": ([pending(ots="")], "bad_type"),
    "with a path in base64url": ([pending(ots="--__")], "bad_type"),
    "with a height alone": ([pending(height=7)], "missing_member"),
    "with headers alone": ([without(complete(), "height")], "missing_member"),
    "below the genesis": ([{**complete(), "height": -1}], "bad_type"),
    "at no integer": ([{**complete(), "height": "7"}], "bad_type"),
    "with no header": ([pending(height=7, headers="")], "bad_type"),
    "with half a header": ([pending(height=7, headers=B32)], "bad_type"),
    "with headers torn": (
        [pending(height=7, headers=base64_encode(run()[:-1]))],
        "bad_type",
    ),
    "with 2,017 headers": (
        [pending(height=7, headers=base64_encode(bytes(80 + 48 * RUN_MAX)))],
        "limit",
    ),
    "chained without a chain": ([complete(kind="chain")], "missing_member"),
    "with a chain, not chained": ([complete(chain=CHAIN)], "unknown_member"),
    "of a chain in words": ([complete(kind="chain", chain="x")], "bad_type"),
    "of a chain with more": ([chained(tip=B32)], "unknown_member"),
    "of a genesis in capitals": ([chained(genesis_txid="0A" * 32)], "bad_type"),
    "of half a genesis": ([chained(genesis_txid="0a" * 16)], "bad_type"),
    "of a short state": ([chained(state_before="AAAA")], "bad_type"),
    "of no covenant": ([chained(covenant=[])], "bad_type"),
    "of a covenant with more": ([covenant(kind="T6")], "unknown_member"),
    "of a covenant without leaf": (
        [chained(covenant=without(COVENANT, "leaf"))],
        "missing_member",
    ),
    "of no transaction": ([covenant(transactions=[])], "limit"),
    "of too many transactions": (
        [covenant(transactions=[""] * (CHAIN_TRANSACTIONS_MAX + 1))],
        "limit",
    ),
    "of a root too many": ([covenant(roots=[B32])], "bad_type"),
    "of a short root": ([covenant(transactions=["", ""], roots=["AAAA"])], "bad_type"),
    "of a short r": ([covenant(r="AAAA")], "bad_type"),
}


@pytest.mark.parametrize(("anchors", "reason"), ANCHORS.values(), ids=ANCHORS.keys())
def test_anchors_outside_the_schema_are_refused_by_name(anchors: list[Any], reason: str):
    assert refusal(anchored(*anchors)) == f"format.{reason}"


@pytest.mark.parametrize("section", [{"ledger": LEDGER}, {"anchors": [pending()]}])
def test_ledger_and_anchors_are_of_a_checkpoint(section: dict[str, Any]):
    """R68: log, ledger and anchors bind one checkpoint, so none comes without it."""

    def alone(top: dict[str, Any]) -> None:
        del top["log"], top["checkpoint"]
        top.update(section)

    assert refusal(edited(PROOF, alone)) == "format.missing_member"


RESULT = {"code": 0, "data": "", "path": ""}
LEDGERS: dict[str, tuple[dict[str, Any], str]] = {
    "another engine": ({**LEDGER, "engine": "paper"}, "bad_type"),
    "no chain": (without(LEDGER, "chain"), "missing_member"),
    "an empty chain": ({**LEDGER, "chain": ""}, "bad_type"),
    "height as text": ({**LEDGER, "height": "7"}, "bad_type"),
    "index -1": ({**LEDGER, "index": -1}, "bad_type"),
    "a transaction as object": ({**LEDGER, "transaction": {}}, "bad_type"),
    "a path in base64url": ({**LEDGER, "path": "--__"}, "bad_type"),
    "a header as list": ({**LEDGER, "header": []}, "bad_type"),
    "finality as text": ({**LEDGER, "finality": "yes"}, "bad_type"),
    "more members": ({**LEDGER, "root": ""}, "unknown_member"),
    "a result with more": ({**LEDGER, "result": {**RESULT, "log": ""}}, "unknown_member"),
    "a result without code": (
        {**LEDGER, "result": without(RESULT, "code")},
        "missing_member",
    ),
    "no light block": ({**LEDGER, "skips": []}, "limit"),
    "33 light blocks": ({**LEDGER, "skips": [{}] * (SKIPS_MAX + 1)}, "limit"),
    "a light block in words": ({**LEDGER, "skips": ["x"]}, "bad_type"),
}


@pytest.mark.parametrize(("ledger", "reason"), LEDGERS.values(), ids=LEDGERS.keys())
def test_ledgers_outside_the_schema_are_refused_by_name(ledger: dict[str, Any], reason: str):
    data = edited(PROOF, lambda top: top.update(ledger=ledger))
    assert refusal(data) == f"format.{reason}"


def test_a_ledger_is_kept_as_it_came():
    whole = {**LEDGER, "result": RESULT, "skips": [{"a": 1}, {}]}
    data = edited(PROOF, lambda top: top.update(ledger=whole))
    proof = Proof.parse(data)
    assert proof.encode() == data
    assert proof.ledger is not None
    assert (proof.ledger.transaction, proof.ledger.skips) == (b"tx", ({"a": 1}, {}))
