"""The tamper suite of transparency spec §12: what each tampering is caught by.

Each test is named by the number of its row, and asserts the leg and the code that catch it. Rows 26
to 59, at the level of a proof file, are here; docs/spec/tampers.md is the table.
"""

from __future__ import annotations

import json
import re
import socket
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anchors import (
    HEIGHT,
    anchor_in,
    complete,
    digest_of,
    lone,
    mined_upon,
    ops_of,
    pending,
    store_of,
    with_anchors,
)
from authorities import DATA as AUTHORITY_DATA
from authorities import DEFECTS
from headers import MINI, worked
from lodestamp.core.bitcoin import REGTEST, BlockHeader, meets_target, sha256d
from lodestamp.core.merkle import node_hash
from lodestamp.core.operations import build_op
from lodestamp.core.proof import (
    LEGS,
    Anchor,
    AuthorPin,
    BitcoinTrust,
    LogPin,
    Trust,
    compress_run,
    expand_run,
    from_parts,
    verify,
)
from lodestamp.core.proof.legs import header_run
from lodestamp.core.timestamps import (
    BitcoinHeader,
    Op,
    Pending,
    encode_path,
    parse_detached,
    walk,
)
from lodestamp.core.transparency import Cosigner, threshold_policy
from lodestamp.core.verdict import Leg, Status, Verdict
from lodestamp.errors import TrustError
from proofs import (
    AUTHOR,
    LEDGER,
    LOG_KEY,
    ORIGIN,
    OTHER_LOG_KEY,
    STRANGER,
    claim_of,
    content_of,
    edited,
    entry_leaves,
    evidence_of,
    identified,
    key,
    log_vkey,
    proof_of_content,
    resigned,
    sealed,
    signed_note,
    statement_of,
    tree_root,
)
from witnesses import SAME_KEY, W1, W2, cosigned, line_of

DATA = b"the report\n"
SOURCES = [evidence_of(statement_of(content_of(text))) for text in (DATA, b"an annex\n")]
CLAIM = claim_of(SOURCES)
UNKNOWN_LINE = "— witness.example/w9 " + "AAAAAAAA" * 12 + "\n"
PLAIN = from_parts(CLAIM, SOURCES, content_of(DATA), *sealed(CLAIM, 2, 7))
MADE = complete(PLAIN)
PROOF = with_anchors(cosigned(PLAIN, W1, W2), MADE.anchor)
BYTES = PROOF.encode()
HELLO = b"hello world\n"
Change = Callable[[dict[str, Any]], object]


def judged(data: bytes, trust: Trust | None = None, **options: Any) -> Verdict:
    """Judge a whole proof as somebody who plays on regtest."""
    return verify(data, trust, DATA, network="regtest", **options)


def tampered(change: Change, trust: Trust | None = None, **options: Any) -> Verdict:
    data = edited(PROOF, change)
    assert data != BYTES
    return judged(data, trust, **options)


def anchored(*anchors: Anchor, trust: Trust | None = None, **options: Any) -> Leg:
    """Return the leg `time` of the proof with other anchors."""
    return judged(with_anchors(PROOF, *anchors).encode(), trust, **options).leg("time")


def witnessed(*witnesses: Cosigner, threshold: int = 2) -> Trust:
    """Return the trust of somebody who asks for so many of these witnesses."""
    policy = threshold_policy(threshold, [each.verifier_key for each in witnesses])
    return replace(pins(), witnesses=policy)


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
    assert judged(BYTES).verdict is Status.ESTABLISHED
    assert judged(BYTES, witnessed(W1, W2)).verdict is Status.ESTABLISHED
    names = {leg.name for leg in judged(BYTES, witnessed(W1, W2)).legs if not leg.code}
    assert names == {*LEGS} - {"authority", "ledger"}


TRUST_26 = replace(
    witnessed(W1, W2), bitcoin=BitcoinTrust("regtest", {MADE.run[-1].hash: HEIGHT + 5})
)
"""The last header is pinned: on regtest every other nonce would do as well."""


@pytest.mark.slow
@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_26_each_byte_flipped_in_turn(mask: int):
    noted = edited(
        PROOF, lambda top: checkpoint(note=top["checkpoint"]["note"] + UNKNOWN_LINE)(top)
    )
    honest = judged(noted, TRUST_26)
    assert honest.verdict is Status.ESTABLISHED
    ignored = range(noted.index("— witness.example/w9".encode()), noted.index(b'","vkeys"'))
    for at in range(len(noted)):
        flipped = noted[:at] + bytes([noted[at] ^ mask]) + noted[at + 1 :]
        verdict = judged(flipped, TRUST_26)
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
        assert judged(data).leg("format").code == "format.not_canonical"


def test_31_key_order_or_whitespace_changed():
    for data in (
        b'{"version":1,' + BYTES.replace(b',"version":1', b"")[1:],
        BYTES.replace(b'"log":{', b'"log": {'),
        BYTES + b"\n",
        b" " + BYTES,
    ):
        assert data != BYTES
        assert judged(data).leg("format").code == "format.not_canonical"


def test_32_array_reordered():
    verdict = tampered(lambda top: top["subject"]["disclosed"].reverse())
    assert verdict.leg("operation").code == "operation.schema"
    verdict = tampered(lambda top: top["checkpoint"]["vkeys"].reverse())
    assert verdict.leg("format").code == "format.not_canonical"
    two = with_anchors(PROOF, MADE.anchor, lone("main").anchor)
    verdict = judged(edited(two, lambda top: top["anchors"].reverse()))
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
    assert verdict.legs == judged(BYTES).legs
    assert set(verdict.ignored) - set(judged(BYTES).ignored) == {UNKNOWN_LINE.rstrip("\n")}


def test_39_line_of_the_log_repeated_or_under_another_name():
    def repeat(name: str) -> Change:
        def change(top: dict[str, Any]) -> None:
            note = top["checkpoint"]["note"]
            line = note.rpartition("\n\n")[2].partition("\n")[0] + "\n"
            top["checkpoint"]["note"] = note + line.replace(ORIGIN, name)

        return change

    honest = judged(BYTES)
    renamed = tampered(repeat("log.example/else"))
    assert renamed.legs == honest.legs
    assert len(renamed.ignored) == len(honest.ignored) + 1
    repeated = tampered(repeat(ORIGIN))
    assert repeated.legs == honest.legs or repeated.verdict is Status.REFUTED


def test_50_sections_stripped_though_required():
    """Anchors, ledger and witnesses; the ledger is never there in this version."""
    bare = PLAIN.encode()
    for leg in ("time", "ledger", "witnesses"):
        trust = replace(witnessed(W1, threshold=1), require=frozenset({leg}))
        verdict = judged(bare, trust)
        assert (verdict.exit_code, verdict.leg(leg).code) == (2, f"{leg}.not_carried")
    trust = replace(witnessed(W1, W2), require=frozenset({"time", "witnesses"}))
    assert judged(BYTES, trust).exit_code == 0

    def strip(top: dict[str, Any]) -> None:
        del top["log"], top["checkpoint"], top["anchors"]

    assert judged(edited(PROOF, strip)).exit_code == 0
    assert judged(edited(PROOF, strip), require=["log"]).exit_code == 2


def test_51_and_52_a_ledger_section_is_never_established():
    """Whose finality it is, or which root it names, this version does not read: it says so.

    The section is held to its schema; the verdict is unknown, and nothing rests on it.
    """
    for ledger in (LEDGER, {**LEDGER, "chain": "another"}, {**LEDGER, "transaction": "b3RoZXI="}):
        verdict = tampered(lambda top, ledger=ledger: top.update(ledger=ledger))
        assert (verdict.exit_code, verdict.leg("ledger").code) == (2, "ledger.unsupported")
    loose = tampered(lambda top: top.update(ledger={"chain": "example"}))
    assert loose.leg("format").code == "format.missing_member"


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
    big = edited(PROOF, lambda top: top.update(ledger={**LEDGER, "chain": "x" * (5 << 20)}))
    assert verify(big).leg("format").code == "format.too_large"


def test_55_256_operations_a_fork_bomb_and_2017_headers():
    deep, forked, many = (bombed(each) for each in (b"\x08" * 256, FORK_BOMB, b""))
    assert deep.leg("time").code == forked.leg("time").code == "time.bad_ots"
    assert "255" in deep.leg("time").detail
    assert "10,000" in forked.leg("time").detail
    assert many.leg("format").code == "format.limit"


FORK_BOMB = b"".join(
    b"\xff\xf0\x02" + number.to_bytes(2, "big") + encode_path([], Pending("a"))
    for number in range(10_001)
)


def bombed(ots: bytes) -> Verdict:
    """Judge the proof with a hostile path, or without one with too many headers."""

    def plant(top: dict[str, Any]) -> None:
        anchor = top["anchors"][0]
        if ots:
            anchor["ots"] = b64encode(ots + encode_path([], BitcoinHeader(HEIGHT))).decode()
        else:
            anchor["headers"] = b64encode(bytes(80 + 48 * 2_016)).decode()

    return tampered(plant)


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


def test_27_operation_signed_by_an_attacker_under_the_victims_did():
    """The key must be one that the DID's own events show."""
    reason, make = DEFECTS["rotation_by_a_stolen_key"]
    verdict = verify(make(), None, AUTHORITY_DATA)
    assert verdict.leg("authority").code == f"authority.{reason}"
    thief = resigned({**PROOF.subject.operation, "author": key("thief").key_id}, STRANGER)
    swapped = tampered(lambda top: top["subject"].update(operation=thief))
    assert swapped.leg("operation").code == "operation.bad_signature"


def test_28_version_2_taken_for_version_1_with_the_old_signature():
    body = evidence_of(statement_of(content_of(DATA))).body
    later = build_op(AUTHOR, "press-1", "evidence", body, (), 1, version=2, seq=0)
    proof = from_parts(later, (), content_of(DATA), *sealed(later))
    assert verify(proof.encode(), None, DATA).exit_code == 0

    def downgrade(top: dict[str, Any]) -> None:
        wire = top["subject"]["operation"]
        wire = {name: wire[name] for name in wire if name not in ("seq", "cap", "alg")}
        top["subject"]["operation"] = identified({**wire, "v": 1})

    leg = verify(edited(proof, downgrade), None, DATA).leg("operation")
    assert leg.code == "operation.bad_signature"


def test_40_known_key_with_a_bad_signature_beside_a_good_one():
    """R14: the whole note is refused, whether the key is the log's or a witness's."""
    note = PROOF.checkpoint.note  # type: ignore[union-attr]
    log_line = note.rpartition("\n\n")[2].partition("\n")[0]
    spoiled = log_line[:-20] + ("A" if log_line[-20] != "A" else "B") + log_line[-19:]
    verdict = tampered(checkpoint(note=note + spoiled + "\n"))
    assert verdict.leg("checkpoint").code == "checkpoint.bad_signature"
    other = line_of(note.replace("\n7\n", "\n8\n"), W1)
    verdict = tampered(checkpoint(note=note + other), witnessed(W1, W2))
    assert verdict.leg("witnesses").code == "witnesses.bad_signature"


def test_41_cosignature_time_changed():
    def later(top: dict[str, Any]) -> None:
        head, _, encoded = top["checkpoint"]["note"].rstrip("\n").rpartition(" ")
        blob = bytearray(b64decode(encoded))
        blob[11] ^= 1
        top["checkpoint"]["note"] = f"{head} {b64encode(bytes(blob)).decode()}\n"

    for trust in (None, witnessed(W1, W2)):
        assert tampered(later, trust).leg("witnesses").code == "witnesses.bad_signature"


def test_42_cosignature_copied_from_another_checkpoint():
    other = sealed(CLAIM, 2, 8)[1].note
    proof = cosigned(PLAIN, carry=[W1])
    note = PLAIN.checkpoint.note + line_of(other, W1)  # type: ignore[union-attr]
    verdict = judged(edited(proof, checkpoint(note=note)), witnessed(W1, threshold=1))
    assert verdict.leg("witnesses").code == "witnesses.bad_signature"


def test_43_quorum_met_by_one_witness_twice_under_two_names():
    trust = witnessed(W1, W2)
    for twice in ((W1, SAME_KEY), (W1, W1)):
        verdict = judged(cosigned(PLAIN, *twice).encode(), trust)
        assert verdict.leg("witnesses").code == "witnesses.no_quorum"
    with pytest.raises(TrustError):
        witnessed(W1, SAME_KEY)


def test_44_ots_of_another_checkpoint():
    other = complete(from_parts(CLAIM, SOURCES, content_of(DATA), *sealed(CLAIM, 2, 8)))
    assert anchored(other.anchor).code == "time.root_mismatch"


def test_45_right_root_with_a_wrong_height():
    """The height of the file and that of the path are one; both changed, the store knows better."""
    assert anchored(replace(MADE.anchor, height=HEIGHT + 1)).code == "time.no_path"
    both = anchor_in(ops_of(digest_of(PROOF)), MADE.run, height=HEIGHT + 1)
    store = store_of([MADE.run[0], *MADE.run])
    moved = replace(store, start=HEIGHT - 1)
    assert anchored(both, headers=moved).code == "time.not_in_best_chain"
    pinned = BitcoinTrust("regtest", {MADE.run[0].hash: HEIGHT})
    assert anchored(both, trust=replace(pins(), bitcoin=pinned)).code == "time.checkpoint_conflict"
    assert "the height is the file's word" in anchored(both).basis


def test_46_bad_stamp_against_the_true_header(vectors: Path):
    """The stock example whose path ends elsewhere, and the one whose path is right."""
    folder = vectors / "timestamps" / "ots"
    header = BlockHeader.decode(hex_headers(json.loads((folder / "headers.json").read_bytes()))[0])
    for name, stands in (("hello-world", True), ("bad-stamp", False)):
        detached = parse_detached((folder / f"{name}.txt.ots").read_bytes())
        ((message, _end),) = walk(detached.timestamp)
        assert (message == header.merkle) is stands
    foreign = anchor_in([Op(0x08)], [header], "main", 358_391)
    assert anchored(foreign).code == "time.root_mismatch"


def test_47_lone_self_mined_header_of_difficulty_1_labelled_main():
    """2^32 hashes of real work, and a whole proof: unknown, with both numbers (D9)."""
    proof = with_anchors(proof_of_content(), lone("main").anchor)
    verdict = verify(proof.encode(), None, HELLO)
    assert (verdict.exit_code, verdict.leg("time").code) == (2, "time.work_below_floor")
    assert "2^32.0, below the floor of 2^81.0" in verdict.leg("time").detail


def test_48_broken_link_or_bits_raised_mid_period(monkeypatch: pytest.MonkeyPatch):
    """A link cannot be written broken; the header after a changed one loses its work."""
    other = mined_upon(replace(MADE.run[2], time=MADE.run[2].time + 1), 1)[0]
    data = compress_run([header.encode() for header in MADE.run])
    cut = 80 + 48 * 1
    swapped = data[:cut] + other.encode()[:4] + other.encode()[36:] + data[cut + 48 :]
    run = expand_run(swapped)
    assert not all(meets_target(sha256d(each), REGTEST.genesis.bits) for each in run)
    assert anchored(replace(MADE.anchor, headers=swapped)).code == "time.pow_invalid"
    # Regtest has no periods, and main's are beyond a test's work: main's rules on regtest targets.
    monkeypatch.setattr(header_run, "network_named", lambda _name: MINI)
    raised = mined_upon(replace(MADE.run[0], bits=MINI.pow_limit_bits), 1)
    raised.append(worked(replace(MADE.run[1], prev=raised[0].hash, bits=0x203FFFFF)))
    leg = anchored(anchor_in(ops_of(digest_of(PROOF)), raised))
    assert leg.code == "time.bits_invalid"


def test_49_regtest_anchor_relabelled_main():
    assert anchored(replace(MADE.anchor, network="main")).code == "time.bits_invalid"
    for network in ("testnet4", "signet"):
        assert anchored(replace(MADE.anchor, network=network)).code == "time.bits_invalid"


@pytest.mark.parametrize("name", ["as_it_ends", "state_revoked", "before_it_begins"])
def test_54_expired_or_revoked_grant(name: str):
    reason, make = DEFECTS[name]
    verdict = verify(make(), None, AUTHORITY_DATA)
    assert verdict.leg("authority").code == f"authority.{reason}"
    assert verdict.leg("authority").status is Status.REFUTED


def test_56_pending_uri_to_an_internal_host_is_never_contacted(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_given: object, **_named: object) -> None:
        raise AssertionError("the verifier opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    waiting = pending(PROOF, uri="http://127.0.0.1:22")
    leg = anchored(waiting)
    assert (leg.code, leg.status) == ("time.pending", Status.UNKNOWN)
    assert "http://127.0.0.1:22" in leg.detail


def test_57_calendar_answer_for_another_digest():
    """One of more than 10,000 bytes is cut where it is read; here is what passes as an anchor."""
    other = encode_path([Op(0x08)], BitcoinHeader(HEIGHT))
    assert anchored(replace(MADE.anchor, ots=other)).code == "time.root_mismatch"
    long = encode_path([Op.append(b"a" * 4_096)] * 3, BitcoinHeader(HEIGHT))
    assert len(long) > 10_000
    assert anchored(replace(MADE.anchor, ots=long)).code == "time.bad_ots"


def test_59_an_odd_node_doubled_is_another_tree():
    """Merkle root of [a, b, c] is not that of [a, b, c, c]: ours never doubles one (R1)."""
    leaves = entry_leaves(CLAIM.entry, 0, 3)
    assert tree_root(leaves) != tree_root([*leaves, leaves[2]])
    proof = from_parts(CLAIM, SOURCES, content_of(DATA), *sealed(CLAIM, 0, 3))

    def double(top: dict[str, Any]) -> None:
        top["log"]["path"] = b64encode(leaves[1] + node_hash(leaves[2], leaves[2])).decode()

    assert judged(edited(proof, double)).leg("log").code == "log.path_invalid"


def hex_headers(value: Any) -> list[bytes]:
    """Return every run of hex in a JSON value that is a whole header."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return [found for item in items for found in hex_headers(item)]
    return [bytes.fromhex(value)] if isinstance(value, str) and is_header(value) else []


is_header = re.compile(r"[0-9a-f]{160}").fullmatch
