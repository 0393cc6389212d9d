"""The authority leg: by what right, resting on whom, and what only the log can say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from authorities import (
    AGENTS,
    DATA,
    DEFECTS,
    HOUR,
    ROOT,
    authority_proof,
    by_a_former_key,
    by_suite,
    cap_id_of,
    cap_of,
    chain_of,
    did_of,
    evidence_by,
    for_identity,
    granted,
    key_ops,
    keys_absent,
    proof_with,
    signer_of,
    state_of,
    stated,
    under,
    written,
)
from lodestamp.core.operations import claim, parse_cap, refutation
from lodestamp.core.proof import AuthorPin, LogPin, Trust, Unpinned, authority_from, verify
from lodestamp.core.verdict import Status
from proofs import LOG_KEY, ORIGIN, OTHER_LOG_KEY, STRANGER, TIME, edited, key, log_vkey

WORD = "not revoked and not refuted as of log size 5, on the log's word"


def trusting(*authors: str, log: Any = LOG_KEY) -> Trust:
    logs = (LogPin(ORIGIN, (log_vkey(log),)),)
    return Trust(logs=logs, authors=tuple(AuthorPin(each, "Ada") for each in authors))


def leg(data: bytes, trust: Trust | None = None, name: str = "authority") -> Any:
    return verify(data, trust, DATA).leg(name)


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_refutes_this_leg_alone_with_its_code(defect: str):
    """S21, S22, S23 and the codes of `CapError` (operations spec §5)."""
    reason, make = DEFECTS[defect]
    verdict = verify(make(), None, DATA)
    refuted = [each.name for each in verdict.legs if each.status is Status.REFUTED]
    assert (refuted, verdict.leg("authority").code) == (["authority"], f"authority.{reason}")
    assert verdict.exit_code == 1
    assert verdict.leg("authority").detail


@pytest.mark.parametrize("links", range(1, 6))
def test_a_chain_of_one_to_five_is_established(links: int):
    grants = chain_of(links)
    found = leg(authority_proof(under(grants), grants))
    assert found.status is Status.ESTABLISHED
    assert found.basis == "self-asserted root grant; revocations not shown"
    assert found.facts == {"root": ROOT.key_id, "cap_id": cap_id_of(grants), "links": links}


def test_the_log_can_say_that_nothing_was_revoked_or_refuted():
    verdict = verify(stated(), None, DATA)
    assert verdict.exit_code == 0
    assert verdict.leg("authority").basis == f"self-asserted root grant; {WORD}"
    assert verdict.leg("authority").facts["state_size"] == 5


def test_the_state_may_be_newer_than_the_checkpoint():
    grants = chain_of(1)
    subject = under(grants)
    data = authority_proof(subject, grants, (), state_of(subject, size=300))
    assert "log size 300" in leg(data).basis


def test_a_pinned_root_makes_its_delegates_known():
    """A trust file need not list every agent: the chain from the root vouches for the key."""
    grants = chain_of(5)
    verdict = verify(authority_proof(under(grants), grants), trusting(ROOT.key_id), DATA)
    assert verdict.exit_code == 0
    assert verdict.leg("authority").basis.startswith("pinned root grant")
    assert verdict.leg("authority").facts["pinned"] == "Ada"
    assert verdict.leg("operation").basis == "key granted by a pinned root"


def test_a_root_that_nothing_pins_is_unknown_though_its_delegate_is_pinned():
    grants = chain_of(2)
    data = authority_proof(under(grants), grants)
    verdict = verify(data, trusting(AGENTS[1].key_id), DATA)
    assert verdict.leg("authority").code == "authority.key_not_pinned"
    assert verdict.leg("operation").basis == "pinned key"
    lenient = Trust(authors=(), unpinned=Unpinned.SELF_ASSERTED)
    assert leg(data, lenient).basis.startswith("self-asserted root grant")


def test_a_pinned_root_vouches_for_nobody_when_the_chain_is_broken():
    verdict = verify(DEFECTS["wider_predicate"][1](), trusting(ROOT.key_id), DATA)
    assert verdict.leg("operation").code == "operation.key_not_pinned"
    assert verdict.leg("authority").code == "authority.not_attenuated"


def test_an_unpinned_log_has_no_word():
    trust = Trust(authors=(AuthorPin(ROOT.key_id),))
    found = leg(stated(), trust)
    assert (found.code, "log" in found.detail) == ("authority.key_not_pinned", True)


def test_a_state_under_a_refuted_checkpoint_is_blocked():
    found = leg(stated(), trusting(ROOT.key_id, log=OTHER_LOG_KEY))
    assert (found.code, found.counts) == ("authority.blocked", False)


def test_an_author_who_names_no_capability_acts_in_the_own_right():
    keys = key_ops("robot 1", "robot 2")
    found = leg(authority_proof(evidence_by(key("robot 2")), (), keys))
    assert (found.status, found.basis) == (Status.ESTABLISHED, "self-asserted author")
    subject = evidence_by(STRANGER)
    found = leg(authority_proof(subject, (), (), state_of(subject)))
    assert found.basis == f"self-asserted author; {WORD}"


def test_a_pinned_did_is_pinned_by_the_key_in_force():
    """K9: of the keys in the carried history, the last one speaks for the DID."""
    keys = key_ops("robot 1", "robot 2")
    trust = trusting(did_of(keys))
    now = verify(authority_proof(evidence_by(key("robot 2")), (), keys), trust, DATA)
    assert now.exit_code == 0
    assert now.leg("operation").basis == "key of a pinned identity, by the events carried"
    assert now.leg("operation").facts["did"] == did_of(keys)
    assert now.leg("operation").facts["label"] == "Ada"
    assert now.leg("authority").basis == "pinned author"
    before = verify(authority_proof(evidence_by(key("robot 1")), (), keys), trust, DATA)
    assert before.leg("operation").code == "operation.key_not_pinned"
    bare = verify(proof_with(evidence_by(key("robot 2")), None).encode(), trust, DATA)
    assert bare.leg("operation").code == "operation.key_not_pinned"


def test_an_identity_may_be_the_audience_and_the_root():
    keys = key_ops("robot 1", "robot 2")
    subject, grants, held = for_identity("first", "second", by="second")
    assert leg(authority_proof(subject, grants, held)).status is Status.ESTABLISHED
    cap = cap_of(key("robot 2"), AGENTS[0].key_id, subject=did_of(keys))
    grants = [granted(key("robot 2"), cap)]
    data = authority_proof(under(grants), grants, keys)
    assert leg(data).facts["root"] == did_of(keys)
    assert verify(data, trusting(did_of(keys)), DATA).exit_code == 0


def test_whether_a_key_was_replaced_before_it_signed_only_the_log_knows():
    assert leg(by_a_former_key()).code == "authority.state_absent"
    assert leg(by_a_former_key(with_state=True)).status is Status.ESTABLISHED


def test_an_identity_whose_history_is_not_carried_is_unknown():
    """K11: a missing key is never refuted."""
    assert leg(keys_absent()).code == "authority.key_unknown"
    assert verify(keys_absent(), None, DATA).exit_code == 2


def test_a_key_that_no_event_shows_does_not_speak_for_the_identity():
    subject, grants, keys = for_identity("first", "second", by="third")
    assert leg(authority_proof(subject, grants, keys)).code == "authority.no_authority"


@pytest.mark.parametrize("suite", ["mldsa65", "hybrid"])
def test_the_key_of_an_id_that_only_names_it_is_carried(suite: str):
    """K11."""
    data = by_suite(suite, lambda _name, make: make())
    verdict = verify(data, None, DATA)
    assert verdict.exit_code == 0
    assert verdict.leg("operation").basis == "self-asserted key"
    assert verdict.leg("authority").facts["root"] == signer_of(suite, suite).key_id
    without = edited(data, lambda top: top.pop("authority"))
    assert leg(without, None, "operation").code == "authority.key_unknown"
    others = edited(
        authority_proof(evidence_by(STRANGER), (), key_ops("x")),
        lambda top: top["subject"].update(
            operation=_operation_of(data), disclosed=top["subject"]["disclosed"]
        ),
    )
    assert leg(others).code == "authority.key_unknown"


def _operation_of(data: bytes) -> Any:
    import json

    return json.loads(data)["subject"]["operation"]


def test_what_a_refutation_refutes_is_not_in_the_file():
    """S14: the predicate to be covered is that of the target."""
    grants = chain_of(1, commands=["/refute"])
    body = refutation(target=evidence_by(STRANGER).op_id, reason="no")
    subject = written(AGENTS[0], "refutation", body, cap=cap_id_of(grants))
    section = authority_from(grants)
    data = proof_with(subject, section, content_too=False).encode()
    assert verify(data).leg("authority").code == "authority.state_absent"
    section = authority_from(grants, (), state_of(subject))
    data = proof_with(subject, section, content_too=False).encode()
    assert verify(data).leg("authority").status is Status.ESTABLISHED


@pytest.mark.parametrize(
    ("changes", "said", "reason"),
    [
        ({}, {}, ""),
        ({}, {"predicate": "lives.in"}, "out_of_scope"),
        ({"min_confidence_bp": 9_000}, {}, "out_of_scope"),
        ({"resources": ["house*"]}, {}, "out_of_scope"),
        ({"resources": ["me"]}, {}, ""),
        ({"commands": ["/claim"]}, {"deriver": "user"}, ""),
        ({"commands": ["/claim/create"]}, {"deriver": "user"}, "out_of_scope"),
        ({"commands": ["/claim/user"]}, {"deriver": "user"}, ""),
    ],
    ids=str,
)
def test_S23_a_claim_is_in_scope_by_command_predicate_resource_and_confidence(
    changes: dict[str, Any], said: dict[str, Any], reason: str
):
    """S20 too: a person's own word needs its own command."""
    grants = chain_of(1, **changes)
    source = evidence_by(STRANGER)
    fields = {"deriver": "reader", "predicate": "prefers.tea", **said}
    sources = [] if fields["deriver"] == "user" else [source.op_id]
    body = claim(
        subject="me",
        object=1,
        confidence_bp=8_000,
        derived_from=sources,
        rationale="r",
        **fields,
    )
    subject = written(AGENTS[0], "claim", body, cap=cap_id_of(grants))
    data = proof_with(subject, authority_from(grants), content_too=False).encode()
    assert verify(data).leg("authority").code == (f"authority.{reason}" if reason else "")


@pytest.mark.parametrize(
    ("ts", "reason"),
    [
        (TIME - HOUR, ""),
        (TIME - HOUR - 1, "not_yet_valid"),
        (TIME + HOUR - 1, ""),
        (TIME + HOUR, "expired"),
    ],
)
def test_S22_a_capability_is_usable_from_its_beginning_until_its_end(ts: int, reason: str):
    grants = chain_of(1)
    found = leg(authority_proof(under(grants, ts=ts), grants))
    assert found.code == (f"authority.{reason}" if reason else "")


def test_S21_a_grant_that_passes_on_is_checked_like_what_is_done_under_it():
    grants = chain_of(2)
    data = proof_with(grants[1], authority_from(grants[:1]), content_too=False).encode()
    assert verify(data).leg("authority").facts["links"] == 1
    assert verify(data).exit_code == 0
    root = proof_with(grants[0], authority_from((), (), state_of(grants[0])), content_too=False)
    assert verify(root.encode()).leg("authority").basis == f"self-asserted root grant; {WORD}"
    cap = cap_of(AGENTS[0], AGENTS[1].key_id, parse_cap(grants[0].body["cap"]))
    own = written(AGENTS[0], "grant", {"cap": dict(cap.document)})
    alone = proof_with(own, authority_from((), (), state_of(own)), content_too=False)
    assert verify(alone.encode()).leg("authority").code == "authority.grants_absent"


def test_the_right_to_what_is_never_made_under_a_capability_is_for_the_state():
    """S24, S29: who may revoke or give a receipt follows from other operations."""
    grants = chain_of(1, commands=["/claim", "/grant"])
    subject = written(
        AGENTS[0], "revocation", {"cap_id": cap_id_of(grants), "reason": "r"}, cap=cap_id_of(grants)
    )
    data = proof_with(subject, authority_from(grants), content_too=False).encode()
    assert verify(data).leg("authority").code == "authority.state_absent"


@pytest.mark.parametrize("kind", ["refutation", "revocation"])
def test_a_stranger_borrows_no_name_by_a_capability_given_to_another(kind: str):
    """Valid by the log's word for another reason, such an operation is still not the delegate's."""
    grants = chain_of(1)
    body = (
        refutation(target=evidence_by(STRANGER).op_id, reason="mine")
        if kind == "refutation"
        else {"cap_id": cap_id_of(grants), "reason": "r"}
    )
    subject = written(STRANGER, kind, body, cap=cap_id_of(grants))
    section = authority_from(grants, (), state_of(subject))
    data = proof_with(subject, section, content_too=False).encode()
    verdict = verify(data, trusting(ROOT.key_id))
    assert verdict.leg("authority").code == "authority.no_authority"
    assert verdict.leg("operation").code == "operation.key_not_pinned"


def test_a_refuted_operation_blocks_it():
    data = edited(stated(), lambda top: top["subject"]["operation"].update(ts=0))
    assert leg(data).code == "authority.blocked"


def test_lines_of_unknown_signers_under_a_state_note_are_listed():
    line = "— witness.example/w9 " + "AAAAAAAA" * 12

    def add(top: dict[str, Any]) -> None:
        top["authority"]["state"]["note"] += line + "\n"

    verdict = verify(edited(stated(), add), None, DATA)
    assert (verdict.exit_code, verdict.ignored) == (0, (line,))


def test_a_forked_history_leaves_the_key_before_it():
    """K8: while the fork has no position, the identity stays at the last undisputed event."""
    from authorities import identity, key_op

    first, second = identity("first", "second")
    other = first.rotation(key("second").public_key)
    assert other.digest == second.digest
    rival = first.rotation(key("second").public_key, next="sha256:" + "0" * 64)
    events = sorted(
        [key_op(second, key("second")), key_op(rival, key("second"))],
        key=lambda each: each.op_id,
    )
    keys = [key_op(first, key("first")), *events]
    make: Callable[[str], bytes] = lambda label: authority_proof(  # noqa: E731
        evidence_by(key(label)), (), keys
    )
    trust = trusting(first.did)
    assert verify(make("first"), trust, DATA).exit_code == 0
    assert leg(make("second"), trust, "operation").code == "operation.key_not_pinned"
