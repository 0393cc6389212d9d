"""The verifier: every code is reached, and what stands rests on what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa

from anchor_defects import TIME_DEFECTS, file_with
from anchors import lone, pending
from authorities import DEFECTS, by_a_former_key, by_suite, grants_absent, stated
from conftest import REPOSITORY
from lodestamp.core.content import DEFAULT, Chunker, get_profile
from lodestamp.core.keys import SigningKey, mldsa44
from lodestamp.core.operations import Operation, build_op, evidence, parse_op, refutation
from lodestamp.core.proof import (
    CODES,
    LEGS,
    STATEMENT_PREDICATE,
    AuthorPin,
    Checkpoint,
    Content,
    LogPin,
    Proof,
    Trust,
    Unpinned,
    from_parts,
    verify,
)
from lodestamp.core.transparency import threshold_policy
from lodestamp.core.verdict import Leg, Status, Verdict
from lodestamp.errors import UsageError
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
    evidence_of,
    identified,
    log_vkey,
    operation,
    proof_of_content,
    resigned,
    sealed,
    statement_of,
)
from witnesses import W1, W2, cosigned, own_post_quantum, post_quantum

DATA = b"hello world\n"
PROOF = proof_of_content(DATA)
BYTES = PROOF.encode()


def tampered(change: Callable[[dict[str, Any]], object], trust: Trust | None = None) -> Verdict:
    return verify(edited(PROOF, change), trust, DATA)


def put(*path: Any) -> Callable[[dict[str, Any]], object]:
    """Return a function that puts the last item at the place the others name."""
    *keys, name, value = path

    def change(top: Any) -> None:
        for step in keys:
            top = top[step]
        top[name] = value

    return change


def with_operation(change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """Return the proof with another subject; log and checkpoint stay as they are."""

    def replace(top: dict[str, Any]) -> None:
        top["subject"]["operation"] = change(top["subject"]["operation"])

    return edited(PROOF, replace)


def sealed_proof(subject: Any, disclosed: Any = (), content: Any = None) -> Proof:
    return from_parts(subject, disclosed, content, *sealed(subject, 2, 5))


def noted(change: Callable[[str], str], trust: Trust | None = None) -> Verdict:
    note = PROOF.checkpoint.note  # type: ignore[union-attr]
    assert change(note) != note
    return tampered(put("checkpoint", "note", change(note)), trust)


def broken_signature(note: str) -> str:
    """Change one character inside the base64 of the last signature."""
    at = len(note) - 20
    return note[:at] + ("A" if note[at] != "A" else "B") + note[at + 1 :]


def stating(data: bytes = DATA, **more: Any) -> bytes:
    """Return a proof whose evidence says `more` about the content than the proof does."""
    content = content_of(data)
    return sealed_proof(evidence_of(statement_of(content, **more)), (), content).encode()


def unknown_profile() -> bytes:
    stated = {**statement_of(content_of(DATA)), "profile": "moon"}
    subject = evidence_of(stated)
    return edited(sealed_proof(subject, (), content_of(DATA)), put("content", "profile", "moon"))


WITNESS_KEY = W1.verifier_key


def two_witnesses() -> Trust:
    return Trust(witnesses=threshold_policy(2, [W1.verifier_key, W2.verifier_key]))


def kept(name: str, _sign: object) -> Operation:
    """Return an operation of a post-quantum author, as the vectors keep it."""
    return parse_op((REPOSITORY / f"tests/vectors/proof/operations/{name}.json").read_bytes())


def by_mldsa65() -> bytes:
    return by_suite("mldsa65", kept)


def without_suites(data: bytes) -> Verdict:
    """Judge a proof as on a machine whose cryptography package has no ML-DSA."""

    def unavailable(*_given: object) -> None:
        raise UnsupportedAlgorithm("no ML-DSA")

    with pytest.MonkeyPatch.context() as machine:
        for name in ("MLDSA44PublicKey", "MLDSA65PublicKey"):
            machine.setattr(getattr(mldsa, name), "from_public_bytes", staticmethod(unavailable))
        mldsa44._public_key.cache_clear()
        return verify(data, None, DATA)


def pins(*keys: SigningKey) -> Trust:
    logs = (LogPin(ORIGIN, tuple(log_vkey(each) for each in keys)),)
    return Trust(logs=logs, authors=(AuthorPin(AUTHOR.key_id),))


def bare() -> bytes:
    return from_parts(PROOF_OPERATION).encode()


HYBRID = SigningKey.from_seed("hybrid", bytes(64))


def hybrid_evidence() -> Operation:
    """Return an evidence of the content by an author whose id only names its key."""
    stated = statement_of(content_of(DATA))
    body = evidence(source="s", kind="lodestamp.content/1", content=stated, captured_at=1)
    return build_op(HYBRID, "n", "evidence", body, (), 1, version=2, seq=0)


def by_hybrid() -> Proof:
    return sealed_proof(hybrid_evidence(), (), content_of(DATA))


PROOF_OPERATION = evidence_of(statement_of(content_of(DATA)))
OLD_FORMAT = edited(PROOF, put("version", 2))
REFUTED = BYTES[:-1]

SCENARIOS: dict[str, Callable[[], Verdict]] = {
    "format.too_large": lambda: verify(b"{" * (4 << 20) + b"{"),
    "format.not_utf8": lambda: verify(b"\xff"),
    "format.not_json": lambda: verify(b"{"),
    "format.not_canonical": lambda: verify(BYTES + b"\n"),
    "format.unknown_member": lambda: tampered(put("x", 1)),
    "format.missing_member": lambda: verify(b"{}"),
    "format.bad_type": lambda: tampered(put("log", "index", "2")),
    "format.limit": lambda: tampered(put("anchors", [])),
    "format.unsupported": lambda: verify(OLD_FORMAT),
    "operation.id_mismatch": lambda: tampered(put("subject", "operation", "ts", 0)),
    "operation.bad_signature": lambda: verify(
        with_operation(lambda wire: identified({**wire, "ts": 0}))
    ),
    "operation.schema": lambda: verify(with_operation(lambda wire: {**wire, "moon": 1})),
    "operation.key_not_pinned": lambda: verify(BYTES, Trust(authors=())),
    "operation.blocked": lambda: verify(REFUTED),
    "content.not_in_operation": lambda: verify(
        sealed_proof(evidence_of({}, kind="note", source="s"), (), content_of(DATA)).encode()
    ),
    "content.cid_mismatch": lambda: verify(BYTES, None, b"hello World\n"),
    "content.size_mismatch": lambda: verify(BYTES, None, DATA + b"\n"),
    "content.sha256_mismatch": lambda: verify(stating(sha256="00" * 32), None, DATA),
    "content.bytes_absent": lambda: verify(BYTES),
    "content.profile_unknown": lambda: verify(unknown_profile(), None, DATA),
    "content.not_carried": lambda: verify(bare()),
    "content.blocked": lambda: verify(REFUTED),
    "authority.alg_unavailable": lambda: without_suites(by_mldsa65()),
    "authority.key_unknown": lambda: verify(by_hybrid().encode()),
    "authority.grants_absent": lambda: verify(grants_absent(), None, DATA),
    "authority.state_absent": lambda: verify(by_a_former_key(), None, DATA),
    "authority.key_not_pinned": lambda: verify(stated(), pins(LOG_KEY), DATA),
    **{
        f"authority.{reason}": lambda make=make: verify(make(), None, DATA)
        for reason, make in DEFECTS.values()
    },
    "authority.not_carried": lambda: verify(BYTES),
    "authority.blocked": lambda: verify(REFUTED),
    "log.path_invalid": lambda: tampered(put("log", "path", "")),
    "log.size_mismatch": lambda: tampered(put("log", "size", 6)),
    "log.origin_mismatch": lambda: tampered(put("log", "origin", "log.example")),
    "log.index_range": lambda: tampered(put("log", "index", 5)),
    "log.not_carried": lambda: verify(bare()),
    "log.blocked": lambda: verify(REFUTED),
    "checkpoint.bad_note": lambda: tampered(put("checkpoint", "note", "moon\n")),
    "checkpoint.bad_signature": lambda: noted(broken_signature),
    "checkpoint.no_log_signature": lambda: noted(lambda note: note.replace("— log.", "— bog.")),
    "checkpoint.key_mismatch": lambda: verify(BYTES, pins(OTHER_LOG_KEY)),
    "checkpoint.alg_unavailable": lambda: without_suites(
        cosigned(PROOF, own_post_quantum()).encode()
    ),
    "checkpoint.key_not_pinned": lambda: verify(BYTES, Trust()),
    "checkpoint.not_carried": lambda: verify(bare()),
    "checkpoint.blocked": lambda: verify(REFUTED),
    "witnesses.bad_signature": lambda: verify(cosigned(PROOF, carry=[W1]).encode()),
    "witnesses.alg_unavailable": lambda: without_suites(
        cosigned(PROOF, post_quantum("w44")).encode()
    ),
    "witnesses.no_quorum": lambda: verify(cosigned(PROOF, W1).encode(), two_witnesses()),
    "witnesses.none_trusted": lambda: verify(cosigned(PROOF, W1).encode()),
    "witnesses.not_carried": lambda: verify(BYTES),
    "witnesses.blocked": lambda: verify(REFUTED),
    "ledger.unsupported": lambda: tampered(put("ledger", LEDGER)),
    "ledger.not_carried": lambda: verify(BYTES),
    "ledger.blocked": lambda: verify(REFUTED),
    **{
        f"time.{reason}": lambda make=make: make().verdict(DATA)
        for reason, make in TIME_DEFECTS.values()
    },
    "time.pending": lambda: verify(file_with(pending(PROOF))),
    "time.work_below_floor": lambda: verify(file_with(lone("main").anchor)),
    "time.network_not_accepted": lambda: verify(file_with(lone("signet").anchor)),
    "time.not_carried": lambda: verify(BYTES),
    "time.blocked": lambda: verify(REFUTED),
}


def test_there_is_a_scenario_for_every_code_and_for_no_other():
    assert SCENARIOS.keys() == CODES.keys()


@pytest.mark.parametrize("code", SCENARIOS)
def test_each_code_is_reached_with_its_status(code: str):
    verdict = SCENARIOS[code]()
    assert tuple(leg.name for leg in verdict.legs) == LEGS
    bearer = "operation" if code == "authority.key_unknown" else code.partition(".")[0]
    leg = verdict.leg(bearer)
    assert (leg.code, leg.status) == (code, CODES[code])
    assert leg.detail
    assert verdict.verdict is not Status.ESTABLISHED or not leg.counts
    assert all(not each.code or each.code in CODES for each in verdict.legs)


def status_of(verdict: Verdict) -> dict[str, str]:
    return {leg.name: leg.code or str(leg.status) for leg in verdict.legs}


def test_a_whole_proof_with_its_content_is_established():
    verdict = verify(BYTES, None, DATA)
    assert (verdict.verdict, verdict.exit_code) == (Status.ESTABLISHED, 0)
    assert verdict.subject == PROOF_OPERATION.op_id
    assert verdict.ignored == ()
    assert status_of(verdict) == {
        "format": "established",
        "operation": "established",
        "content": "established",
        "authority": "authority.not_carried",
        "log": "established",
        "checkpoint": "established",
        "witnesses": "witnesses.not_carried",
        "ledger": "ledger.not_carried",
        "time": "time.not_carried",
    }


def test_each_established_leg_says_what_it_rests_on():
    verdict = verify(BYTES, None, DATA)
    assert {leg.name: leg.basis for leg in verdict.legs if leg.basis} == {
        "operation": "self-asserted key",
        "content": "bytes given",
        "log": "hash only",
        "checkpoint": "self-asserted log key",
    }


def test_legs_state_their_facts():
    verdict = verify(BYTES, None, DATA)
    assert verdict.leg("format").facts == {"version": 1}
    assert verdict.leg("operation").facts == {
        "op_id": PROOF_OPERATION.op_id,
        "cid": str(PROOF_OPERATION.cid),
        "type": "evidence",
        "author": AUTHOR.key_id,
        "ts": PROOF_OPERATION.ts,
        "node": "press-1",
        "kind": "lodestamp.content/1",
        "source": f"ipfs://{content_of(DATA).cid}",
    }
    assert verdict.leg("content").facts == content_of(DATA).as_json()
    assert verdict.leg("log").facts == {"origin": ORIGIN, "index": 2, "size": 5}
    facts = verdict.leg("checkpoint").facts
    assert (facts["origin"], facts["size"], facts["keys"]) == (ORIGIN, 5, [log_vkey().text()])


def test_a_claim_states_its_words_and_stands_on_its_disclosed_evidence():
    claim = claim_of([PROOF_OPERATION], "mine")
    proof = sealed_proof(claim, [PROOF_OPERATION], content_of(DATA))
    verdict = verify(proof.encode(), None, DATA)
    assert verdict.verdict is Status.ESTABLISHED
    facts = verdict.leg("operation").facts
    assert (facts["subject"], facts["statement"]) == (str(content_of(DATA).cid), "mine")
    assert facts["predicate"] == "lodestamp.statement/1"


def test_a_statement_that_is_no_text_is_no_fact():
    claim = claim_of([PROOF_OPERATION], {"pages": 3})
    facts = verify(from_parts(claim).encode()).leg("operation").facts
    assert "statement" not in facts


def test_sources_need_not_be_disclosed():
    claim = claim_of([PROOF_OPERATION])
    assert verify(from_parts(claim).encode()).verdict is Status.ESTABLISHED


def test_disclosure_reaches_through_disclosed_operations():
    first = evidence_of({"n": 1}, source="s")
    middle, bystander = claim_of([first]), evidence_of({"n": 2}, source="s")
    subject = claim_of([middle], "on top")
    assert verify(from_parts(subject, [middle, first]).encode()).exit_code == 0
    gap = verify(from_parts(subject, [first]).encode())
    assert gap.leg("operation").code == "operation.schema"
    stranger = verify(from_parts(subject, [middle, bystander]).encode())
    assert stranger.leg("operation").code == "operation.schema"
    assert bystander.op_id in stranger.leg("operation").detail


def test_keys_beyond_the_basic_plane_keep_their_order():
    body = {"\U0001f600": 1, "\uff5e": 2, "a": {"\uff5e": [], "\U0001f600": {}}}
    source = evidence_of(body, kind="note", source="s")
    for proof in (from_parts(source), from_parts(claim_of([source]), [source])):
        assert verify(proof.encode()).exit_code == 0


def test_the_subject_itself_is_not_disclosed_again():
    verdict = verify(from_parts(PROOF_OPERATION, [PROOF_OPERATION]).encode())
    assert verdict.leg("operation").code == "operation.schema"


@pytest.mark.parametrize("change", [list.reverse, lambda items: items.append(items[-1])])
def test_disclosed_operations_ascend_each_once(change: Callable[[list[Any]], object]):
    sources = [evidence_of({"n": n}, source="s") for n in range(3)]
    proof = from_parts(claim_of(sources), sources)
    data = edited(proof, lambda top: change(top["subject"]["disclosed"]))
    assert verify(data).leg("operation").code == "operation.schema"


def test_a_disclosed_operation_is_checked_like_the_subject():
    claim = claim_of([PROOF_OPERATION])
    proof = from_parts(claim, [PROOF_OPERATION])
    for change, code in (
        (lambda wire: {**wire, "ts": 1}, "operation.id_mismatch"),
        (lambda wire: identified({**wire, "ts": 1}), "operation.bad_signature"),
        (lambda wire: {**wire, "v": 2}, "operation.schema"),
    ):
        data = edited(
            proof,
            lambda top, change=change: top["subject"].update(
                disclosed=[change(top["subject"]["disclosed"][0])]
            ),
        )
        leg = verify(data).leg("operation")
        assert leg.code == code
        assert "/subject/disclosed/0" in leg.detail


def test_an_author_whose_key_is_not_at_hand_is_unknown_and_nothing_rests_on_it():
    """K11: `authority.key_unknown`, never refuted; the log still shows that the bytes are in it."""
    verdict = verify(by_hybrid().encode(), None, DATA)
    assert verdict.exit_code == 2
    assert status_of(verdict)["operation"] == "authority.key_unknown"
    assert status_of(verdict)["content"] == "content.blocked"
    assert status_of(verdict)["log"] == "established"
    assert HYBRID.key_id in verdict.leg("operation").detail


def _change_subject(top: dict[str, Any], change: Callable[[Any], Any]) -> None:
    top["subject"]["operation"] = change(top["subject"]["operation"])


def test_a_broken_operation_is_refuted_though_its_key_is_not_at_hand():
    """K11."""
    proof = by_hybrid()
    for change, code in (
        (lambda wire: {**wire, "ts": 2}, "operation.id_mismatch"),
        (lambda wire: identified({**wire, "seq": -1}), "operation.schema"),
    ):
        data = edited(proof, lambda top, change=change: _change_subject(top, change))
        assert verify(data).leg("operation").code == code


@pytest.mark.parametrize("kind", ["grant", "refutation", "revocation", "attestation", "receipt"])
def test_operations_of_every_type_are_checked_against_their_schema(kind: str):
    data = with_operation(lambda wire: resigned({**wire, "type": kind, "body": {}}))
    verdict = verify(data, None, DATA)
    assert verdict.exit_code == 1
    assert status_of(verdict)["operation"] == "operation.schema"
    assert status_of(verdict)["log"] == "log.blocked"


@pytest.mark.parametrize("version", [1, 2])
def test_an_operation_of_either_version_and_of_another_type_is_established(version: int):
    body = refutation(target=PROOF_OPERATION.op_id, reason="wrong")
    seq = None if version == 1 else 0
    subject = build_op(AUTHOR, "n", "refutation", body, (), 1, version=version, seq=seq)
    verdict = verify(sealed_proof(subject).encode())
    assert (verdict.exit_code, verdict.subject) == (0, subject.op_id)
    assert verdict.leg("operation").facts["type"] == "refutation"


@pytest.mark.parametrize(
    "change",
    [{"type": "moon"}, {"type": ["grant"]}, {"v": 3}, {"v": True}, {"v": "2"}, {"v": 0}],
    ids=str,
)
def test_operations_nobody_reads_are_refuted(change: dict[str, Any]):
    verdict = verify(with_operation(lambda wire: {**wire, **change}))
    assert verdict.leg("operation").code == "operation.schema"


def test_an_operation_beyond_its_own_limits_is_refuted():
    wide = with_operation(lambda wire: {**wire, "node": "x" * (256 << 10)})
    deep: Any = {}
    for _ in range(32):
        deep = {"a": deep}
    below = with_operation(lambda wire: {**wire, "body": {**wire["body"], "content": deep}})
    for data in (wide, below):
        assert verify(data).leg("operation").code == "operation.schema"


def test_a_refuted_operation_blocks_what_rests_on_it():
    verdict = verify(with_operation(lambda wire: identified({**wire, "ts": 0})), None, DATA)
    assert verdict.exit_code == 1
    assert status_of(verdict) | {"operation": ""} == status_of(verify(BYTES, None, DATA)) | {
        "operation": "",
        "content": "content.blocked",
        "log": "log.blocked",
    }


def test_a_refuted_checkpoint_blocks_the_log_alone():
    verdict = noted(broken_signature)
    assert status_of(verdict)["log"] == "log.blocked"
    assert status_of(verdict)["content"] == "established"


def test_a_file_outside_its_format_blocks_every_leg():
    verdict = verify(REFUTED)
    assert [leg.code for leg in verdict.legs[1:]] == [f"{name}.blocked" for name in LEGS[1:]]
    assert not any(leg.counts for leg in verdict.legs[1:])
    assert (verdict.exit_code, verdict.subject) == (1, None)


@pytest.mark.parametrize("change", [put("version", 3), put("requires", ["moon-phase"])])
def test_what_another_version_wrote_is_unknown_in_every_leg(change: Any):
    verdict = verify(edited(PROOF, change), None, DATA)
    assert {leg.code for leg in verdict.legs} == {"format.unsupported"}
    assert verdict.exit_code == 2


# Content


def pieces(data: bytes) -> Iterator[bytes | memoryview]:
    for at in range(len(data)):
        yield memoryview(data)[at : at + 1]


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview, pieces, lambda data: [data]])
def test_content_comes_whole_or_in_pieces(form: Callable[[bytes], Any]):
    assert verify(stating(sha256=sha256(DATA).hexdigest()), None, form(DATA)).exit_code == 0


def test_a_reader_of_too_much_content_is_stopped():
    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(1 << 16)

    assert verify(BYTES, None, endless()).leg("content").code == "content.size_mismatch"


def test_what_reading_content_raises_passes_through():
    def failing() -> Iterator[bytes]:
        yield DATA[:3]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        verify(BYTES, None, failing())


def test_absent_bytes_leave_a_gap_unless_nobody_asked():
    assert verify(BYTES).exit_code == 2
    assert verify(BYTES, without_content=True).exit_code == 0
    assert verify(BYTES, without_content=True).leg("content").code == "content.bytes_absent"


def test_who_requires_content_asked():
    assert verify(BYTES, without_content=True, require=["content"]).exit_code == 2


def test_content_given_for_a_proof_that_carries_none_leaves_a_gap():
    assert verify(bare()).exit_code == 0
    assert verify(bare(), None, DATA).exit_code == 2


def test_empty_content_is_content():
    proof = proof_of_content(b"")
    assert verify(proof.encode(), None, b"").exit_code == 0
    assert verify(proof.encode(), None, []).exit_code == 0
    assert verify(proof.encode()).exit_code == 2


def test_a_name_and_a_digest_in_the_evidence_become_facts():
    digest = sha256(DATA).hexdigest()
    facts = verify(stating(name="report.txt", sha256=digest), None, DATA).leg("content").facts
    assert (facts["name"], facts["sha256"]) == ("report.txt", digest)


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ({"size": 11}, "content.size_mismatch"),
        ({"size": True}, "content.size_mismatch"),
        ({"cid": "bafy"}, "content.cid_mismatch"),
        ({"cid": 7}, "content.cid_mismatch"),
        ({"profile": "legacy-cidv1"}, "content.not_in_operation"),
        ({"moon": 1}, "content.not_in_operation"),
    ],
    ids=str,
)
def test_the_operation_must_state_what_the_proof_says(stated: dict[str, Any], code: str):
    evidence = evidence_of({**statement_of(content_of(DATA)), **stated}, source="s")
    proof = sealed_proof(evidence, (), content_of(DATA))
    assert verify(proof.encode(), None, DATA).leg("content").code == code


def test_a_size_of_one_is_not_true():
    content = content_of(b"x")
    proof = sealed_proof(evidence_of({**statement_of(content), "size": True}), (), content)
    assert verify(proof.encode(), None, b"x").leg("content").code == "content.size_mismatch"


def test_an_operation_that_lies_about_the_size_of_its_cid_is_found_out():
    stated = {**statement_of(content_of(DATA)), "size": 13}
    proof = sealed_proof(evidence_of(stated), (), content_of(DATA))
    data = edited(proof, put("content", "size", 13))
    assert verify(data, None, DATA).leg("content").code == "content.size_mismatch"


def test_one_of_several_evidences_may_state_the_content():
    other = content_of(b"another file")
    sources = [evidence_of(statement_of(other)), PROOF_OPERATION]
    about = str(content_of(DATA).cid)
    claim = claim_of(sources, subject=about, predicate=STATEMENT_PREDICATE)
    proof = sealed_proof(claim, sources, content_of(DATA))
    assert verify(proof.encode(), None, DATA).exit_code == 0


def test_a_statement_about_one_content_is_not_proven_of_another():
    other = content_of(b"another file")
    sources = [evidence_of(statement_of(other)), PROOF_OPERATION]
    proof = sealed_proof(claim_of(sources), sources, content_of(DATA))
    leg = verify(proof.encode(), None, DATA).leg("content")
    assert (leg.code, str(other.cid) in leg.detail) == ("content.not_in_operation", True)


def test_content_of_an_evidence_whose_key_is_not_at_hand_is_not_refuted():
    source = hybrid_evidence()
    body = {**claim_of([PROOF_OPERATION]).body, "derived_from": [source.op_id]}
    proof = sealed_proof(operation("claim", body), (source,), content_of(DATA))
    verdict = verify(proof.encode(), None, DATA)
    assert verdict.leg("operation").code == "authority.key_unknown"
    assert "/subject/disclosed/0" in verdict.leg("operation").detail
    assert (verdict.leg("content").code, verdict.exit_code) == ("content.blocked", 2)


@pytest.mark.parametrize("mine_first", [True, False])
def test_every_statement_about_the_content_counts_whatever_its_id(mine_first):
    """A stranger's false digest falls and a stranger's name is not told, in either order of ids."""
    about = content_of(DATA)
    for number in range(50):
        mine = evidence_of(statement_of(about, name="mine.txt"))
        strange = statement_of(about, name=f"yours-{number}.txt")
        theirs = evidence_of(strange, signer=STRANGER)
        if (mine.op_id < theirs.op_id) is mine_first:
            break
    claim = claim_of([mine, theirs])
    leg = verify(sealed_proof(claim, [mine, theirs], about).encode(), None, DATA).leg("content")
    assert (leg.status, leg.facts["name"]) == (Status.ESTABLISHED, "mine.txt")
    false = evidence_of({**strange, "sha256": "0" * 64}, signer=STRANGER)
    claim = claim_of([mine, false])
    leg = verify(sealed_proof(claim, [mine, false], about).encode(), None, DATA).leg("content")
    assert leg.code == "content.sha256_mismatch"


@pytest.mark.parametrize("more", [{"name": None}, {"name": 5}, {"sha256": None}, {"sha256": 1}])
def test_a_statement_with_a_member_of_another_type_states_nothing(more):
    about = content_of(DATA)
    proof = sealed_proof(evidence_of(statement_of(about, **more)), (), about)
    assert verify(proof.encode(), None, DATA).leg("content").code == "content.not_in_operation"


def test_pieces_that_do_not_lie_together_are_measured_all_the_same():
    about = content_of(DATA)
    stated = statement_of(about, sha256=sha256(DATA).hexdigest())
    proof = sealed_proof(evidence_of(stated), (), about)
    spread = bytes(byte for each in DATA for byte in (each, 0))
    assert verify(proof.encode(), None, memoryview(spread)[::2]).exit_code == 0


def test_content_cut_into_absurdly_many_chunks_is_not_computed():
    profile = get_profile(DEFAULT).override(chunker=Chunker(1)).name
    content = Content(content_of(DATA).cid, profile, 50_001)
    proof = sealed_proof(evidence_of(statement_of(content)), (), content)
    leg = verify(proof.encode(), None, iter([b"x"])).leg("content")
    assert leg.code == "content.profile_unknown"


def test_evidence_that_lacks_a_member_states_nothing():
    body = evidence(source="s", kind="lodestamp.content/1", content={"cid": "x"}, captured_at=0)
    proof = sealed_proof(operation("evidence", body), (), content_of(DATA))
    assert verify(proof.encode(), None, DATA).leg("content").code == "content.not_in_operation"


# Trust


def test_a_pinned_author_is_named_as_the_basis():
    trust = Trust(authors=(AuthorPin(AUTHOR.key_id, "Ada"),), unpinned=Unpinned.SELF_ASSERTED)
    leg = verify(BYTES, trust).leg("operation")
    assert (leg.basis, leg.facts["label"]) == ("pinned key", "Ada")


def test_a_trust_file_that_pins_a_log_alone_leaves_the_author_unknown():
    verdict = verify(BYTES, Trust(logs=pins(LOG_KEY).logs), DATA)
    assert verdict.leg("checkpoint").basis == "pinned log key"
    assert (verdict.leg("operation").code, verdict.exit_code) == ("operation.key_not_pinned", 2)


def test_an_author_nobody_pins_is_unknown_or_speaks_for_itself():
    pin = AuthorPin(STRANGER.key_id)
    leg = verify(BYTES, Trust(authors=(pin,))).leg("operation")
    assert (leg.code, leg.counts) == ("operation.key_not_pinned", True)
    assert leg.facts["author"] == AUTHOR.key_id
    trust = Trust(authors=(pin,), unpinned=Unpinned.SELF_ASSERTED)
    assert verify(BYTES, trust).leg("operation").basis == "self-asserted key"


def test_an_unpinned_author_does_not_hide_the_legs_that_follow():
    verdict = verify(BYTES, Trust(authors=(), unpinned=Unpinned.UNKNOWN), DATA)
    assert status_of(verdict)["content"] == status_of(verdict)["log"] == "established"
    assert verdict.exit_code == 2


def test_a_pinned_log_is_named_as_the_basis():
    assert verify(BYTES, pins(OTHER_LOG_KEY, LOG_KEY)).leg("checkpoint").basis == "pinned log key"


def test_a_log_nobody_pins_is_unknown_or_speaks_for_itself():
    leg = verify(BYTES, Trust()).leg("checkpoint")
    assert (leg.code, leg.counts) == ("checkpoint.key_not_pinned", True)
    trust = Trust(unpinned=Unpinned.SELF_ASSERTED)
    assert verify(BYTES, trust).leg("checkpoint").basis == "self-asserted log key"


def test_a_pinned_log_with_another_key_is_refuted_whatever_unpinned_says():
    trust = Trust(pins(OTHER_LOG_KEY).logs, unpinned=Unpinned.SELF_ASSERTED)
    assert verify(BYTES, trust, DATA).exit_code == 1


@pytest.mark.parametrize("leg", [name for name in LEGS if name not in ("format", "operation")])
def test_a_required_leg_that_is_not_carried_counts(leg: str):
    assert verify(bare()).exit_code == 0
    assert verify(bare(), require=[leg]).exit_code == 2
    assert verify(bare(), Trust(require=frozenset({leg}))).exit_code == 2


def test_a_leg_that_is_none_cannot_be_required():
    with pytest.raises(UsageError, match="moon"):
        verify(BYTES, require=["moon"])


# Keys and signatures of the note


def test_a_signature_line_nobody_knows_is_listed_and_changes_nothing_else():
    line = "— witness.example/w9 " + "AAAAAAAA" * 12 + "\n"
    verdict = noted(lambda note: note + line)
    assert verdict.legs == verify(BYTES, None, DATA).legs
    assert verdict.ignored == (line.rstrip("\n"),)


def test_a_carried_key_that_did_not_sign_is_refuted():
    vkeys = sorted([log_vkey().text(), log_vkey(OTHER_LOG_KEY).text()])
    leg = tampered(put("checkpoint", "vkeys", vkeys)).leg("checkpoint")
    assert leg.code == "checkpoint.no_log_signature"


def test_a_carried_note_key_of_another_name_is_refuted():
    vkeys = sorted([log_vkey().text(), log_vkey(origin="log.example").text()])
    leg = tampered(put("checkpoint", "vkeys", vkeys)).leg("checkpoint")
    assert leg.code == "checkpoint.key_mismatch"


def test_a_checkpoint_with_witness_keys_only_has_no_log_signature():
    for trust in (None, pins(LOG_KEY)):
        verdict = tampered(put("checkpoint", "vkeys", [WITNESS_KEY.text()]), trust)
        assert verdict.leg("checkpoint").code == "checkpoint.no_log_signature"


def test_a_key_pinned_but_not_carried_still_refuses_its_bad_signature():
    def spoil(note: str) -> str:
        from lodestamp.core.transparency import NoteSigner, parse_note, sign_note

        text = parse_note(note.encode()).text
        other = sign_note(text, [NoteSigner(ORIGIN, OTHER_LOG_KEY)]).decode()
        return note + broken_signature(other).rpartition("\n\n")[2]

    assert noted(spoil).exit_code == 0
    assert noted(spoil, pins(LOG_KEY)).exit_code == 0
    leg = noted(spoil, pins(LOG_KEY, OTHER_LOG_KEY)).leg("checkpoint")
    assert leg.code == "checkpoint.bad_signature"


def test_a_ledger_counts_though_this_version_cannot_check_it():
    """ADR 0007: carried and unknown, so the exit code is 2."""
    verdict = tampered(put("ledger", LEDGER))
    assert verdict.exit_code == 2
    assert [leg.code for leg in verdict.legs if leg.code.endswith(".unsupported")] == [
        "ledger.unsupported"
    ]


@pytest.mark.parametrize("suite", ["mldsa65", "hybrid"])
def test_without_a_suite_its_signatures_are_unknown_and_never_refuted(suite: str):
    """R73: a verifier that has no post-quantum signatures says so."""
    verdict = without_suites(by_suite(suite, kept))
    assert verdict.exit_code == 2
    assert not [leg for leg in verdict.legs if leg.status is Status.REFUTED]
    assert verdict.leg("content").code == "content.blocked"


def test_a_log_of_one_entry_has_an_empty_path():
    subject = PROOF_OPERATION
    proof = from_parts(subject, (), content_of(DATA), *sealed(subject))
    assert proof.log is not None
    assert proof.log.path == b""
    assert verify(proof.encode(), None, DATA).exit_code == 0


def test_a_note_that_holds_no_checkpoint_is_refuted():
    from lodestamp.core.transparency import NoteSigner, sign_note

    note = sign_note("just words\n", [NoteSigner(ORIGIN, LOG_KEY)]).decode()
    assert tampered(put("checkpoint", "note", note)).leg("checkpoint").code == "checkpoint.bad_note"


def test_verdicts_read_the_same_as_json():
    shown = verify(BYTES, None, DATA).as_json()
    assert shown["verdict"] == "established"
    assert [leg["name"] for leg in shown["legs"]] == list(LEGS)  # type: ignore[attr-defined]


def test_a_leg_is_a_value():
    assert verify(BYTES).leg("format") == Leg("format", Status.ESTABLISHED, facts={"version": 1})


def test_carried_keys_are_found_whatever_order_they_were_given_in():
    log, checkpoint = sealed(PROOF_OPERATION, 1, 3)
    keys = (*checkpoint.vkeys, WITNESS_KEY)
    for vkeys in (keys, keys[::-1]):
        proof = from_parts(PROOF_OPERATION, (), None, log, Checkpoint(checkpoint.note, vkeys))
        assert verify(proof.encode()).leg("checkpoint").status is Status.ESTABLISHED
