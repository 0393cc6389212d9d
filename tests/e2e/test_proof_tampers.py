"""The tampers of transparency spec §12 that a proof without ledger and time legs can suffer."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest

from lodestamp.core.merkle import node_hash
from lodestamp.core.proof import AuthorPin, LogPin, Trust, from_parts, verify
from lodestamp.core.verdict import Status, Verdict
from proofs import (
    AUTHOR,
    LOG_KEY,
    ORIGIN,
    OTHER_LOG_KEY,
    claim_of,
    content_of,
    edited,
    entry_leaves,
    evidence_of,
    log_vkey,
    sealed,
    signed_note,
    statement_of,
    tree_root,
)

DATA = b"the report\n"
SOURCES = [evidence_of(statement_of(content_of(text))) for text in (DATA, b"an annex\n")]
CLAIM = claim_of(SOURCES)
UNKNOWN_LINE = "— witness.example/w9 " + "AAAAAAAA" * 12 + "\n"
PROOF = from_parts(CLAIM, SOURCES, content_of(DATA), *sealed(CLAIM, 2, 7))
BYTES = PROOF.encode()
Change = Callable[[dict[str, Any]], object]


def tampered(change: Change, trust: Trust | None = None) -> Verdict:
    data = edited(PROOF, change)
    assert data != BYTES
    return verify(data, trust, DATA)


def path(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    def replace(top: dict[str, Any]) -> None:
        joined = b64decode(top["log"]["path"])
        hashes = [joined[at : at + 32] for at in range(0, len(joined), 32)]
        top["log"]["path"] = b64encode(b"".join(change(hashes))).decode()

    return replace


def checkpoint(**members: Any) -> Change:
    return lambda top: top["checkpoint"].update(members)


def log(**members: Any) -> Change:
    return lambda top: top["log"].update(members)


def pins() -> Trust:
    return Trust(logs=(LogPin(ORIGIN, (log_vkey(),)),), authors=(AuthorPin(AUTHOR.key_id),))


def test_the_untouched_proof_is_established():
    assert verify(BYTES, None, DATA).verdict is Status.ESTABLISHED
    assert verify(BYTES, pins(), DATA).verdict is Status.ESTABLISHED


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_26_each_byte_flipped_in_turn(mask: int):
    noted = edited(
        PROOF, lambda top: checkpoint(note=top["checkpoint"]["note"] + UNKNOWN_LINE)(top)
    )
    honest = verify(noted, None, DATA)
    assert honest.verdict is Status.ESTABLISHED
    ignored = range(noted.index("— witness".encode()), noted.index(b'","vkeys"'))
    for at in range(len(noted)):
        flipped = noted[:at] + bytes([noted[at] ^ mask]) + noted[at + 1 :]
        verdict = verify(flipped, None, DATA)
        if verdict.verdict is Status.ESTABLISHED:
            assert at in ignored
            assert verdict.legs == honest.legs
            assert verdict.ignored != honest.ignored
        for leg in verdict.legs:
            assert leg.status is not Status.ESTABLISHED or leg in honest.legs


def test_29_unknown_member_added():
    for place in (lambda top: top, lambda top: top["subject"], lambda top: top["content"]):
        verdict = tampered(lambda top, place=place: place(top).update(moon=1))
        assert verdict.leg("format").code == "format.unknown_member"
    for place in (lambda top: top["log"], lambda top: top["checkpoint"]):
        verdict = tampered(lambda top, place=place: place(top).update(moon=1))
        assert verdict.leg("format").code == "format.unknown_member"
    inside = tampered(lambda top: top["subject"]["operation"].update(moon=1))
    assert inside.leg("operation").code == "operation.schema"


def test_30_duplicate_json_key():
    for member in (b'"version":1', b'"format":"lodestamp-proof"', b'"version":2'):
        data = BYTES[:-1] + b"," + member + b"}"
        assert verify(data, None, DATA).leg("format").code == "format.not_canonical"


def test_31_key_order_or_whitespace_changed():
    for data in (
        b'{"version":1,' + BYTES.replace(b',"version":1', b"")[1:],
        BYTES.replace(b'"log":{', b'"log": {'),
        BYTES + b"\n",
        b" " + BYTES,
    ):
        assert data != BYTES
        assert verify(data, None, DATA).leg("format").code == "format.not_canonical"


def test_32_array_reordered():
    verdict = tampered(lambda top: top["subject"]["disclosed"].reverse())
    assert verdict.leg("operation").code == "operation.schema"
    keys = sorted([log_vkey().text(), log_vkey(OTHER_LOG_KEY).text()])
    verdict = tampered(checkpoint(vkeys=keys[::-1]))
    assert verdict.leg("format").code == "format.not_canonical"


PATHS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "swapped": lambda hashes: [hashes[1], hashes[0], *hashes[2:]],
    "first dropped": lambda hashes: hashes[1:],
    "last dropped": lambda hashes: hashes[:-1],
    "all dropped": lambda _hashes: [],
    "added": lambda hashes: [*hashes, bytes(32)],
    "put before": lambda hashes: [bytes(32), *hashes],
    "changed": lambda hashes: [hashes[0][:-1] + b"\x00", *hashes[1:]],
    "torn": lambda hashes: [*hashes[:-1], hashes[-1][:-1]],
    "63 of them": lambda hashes: [hashes[-1]] * 63,
}


@pytest.mark.parametrize("change", PATHS.values(), ids=PATHS.keys())
def test_33_path_hash_swapped_dropped_added(change: Callable[[list[bytes]], list[bytes]]):
    assert tampered(path(change)).leg("log").code == "log.path_invalid"


def test_34_index_of_a_neighbour():
    assert PROOF.log is not None
    for index in (0, 1, 3, 4, 5, 6):
        assert tampered(log(index=index)).leg("log").code == "log.path_invalid"
    assert tampered(log(index=7)).leg("log").code == "log.index_range"


def test_35_size_plus_or_minus_one():
    for size in (6, 8):
        assert tampered(log(size=size)).leg("log").code == "log.size_mismatch"


def test_36_note_of_another_size_of_the_same_log():
    other = sealed(CLAIM, 2, 8)[1]
    assert tampered(checkpoint(note=other.note)).leg("log").code == "log.size_mismatch"
    verdict = tampered(lambda top: (checkpoint(note=other.note)(top), log(size=8)(top)))
    assert verdict.leg("log").code == "log.path_invalid"


def test_37_note_of_another_log_same_size_and_root():
    elsewhere = "log.example/other"
    note = signed_note(elsewhere, 7, tree_root(entry_leaves(CLAIM.entry, 2, 7)))
    section = {"note": note, "vkeys": [log_vkey(origin=elsewhere).text()]}
    assert tampered(checkpoint(**section)).leg("log").code == "log.origin_mismatch"
    kept_key = tampered(checkpoint(note=note))
    assert kept_key.leg("checkpoint").code == "checkpoint.key_mismatch"


def test_38_log_key_and_vkey_replaced():
    section = sealed(CLAIM, 2, 7, signer=OTHER_LOG_KEY)[1].as_json()
    verdict = tampered(checkpoint(**section), pins())
    assert verdict.leg("checkpoint").code == "checkpoint.key_mismatch"
    assert verdict.leg("log").code == "log.blocked"
    unpinned = tampered(checkpoint(**section))
    assert unpinned.leg("checkpoint").basis == "self-asserted log key"
    assert unpinned.leg("checkpoint").facts["keys"] == [log_vkey(OTHER_LOG_KEY).text()]


def test_39_unknown_signature_line_added():
    verdict = tampered(lambda top: checkpoint(note=top["checkpoint"]["note"] + UNKNOWN_LINE)(top))
    assert verdict.legs == verify(BYTES, None, DATA).legs
    assert verdict.ignored == (UNKNOWN_LINE.rstrip("\n"),)


def test_39_line_of_the_log_repeated_or_under_another_name():
    def repeat(name: str) -> Change:
        def change(top: dict[str, Any]) -> None:
            note = top["checkpoint"]["note"]
            top["checkpoint"]["note"] = note + note.rpartition("\n\n")[2].replace(ORIGIN, name)

        return change

    honest = verify(BYTES, None, DATA)
    renamed = tampered(repeat("log.example/else"))
    assert renamed.legs == honest.legs
    assert len(renamed.ignored) == 1
    repeated = tampered(repeat(ORIGIN))
    assert repeated.legs == honest.legs or repeated.verdict is Status.REFUTED


def test_50_sections_stripped_though_required():
    for leg in ("time", "ledger", "witnesses"):
        assert verify(BYTES, Trust(pins().logs, require=frozenset({leg})), DATA).exit_code == 2

    def strip(top: dict[str, Any]) -> None:
        del top["log"], top["checkpoint"]

    assert verify(edited(PROOF, strip), None, DATA).exit_code == 0
    assert verify(edited(PROOF, strip), None, DATA, require=["log"]).exit_code == 2


def test_53_content_file_or_profile_changed():
    assert verify(BYTES, None, b"the Report\n").leg("content").code == "content.cid_mismatch"
    assert verify(BYTES, None, b"").leg("content").code == "content.size_mismatch"
    verdict = tampered(lambda top: top["content"].update(profile="unixfs-v0-2015"))
    assert verdict.leg("content").code == "content.not_in_operation"
    other = tampered(lambda top: top["content"].update(cid=str(content_of(b"x").cid)))
    assert other.leg("content").code == "content.cid_mismatch"


def test_55_depth_bomb():
    for depth in (39, 40, 256, 100_000, 1 << 20):
        bomb = b'{"a":' * depth + b"0" + b"}" * depth
        assert verify(bomb).exit_code == 1
    spliced = BYTES.replace(b'"disclosed":[', b'"disclosed":[' + b"[" * 256 + b"]" * 256 + b",")
    assert verify(spliced).leg("format").code == "format.limit"


def test_55_five_mebibyte_file():
    big = edited(PROOF, lambda top: top.update(ledger={"a": "x" * (5 << 20)}))
    assert verify(big).leg("format").code == "format.too_large"


def test_55_more_operations_than_a_claim_has_sources():
    crowd = edited(PROOF, lambda top: top["subject"].update(disclosed=[{}] * 1_025))
    assert verify(crowd).leg("format").code == "format.limit"


def test_58_interior_node_offered_as_a_leaf():
    leaves = entry_leaves(CLAIM.entry, 0, 4)
    interior = node_hash(leaves[0], leaves[1])
    honest_root = tree_root(leaves)
    shorter = from_parts(CLAIM, SOURCES, content_of(DATA), *sealed(CLAIM, 0, 2))

    def graft(top: dict[str, Any]) -> None:
        top["checkpoint"]["note"] = signed_note(ORIGIN, 2, honest_root, LOG_KEY)
        top["log"]["path"] = b64encode(node_hash(leaves[2], leaves[3])).decode()

    assert node_hash(interior, node_hash(leaves[2], leaves[3])) == honest_root
    verdict = verify(edited(shorter, graft), None, DATA)
    assert verdict.leg("checkpoint").status is Status.ESTABLISHED
    assert verdict.leg("log").code == "log.path_invalid"
