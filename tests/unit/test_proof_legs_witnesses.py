"""The leg `witnesses`: who counts, who is only listed, and what refutes."""

from __future__ import annotations

from typing import Any

import pytest

from lodestamp.core.encoding import base64_decode, base64_encode
from lodestamp.core.proof import LogPin, Trust, Unpinned, verify
from lodestamp.core.transparency import Cosigner, parse_policy, threshold_policy
from lodestamp.core.verdict import Leg, Status, Verdict
from proofs import ORIGIN, edited, log_vkey, proof_of_content
from witnesses import (
    COSIGNED_AT,
    SAME_KEY,
    W1,
    W2,
    W3,
    cosigned,
    line_of,
    own_post_quantum,
    post_quantum,
)

DATA = b"hello world\n"
PROOF = proof_of_content()


def trusting(threshold: int, *witnesses: Cosigner, **more: Any) -> Trust:
    policy = threshold_policy(threshold, [each.verifier_key for each in witnesses])
    return Trust(witnesses=policy, unpinned=Unpinned.SELF_ASSERTED, **more)


def named(text: str) -> Trust:
    keys = {f"<{each.name[-2:]}>": each.verifier_key.text() for each in (W1, W2, W3)}
    for mark, vkey in keys.items():
        text = text.replace(mark, vkey)
    return Trust(witnesses=parse_policy(text), unpinned=Unpinned.SELF_ASSERTED)


def judged(*witnesses: Cosigner, trust: Trust | None = None, **options: Any) -> Verdict:
    return verify(cosigned(PROOF, *witnesses).encode(), trust, DATA, **options)


def leg_of(*witnesses: Cosigner, trust: Trust | None = None, **options: Any) -> Leg:
    return judged(*witnesses, trust=trust, **options).leg("witnesses")


def test_enough_trusted_witnesses_establish_the_leg():
    """R18: k of n witnesses, and when they saw the checkpoint."""
    verdict = judged(W1, W2, trust=trusting(2, W1, W2, W3))
    leg = verdict.leg("witnesses")
    assert (leg.status, leg.basis) == (Status.ESTABLISHED, "2 of 3 witnesses")
    assert leg.facts == {
        "witnesses": [W1.name, W2.name],
        "first_seen": COSIGNED_AT,
        "last_seen": COSIGNED_AT,
    }
    assert (verdict.exit_code, verdict.ignored) == (0, ())


def test_a_policy_text_says_who_is_enough():
    """R21: groups, and a quorum of one of them."""
    text = "witness A <w1>\nwitness B <w2>\nwitness C <w3>\ngroup G 2 A B C\nquorum G\n"
    assert leg_of(W1, W3, trust=named(text)).status is Status.ESTABLISHED
    assert leg_of(W1, trust=named(text)).code == "witnesses.no_quorum"


def test_the_keys_need_not_be_carried():
    data = cosigned(PROOF, W1, carry=()).encode()
    assert verify(data, trusting(1, W1), DATA).leg("witnesses").status is Status.ESTABLISHED
    unknown = verify(data, None, DATA)
    assert unknown.leg("witnesses").code == "witnesses.not_carried"
    assert len(unknown.ignored) == 1


def test_too_few_are_no_quorum_and_the_verdict_says_so():
    verdict = judged(W1, trust=trusting(2, W1, W2))
    assert (verdict.exit_code, verdict.leg("witnesses").code) == (2, "witnesses.no_quorum")
    assert verdict.leg("witnesses").detail.startswith("1 of 2 witnesses")


def test_without_trusted_witnesses_the_leg_counts_as_not_carried():
    """`none_trusted` changes nothing unless the leg is required."""
    verdict = judged(W1, W2)
    assert (verdict.exit_code, verdict.leg("witnesses").code) == (0, "witnesses.none_trusted")
    assert len(verdict.ignored) == 2
    assert judged(W1, require=["witnesses"]).exit_code == 2
    nobody = named("witness A <w1>\nquorum none\n")
    assert leg_of(W1, trust=nobody).code == "witnesses.none_trusted"


def test_lines_of_others_are_ignored_beside_those_that_count():
    verdict = judged(W1, W2, trust=trusting(1, W1))
    assert verdict.leg("witnesses").basis == "1 of 1 witnesses"
    assert [line.split()[1] for line in verdict.ignored] == [W2.name]


def test_a_public_key_counts_once_even_under_two_names():
    """§12 tamper 43: a quorum of two is not met by one witness twice."""
    verdict = judged(W1, SAME_KEY, trust=trusting(2, W1, W2))
    assert verdict.leg("witnesses").code == "witnesses.no_quorum"
    note = cosigned(PROOF, W1, W1)
    twice = verify(note.encode(), trusting(2, W1, W2), DATA)
    assert twice.leg("witnesses").code == "witnesses.no_quorum"


@pytest.mark.parametrize("trust", [None, trusting(1, W1), trusting(1, W2)])
def test_a_bad_line_of_a_known_key_refutes(trust: Trust | None):
    """R14: known are the trusted keys and the carried ones."""
    assert PROOF.checkpoint is not None
    other = line_of(PROOF.checkpoint.note.replace("\n5\n", "\n6\n"), W1)
    data = edited(cosigned(PROOF, carry=[W1]), lambda top: add_line(top, other))
    verdict = verify(data, trust, DATA)
    assert verdict.leg("witnesses").code == "witnesses.bad_signature"
    assert verdict.leg("checkpoint").status is Status.ESTABLISHED


def test_a_bad_line_of_a_trusted_key_refutes_though_it_is_not_carried():
    assert PROOF.checkpoint is not None
    other = line_of(PROOF.checkpoint.note.replace("\n5\n", "\n6\n"), W1)
    data = edited(PROOF, lambda top: add_line(top, other))
    assert verify(data, trusting(1, W1), DATA).leg("witnesses").status is Status.REFUTED
    assert verify(data, None, DATA).exit_code == 0


def test_a_carried_key_that_has_not_signed_refutes():
    data = cosigned(PROOF, W1, carry=[W1, W2]).encode()
    leg = verify(data, trusting(1, W1), DATA).leg("witnesses")
    assert leg.code == "witnesses.bad_signature"
    assert W2.name in leg.detail


def test_witnesses_rest_on_the_checkpoint():
    data = edited(cosigned(PROOF, W1), lambda top: top["checkpoint"].update(note="moon\n"))
    assert verify(data, None, DATA).leg("witnesses").code == "witnesses.blocked"


def test_post_quantum_witnesses_count_alike():
    """R19: type 06 over origin, size and root."""
    witness = post_quantum("w44")
    assert leg_of(witness, W1, trust=trusting(2, witness, W1)).status is Status.ESTABLISHED
    data = edited(cosigned(PROOF, witness), lambda top: top["checkpoint"].update(note=moved(top)))
    verdict = verify(data, trusting(1, witness), DATA)
    assert verdict.leg("witnesses").code == "witnesses.bad_signature"


def test_the_log_own_post_quantum_key_is_no_witness():
    """R17: one type-06 line of the log itself belongs to the leg `checkpoint`."""
    own = own_post_quantum()
    verdict = judged(own)
    assert verdict.leg("witnesses").code == "witnesses.not_carried"
    assert verdict.leg("checkpoint").facts["keys"] == [
        log_vkey().text(),
        own.verifier_key.text(),
    ]
    assert verdict.ignored == ()
    pinned = Trust(
        logs=(LogPin(ORIGIN, (log_vkey(), own.verifier_key)),), unpinned=Unpinned.SELF_ASSERTED
    )
    assert judged(own, trust=pinned).leg("checkpoint").basis == "pinned log key"
    assert judged(trust=pinned).leg("checkpoint").basis == "pinned log key"
    classic = Trust(logs=(LogPin(ORIGIN, (log_vkey(),)),))
    assert judged(own, trust=classic).leg("checkpoint").code == "checkpoint.key_mismatch"
    data = edited(cosigned(PROOF, own), lambda top: top["checkpoint"].update(note=moved(top)))
    assert verify(data, None, DATA).leg("checkpoint").code == "checkpoint.bad_signature"
    unsigned = verify(cosigned(PROOF, carry=[own]).encode(), None, DATA)
    assert unsigned.leg("checkpoint").code == "checkpoint.no_log_signature"


def test_a_note_under_the_post_quantum_key_alone_is_not_the_log_word():
    """R17: one type-01 line, always."""
    own = own_post_quantum()

    def strip(top: dict[str, Any]) -> None:
        text = top["checkpoint"]["note"].partition("\n\n")[0] + "\n"
        top["checkpoint"]["note"] = text + "\n" + own.sign(text, 1).line() + "\n"

    data = edited(cosigned(PROOF, own), strip)
    assert verify(data, None, DATA).leg("checkpoint").code == "checkpoint.no_log_signature"


def add_line(top: dict[str, Any], line: str) -> None:
    top["checkpoint"]["note"] += line


def moved(top: dict[str, Any]) -> str:
    """Return the note with the time of its last line a second later."""
    head, _, line = top["checkpoint"]["note"].rstrip("\n").rpartition(" ")
    blob = bytearray(base64_decode(line))
    blob[11] ^= 1
    return f"{head} {base64_encode(bytes(blob))}\n"
