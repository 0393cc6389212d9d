"""The proof file: what it accepts, and under which code it refuses the rest."""

from __future__ import annotations

from typing import Any

import pytest

from lodestamp.core.proof import (
    ANCHORS_MAX,
    DISCLOSED_MAX,
    PROOF_DEPTH_MAX,
    PROOF_SIZE_MAX,
    VKEYS_MAX,
    Checkpoint,
    Content,
    Log,
    Proof,
    authority_from,
    from_parts,
)
from lodestamp.errors import EncodingError, ProofFormatError
from proofs import LEDGER, OTHER_LOG_KEY, claim_of, edited, evidence_of, log_vkey, proof_of_content

PROOF = proof_of_content()
DATA = PROOF.encode()


def refusal(data: bytes) -> str:
    with pytest.raises(ProofFormatError) as caught:
        Proof.parse(data)
    return caught.value.code


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_a_proof_parses_to_its_parts_and_encodes_to_its_bytes():
    assert Proof.parse(DATA) == PROOF
    assert Proof.parse(DATA).encode() == DATA
    assert not DATA.endswith(b"\n")


def test_a_proof_of_an_operation_alone_is_a_proof():
    alone = from_parts(evidence_of({}, source="somewhere"))
    assert Proof.parse(alone.encode()) == alone
    assert (alone.content, alone.log, alone.checkpoint) == (None, None, None)


def test_sections_this_version_cannot_check_are_kept_verbatim():
    def add(top: dict[str, Any]) -> None:
        top["ledger"] = {**LEDGER, "header": {"any": [1, {"thing": None}]}, "skips": [{}]}

    data = edited(PROOF, add)
    proof = Proof.parse(data)
    assert proof.ledger is not None
    assert proof.ledger.header == {"any": [1, {"thing": None}]}
    assert proof.encode() == data


def test_what_the_authority_section_lacks_is_left_out():
    state = {"index": 3, "note": "a note", "path": "AAAA"}
    for section in (
        {"grants": [{"z": 1}]},
        {"keys": [{"z": 1}, {}]},
        {"grants": [{}] * 5, "keys": [{}], "state": state},
    ):
        data = edited(PROOF, put("authority", section))
        proof = Proof.parse(data)
        assert proof.authority is not None
        assert proof.authority.as_json() == section
        assert proof.encode() == data
    assert authority_from() is None


def test_a_state_comes_with_its_log():
    state = {"index": 0, "note": "a note", "path": ""}

    def alone(top: dict[str, Any]) -> None:
        del top["log"], top["checkpoint"]
        top["authority"] = {"state": state}

    assert refusal(edited(PROOF, alone)) == "format.missing_member"


def test_parts_in_any_order_give_one_file():
    sources = [evidence_of({"n": n}, source="s") for n in range(5)]
    subject = claim_of(sources)
    keys = [log_vkey(), log_vkey(OTHER_LOG_KEY)]
    log = PROOF.log
    note = PROOF.checkpoint.note  # type: ignore[union-attr]
    one = from_parts(subject, sources, None, log, Checkpoint(note, tuple(keys)))
    two = from_parts(subject, sources[::-1], None, log, Checkpoint(note, tuple(keys[::-1])))
    assert one == two


@pytest.mark.parametrize("part", ["log", "checkpoint"])
def test_a_log_without_its_checkpoint_is_no_proof(part: str):
    subject = evidence_of({}, source="s")
    with pytest.raises(ProofFormatError) as caught:
        from_parts(subject, **{part: getattr(PROOF, part)})
    assert caught.value.code == "format.missing_member"


BYTES = {
    "too large": (b" " * (PROOF_SIZE_MAX + 1), "format.too_large"),
    "not UTF-8": (DATA.replace(b"ipfs://", b"ipfs:\xff/"), "format.not_utf8"),
    "empty": (b"", "format.not_json"),
    "cut short": (DATA[:-1], "format.not_json"),
    "no object": (b"[]", "format.bad_type"),
    "a newline at the end": (DATA + b"\n", "format.not_canonical"),
    "a byte order mark": (b"\xef\xbb\xbf" + DATA, "format.not_json"),
    "a space": (DATA.replace(b'"format":', b'"format": '), "format.not_canonical"),
    "a key twice": (DATA.replace(b'{"c', b'{"checkpoint":{},"c', 1), "format.not_canonical"),
    "a needless escape": (DATA.replace(b"press-1", b"\\u0070ress-1"), "format.not_canonical"),
    "a float": (DATA.replace(b'"version":1', b'"version":1.0'), "format.bad_type"),
    "an integer too large": (
        DATA.replace(b'"version":1', b'"version":9007199254740992'),
        "format.bad_type",
    ),
    "a depth bomb": (b'{"a":' * 256 + b"0" + b"}" * 256, "format.limit"),
    "a deeper depth bomb": (b'{"a":' * 100_000, "format.limit"),
    "a lone surrogate": (DATA.replace(b"press-1", b"\\ud800"), "format.bad_type"),
}


@pytest.mark.parametrize(("data", "code"), BYTES.values(), ids=BYTES.keys())
def test_bytes_outside_the_form_are_refused_by_name(data: bytes, code: str):
    assert data != DATA
    assert refusal(data) == code


def put(*path: str | int) -> Any:
    """Return a function that puts the last item at the place the others name."""
    *keys, name, value = path

    def change(top: Any) -> None:
        for key in keys:
            top = top[key]
        top[name] = value

    return change


def drop(*path: str) -> Any:
    *keys, name = path

    def change(top: Any) -> None:
        for key in keys:
            top = top[key]
        del top[name]

    return change


VKEY = log_vkey().text()
MEMBERS = {
    "an unknown member": (put("comment", "hi"), "unknown_member"),
    "an unknown member of subject": (put("subject", "why", 1), "unknown_member"),
    "an unknown member of content": (put("content", "sha256", "00"), "unknown_member"),
    "an unknown member of log": (put("log", "root", "00"), "unknown_member"),
    "an unknown member of checkpoint": (put("checkpoint", "root", "00"), "unknown_member"),
    "no format": (drop("format"), "missing_member"),
    "no version": (drop("version"), "missing_member"),
    "no subject": (drop("subject"), "missing_member"),
    "no operation": (drop("subject", "operation"), "missing_member"),
    "no disclosed": (drop("subject", "disclosed"), "missing_member"),
    "no cid": (drop("content", "cid"), "missing_member"),
    "no profile": (drop("content", "profile"), "missing_member"),
    "no content size": (drop("content", "size"), "missing_member"),
    "no origin": (drop("log", "origin"), "missing_member"),
    "no index": (drop("log", "index"), "missing_member"),
    "no log size": (drop("log", "size"), "missing_member"),
    "no path": (drop("log", "path"), "missing_member"),
    "no note": (drop("checkpoint", "note"), "missing_member"),
    "no vkeys": (drop("checkpoint", "vkeys"), "missing_member"),
    "a log without checkpoint": (drop("checkpoint"), "missing_member"),
    "a checkpoint without log": (drop("log"), "missing_member"),
    "a foreign format": (put("format", "lodestamp-Proof"), "bad_type"),
    "a version in words": (put("version", "1"), "bad_type"),
    "a version that is true": (put("version", True), "bad_type"),
    "requires in words": (put("requires", "x"), "bad_type"),
    "a required number": (put("requires", [1]), "bad_type"),
    "an empty requires": (put("requires", []), "limit"),
    "subject in words": (put("subject", "x"), "bad_type"),
    "an operation in words": (put("subject", "operation", "x"), "bad_type"),
    "disclosed in words": (put("subject", "disclosed", "x"), "bad_type"),
    "a disclosed number": (put("subject", "disclosed", [1]), "bad_type"),
    "too many disclosed": (put("subject", "disclosed", [{}] * (DISCLOSED_MAX + 1)), "limit"),
    "a cid that is none": (put("content", "cid", "bafy"), "bad_type"),
    "a cid in another base": (
        put("content", "cid", PROOF.content.cid.text("z")),  # type: ignore[union-attr]
        "bad_type",
    ),
    "an empty profile": (put("content", "profile", ""), "bad_type"),
    "a negative size": (put("content", "size", -1), "bad_type"),
    "a size that is true": (put("content", "size", True), "bad_type"),
    "an empty origin": (put("log", "origin", ""), "bad_type"),
    "a negative index": (put("log", "index", -1), "bad_type"),
    "a path in base64url": (put("log", "path", "-_8="), "bad_type"),
    "a path without padding": (put("log", "path", "AAA"), "bad_type"),
    "a note that is none": (put("checkpoint", "note", None), "bad_type"),
    "no key": (put("checkpoint", "vkeys", []), "limit"),
    "a key that is none": (put("checkpoint", "vkeys", ["log"]), "bad_type"),
    "a key twice": (put("checkpoint", "vkeys", [VKEY, VKEY]), "not_canonical"),
    "keys out of order": (
        put("checkpoint", "vkeys", sorted([VKEY, log_vkey(OTHER_LOG_KEY).text()])[::-1]),
        "not_canonical",
    ),
    "too many keys": (put("checkpoint", "vkeys", [VKEY] * (VKEYS_MAX + 1)), "limit"),
    "authority as array": (put("authority", []), "bad_type"),
    "authority empty": (put("authority", {}), "missing_member"),
    "authority of more": (put("authority", {"caps": []}), "unknown_member"),
    "no grants": (put("authority", {"grants": []}), "limit"),
    "six grants": (put("authority", {"grants": [{}] * 6}), "limit"),
    "a grant that is none": (put("authority", {"grants": ["{}"]}), "bad_type"),
    "no keys": (put("authority", {"keys": []}), "limit"),
    "257 keys": (put("authority", {"keys": [{}] * 257}), "limit"),
    "a state without a path": (
        put("authority", {"state": {"index": 0, "note": "n"}}),
        "missing_member",
    ),
    "a state of more": (
        put("authority", {"state": {"index": 0, "note": "n", "path": "", "status": 0}}),
        "unknown_member",
    ),
    "a state without a note": (
        put("authority", {"state": {"index": 0, "note": "", "path": ""}}),
        "bad_type",
    ),
    "a state at -1": (
        put("authority", {"state": {"index": -1, "note": "n", "path": ""}}),
        "bad_type",
    ),
    "a state path of half a byte": (
        put("authority", {"state": {"index": 0, "note": "n", "path": "A"}}),
        "bad_type",
    ),
    "ledger as array": (put("ledger", []), "bad_type"),
    "anchors as object": (put("anchors", {}), "bad_type"),
    "no anchor": (put("anchors", []), "limit"),
    "an anchor in words": (put("anchors", ["x"]), "bad_type"),
    "too many anchors": (put("anchors", [{}] * (ANCHORS_MAX + 1)), "limit"),
    "another version": (put("version", 2), "unsupported"),
    "version 0": (put("version", 0), "unsupported"),
    "a required feature": (put("requires", ["moon-phase"]), "unsupported"),
}


@pytest.mark.parametrize(("change", "reason"), MEMBERS.values(), ids=MEMBERS.keys())
def test_members_outside_the_schema_are_refused_by_name(change: Any, reason: str):
    data = edited(PROOF, change)
    assert data != DATA
    assert refusal(data) == f"format.{reason}"


@pytest.mark.parametrize("key_type", [0x02, 0x05, 0xFF])
def test_a_key_of_a_type_the_format_does_not_carry_is_refused(key_type: int):
    other = type(log_vkey())("log.example", key_type, bytes(32))
    assert refusal(edited(PROOF, put("checkpoint", "vkeys", [other.text()]))) == "format.bad_type"


def test_another_version_may_have_members_nobody_here_knows():
    def later(top: dict[str, Any]) -> None:
        top.update(version=2, moon=1)
        del top["subject"]

    assert refusal(edited(PROOF, later)) == "format.unsupported"


def test_depth_counts_from_the_file():
    fits = edited(PROOF, put("ledger", {**LEDGER, "header": nested(PROOF_DEPTH_MAX - 3)}))
    assert Proof.parse(fits).encode() == fits
    deeper = {**LEDGER, "header": nested(PROOF_DEPTH_MAX - 2)}
    assert refusal(edited(PROOF, put("ledger", deeper))) == "format.limit"


def test_a_refusal_says_where():
    with pytest.raises(ProofFormatError, match="/log/index") as caught:
        Proof.parse(edited(PROOF, put("log", "index", -1)))
    assert caught.value.at == "/log/index"


def test_parts_outside_the_limits_do_not_encode():
    content = Content(PROOF.content.cid, "p", 2**53)  # type: ignore[union-attr]
    with pytest.raises(EncodingError):
        Proof(PROOF.subject, content).encode()


def test_a_path_travels_as_base64_of_its_joined_hashes():
    assert Log("log.example", 3, 7, b"\xff" * 3).as_json() == {
        "origin": "log.example",
        "index": 3,
        "size": 7,
        "path": "////",
    }
