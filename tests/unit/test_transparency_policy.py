from __future__ import annotations

import pytest

from lodestamp.core.keys import Mldsa44Key, SigningKey
from lodestamp.core.merkle import EMPTY_ROOT
from lodestamp.core.transparency import (
    ED25519_COSIGNATURE,
    Checkpoint,
    Cosigner,
    Note,
    NoteSigner,
    VerifierKey,
    parse_policy,
    quorum_met,
    threshold_policy,
    verify_cosignatures,
)
from lodestamp.core.transparency.policy import POLICY_ENTRIES_MAX, POLICY_SIZE_MAX
from lodestamp.errors import TrustError

LOG = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x09" * 32)).verifier_key
COSIGNERS = [
    Cosigner(f"witness.example/w{i}", SigningKey.from_seed("ed25519", bytes([i]) * 32))
    for i in range(6)
]
KEYS = [each.verifier_key for each in COSIGNERS]
PQ = Cosigner("witness.example/pq", Mldsa44Key.from_seed(bytes(32)))
TWO_LEVELS = f"""# two organisations
log {LOG} https://log.example

  witness X1 {KEYS[0]}\t https://x1.example
witness X2 {KEYS[1]}
witness X3 {KEYS[2]}
group X-witnesses 2 X1 X2 X3
\t# the others
witness Y1 {KEYS[3]}
witness Y2 {PQ.verifier_key}
group Y-witnesses any Y1 Y2
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def refusal(text):
    with pytest.raises(TrustError) as refused:
        parse_policy(text)
    assert refused.value.code == "bad-policy"
    return refused.value.message


def test_r21_a_policy_of_groups_of_groups_is_met_by_enough_of_each():
    policy = parse_policy(TWO_LEVELS)
    assert policy.logs[0].vkey == LOG
    assert policy.logs[0].url == "https://log.example"
    assert policy.witnesses[0].url == "https://x1.example"
    assert policy.witnesses[1].url is None
    assert quorum_met(policy, {"X1", "X3", "Y2"})
    assert not quorum_met(policy, {"X1", "X2", "X3"})
    assert not quorum_met(policy, {"X1", "Y1", "Y2"})
    assert not quorum_met(policy, {"X-and-Y", "X-witnesses", "Y-witnesses"})  # no witness is that


def test_r21_a_quorum_of_none_is_met_by_nobody_and_one_witness_may_be_all():
    assert quorum_met(parse_policy("quorum none"), ())
    single = parse_policy(f"witness W {KEYS[0]}\nquorum W\n")
    assert quorum_met(single, ["W"])
    assert not quorum_met(single, ["V"])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no quorum"),
        ("log {0}\nquorum none\n", "no key of type"),
        ("witness W {L}\nquorum W\n", "no key of type"),
        ("witness W {0}\nquorum W\nquorum W\n", "line 3: not a policy: there is a quorum already"),
        ("quorum W\nwitness W {0}\n", "not defined above"),
        ("group G any W\nwitness W {0}\nquorum G\n", "not defined above"),
        ("witness W {0}\nwitness W {1}\nquorum W\n", "defined already"),
        ("witness none {0}\nquorum none\n", "defined already"),
        ("witness W {0}\ngroup W any W\nquorum W\n", "defined already"),
        ("witness W {0}\ngroup G any none\nquorum G\n", "not defined above"),
        ("witness V {0}\nwitness W {0}\nquorum W\n", "that of another witness"),
        ("log {L}\nlog {L}\nquorum none\n", "that of another log"),
        ("witness W {0}\ngroup G 1 W W\nquorum G\n", "a member already"),
        ("witness W {0}\ngroup G any W\ngroup H any W\nquorum G\n", "a member already"),
        ("witness W {0}\ngroup G 2 W\nquorum G\n", "2 of 1 members"),
        ("witness W {0}\ngroup G 0 W\nquorum G\n", "no number of members"),
        ("witness W {0}\ngroup G 01 W\nquorum G\n", "no number of members"),
        ("witness W {0}\ngroup G some W\nquorum G\n", "no number of members"),
        ("witness W {0}\ngroup G any\nquorum G\n", "group NAME"),
        ("witness W\nquorum none\n", "witness NAME"),
        ("log\nquorum none\n", "log VKEY"),
        ("log {L} url more\nquorum none\n", "log VKEY"),
        ("quorum\n", "quorum NAME"),
        ("quorum none none\n", "quorum NAME"),
        ("trust me\nquorum none\n", "begins no definition"),
        ("log x\nquorum none\n", "name+id+key"),
        ("quorum none\r\n", "control character"),
        ("quorum none\x7f\n", "control character"),
        ("quorum\u00a0none\n", "begins no definition"),
    ],
)
def test_r21_what_is_no_policy_is_refused_and_says_why(text, word):
    filled = text.replace("{L}", str(LOG)).replace("{0}", str(KEYS[0])).replace("{1}", str(KEYS[1]))
    assert word in refusal(filled)


def test_attack_43_one_witness_under_two_names_is_refused():
    twin = VerifierKey("witness.example/other", ED25519_COSIGNATURE, KEYS[0].public)
    text = f"witness A {KEYS[0]}\nwitness B {twin}\ngroup G all A B\nquorum G\n"
    assert "that of another witness" in refusal(text)
    with pytest.raises(TrustError):
        threshold_policy(2, [KEYS[0], twin])


def test_a_policy_has_its_limits():
    assert "characters" in refusal("#" * (POLICY_SIZE_MAX + 1))
    keys = [
        VerifierKey("w", ED25519_COSIGNATURE, i.to_bytes(32, "big"))
        for i in range(POLICY_ENTRIES_MAX + 1)
    ]
    lines = [f"witness {i} {key}\n" for i, key in enumerate(keys)]
    assert "more than 256" in refusal("".join(lines) + "quorum none\n")
    assert len(parse_policy("".join(lines[1:]) + "quorum none\n").witnesses) == 256


def test_any_k_of_some_keys_are_a_policy_too():
    policy = threshold_policy(2, KEYS[:3])
    names = [witness.name for witness in policy.witnesses]
    assert not quorum_met(policy, names[:1])
    assert quorum_met(policy, names[1:])
    for threshold in (0, 4, -1):
        with pytest.raises(TrustError):
            threshold_policy(threshold, KEYS[:3])


def test_a_witness_that_signed_twice_counts_once():
    text = Checkpoint("log.example/a", 0, EMPTY_ROOT).text()
    policy = threshold_policy(2, KEYS[:2])
    lines = tuple(COSIGNERS[0].sign(text, time) for time in (1, 2))
    said = verify_cosignatures(Note(text, lines), policy.witness_keys)
    assert len(said) == 2
    assert not quorum_met(policy, policy.cosigners(said))
    other = verify_cosignatures(Note(text, (COSIGNERS[1].sign(text, 3),)), policy.witness_keys)
    assert quorum_met(policy, policy.cosigners((*said, *other)))
